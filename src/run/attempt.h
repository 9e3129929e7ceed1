/*
 * attempt - one try at running a driver: its directory, its shim, its end.
 *
 * The launch protocol is ARCHITECTURE.md "A job's life". In short: the caller has committed the
 * intent; the launcher process forks a shim; the shim makes run/<id>.<attempt>.<nonce>/, takes
 * two locks, says ready; we say GO with a deadline; it writes `started`, execs the driver, and
 * writes `exit` when it ends. Drivers and shims outlive this process; after a restart
 * attempt_adopt() takes them up again from the directory.
 *
 * Invariants: an exit status is never invented (ATTEMPT_END_LOST is its own value); after
 * `started` an attempt is never repeated; a signal goes only to a process whose pid, start time
 * and boot id match what was recorded.
 * Loop thread only. An attempt is owned by its runner until attempt_forget().
 */
#pragma once
#include "base/error.h"
#include "base/id.h"
#include "loop/loop.h"
#include "model/report.h"
#include "run/account.h"
#include <sys/types.h>

struct runner;
struct attempt;

struct runner_config {
	const char *shim_path; /* florus-shim */
	int run_dirfd;         /* state-dir/run; borrowed */
	int64_t kill_grace_ms; /* TERM to KILL */
	int64_t go_timeout_ms; /* how long after the intent a driver may still be started */
	int64_t log_max_bytes; /* 0: no cap */
};

/* Starts the launcher process (before threads, listening sockets and the store exist). */
MUST_CHECK bool runner_new(struct loop *l, const struct runner_config *config, struct runner **ret, struct error *e);
struct runner *runner_free(struct runner *r); /* the launcher goes, shims and drivers stay; takes NULL; returns NULL */

/* What to run. Everything is copied during the call. */
struct attempt_spec {
	int64_t batch_id;
	int attempt; /* 1, 2, … */
	char nonce[ID_NONCE_LEN + 1];
	const char *const *argv;       /* argv[0] is the program's absolute path; NULL-terminated */
	const char *const *envp;       /* the whole environment; NULL-terminated */
	const char *cwd;               /* NULL: work/ in the attempt's own directory */
	const struct account *account; /* whom it runs as; NULL: as we do */
	const char *properties;        /* text of spark.conf in its directory; NULL: there is none */
	const char *defaults;          /* a file to put before it, if it exists; NULL: none */
	const char *hidden;            /* the directory that Landlock keeps from it; NULL: none */
};

/* The name of an attempt's directory under run/: "<id>.<attempt>.<nonce>". */
enum { ATTEMPT_NAME_MAX = 80 };
void attempt_name(char to[ATTEMPT_NAME_MAX], int64_t batch_id, int attempt, const char *nonce);

/* Starts a driver. Trouble is reported through fn (NEVER_STARTED), so there is nothing to check here. */
struct attempt *attempt_launch(struct runner *r, const struct attempt_spec *spec, attempt_fn *fn, void *arg);

/*
 * Takes up an attempt whose intent a former florusd committed: reads its directory and locks,
 * follows the table of reliability.md 2.1 and reports what is true. intent_boot_id is the boot in
 * which the intent was committed (attempt_boot_id() then).
 */
struct attempt *attempt_adopt(struct runner *r, int64_t batch_id, int attempt, const char *nonce,
			      const char *intent_boot_id, attempt_fn *fn, void *arg);

/*
 * Ends the whole tree: TERM, kill_grace_ms later KILL, again until its end is reported. Before
 * the driver was started, it never will be. Calling it twice is harmless.
 */
void attempt_kill(struct attempt *a);

/*
 * Stops watching and frees; processes are not touched. After the last report, or at shutdown. Takes NULL; returns NULL.
 */
struct attempt *attempt_forget(struct attempt *a);

/* This boot, from /proc/sys/kernel/random/boot_id: 36 characters. */
const char *attempt_boot_id(void);

/* Removes run/<name> with all in it. Blocks: worker only. Absent is fine. */
MUST_CHECK bool attempt_remove_dir(int run_dirfd, const char *name, struct error *e);
