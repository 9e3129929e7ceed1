/* Birth, timer, killing and end of an attempt. What comes between is in attempt-launch.c and attempt-watch.c. */
#include "base/clock.h"
#include "base/proc.h"
#include "run/attempt-priv.h"
#include "run/orphan.h"
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

enum {
	SHIM_OVERDUE_MS = 1000, /* after the grace, when we take the killing into our own hands */
	KILL_AGAIN_MS = 1000,
};

const char *attempt_boot_id(void)
{
	static char id[RECORD_BOOT_ID_LEN + 1];
	struct error e;

	if (!id[0] && !record_boot_id(id, &e))
		abort(); /* no /proc: no process can be told from another */
	return id;
}

void attempt_name(char to[ATTEMPT_NAME_MAX], int64_t batch_id, int attempt, const char *nonce)
{
	(void)snprintf(to, ATTEMPT_NAME_MAX, "%" PRId64 ".%d.%s", batch_id, attempt, nonce);
}

void attempt_drop_control(struct attempt *a)
{
	a->control_watch = loop_watch_free(a->control_watch);
	closep(&a->control_fd);
	a->control_fd = -1;
}

void attempt_drop_pidfd(struct attempt *a)
{
	a->pidfd_watch = loop_watch_free(a->pidfd_watch);
	closep(&a->pidfd);
	a->pidfd = -1;
	a->pidfd_of_shim = false;
}

static void dequeue(struct attempt *a)
{
	struct runner *r = a->runner;

	*(a->prev ? &a->prev->next : &r->first) = a->next;
	*(a->next ? &a->next->prev : &r->last) = a->prev;
	a->prev = a->next = NULL;
}

void attempt_enter(struct attempt *a, enum attempt_phase phase)
{
	if (a->phase == PHASE_QUEUED)
		dequeue(a);
	if (a->phase == PHASE_SENT) {
		a->runner->in_flight--;
		loop_timer_set(a->runner->pump, 0, 0);
	}
	a->phase = phase;
	loop_timer_stop(a->timer);
}

/* Its shim has done that, or, if it was killed, mostly the launcher. */
static void remove_secrets(const struct attempt *a)
{
	char path[ATTEMPT_NAME_MAX + sizeof RECORD_PROPERTIES + 1];

	(void)snprintf(path, sizeof path, "%s/%s", a->name, RECORD_PROPERTIES);
	(void)unlinkat(a->runner->config.run_dirfd, path, 0);
}

void attempt_finish(struct attempt *a, const struct attempt_report *report)
{
	attempt_enter(a, PHASE_OVER);
	loop_timer_stop(a->kill_timer);
	attempt_drop_control(a);
	attempt_drop_pidfd(a);
	remove_secrets(a);
	a->fn(a->arg, report);
}

void attempt_never(struct attempt *a, const char *why)
{
	attempt_enter(a, PHASE_NEVER);
	attempt_drop_control(a);
	attempt_drop_pidfd(a);
	(void)snprintf(a->why, sizeof a->why, "%s", why);
	loop_timer_set(a->timer, 0, 0);
}

struct removal {
	int run_dirfd; /* ours */
	char name[ATTEMPT_NAME_MAX];
};

static void run_removal(void *arg)
{
	struct removal *r = arg;
	struct error e;

	/* What stays behind is swept with its batch. */
	(void)!(r->run_dirfd >= 0 && attempt_remove_dir(r->run_dirfd, r->name, &e));
}

static void removal_done(void *arg)
{
	struct removal *r = arg;

	closep(&r->run_dirfd);
	free(r);
}

static void report_never(struct attempt *a)
{
	struct attempt_report report = { .event = ATTEMPT_NEVER_STARTED };
	struct removal *removal = xcalloc(1, sizeof *removal);

	removal->run_dirfd = fcntl(a->runner->config.run_dirfd, F_DUPFD_CLOEXEC, 3);
	memcpy(removal->name, a->name, sizeof removal->name);
	loop_work(a->runner->loop, run_removal, removal_done, removal);
	memcpy(report.why, a->why, sizeof report.why);
	attempt_finish(a, &report);
}

void attempt_tell_started(struct attempt *a, pid_t driver, int64_t wall_ms)
{
	struct attempt_report report = { .event = ATTEMPT_STARTED, .driver_pid = driver, .started_wall_ms = wall_ms };

	if (a->told_started)
		return;
	a->told_started = true;
	a->fn(a->arg, &report);
}

