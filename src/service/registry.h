/* registry - the batches in memory, and what the files of batches.h share. Private to service/. */
#pragma once
#include "base/blob.h"
#include "base/map.h"
#include "base/record.h"
#include "cluster/cluster.h"
#include "model/spec.h"
#include "service/backlog.h"
#include "service/batches.h"
#include "service/paths.h"

enum {
	SPARES_MAX = 64,            /* jobs that are nobody's yet */
	BATCHES_RECENT_MAX = 20000, /* finished batches kept in memory; older ones come from the store */
	BATCHES_VIEWS_MAX_BYTES = 32 * 1024 * 1024, /* of answers kept for batches; over it all are made anew */
	LAUNCH_TRIES_MAX = 8,                       /* starts that came to nothing, then the batch is dead */
	LAUNCH_BACKOFF_MIN_MS = 100,
	LAUNCH_BACKOFF_MAX_MS = 10000,
	PUMP_PASSED_MAX = 64,  /* jobs for full clusters that are passed over in search of one that is not */
	STORE_RETRY_MS = 1000, /* an end that could not be stored is given again */
};

struct deletion;
struct leftovers;
struct remote;
struct change;

/* A batch in memory. Lives while listed or while an operation of the store refers to it (refs). */
struct entry {
	struct batch shown; /* first: a struct batch * is a struct entry * */
	struct batches *of;
	struct attempt *run;                   /* while a process of it on this host is supervised */
	struct cluster *cluster;               /* where it runs, if that is watched */
	struct cluster_app *app;               /* while it is watched there */
	struct attempt_report *submitted;      /* how its spark-submit ended, while the cluster is asked for the app */
	struct entry *queue_prev, *queue_next; /* NULL: not queued */
	struct deletion *deletions;            /* who waits for its end */
	struct excerpt excerpt;
	struct blob *view;
	int64_t not_before_ms; /* back-off after a start that came to nothing */
	int refs;
	short tries;
	bool listed, end_stored;
	bool claiming;        /* somebody is about to have it */
	bool failing;         /* its tree is being ended, since it is of no use */
	bool native;          /* given to the cluster by its own API */
	bool has_slot;        /* counts against florus.launch.max-running */
	bool killed, deleted; /* committed: it is to end; what is known of it is to go, too */
};

struct batches {
	struct loop *loop;
	const struct config *config;
	struct store *store;
	struct runner *runner;
	struct logs *logs;
	struct paths *paths;
	struct policy *policy;
	int run_dirfd;
	struct remote *remote;
	const struct access *access;
	struct batches_kind kind;
	bool stopping;
	const char **job_env; /* NULL-terminated, owned */
	char *spark_submit;   /* of livy.server.spark-home */
	char *run_path;       /* of run_dirfd, absolute */
	char *share_key;      /* NULL: nothing is shared */
	char *hidden;         /* from jobs, by Landlock; NULL: nothing */

	struct entry **items; /* ascending ids */
	size_t count, cap, finished;
	struct entry *spares[SPARES_MAX]; /* ascending ids, also among items */
	size_t spares_count;
	struct map *by_name;              /* the newest of each name */
	struct map *arriving;             /* names and keys of creates in flight */
	struct entry queue, native_queue; /* list heads: for slots here, for room in clusters */
	struct backlog *backlog;
	struct backlog *live;                 /* those that are not over, by effective user */
	struct leftovers *leftovers;          /* NULL: none are looked for */
	int slots;                            /* taken */
	int64_t accepted, ended[STATE_COUNT]; /* tally.h */
	struct loop_timer *pump_timer, *janitor_timer, *unstored_timer;
	struct change *unstored; /* what the store could not take; oldest first */
	int64_t purge_due_ms, paused_until_ms;
	bool purging;
	struct question *runas_asking, *runas_waiting; /* first come, first served */
	int runas_asking_count;
};

static inline struct entry *entry_of(const struct batch *b)
{
	return (struct entry *)(uintptr_t)b;
}

/* Whom it runs as: who sent it, or whom he acted for. */
static inline const char *effective_user(const struct batch *job)
{
	return job->proxy_user ? job->proxy_user : job->owner;
}

/* registry.c */
/* As a batch: strings are the row's, excerpt and view are NULL. Dead, when its state is not one. */
struct batch registry_read_row(const struct store_row *row);
struct entry *registry_add(struct batches *b, const struct store_row *row); /* copies; state already in row->state */
void registry_sort(struct batches *b);                                      /* after a load in any order */
void registry_remove(struct entry *en);                                     /* no longer found; freed when unused */
struct entry *registry_by_id(const struct batches *b, int64_t id);
struct entry *registry_by_name(const struct batches *b, const char *name);
/* As a client may ask for it: one that is spare is not there. */
struct entry *registry_find(const struct batches *b, int64_t id);
size_t registry_place(const struct batches *b, size_t shown); /* in items, of the n-th that is shown */
void registry_set_spare(struct entry *en, bool spare);
void registry_hold(struct entry *en);
void registry_release(struct entry *en);
void registry_forget_view(struct entry *en);
void registry_tell_changed(struct entry *en); /* to whom the kind of job belongs */
void registry_tell_gone(const struct entry *en);
bool registry_parse_ref(const char *ref, int64_t *ret_id, const char **ret_name, struct error *e);

/* May a client's request go to the store? ERR_UNAVAILABLE while its disk does not keep up. */
MUST_CHECK bool registry_store_has_room(const struct batches *b, struct error *e);

/* remote.c: jobs that run in clusters */
MUST_CHECK bool remote_setup(struct batches *b, const struct batches_setup *setup, struct error *e);
void remote_done(struct batches *b); /* after the last entry is gone */

