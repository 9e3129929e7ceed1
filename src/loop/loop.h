/*
 * loop - the one thread that owns all state: timers, descriptors, signals, and the way back
 * from other threads. The only user of libuv.
 *
 * Everything here is called on the loop thread, except loop_wake_send() and the `run` half of
 * loop_work(). Callbacks run on the loop thread, one at a time, and must not block. Objects made
 * here are freed with their own _free function, which may be called from inside their callback;
 * the callback is not called afterwards.
 */
#pragma once
#include "base/error.h"
#include <stdint.h>

struct loop;

struct loop *loop_new(void);
void loop_run(struct loop *l);          /* until loop_stop() */
void loop_stop(struct loop *l);         /* loop_run returns after the current callbacks */
struct loop *loop_free(struct loop *l); /* closes what is left; takes NULL; returns NULL */

typedef void loop_fn(void *arg);

/* A timer, not running until set. Never fires early; resolution 1 ms. */
struct loop_timer;
struct loop_timer *loop_timer_new(struct loop *l, loop_fn *fn, void *arg);
void loop_timer_set(struct loop_timer *t, int64_t after_ms, int64_t every_ms); /* every_ms 0: once */
void loop_timer_stop(struct loop_timer *t);
struct loop_timer *loop_timer_free(struct loop_timer *t); /* takes NULL; returns NULL */

/*
 * Calls fn while fd is readable (level-triggered; a pidfd is readable when its process has ended). fd stays the
 * caller's.
 */
struct loop_watch;
MUST_CHECK bool loop_watch_new(struct loop *l, int fd, loop_fn *fn, void *arg, struct loop_watch **ret,
			       struct error *e);
void loop_watch_writable(struct loop_watch *w, bool too); /* calls fn while fd is writable, too, or no longer */
void loop_watch_set(struct loop_watch *w, bool readable, bool writable); /* which of both calls fn; at least one */
struct loop_watch *loop_watch_free(struct loop_watch *w); /* before the fd is closed; takes NULL; returns NULL */

/* Calls fn on each delivery of the signal. Lives as long as the loop. */
void loop_on_signal(struct loop *l, int signum, loop_fn *fn, void *arg);

/* Other threads' way in: fn runs on the loop soon after loop_wake_send(); several sends may give one call. */
struct loop_wake;
struct loop_wake *loop_wake_new(struct loop *l, loop_fn *fn, void *arg);
void loop_wake_send(struct loop_wake *w); /* any thread */
struct loop_wake *loop_wake_free(struct loop_wake *w);

/* Runs run(arg) on the pool, then done(arg) on the loop. run must touch nothing but arg. */
void loop_work(struct loop *l, loop_fn *run, loop_fn *done, void *arg);
