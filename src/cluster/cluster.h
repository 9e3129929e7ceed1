/*
 * cluster - jobs that run elsewhere: given to a cluster by its own API, watched, killed, their logs brought here.
 *
 * One struct cluster per profile; one struct cluster_app per attempt. A cluster is asked for the state of all its apps
 * at once, one request per interval however many there are. What differs between standalone, YARN and Kubernetes is
 * behind backend.h.
 *
 * Invariants (reliability.md 2.1, P12, P13): the intent, with its tag, is on the disk before the first request. A
 * question that failed changes no state. An app is lost only after CLUSTER_MISSES_MAX successful answers without it,
 * and then a question for it alone. Nothing is created twice: after a doubt the tag is looked for first. A kill is
 * repeated until the end is seen. A log is whole, as far as it can be had, before its end is reported. Loop thread
 * only. An app is owned by its cluster until cluster_forget().
 */
#pragma once
#include "loop/loop.h"
#include "model/profile.h"
#include "model/report.h"
#include "model/submission.h"

struct clusters;
struct cluster;
struct cluster_app;

enum {
	CLUSTER_MISSES_MAX = 5,       /* successful lists in a row */
	CLUSTER_KILL_AGAIN_MS = 5000, /* a kill is repeated */
	CLUSTER_RETRY_MIN_MS = 500,   /* a question that failed is asked again, doubling */
	CLUSTER_RETRY_MAX_MS = 30000,
	CLUSTER_SETTLE_MS = 5000,       /* a create of a former florusd may still arrive that long */
	CLUSTER_FIND_FAILED_MS = 60000, /* cluster_expect_none() */
	CLUSTER_LOG_CALLS_MAX = 8,      /* logs that are read at once */
	CLUSTER_LOGS_PER_S = 100,       /* logs of running apps that are begun; those of ended ones go first */
	CLUSTER_LOG_CHUNK = 256 * 1024, /* bytes of a log that are read at once */
	CLUSTER_LOG_END_MS = 10000,     /* from its turn on an ended app's log may take that long to arrive */
	CLUSTER_HANDLE_MAX = 256,
	CLUSTER_TAG_MAX = 64,
	CLUSTER_DIR_MAX = 80,
	CLUSTER_TICK_MS = 200, /* how exactly all these times are kept */
};

struct clusters_setup {
	struct loop *loop;
	const struct profile *profiles; /* borrowed */
	size_t count;
	const char *instance;  /* of this state directory: a few lower-case letters and digits, always the same */
	int run_dirfd;         /* where logs go: run/<id>.<attempt>.<nonce>/log; borrowed */
	int64_t log_max_bytes; /* of one; 0: no cap */
	/*
	 * Opens a plain file of this host that a job names, if it may; false: *e says why not. NULL: jobs with such
	 * files are not taken.
	 */
	bool (*open_file)(void *arg, const char *path, int *ret_fd, struct error *e);
	void *open_file_arg;
	loop_fn *room; /* a cluster that was full takes jobs again */
	void *room_arg;
};

/* Opens those whose master has a backend. ERR_CONFIG names the profile and the cure. */
MUST_CHECK bool clusters_new(const struct clusters_setup *setup, struct clusters **ret, struct error *e);
struct clusters *clusters_free(
	struct clusters *cs); /* cancels every request; apps go on without us; takes NULL; returns NULL */

struct cluster *clusters_find(const struct clusters *cs,
			      const char *name); /* NULL: no such profile, or none with a backend */
/* Of each: does it answer (false: the last question failed), and how many jobs it has, or is about to have. */
typedef void clusters_fn(void *arg, const char *name, bool answers, int64_t jobs);
void clusters_each(const struct clusters *cs, clusters_fn *fn, void *arg); /* NULL: none */
const struct profile *cluster_profile(const struct cluster *c);
/*
 * Begins the section of a job's log with what the cluster says of it (livy.md section 3). NULL: Livy has none for it.
 */
const char *cluster_diagnostics_head(const struct cluster *c);

/* Can this go there by its own API? NULL: yes; else the reason (static, or of the arena). Pure. */
const char *cluster_native_reason(const struct cluster *c, struct arena *a, const struct submission *s);

/*
 * Do its machines fetch the files of a submission by http? Then those of this host may be URLs of ours; else the
 * backend brings them.
 */
bool cluster_reads_urls(const struct cluster *c);

bool cluster_has_room(const struct cluster *c); /* fewer than submissions-max are on their way */
/*
 * One that will be submitted soon takes its room now, until it was submitted or will not be. Each reserve() has its
 * release().
 */
void cluster_reserve(struct cluster *c);
void cluster_release(struct cluster *c);

struct cluster_job {
	const char *noun; /* what it is called in the log of florusd: static */
	int64_t batch_id;
	int attempt;
	const char *nonce;
	const char *dir; /* "<id>.<attempt>.<nonce>", where its log goes */
};

/* What no two attempts of the world have in common: "florus-<nonce>-<attempt>". Lower case, also a valid label. */
void cluster_tag(char to[CLUSTER_TAG_MAX], const char *nonce, int attempt);

/* Submits; only when there is room. Takes what it needs of `s` (copies). Trouble is reported through fn. */
struct cluster_app *cluster_submit(struct cluster *c, const struct cluster_job *job, const struct submission *s,
				   attempt_fn *fn, void *arg);

/*
 * Watches what was submitted by a former florusd or by spark-submit. handle NULL: it is looked for by its tag;
 * when the cluster does not have it, NEVER_STARTED is reported. started: STARTED was reported by a former florusd.
 */
struct cluster_app *cluster_adopt(struct cluster *c, const struct cluster_job *job, const char *handle, bool started,
				  attempt_fn *fn, void *arg);

/*
 * Its submitter said that it failed: an adopted app that is looked for by its tag need not be waited for without end.
 * When the cluster does not answer for CLUSTER_FIND_FAILED_MS, NEVER_STARTED is reported with ATTEMPT_NEVER_AGAIN. Not
 * when it is to be killed: a kill is owed until its end is seen.
 */
void cluster_expect_none(struct cluster_app *app);

void cluster_kill(struct cluster_app *app);                /* until its end is reported; harmless when repeated */
const char *cluster_handle(const struct cluster_app *app); /* by which the cluster knows it; "": not yet */
void cluster_noted(struct cluster_app *app);               /* the handle that ATTEMPT_KNOWN gave is on the disk */
struct cluster_app *cluster_forget(
	struct cluster_app *app); /* after the last report, or at shutdown; takes NULL; returns NULL */

/* What spark-submit is told so that the app can be found by its tag and the submitter does not stay: pairs for conf. */
const struct spec_pair *cluster_submit_conf(const struct cluster *c, struct arena *a, const struct cluster_job *job,
					    size_t *ret_count);