static void on_timer(void *arg)
{
	struct attempt *a = arg;

	switch (a->phase) {
	case PHASE_QUEUED:
		attempt_never(a, "no shim could be had in time");
		break;
	case PHASE_SENT:
		attempt_never(a, "its shim was not ready in time");
		break;
	case PHASE_GO:
		/* Its shim has been told and is silent: stopped, or its disk hangs. Afterwards the directory tells. */
		(void)proc_signal_fd(a->pidfd, SIGKILL);
		loop_timer_set(a->timer, STARTING_KILL_MS, 0);
		break;
	case PHASE_FOLLOW:
		attempt_look(a);
		break;
	case PHASE_NEVER:
		report_never(a);
		break;
	case PHASE_OVER:
		break;
	}
}

/* --- ending --- */

static void on_kill_timer(void *arg)
{
	struct attempt *a = arg;
	struct runner *r = a->runner;
	int step = a->kill_step++;

	if (a->phase != PHASE_GO && a->phase != PHASE_FOLLOW)
		return;
	if (!a->grace_until_ms)
		a->grace_until_ms = clock_now_ms() + r->config.kill_grace_ms;
	if (step == 0 && a->pidfd_of_shim) {
		a->shim_kills = true;
		(void)proc_signal_fd(a->pidfd, SIGTERM);
		(void)proc_signal_fd(a->pidfd, SIGCONT); /* in case somebody stopped it */
		loop_timer_set(a->kill_timer, r->config.kill_grace_ms + SHIM_OVERDUE_MS, 0);
		return;
	}
	orphan_signal(r->loop, r->config.run_dirfd, a->name, attempt_boot_id(), step == 0 ? SIGTERM : SIGKILL);
	if (step >= 2 && a->pidfd_of_shim)
		(void)proc_signal_fd(a->pidfd, SIGKILL); /* it does not even write down the end */
	int64_t left_ms = a->grace_until_ms - clock_now_ms();
	loop_timer_set(a->kill_timer, step > 0 ? KILL_AGAIN_MS : left_ms > 0 ? left_ms : 0, 0);
}

void attempt_kill(struct attempt *a)
{
	if (a->killing)
		return;
	a->killing = true;
	if (a->phase == PHASE_QUEUED || a->phase == PHASE_SENT)
		attempt_never(a, "killed before it was started");
	else
		loop_timer_set(a->kill_timer, 0, 0); /* after the first look of one just adopted */
}

void attempt_kill_orphan(struct attempt *a)
{
	a->shim_kills = false;
	a->kill_step = 0;
	loop_timer_set(a->kill_timer, 0, 0);
}

/* --- from birth to death --- */

struct attempt *attempt_new(struct runner *r, int64_t batch_id, int attempt, const char *nonce, attempt_fn *fn,
			    void *arg)
{
	struct attempt *a = xcalloc(1, sizeof *a);

	*a = (struct attempt){ .runner = r,
			       .fn = fn,
			       .arg = arg,
			       .phase = PHASE_FOLLOW,
			       .same_boot = true,
			       .spec_fd = -1,
			       .control_fd = -1,
			       .pidfd = -1 };
	attempt_name(a->name, batch_id, attempt, nonce);
	a->timer = loop_timer_new(r->loop, on_timer, a);
	a->kill_timer = loop_timer_new(r->loop, on_kill_timer, a);
	r->attempts++;
	return a;
}

struct attempt *attempt_adopt(struct runner *r, int64_t batch_id, int attempt, const char *nonce,
			      const char *intent_boot_id, attempt_fn *fn, void *arg)
{
	struct attempt *a = attempt_new(r, batch_id, attempt, nonce, fn, arg);

	a->same_boot = strcmp(intent_boot_id, attempt_boot_id()) == 0;
	loop_timer_set(a->timer, 0, 0);
	return a;
}

struct attempt *attempt_forget(struct attempt *a)
{
	if (!a)
		return NULL;
	attempt_enter(a, PHASE_OVER);
	attempt_drop_control(a);
	attempt_drop_pidfd(a);
	closep(&a->spec_fd);
	loop_timer_free(a->timer);
	loop_timer_free(a->kill_timer);
	a->runner->attempts--;
	free(a);
	return NULL;
}
