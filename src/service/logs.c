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
	bool ended;                     /* scanned to its end, for good */
	char name[ATTEMPT_NAME_MAX];
};

struct logs {
	struct loop *loop;
	int run_dirfd;
	struct map *by_name;
	struct log_reader all;          /* list head */
	int idle;
	struct loop_timer *slice;
	bool slicing;
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

/* One slice for one waiting log, then back to the loop. */
static void scan_slice(void *arg)
{
	struct logs *ls = arg;
	struct log_reader *r = ls->all.next;
	struct error e = { 0 };
	bool complete;

	while (r != &ls->all && !r->waiting)
		r = r->next;
	ls->slicing = r != &ls->all;
	if (!ls->slicing)
		return;
	loop_timer_set(ls->slice, 0, 0);
	bool ok = scan(r, r->waiting->ended, &complete, &e);
	if (ok && !complete)
		return;
	while (r->waiting) {
		struct waiter *w = r->waiting;
		bool last = !w->next;

		r->waiting = w->next;
		answer(w, r, ok ? NULL : &e);
		if (last)
			return; /* r may be gone */
	}
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
