/* What its directory and its processes tell of an attempt that was started, or that another florusd started. */
#include "base/clock.h"
#include "base/proc.h"
#include "run/attempt-priv.h"
#include "run/rundir.h"
#include <signal.h>
#include <stdio.h>
#include <string.h>

enum {
	LOOK_RETRY_MS = 1000, /* when a directory could not be read */
	POLL_MS = 50,         /* while something is about to happen in a directory */
	LOST_WAIT_MS = 1000,  /* for the launcher to write down how a killed shim's driver ended */
};

static void on_pidfd(void *arg);

bool attempt_follow(struct attempt *a, const struct record_process *who, bool is_shim)
{
	struct error e;
	struct proc p;

	attempt_drop_pidfd(a);
	if (strcmp(who->boot_id, attempt_boot_id()) != 0)
		return false;
	a->pidfd = proc_open(who->pid, who->start_ticks);
	/* Ended but not reaped counts as gone: its pidfd would be readable again and again. */
	if (a->pidfd < 0 || !proc_read(who->pid, &p) || p.state == 'Z' ||
	    !loop_watch_new(a->runner->loop, a->pidfd, on_pidfd, a, &a->pidfd_watch, &e)) {
		attempt_drop_pidfd(a);
		return false;
	}
	a->pidfd_of_shim = is_shim;
	a->followed_shim = a->followed_shim || is_shim;
	return true;
}

static void finish_ended(struct attempt *a, const struct rundir *d)
{
	static const enum attempt_end_kind kinds[] = {
		[RECORD_EXITED] = ATTEMPT_END_EXIT,
		[RECORD_SIGNALED] = ATTEMPT_END_SIGNAL,
		[RECORD_NO_EXEC] = ATTEMPT_END_EXEC,
	};
	struct attempt_report report = {
		.event = ATTEMPT_ENDED,
		.end = kinds[d->exit.kind],
		.code = d->exit.code,
		.started_wall_ms = d->exit.started_wall_ms ? d->exit.started_wall_ms : d->started_wall_ms,
		.ended_wall_ms = d->exit.ended_wall_ms,
	};

	(void)snprintf(report.why, sizeof report.why, "%s", d->exit.why);
	attempt_finish(a, &report);
}

static void finish_lost(struct attempt *a, const struct rundir *d, const char *why)
{
	struct attempt_report report = { .event = ATTEMPT_ENDED,
					 .end = ATTEMPT_END_LOST,
					 .started_wall_ms = d->started_wall_ms };

	(void)snprintf(report.why, sizeof report.why, "%s", why);
	attempt_finish(a, &report);
}

static void look_starting(struct attempt *a, const struct rundir *d)
{
	int64_t now_ms = clock_now_ms();

	loop_timer_set(a->timer, POLL_MS, 0);
	if (!a->starting_until_ms)
		a->starting_until_ms = now_ms + STARTING_MAX_MS;
	if (a->killing && d->has_shim)
		(void)proc_signal(d->shim.pid, d->shim.start_ticks, SIGTERM);
	if (now_ms < a->starting_until_ms)
		return;
	/* GO is only sent to a shim that has written its record: without one it can never start. */
	if (!d->has_shim) {
		attempt_never(a, "its shim did not come up");
		return;
	}
	(void)proc_signal(d->shim.pid, d->shim.start_ticks, SIGKILL);
	a->starting_until_ms = now_ms + STARTING_KILL_MS;
}

static void look_running(struct attempt *a, const struct rundir *d)
{
	int64_t now_ms = clock_now_ms();

	if (!d->has_shim || !attempt_follow(a, &d->shim, true))
		loop_timer_set(a->timer, d->has_shim ? POLL_MS : LOOK_RETRY_MS, 0); /* it ends just now */
	if (!a->starting_until_ms)
		a->starting_until_ms = now_ms + STARTING_MAX_MS;
	/* Between `started` and the driver's record there is only an exec. */
	if (!d->has_driver && now_ms < a->starting_until_ms && !a->told_started)
		loop_timer_set(a->timer, POLL_MS, 0);
	else
		attempt_tell_started(a, d->has_driver ? d->driver.pid : 0, d->started_wall_ms);
}

static void look_orphan(struct attempt *a, const struct rundir *d)
{
	bool driver_lives = d->has_driver && attempt_follow(a, &d->driver, false);

	if (!driver_lives)
		loop_timer_set(a->timer, POLL_MS, 0); /* nothing but the lock tells when the rest is gone */
	if (a->shim_kills)
		attempt_kill_orphan(a);
	if (d->has_driver && !driver_lives)
		attempt_kill(a); /* a driver that has ended is over, and what it left goes */
	attempt_tell_started(a, d->has_driver ? d->driver.pid : 0, d->started_wall_ms);
}

/* True while the launcher may still write how a driver ended whose shim was killed before our eyes. */
static bool launcher_may_know(struct attempt *a)
{
	int64_t now_ms = clock_now_ms();

	if (!a->followed_shim)
		return false;
	if (!a->lost_until_ms)
		a->lost_until_ms = now_ms + LOST_WAIT_MS;
	return now_ms < a->lost_until_ms;
}

void attempt_look(struct attempt *a)
{
	struct rundir d;
	struct error e;

	attempt_drop_pidfd(a);
	loop_timer_stop(a->timer);
	if (!rundir_look(a->runner->config.run_dirfd, a->name, &d, &e)) {
		loop_timer_set(a->timer, LOOK_RETRY_MS, 0);
		return;
	}
	switch (rundir_verdict(&d, a->same_boot)) {
	case RUNDIR_NEVER:
		/*
		 * A directory that somebody removed says nothing: what we know to have run, or may have, is not
		 * repeated.
		 */
		if (a->told_started || (a->told_go && !d.exists))
			finish_lost(a, &d, "exit status lost: its directory was removed");
		else
			attempt_never(a, "it was not started");
		break;
	case RUNDIR_STARTING:
		look_starting(a, &d);
		break;
	case RUNDIR_RUNNING:
		look_running(a, &d);
		break;
	case RUNDIR_ORPHAN:
		look_orphan(a, &d);
		break;
	case RUNDIR_ENDED:
		finish_ended(a, &d);
		break;
	case RUNDIR_LOST:
		if (launcher_may_know(a))
			loop_timer_set(a->timer, POLL_MS, 0);
		else
			finish_lost(a, &d, "exit status lost: its shim was killed");
		break;
	case RUNDIR_LOST_BOOT:
		finish_lost(a, &d,
			    d.started ? "the host was restarted" : "the host was restarted while it was starting");
		break;
	}
}

static void on_pidfd(void *arg)
{
	struct attempt *a = arg;

	if (a->control_fd >= 0) {
		attempt_hear(a); /* its last words first, one at a time: we are called again */
		return;
	}
	attempt_enter(a, PHASE_FOLLOW);
	attempt_look(a);
}
