#include "loop/loop.h"
#include <assert.h>
#include <sys/resource.h>
#include <uv.h>

enum { POOL_NICE = 19 }; /* below the loop */

struct loop {
	uv_loop_t uv; /* first */
	uv_idle_t soon;
	struct loop_timer *soon_first, **soon_end; /* timers that are due at once, oldest first */
};

struct loop *loop_new(void)
{
	struct loop *l = xcalloc(1, sizeof *l);

	if (uv_loop_init(&l->uv) != 0)
		abort(); /* no descriptors at start: nothing can be served */
	l->soon_end = &l->soon_first;
	(void)uv_idle_init(&l->uv, &l->soon);
	return l;
}

void loop_run(struct loop *l)
{
	(void)uv_run(&l->uv, UV_RUN_DEFAULT);
}

void loop_stop(struct loop *l)
{
	uv_stop(&l->uv);
}

/* Every handle but `soon` is the first member of the struct that was allocated for it. */
static void free_handle(uv_handle_t *h)
{
	free(h);
}

static void close_left(uv_handle_t *h, void *arg)
{
	(void)arg;
	if (!uv_is_closing(h))
		uv_close(h, free_handle);
}

struct loop *loop_free(struct loop *l)
{
	if (!l)
		return NULL;
	uv_close((uv_handle_t *)&l->soon, NULL);
	uv_walk(&l->uv, close_left, NULL);
	while (uv_run(&l->uv, UV_RUN_DEFAULT) != 0)
		; /* a loop_stop() that nobody ran into ends the first run at once */
	(void)uv_loop_close(&l->uv);
	free(l);
	return NULL;
}

/* --- timers --- */

struct loop_timer {
	uv_timer_t uv;
	loop_fn *fn;
	void *arg;
	int64_t every_ms;
	struct loop_timer *next, **at; /* among those that are due at once; at NULL: it is not */
};

static void on_timer(uv_timer_t *uv)
{
	struct loop_timer *t = (struct loop_timer *)uv;

	t->fn(t->arg);
}

struct loop_timer *loop_timer_new(struct loop *l, loop_fn *fn, void *arg)
{
	struct loop_timer *t = xcalloc(1, sizeof *t);

	(void)uv_timer_init(&l->uv, &t->uv);
	t->fn = fn;
	t->arg = arg;
	return t;
}

static struct loop *loop_of(const struct loop_timer *t)
{
	return (struct loop *)t->uv.loop;
}

static void not_soon(struct loop_timer *t)
{
	if (!t->at)
		return;
	*t->at = t->next;
	if (t->next)
		t->next->at = t->at;
	else if (loop_of(t)->soon_end == &t->next)
		loop_of(t)->soon_end = t->at;
	t->at = NULL;
}

/* Those that are set while these run come the next time, when descriptors have had their turn. */
static void on_soon(uv_idle_t *uv)
{
	struct loop *l = (struct loop *)uv->loop;
	struct loop_timer *now = l->soon_first, *t;

	if (now)
		now->at = &now;
	l->soon_first = NULL;
	l->soon_end = &l->soon_first;
	while ((t = now) != NULL) {
		not_soon(t);
		if (t->every_ms)
			(void)uv_timer_start(&t->uv, on_timer, (uint64_t)t->every_ms, (uint64_t)t->every_ms);
		t->fn(t->arg);
	}
	if (!l->soon_first)
		(void)uv_idle_stop(uv);
}

/* libuv would call a timer that sets itself to 0 again and again, and look at nothing else. */
static void set_soon(struct loop_timer *t)
{
	struct loop *l = loop_of(t);

	if (uv_is_closing((uv_handle_t *)&l->soon)) /* loop_free() */
		return;
	t->next = NULL;
	t->at = l->soon_end;
	*l->soon_end = t;
	l->soon_end = &t->next;
	(void)uv_idle_start(&l->soon, on_soon);
}

void loop_timer_set(struct loop_timer *t, int64_t after_ms, int64_t every_ms)
{
	loop_timer_stop(t);
	t->every_ms = every_ms;
	if (after_ms <= 0) {
		set_soon(t);
		return;
	}
	uv_update_time(t->uv.loop);
	(void)uv_timer_start(&t->uv, on_timer, (uint64_t)after_ms, (uint64_t)every_ms);
}

void loop_timer_stop(struct loop_timer *t)
{
	not_soon(t);
	(void)uv_timer_stop(&t->uv);
}

