/*
 * mini - a florusd in small, for tests of launching: a runner, one attempt, and what was reported.
 *
 * It uses the real florus-shim (its path is in FLORUS_SHIM), and the test program itself as driver:
 * `test-x --driver ORDER …` is answered in mini.c before the harness starts. The attempt is
 * always batch 1, attempt 1, NONCE, in run/ below the test's directory. Every wait has a watchdog.
 */
#pragma once
#include "run/attempt.h"
#include "run/rundir.h"

enum { GRACE_MS = 400, GO_TIMEOUT_MS = 5000, CONDITION_POLL_MS = 5 };

#define NONCE "0123456789abcdef0123456789abcdef"

struct florusd {
	struct loop *loop;
	int run_fd;
	struct runner *runner;
	struct loop_timer *watchdog, *condition;
	bool (*until)(struct florusd *f);
	struct attempt *attempt;
	int reports, started;
	struct attempt_report last;
	pid_t driver;
	int64_t log_max_bytes, go_timeout_ms; /* 0: no cap, the usual time */
};

void mini_open(struct florusd *f);
void mini_close(struct florusd *f);

/* Runs the loop until the condition holds. */
void mini_wait(struct florusd *f, bool (*until)(struct florusd *f));
bool mini_is_over(struct florusd *f);    /* the last report came */
bool mini_is_started(struct florusd *f); /* STARTED came */
bool mini_is_up(struct florusd *f);      /* … and the driver has said so */
bool mini_is_removed(struct florusd *f); /* its directory is gone */
bool mini_has_shim(struct florusd *f);   /* its shim has written its record */

/* Starts this program as a driver with an order (mini.c: driver()), or any other. */
void mini_launch(struct florusd *f, const char *order, const char *word);
void mini_launch_env(struct florusd *f, const char *const *argv, const char *const *envp);
void mini_adopt(struct florusd *f);
void mini_report(void *arg, const struct attempt_report *report); /* the attempt_fn; arg is the florusd */

/* Waits for the last report and checks it. */
void mini_check_end(struct florusd *f, enum attempt_end_kind end, int code);
void mini_check_never(struct florusd *f);

struct rundir mini_look(struct florusd *f);
const char *mini_log(struct florusd *f); /* all of it; until the next call */
const char *mini_path(void);             /* of this program */
bool mini_lives(pid_t pid);              /* and is not a zombie */
NORETURN void mini_sleep(void);

/*
 * Runs `before` in a florusd of its own, which is killed -9 when that returns; its shims and drivers become our
 * children.
 */
void mini_in_killed(void (*before)(struct florusd *f));
