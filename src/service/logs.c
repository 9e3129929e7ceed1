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
		drop(ls->all.next);
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

/* Scans one slice. True when the index is complete or cannot be (then *e is set). */
static bool scan(struct log_reader *r, bool ended, struct error *e)
{
	int64_t unseen;

	if (r->ended)
		return true;
	if (!logfile_scan(r->file, LOGS_SLICE, ended, e) || !logfile_unseen(r->file, &unseen, e))
		return true;
	/* A running driver may write faster than we read: what is there now is enough. */
	if (unseen > 0 && (ended || unseen > LOGS_SLICE))
		return false;
	r->ended = ended;
	return true;
}

static void answer(struct waiter *w, struct log_reader *r, const struct error *e)
{
	if (e->code)
		w->fn(w->arg, NULL, NULL, e);
	else
		w->fn(w->arg, r->file, r, e);
	if (e->code)
		logs_close(r);
	free(w);
}

/* One slice for one waiting log, then back to the loop. */
static void scan_slice(void *arg)
{
	struct logs *ls = arg;
	struct log_reader *r = ls->all.next;
	struct error e = { 0 };

	while (r != &ls->all && !r->waiting)
		r = r->next;
	ls->slicing = r != &ls->all;
	if (!ls->slicing)
		return;
	loop_timer_set(ls->slice, 0, 0);
	if (!scan(r, r->waiting->ended, &e))
		return;
	for (struct waiter *w = r->waiting, *next; w; w = next) {
		next = w->next;
		r->waiting = next;
		answer(w, r, &e);
	}
}

void logs_read(struct logs *ls, const char *attempt_name, bool ended, logs_fn *fn, void *arg)
{
	struct log_reader *r = get(ls, attempt_name);
	struct waiter *w = xcalloc(1, sizeof *w);
	struct error e = { 0 };

	*w = (struct waiter){ .next = r->waiting, .fn = fn, .arg = arg, .ended = ended };
	if (!r->waiting && scan(r, ended, &e)) {
		answer(w, r, &e);
		return;
	}
	r->waiting = w;
	if (!ls->slicing)
		loop_timer_set(ls->slice, 0, 0);
	ls->slicing = true;
}