/*
 * Where a job goes: the cluster it names (conf florus.cluster), that of its user or queue, or the default. ERR_INVALID:
 * there is no such.
 */
MUST_CHECK bool remote_profile(const struct batches *b, const struct spec *spec, const char *user,
			       const struct profile **ret, struct error *e);
struct cluster *remote_cluster(const struct batches *b, const char *profile); /* NULL: it is not watched */

/* How a judged job gets there. Strings are static, or of the arena. */
struct remote_choice {
	const char *cluster;        /* NULL: it is not watched there */
	const char *launcher, *why; /* "native" or "submit"; why NULL: it is the best there is */
};
MUST_CHECK bool remote_choose(const struct batches *b, struct arena *a, const struct profile *p,
			      const struct spec *spec, const struct spark_settings *settings, const char *owner,
			      struct remote_choice *ret, struct error *e);

/* templates.c: reads those of a job for Kubernetes into s, or says there why not. */
struct defaults;
void templates_read(const struct batches *b, struct arena *a, const struct profile *p, const struct defaults *d,
		    struct submission *s);

/*
 * What a job gets that says nothing else: of its profile, and what lets a cluster's app be found that spark-submit
 * starts.
 */
MUST_CHECK bool remote_add_conf(const struct batches *b, struct arena *a, const struct profile *p,
				const struct batch *job, bool by_submit, struct spec *spec, struct error *e);
MUST_CHECK bool remote_start(struct entry *en, struct arena *a, const struct spec *spec,
			     const struct spark_settings *settings, attempt_fn *fn, struct error *e);

void remote_adopt(struct entry *en, const char *handle, attempt_fn *fn);
/* Its spark-submit has ended: the cluster is asked for the app. */
void remote_hand_over(struct entry *en, const struct attempt_report *submit, attempt_fn *fn);
void remote_known(struct entry *en, const struct attempt_report *report); /* ATTEMPT_KNOWN */
/* Not by the cluster's own API, then: false when that was asked for. */
bool remote_fall_back(struct entry *en, const char *why);

/*
 * share.c: puts URLs of ours in the place of files that only this host has, and writes down what they stand for. What
 * is beneath no allowed directory stays. ERR_INVALID: it cannot be read. share_could() only does as if, for a gate.
 */
MUST_CHECK bool share_could(const struct batches *b, struct arena *a, struct submission *s, struct error *e);
MUST_CHECK bool share_files(const struct batches *b, const struct batch *job, struct arena *a, struct submission *s,
			    struct error *e);

/* supervise.c */
void supervise_event(struct entry *en, enum event event, const struct attempt_report *report);
void supervise_count_slot(struct entry *en);
void supervise_enqueue(struct entry *en, bool at_head);
void supervise_pump(void *batches);
void supervise_store_again(void *batches);
void supervise_drop_unstored(struct batches *b); /* at shutdown: exit records keep the truth */
void supervise_adopt(struct entry *en, const char *boot_id, const char *handle);
/* Stores what is not a change of state; strings are copied. */
void supervise_store(struct entry *en, const struct store_update *up);

/* delete.c */
void deletion_finished(struct entry *en); /* its end is stored */
void deletion_remove_dir(struct batches *b, int64_t id, int attempt, const char *nonce);
void deletion_stop(struct entry *en);     /* who waits is told that we stop */
void deletion_drop_all(struct entry *en); /* at shutdown: nobody is answered any more */

/* launch.c */
MUST_CHECK bool launch_setup(struct batches *b, const char *const *env, struct error *e);
void launch_done(struct batches *b);
/*
 * The path of the spark-defaults.conf that spark-submit would read for this profile: in the SPARK_CONF_DIR that jobs
 * get, else in its Spark home. The caller frees; "": it is too long. Native jobs get what is in it, and spark-submit up
 * to 3.5, which reads it only when it is given no other properties file, gets it before ours.
 */
char *launch_spark_defaults(const struct batches *b, const struct profile *p);
/*
 * Judges a submission that is about to be accepted, as it will be judged at its start: what its conf may hold, its
 * paths (then resolved in `spec`), the argv it becomes, the cluster it goes to.
 */
MUST_CHECK bool launch_judge(const struct batches *b, struct arena *a, struct spec *spec, const char *owner,
			     const char *proxy_user, struct remote_choice *ret, struct error *e);
/* Starts an attempt: here (en->run), or in its cluster (en->app). account NULL: as we do. */
MUST_CHECK bool launch_start(struct entry *en, const char *body, size_t n, const struct account *account,
			     attempt_fn *fn, struct error *e);

/* hide.c */
MUST_CHECK bool hide_setup(struct batches *b, struct error *e); /* after launch_setup() */

/* runas.c */
MUST_CHECK bool runas_setup(struct batches *b, struct error *e);

/*
 * Calls fn once, perhaps at once: with the account that a job of `user` (its effective user, NULL: nobody) runs as,
 * NULL meaning as we do; or with an error: ERR_NOT_FOUND or ERR_FORBIDDEN when there is none, ERR_UNAVAILABLE when it
 * is not known now. The account is borrowed for the call.
 */
typedef void runas_fn(void *arg, const struct account *account, const struct error *e);
void runas_find(struct batches *b, const char *user, runas_fn *fn, void *arg);
void runas_stop(struct batches *b); /* those who wait get ERR_UNAVAILABLE */

/* leftovers.c */
void leftovers_start(struct batches *b);
void leftovers_stop(struct leftovers *lo); /* the batches go; takes NULL */

/* janitor.c */
void janitor_start(struct batches *b);
