#include "run/attempt.h"
#include "base/clock.h"
#include "base/launch.h"
#include "base/proc.h"
#include "run/launcher.h"
#include "run/orphan.h"
#include "run/rundir.h"
#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

enum {
	IN_FLIGHT_MAX = 64,          /* launches given to the launcher whose shim is not ready yet */
	PUMP_RETRY_MS = 10,          /* when its socket is full */
	LOOK_RETRY_MS = 1000,        /* when a directory could not be read */
	POLL_MS = 50,                /* while something is about to happen in a directory */
	STARTING_MAX_MS = 10 * 1000, /* for a shim that is there but has not started its driver */
	STARTING_KILL_MS = 1000,     /* after that it is killed, this often */
	LOST_WAIT_MS = 1000,         /* for the launcher to write down how a killed shim's driver ended */
	SHIM_OVERDUE_MS = 1000,      /* after the grace, when we take the killing into our own hands */
	KILL_AGAIN_MS = 1000,
};

enum phase {
	PHASE_QUEUED, /* waits for its turn with the launcher */
	PHASE_SENT,   /* waits for READY */
	PHASE_GO,     /* waits for STARTED */
	PHASE_FOLLOW, /* its directory and pidfds tell */
	PHASE_NEVER,  /* nothing will run; to be reported */
	PHASE_OVER,
};

struct runner {
	struct loop *loop;
	struct runner_config config;
	struct launcher *launcher;
	struct loop_timer *pump;
	struct attempt *first, *last; /* PHASE_QUEUED, oldest first */
	int in_flight, attempts;
};

