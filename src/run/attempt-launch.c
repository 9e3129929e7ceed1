/* From the queue through the launcher to GO and STARTED; the runner, whose queue it is. */
#include "base/clock.h"
#include "base/launch.h"
#include "base/proc.h"
#include "run/attempt-priv.h"
#include "run/launcher.h"
#include <assert.h>
#include <errno.h>
#include <string.h>
#include <sys/socket.h>

enum {
	IN_FLIGHT_MAX = 64, /* launches given to the launcher whose shim is not ready yet */
	PUMP_RETRY_MS = 10, /* when its socket is full */
};

static void on_ready(struct attempt *a, const struct launch_msg *ready)
{
	struct record_process shim = { .pid = ready->pid, .start_ticks = ready->start_ticks };
	struct launch_msg go = { .type = LAUNCH_GO, .time_ms = a->deadline_ms };
	int64_t left_ms = a->deadline_ms - clock_now_ms();

	memcpy(shim.boot_id, attempt_boot_id(), sizeof shim.boot_id);
	if (left_ms < 0) {
		attempt_never(a, "too late to be started");
		return;
	}
	if (!attempt_follow(a, &shim, true)) {
		attempt_never(a, "its shim ended at once");
		return;
	}
	a->told_go = true;
	attempt_enter(a, PHASE_GO);
	(void)launch_send(a->control_fd, &go); /* if it is gone its pidfd says so */
	loop_timer_set(a->timer, left_ms + STARTING_MAX_MS, 0);
}

void attempt_hear(void *arg)
{
	struct attempt *a = arg;
	struct launch_msg m;
	enum launch_got got = launch_recv(a->control_fd, &m);

	if (got == LAUNCH_NOTHING)
		return;
	if (got == LAUNCH_EOF) {
		attempt_drop_control(a);
		if (a->phase == PHASE_SENT)
			attempt_never(a, "its shim or the launcher ended before it was ready");
		return; /* after GO the pidfd tells */
	}
	if (m.type == LAUNCH_REFUSED) {
		attempt_never(a, m.text);
	} else if (m.type == LAUNCH_READY && a->phase == PHASE_SENT) {
		on_ready(a, &m);
	} else if (m.type == LAUNCH_STARTED && a->phase == PHASE_GO) {
		attempt_drop_control(a);
		attempt_enter(a, PHASE_FOLLOW);
		attempt_tell_started(a, m.pid, m.time_ms);
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
		attempt_never(a, e.msg);
		return true;
	}
	a->control_fd = pair[0];
	_close_ int theirs = pair[1];
	if (!launcher_send(r->launcher, a->spec_fd, theirs, &full, &e)) {
		attempt_drop_control(a);
		if (full)
			loop_timer_set(r->pump, PUMP_RETRY_MS, 0);
		return false; /* if it is gone, on_launcher_ready() follows */
	}
	if (!loop_watch_new(r->loop, a->control_fd, attempt_hear, a, &a->control_watch, &e)) {
		attempt_never(a, e.msg); /* which closes the socket: the shim goes away */
		return true;
	}
	closep(&a->spec_fd);
	a->spec_fd = -1;
	attempt_enter(a, PHASE_SENT);
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
	const struct account *who = spec->account;
	struct launch_spec wire = {
		.name = a->name,
		.cwd = spec->cwd ? spec->cwd : "",
		.argv = words(spec->argv),
		.envp = words(spec->envp),
		.uid = who ? (int64_t)who->uid : -1,
		.gid = who ? (int64_t)who->gid : -1,
		.groups = who ? who->groups : NULL,
		.group_count = who ? who->group_count : 0,
		.properties = spec->properties ? spec->properties : "",
		.defaults = spec->defaults ? spec->defaults : "",
		.hidden = spec->hidden ? spec->hidden : "",
		.log_max_bytes = r->config.log_max_bytes,
		.grace_ms = r->config.kill_grace_ms,
		.go_timeout_ms = r->config.go_timeout_ms,
	};
	struct error e;

	a->deadline_ms = clock_now_ms() + r->config.go_timeout_ms;
	if (!launch_spec_write(&wire, &a->spec_fd, &e)) {
		attempt_never(a, e.msg);
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
