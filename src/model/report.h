/*
 * report - what was seen of an attempt, whoever watches it: a shim on this host (run/) or a cluster (cluster/).
 *
 * Reports come from the loop, never from inside the function that was given the callback: STARTED at most once, KNOWN
 * any number of times, then exactly one of NEVER_STARTED and ENDED, the last call. An end is never invented: what
 * nobody knows is ATTEMPT_END_LOST.
 */
#pragma once
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

enum attempt_event {
	ATTEMPT_KNOWN, /* the cluster has it: `handle`, `app_id`, links and what is said of it, as far as they are set, are new */
	ATTEMPT_STARTED,       /* the driver was exec'd, or was found running */
	ATTEMPT_NEVER_STARTED, /* nothing ran and nothing will: it may be tried again; `why` says what went wrong */
	ATTEMPT_ENDED,         /* `end` is valid; the whole process tree, or application, is gone */
};

enum attempt_end_kind {
	ATTEMPT_END_EXIT,   /* code = exit status 0–255 */
	ATTEMPT_END_SIGNAL, /* code = signal number */
	ATTEMPT_END_EXEC,   /* the program could not be executed; code = errno */
	ATTEMPT_END_LOST,   /* it ran, it is over, and nobody knows how */
	ATTEMPT_END_APP,    /* a cluster's own record, without an exit status; code = enum attempt_app_end */
};

enum attempt_app_end { ATTEMPT_APP_SUCCEEDED, ATTEMPT_APP_FAILED, ATTEMPT_APP_KILLED };

/* After NEVER_STARTED: is it of use to try again? */
enum attempt_again {
	ATTEMPT_TRY_AGAIN, /* a few times (LAUNCH_TRIES_MAX) */
	ATTEMPT_WAIT, /* as often as it takes, after retry_ms: a cluster is away or full, which is nobody's fault */
	ATTEMPT_BY_SUBMIT,  /* by spark-submit: the cluster's own API does not take it, as `why` says */
	ATTEMPT_NEVER_AGAIN /* it was judged and refused */
};

struct attempt_report {
	enum attempt_event event;
	pid_t driver_pid;          /* ATTEMPT_STARTED, on this host */
	enum attempt_end_kind end; /* ATTEMPT_ENDED */
	int code;
	enum attempt_again again; /* ATTEMPT_NEVER_STARTED */
	int64_t retry_ms;
	int64_t started_wall_ms, ended_wall_ms; /* 0: unknown */
	bool there;                   /* ATTEMPT_KNOWN: the cluster has it by now, not only its name is known */
	const char *handle;           /* by which the cluster knows it; borrowed for the call; NULL: unchanged */
	const char *app_id;           /* Spark's name for it; likewise */
	const char *log_url, *ui_url; /* likewise; "": there is none any more */
	const char *diagnostics;      /* what the cluster says of it now, in lines; likewise */
	char why[256];                /* for people; "" when plain */
};

typedef void attempt_fn(void *arg, const struct attempt_report *report);
