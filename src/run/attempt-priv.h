/*
 * attempt-priv - what the phases of an attempt share. For attempt*.c only.
 *
 * attempt.c holds its birth, its timer, its killing and its end; attempt-launch.c the way from the
 * queue to GO; attempt-watch.c what its directory and its processes tell afterwards.
 */
#pragma once
#include "base/record.h"
#include "run/attempt.h"

enum {
	STARTING_MAX_MS = 10 * 1000, /* for a shim that is there but has not started its driver */
	STARTING_KILL_MS = 1000,     /* after that it is killed, this often */
};

enum attempt_phase {
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
	enum attempt_phase phase;
	struct attempt *prev, *next; /* in the queue */
	bool same_boot, told_go, told_started, followed_shim;
	int spec_fd, control_fd;
	struct loop_watch *control_watch;
	int pidfd; /* of its shim, or, without one, of its driver; -1 */
	bool pidfd_of_shim;
	struct loop_watch *pidfd_watch;
	struct loop_timer *timer; /* what comes next in this phase */
	struct loop_timer *kill_timer;
	bool killing, shim_kills; /* the latter: its shim has been told to */
	int kill_step;
	int64_t grace_until_ms;    /* when what is left of it is killed */
	int64_t deadline_ms;       /* of GO */
	int64_t starting_until_ms; /* how long to wait for a shim to start its driver; 0: not yet waiting */
	int64_t lost_until_ms;     /* the same for the launcher's word on a driver whose shim was killed */
	char why[sizeof((struct attempt_report *)0)->why];
};

/* In PHASE_FOLLOW; the caller gives it its first event. */
struct attempt *attempt_new(struct runner *r, int64_t batch_id, int attempt, const char *nonce, attempt_fn *fn,
			    void *arg);

/* Goes to another phase, taking it out of what it was in until now. */
void attempt_enter(struct attempt *a, enum attempt_phase phase);
void attempt_drop_control(struct attempt *a);
void attempt_drop_pidfd(struct attempt *a);

/* Nothing ran, and without a control socket nothing will. Reported from the timer, so this may be called anywhere. */
void attempt_never(struct attempt *a, const char *why);

/* Tells it once; the last thing to do with the attempt in this call, as fn may do anything. */
void attempt_tell_started(struct attempt *a, pid_t driver, int64_t wall_ms);

/* Ends the attempt; the last thing to do with it. */
void attempt_finish(struct attempt *a, const struct attempt_report *report);

/* Its shim died over the killing: from here on that is ours, within the same grace. */
void attempt_kill_orphan(struct attempt *a);

/* Reads the next message of its control socket; `arg` is the attempt. */
void attempt_hear(void *arg);

/* Watches exactly this process; false when it is gone. */
MUST_CHECK bool attempt_follow(struct attempt *a, const struct record_process *who, bool is_shim);

/* Acts on what its directory says now; may be the last thing to do with it. */
void attempt_look(struct attempt *a);