struct attempt {
	struct runner *runner;
	attempt_fn *fn;
	void *arg;
	char name[ATTEMPT_NAME_MAX];
	enum phase phase;
	struct attempt *prev, *next; /* in the queue */
	bool same_boot, told_go, told_started, followed_shim;
	int spec_fd, control_fd;
	struct loop_watch *control_watch;
	int pidfd; /* of its shim, or, without one, of its driver; -1 */
	bool pidfd_of_shim;
	struct loop_watch *pidfd_watch;
	struct loop_timer *timer; /* what comes next in this phase */
	struct loop_timer *kill_timer;
	bool killing;
	int kill_step;
	int64_t deadline_ms;       /* of GO */
	int64_t starting_until_ms; /* how long to wait for a shim to start its driver; 0: not yet waiting */
	int64_t lost_until_ms;     /* the same for the launcher's word on a driver whose shim was killed */
	char why[sizeof((struct attempt_report *)0)->why];
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

/* --- letting go --- */

static void drop_control(struct attempt *a)
{
	a->control_watch = loop_watch_free(a->control_watch);
	closep(&a->control_fd);
	a->control_fd = -1;
}

static void drop_pidfd(struct attempt *a)
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

static void enter(struct attempt *a, enum phase phase)
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

/* Ends the attempt; the last thing to do with it. */
static void finish(struct attempt *a, const struct attempt_report *report)
{
	enter(a, PHASE_OVER);
	loop_timer_stop(a->kill_timer);
	drop_control(a);
	drop_pidfd(a);
	a->fn(a->arg, report);
}

/* Nothing ran, and without a control socket nothing will. Reported from the timer, so this may be called anywhere. */
static void never(struct attempt *a, const char *why)
{
	enter(a, PHASE_NEVER);
	drop_control(a);
	drop_pidfd(a);
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
	finish(a, &report);
}

/* Tells it once; the last thing to do with the attempt in this call, as fn may do anything. */
static void tell_started(struct attempt *a, pid_t driver, int64_t wall_ms)
{
	struct attempt_report report = { .event = ATTEMPT_STARTED, .driver_pid = driver, .started_wall_ms = wall_ms };

	if (a->told_started)
		return;
	a->told_started = true;
	a->fn(a->arg, &report);
}

/* --- following: the directory tells --- */

static void look(struct attempt *a);

static void on_pidfd(void *arg);

/* Watches exactly this process; false when it is gone. */
static bool follow(struct attempt *a, const struct record_process *who, bool is_shim)
{
	struct error e;
	struct proc p;

	drop_pidfd(a);
	if (strcmp(who->boot_id, attempt_boot_id()) != 0)
		return false;
	a->pidfd = proc_open(who->pid, who->start_ticks);
	/* Ended but not reaped counts as gone: its pidfd would be readable again and again. */
	if (a->pidfd < 0 || !proc_read(who->pid, &p) || p.state == 'Z' ||
	    !loop_watch_new(a->runner->loop, a->pidfd, on_pidfd, a, &a->pidfd_watch, &e)) {
		drop_pidfd(a);
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
	finish(a, &report);
}

static void finish_lost(struct attempt *a, const struct rundir *d, const char *why)
{
	struct attempt_report report = { .event = ATTEMPT_ENDED,
					 .end = ATTEMPT_END_LOST,
					 .started_wall_ms = d->started_wall_ms };

	(void)snprintf(report.why, sizeof report.why, "%s", why);
	finish(a, &report);
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
		never(a, "its shim did not come up");
		return;
	}
	(void)proc_signal(d->shim.pid, d->shim.start_ticks, SIGKILL);
	a->starting_until_ms = now_ms + STARTING_KILL_MS;
}

static void look_running(struct attempt *a, const struct rundir *d)
{
	int64_t now_ms = clock_now_ms();

	if (!d->has_shim || !follow(a, &d->shim, true))
		loop_timer_set(a->timer, d->has_shim ? POLL_MS : LOOK_RETRY_MS, 0); /* it ends just now */
	if (!a->starting_until_ms)
		a->starting_until_ms = now_ms + STARTING_MAX_MS;
	/* Between `started` and the driver's record there is only an exec. */
	if (!d->has_driver && now_ms < a->starting_until_ms && !a->told_started)
		loop_timer_set(a->timer, POLL_MS, 0);
	else
		tell_started(a, d->has_driver ? d->driver.pid : 0, d->started_wall_ms);
}

static void look_orphan(struct attempt *a, const struct rundir *d)
{
	bool driver_lives = d->has_driver && follow(a, &d->driver, false);

	if (!driver_lives)
		loop_timer_set(a->timer, POLL_MS, 0); /* nothing but the lock tells when the rest is gone */
	if (d->has_driver && !driver_lives)
		attempt_kill(a); /* a driver that has ended is over, and what it left goes */
	tell_started(a, d->has_driver ? d->driver.pid : 0, d->started_wall_ms);
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

static void look(struct attempt *a)
{
	struct rundir d;
	struct error e;

	drop_pidfd(a);
	loop_timer_stop(a->timer);
	if (!rundir_look(a->runner->config.run_dirfd, a->name, &d, &e)) {
		loop_timer_set(a->timer, LOOK_RETRY_MS, 0);
		return;
	}
	switch (rundir_verdict(&d, a->same_boot)) {
	case RUNDIR_NEVER:
		/* A directory that somebody removed says nothing: what we know to have run, or may have, is not repeated. */
		if (a->told_started || (a->told_go && !d.exists))
			finish_lost(a, &d, "exit status lost: its directory was removed");
		else
			never(a, "it was not started");
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

/* --- the launch --- */

static void on_ready(struct attempt *a, const struct launch_msg *ready)
{
	struct record_process shim = { .pid = ready->pid, .start_ticks = ready->start_ticks };
	struct launch_msg go = { .type = LAUNCH_GO, .time_ms = a->deadline_ms };
	int64_t left_ms = a->deadline_ms - clock_now_ms();

	memcpy(shim.boot_id, attempt_boot_id(), sizeof shim.boot_id);
	if (left_ms < 0) {
		never(a, "too late to be started");
		return;
	}
	if (!follow(a, &shim, true)) {
		never(a, "its shim ended at once");
		return;
	}
	a->told_go = true;
	enter(a, PHASE_GO);
	(void)launch_send(a->control_fd, &go); /* if it is gone its pidfd says so */
	loop_timer_set(a->timer, left_ms + STARTING_MAX_MS, 0);
}

static void on_control(void *arg)
{
	struct attempt *a = arg;
	struct launch_msg m;
	enum launch_got got = launch_recv(a->control_fd, &m);

	if (got == LAUNCH_NOTHING)
		return;
	if (got == LAUNCH_EOF) {
		drop_control(a);
		if (a->phase == PHASE_SENT)
			never(a, "its shim or the launcher ended before it was ready");
		return; /* after GO the pidfd tells */
	}
	if (m.type == LAUNCH_REFUSED) {
		never(a, m.text);
	} else if (m.type == LAUNCH_READY && a->phase == PHASE_SENT) {
		on_ready(a, &m);
	} else if (m.type == LAUNCH_STARTED && a->phase == PHASE_GO) {
		drop_control(a);
		enter(a, PHASE_FOLLOW);
		tell_started(a, m.pid, m.time_ms);
	}
}

static void on_pidfd(void *arg)
{
	struct attempt *a = arg;

	if (a->control_fd >= 0) {
		on_control(a); /* its last words first, one at a time: we are called again */
		return;
	}
	enter(a, PHASE_FOLLOW);
	look(a);
}

static void on_timer(void *arg)
{
	struct attempt *a = arg;

	switch (a->phase) {
	case PHASE_QUEUED:
		never(a, "no shim could be had in time");
		break;
	case PHASE_SENT:
		never(a, "its shim was not ready in time");
		break;
	case PHASE_GO:
		/* Its shim has been told and is silent: stopped, or its disk hangs. Afterwards the directory tells. */
		(void)proc_signal_fd(a->pidfd, SIGKILL);
		loop_timer_set(a->timer, STARTING_KILL_MS, 0);
		break;
	case PHASE_FOLLOW:
		look(a);
		break;
	case PHASE_NEVER:
		report_never(a);
		break;
	case PHASE_OVER:
		break;
	}
}

/* Gives the oldest to the launcher. False: not now. */
static bool send_one(struct runner *r, struct attempt *a)
{
	int pair[2];
	struct error e;
	bool full;

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, pair) < 0) {
		(void)error_errno(&e, errno, "make a control socket");
		never(a, e.msg);
		return true;
	}
	a->control_fd = pair[0];
	_close_ int theirs = pair[1];
	if (!launcher_send(r->launcher, a->spec_fd, theirs, &full, &e)) {
		drop_control(a);
		if (full)
			loop_timer_set(r->pump, PUMP_RETRY_MS, 0);
		return false; /* if it is gone, on_launcher_ready() follows */
	}
	if (!loop_watch_new(r->loop, a->control_fd, on_control, a, &a->control_watch, &e)) {
		never(a, e.msg); /* which closes the socket: the shim goes away */
		return true;
	}
	closep(&a->spec_fd);
	a->spec_fd = -1;
	enter(a, PHASE_SENT);
	r->in_flight++;
	int64_t left_ms = a->deadline_ms - clock_now_ms();
	loop_timer_set(a->timer, left_ms > 0 ? left_ms : 0, 0);
	return true;
}

static void pump(void *arg)
{
	struct runner *r = arg;

	while (r->first && r->in_flight < IN_FLIGHT_MAX && launcher_ready(r->launcher))
		if (!send_one(r, r->first))
			return;
}

/* --- ending --- */

static void on_kill_timer(void *arg)
{
	struct attempt *a = arg;
	struct runner *r = a->runner;
	int step = a->kill_step++;

	if (a->phase != PHASE_GO && a->phase != PHASE_FOLLOW)
		return;
	if (step == 0 && a->pidfd_of_shim) {
		(void)proc_signal_fd(a->pidfd, SIGTERM);
		(void)proc_signal_fd(a->pidfd, SIGCONT); /* in case somebody stopped it */
		loop_timer_set(a->kill_timer, r->config.kill_grace_ms + SHIM_OVERDUE_MS, 0);
		return;
	}
	orphan_signal(r->loop, r->config.run_dirfd, a->name, step == 0 ? SIGTERM : SIGKILL);
	if (step >= 2 && a->pidfd_of_shim)
		(void)proc_signal_fd(a->pidfd, SIGKILL); /* it does not even write down the end */
	loop_timer_set(a->kill_timer, step == 0 ? r->config.kill_grace_ms : KILL_AGAIN_MS, 0);
}

void attempt_kill(struct attempt *a)
{
	if (a->killing)
		return;
	a->killing = true;
	if (a->phase == PHASE_QUEUED || a->phase == PHASE_SENT)
		never(a, "killed before it was started");
	else
		loop_timer_set(a->kill_timer, 0, 0); /* after the first look of one just adopted */
}

/* --- from birth to death --- */

static struct attempt *attempt_new(struct runner *r, int64_t batch_id, int attempt, const char *nonce, attempt_fn *fn,
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

/* The kernel's exec takes its arrays as not const; nobody writes to them. */
static char *const *words(const char *const *list)
{
	union {
		const char *const *in;
		char *const *out;
	} u = { list };

	return u.out;
}

struct attempt *attempt_launch(struct runner *r, const struct attempt_spec *spec, attempt_fn *fn, void *arg)
{
	struct attempt *a = attempt_new(r, spec->batch_id, spec->attempt, spec->nonce, fn, arg);
	struct launch_spec wire = {
		.name = a->name,
		.cwd = spec->cwd ? spec->cwd : "",
		.argv = words(spec->argv),
		.envp = words(spec->envp),
		.log_max_bytes = r->config.log_max_bytes,
		.grace_ms = r->config.kill_grace_ms,
		.go_timeout_ms = r->config.go_timeout_ms,
	};
	struct error e;

	a->deadline_ms = clock_now_ms() + r->config.go_timeout_ms;
	if (!launch_spec_write(&wire, &a->spec_fd, &e)) {
		never(a, e.msg);
		return a;
	}
	a->phase = PHASE_QUEUED;
	a->prev = r->last;
	*(r->last ? &r->last->next : &r->first) = a;
	r->last = a;
	loop_timer_set(a->timer, r->config.go_timeout_ms, 0);
	pump(r);
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
	enter(a, PHASE_OVER);
	drop_control(a);
	drop_pidfd(a);
	closep(&a->spec_fd);
	loop_timer_free(a->timer);
	loop_timer_free(a->kill_timer);
	a->runner->attempts--;
	free(a);
	return NULL;
}

bool runner_new(struct loop *l, const struct runner_config *config, struct runner **ret, struct error *e)
{
	struct runner *r = xcalloc(1, sizeof *r);

	r->loop = l;
	r->config = *config;
	r->config.shim_path = NULL; /* the launcher keeps its copy */
	(void)attempt_boot_id();
	r->pump = loop_timer_new(l, pump, r);
	if (!launcher_new(l, config->shim_path, config->run_dirfd, pump, r, &r->launcher, e)) {
		runner_free(r);
		return false;
	}
	*ret = r;
	return true;
}

struct runner *runner_free(struct runner *r)
{
	if (!r)
		return NULL;
	assert(r->attempts == 0); /* each points here: attempt_forget() them first */
	launcher_free(r->launcher);
	loop_timer_free(r->pump);
	free(r);
	return NULL;
}
