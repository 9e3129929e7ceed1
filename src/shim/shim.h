/*
 * shim - the process that stands beside one driver, from before its start until after its end.
 *
 *     main.c      the command line          driver.c  starting the driver
 *     launcher.c  the zygote: forks shims   tree.c    ending the driver's tree
 *     shim.c      the life of one shim      logcap.c  giving back the middle of a long log
 *     cgroup.c    a cgroup of its own, where there is one
 *     identity.c  becoming the driver's user
 *     properties.c  the file that carries secrets to spark-submit
 *
 * One thread, no heap worth the name, base only. It talks to florusd until the driver is
 * started; after that only files, signals and its pidfd connect them. It never exits before the
 * whole tree is gone, and writes `exit` only then.
 */
#pragma once
#include "base/launch.h"
#include "base/record.h"

/* What the zygote found out once and every shim inherits. */
struct zygote {
	int cgroup_fd; /* our own cgroup v2 directory, one we may make children in; -1: none */
	char boot_id[RECORD_BOOT_ID_LEN + 1];
	bool oom_reset; /* florusd is protected from the OOM killer: a driver must not be */
};

/* Reads launches from LAUNCH_FD_SOCKET until florusd is gone. */
int launcher_main(void);

/* One shim's life. Takes both descriptors. */
NORETURN void shim_main(const struct zygote *z, int spec_fd, int control_fd);

/* --- driver.c --- */

struct driver_start {
	const struct launch_spec *spec;
	int work_fd, log_fd, tree_lock_fd;
	const char *work; /* where work_fd is */
	int cgroup_fd;    /* -1: none */
	int landlock_fd;  /* -1: none */
	bool oom_reset;
};

/*
 * The pid, whether or not the program could be executed. *ret_err: 0, or an errno and what could not be done. -1: no
 * process.
 */
pid_t driver_start(const struct driver_start *start, int *ret_err, const char **ret_step);

/* --- identity.c --- */

/* Between vfork and exec: becomes the spec's user, with none of our rights. False: errno. */
bool identity_become(const struct launch_spec *spec);

/*
 * Files are opened as the spec's user would, from here to identity_restore(), which frees. False: errno, and restore
 * all the same.
 */
struct identity {
	bool borrowed;
	int group_count;
	gid_t *groups;
};
MUST_CHECK bool identity_borrow(const struct launch_spec *spec, struct identity *ret);
MUST_CHECK bool identity_restore(struct identity *i); /* false: we cannot be ourselves again; end */

/* --- properties.c --- */

/* Writes spark.conf, if the spec wants one. */
MUST_CHECK bool properties_write(const struct launch_spec *spec, int dir_fd, struct error *e);

/* --- tree.c --- */

struct tree {
	pid_t driver;  /* leader of its process group; 0 once reaped: then the number may be another's */
	int cgroup_fd; /* -1: none */
	int64_t grace_ms;
	int step;
	int64_t step_at_ms; /* clock_now_ms() of the next step; INT64_MAX: nothing to do */
};

void tree_init(struct tree *t, pid_t driver, int cgroup_fd, int64_t grace_ms);
void tree_end(struct tree *t, int64_t after_ms); /* begin to end it; harmless twice (the earlier counts) */
void tree_step(struct tree *t);                  /* do what is due */

/* --- logcap.c --- */

struct logcap {
	int dir_fd, log_fd; /* borrowed */
	int64_t max_bytes;  /* 0: no cap */
	int64_t seen_bytes, wait_ms;
	struct record_hole hole;
};

/* Looks at the log and gives back what is over. Returns when to look again, in ms; -1: never. */
int64_t logcap_look(struct logcap *c);

/* --- cgroup.c --- */

int cgroup_open_own(void);                                /* -1: none to make children in */
int cgroup_make(int parent_fd, const char *attempt_name); /* -1: not possible */
bool cgroup_kill(int cgroup_fd);
void cgroup_remove(int parent_fd, const char *attempt_name); /* once it is empty */