struct loop_timer *loop_timer_free(struct loop_timer *t)
{
	if (!t)
		return NULL;
	not_soon(t);
	uv_close((uv_handle_t *)&t->uv, free_handle);
	return NULL;
}

/* --- descriptors --- */

struct loop_watch {
	uv_poll_t uv;
	int events;
	loop_fn *fn;
	void *arg;
};

static void on_ready(uv_poll_t *uv, int status, int events)
{
	struct loop_watch *w = (struct loop_watch *)uv;

	(void)status, (void)events; /* an error shows when fn reads */
	w->fn(w->arg);
}

bool loop_watch_new(struct loop *l, int fd, loop_fn *fn, void *arg, struct loop_watch **ret, struct error *e)
{
	struct loop_watch *w = xcalloc(1, sizeof *w);
	int rc = uv_poll_init(&l->uv, &w->uv, fd);

	if (rc != 0) {
		free(w);
		return error_errno(e, -rc, "watch a descriptor");
	}
	w->fn = fn;
	w->arg = arg;
	loop_watch_set(w, true, false);
	*ret = w;
	return true;
}

void loop_watch_writable(struct loop_watch *w, bool too)
{
	loop_watch_set(w, true, too);
}

void loop_watch_set(struct loop_watch *w, bool readable, bool writable)
{
	int events = (readable ? UV_READABLE : 0) | (writable ? UV_WRITABLE : 0);

	/* Starting it again costs two system calls. After an error libuv has stopped it. */
	if (events == w->events && uv_is_active((uv_handle_t *)&w->uv))
		return;
	w->events = events;
	(void)uv_poll_start(&w->uv, events, on_ready);
}

struct loop_watch *loop_watch_free(struct loop_watch *w)
{
	if (w)
		uv_close((uv_handle_t *)&w->uv, free_handle);
	return NULL;
}

/* --- signals --- */

struct loop_signal {
	uv_signal_t uv;
	loop_fn *fn;
	void *arg;
};

static void on_signal(uv_signal_t *uv, int signum)
{
	struct loop_signal *s = (struct loop_signal *)uv;

	(void)signum;
	s->fn(s->arg);
}

void loop_on_signal(struct loop *l, int signum, loop_fn *fn, void *arg)
{
	struct loop_signal *s = xcalloc(1, sizeof *s);

	(void)uv_signal_init(&l->uv, &s->uv);
	s->fn = fn;
	s->arg = arg;
	(void)uv_signal_start(&s->uv, on_signal, signum);
}

/* --- from other threads --- */

struct loop_wake {
	uv_async_t uv;
	loop_fn *fn;
	void *arg;
};

static void on_wake(uv_async_t *uv)
{
	struct loop_wake *w = (struct loop_wake *)uv;

	w->fn(w->arg);
}

struct loop_wake *loop_wake_new(struct loop *l, loop_fn *fn, void *arg)
{
	struct loop_wake *w = xcalloc(1, sizeof *w);

	if (uv_async_init(&l->uv, &w->uv, on_wake) != 0)
		abort();
	w->fn = fn;
	w->arg = arg;
	return w;
}

void loop_wake_send(struct loop_wake *w)
{
	(void)uv_async_send(&w->uv);
}

struct loop_wake *loop_wake_free(struct loop_wake *w)
{
	if (w)
		uv_close((uv_handle_t *)&w->uv, free_handle);
	return NULL;
}

/* --- blocking work --- */

struct work {
	uv_work_t uv;
	loop_fn *run, *done;
	void *arg;
};

/*
 * Whoever can be answered at once goes first: a hash takes a core for 30 ms, and the loop may have to share that core.
 */
static void give_way(void)
{
	pid_t thread = gettid();

	if (getpriority(PRIO_PROCESS, (id_t)thread) < POOL_NICE)
		(void)setpriority(PRIO_PROCESS, (id_t)thread, POOL_NICE);
}

static void on_pool(uv_work_t *uv)
{
	struct work *w = (struct work *)uv;

	give_way();
	w->run(w->arg);
}

static void on_done(uv_work_t *uv, int status)
{
	struct work *w = (struct work *)uv;

	assert(status == 0); /* we never cancel */
	w->done(w->arg);
	free(w);
}

void loop_work(struct loop *l, loop_fn *run, loop_fn *done, void *arg)
{
	struct work *w = xcalloc(1, sizeof *w);

	w->run = run;
	w->done = done;
	w->arg = arg;
	(void)uv_queue_work(&l->uv, &w->uv, on_pool, on_done);
}
