#include "service/logs.h"
#include "base/map.h"
#include "run/attempt.h"
#include <stdio.h>

struct waiter {
	struct waiter *next;
	logs_fn *fn;
	void *arg;
	bool ended;
};

struct log_reader {
	struct logs *of;
	struct log_reader *prev, *next; /* least recently used first */
	struct logfile *file;
	struct waiter *waiting;
	int readers;
	bool ended;     /* scanned to its end, for good */
	bool forgotten; /* not kept open once nobody reads it */
	char name[ATTEMPT_NAME_MAX];
};

struct logs {
	struct loop *loop;
	int run_dirfd;
	struct map *by_name;
	struct log_reader all; /* list head */
	int idle;
	struct loop_timer *slice;
	bool slicing, stopping;
};

static void scan_slice(void *arg);

struct logs *logs_new(struct loop *l, int run_dirfd)
{
	struct logs *ls = xcalloc(1, sizeof *ls);

	ls->loop = l;
	ls->run_dirfd = run_dirfd;
	ls->by_name = map_new();
	ls->all.prev = ls->all.next = &ls->all;
	ls->slice = loop_timer_new(l, scan_slice, ls);
	return ls;
}

static void link_last(struct log_reader *r)
{
	struct log_reader *head = &r->of->all;

	r->prev = head->prev;
	r->next = head;
	r->prev->next = r->next->prev = r;
}

static void drop(struct log_reader *r)
{
	r->prev->next = r->next;
	r->next->prev = r->prev;
	map_del(r->of->by_name, r->name);
	(void)logfile_free(r->file);
	free(r);
}

struct logs *logs_free(struct logs *ls)
{
	if (!ls)
		return NULL;
	while (ls->all.next != &ls->all)
		drop(ls->all.next); /* NOLINT(clang-analyzer-unix.Malloc): it unlinks itself, next is another one */
	ls->slice = loop_timer_free(ls->slice);
	ls->by_name = map_free(ls->by_name);
	free(ls);
	return NULL;
}

static struct log_reader *get(struct logs *ls, const char *name)
{
	struct log_reader *r = map_get(ls->by_name, name);

	if (r) {
		r->prev->next = r->next;
		r->next->prev = r->prev;
		ls->idle -= r->readers == 0;
	} else {
		r = xcalloc(1, sizeof *r);
		r->of = ls;
		(void)snprintf(r->name, sizeof r->name, "%s", name);
		r->file = logfile_new(ls->run_dirfd, name);
		map_set(ls->by_name, r->name, r);
	}
	link_last(r);
	r->readers++;
	return r;
}

void logs_close(struct log_reader *r)
{
	struct logs *ls;

	if (!r || --r->readers > 0)
		return;
	if (r->forgotten) {
		drop(r);
		return;
	}
	ls = r->of;
	ls->idle++;
	for (struct log_reader *old = ls->all.next, *next; ls->idle > LOGS_OPEN_MAX && old != &ls->all; old = next) {
		next = old->next;
		if (old->readers > 0)
			continue;
		drop(old);
		ls->idle--;
	}
}

void logs_forget(struct logs *ls, const char *attempt_name)
{
	struct log_reader *r = map_get(ls->by_name, attempt_name);

	if (!r)
		return;
	r->forgotten = true;
	if (r->readers == 0) {
		ls->idle--;
		drop(r);
	}
}

/* Scans one slice; *ret_complete says whether the index now holds all there is. */
static bool scan(struct log_reader *r, bool ended, bool *ret_complete, struct error *e)
{
	int64_t unseen;

	*ret_complete = r->ended;
	if (r->ended)
		return true;
	if (!logfile_scan(r->file, LOGS_SLICE, ended, e) || !logfile_unseen(r->file, &unseen, e))
		return false;
	/* A running driver may write faster than we read: all but a slice is near enough. */
	*ret_complete = unseen == 0 || (!ended && unseen <= LOGS_SLICE);
	r->ended = ended && *ret_complete;
	return true;
}

/* e NULL: the file is ready. */
static void answer(struct waiter *w, struct log_reader *r, const struct error *e)
{
	const struct error none = { 0 };

	w->fn(w->arg, e ? NULL : r->file, e ? NULL : r, e ? e : &none);
	if (e)
		logs_close(r);
	free(w);
}

/* Ends the waiting of all who wait for this log, which may be gone afterwards. */
static void answer_all(struct log_reader *r, const struct error *e)
{
	for (bool more = r->waiting; more;) {
		struct waiter *w = r->waiting;

		r->waiting = w->next;
		more = w->next;
		answer(w, r, e);
	}
}

static struct log_reader *first_waiting(const struct logs *ls)
{
	for (struct log_reader *r = ls->all.next; r != &ls->all; r = r->next)
		if (r->waiting)
			return r;
	return NULL;
}

static void refuse_stopping(struct error *e)
{
	(void)error_set(e, ERR_UNAVAILABLE, "Florus is stopping");
}

void logs_stop(struct logs *ls)
{
	struct error e;

	refuse_stopping(&e);
	ls->stopping = true;
	for (struct log_reader *r; (r = first_waiting(ls)) != NULL;)
		answer_all(r, &e);
}

/* One slice for one waiting log, then back to the loop. */
static void scan_slice(void *arg)
{
	struct logs *ls = arg;
	struct log_reader *r = first_waiting(ls);
	struct error e = { 0 };
	bool complete;

	ls->slicing = r != NULL;
	if (!r)
		return;
	loop_timer_set(ls->slice, 0, 0);
	bool ok = scan(r, r->waiting->ended, &complete, &e);
	if (ok && !complete)
		return;
	answer_all(r, ok ? NULL : &e);
}

void logs_read(struct logs *ls, const char *attempt_name, bool ended, logs_fn *fn, void *arg)
{
	struct log_reader *r = get(ls, attempt_name);
	struct waiter *w = xcalloc(1, sizeof *w);
	struct error e = { 0 };
	bool complete;

	*w = (struct waiter){ .next = r->waiting, .fn = fn, .arg = arg, .ended = ended };
	if (!r->waiting) {
		bool ok = scan(r, ended, &complete, &e);

		if (ok && !complete && r->of->stopping) {
			refuse_stopping(&e);
			ok = false;
		}
		if (!ok || complete) {
			answer(w, r, ok ? NULL : &e);
			return;
		}
	}
	r->waiting = w;
	if (!ls->slicing)
		loop_timer_set(ls->slice, 0, 0);
	ls->slicing = true;
}
