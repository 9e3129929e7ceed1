/*
 * backend - what a kind of cluster does its own way. The core (tick.c, app.c) does the rest, and calls these; they
 * answer by the functions below, later or at once, each question exactly once unless it was cancelled.
 *
 * A backend keeps its connections in c->wire and what it knows of an app in app->own. Private to cluster/.
 */
#pragma once
#include "base/map.h"
#include "base/sbuf.h"
#include "cluster/cluster.h"
#include <sys/queue.h>

struct http_call;
struct http_calls;

enum app_state { APP_PENDING, APP_RUNNING, APP_SUCCEEDED, APP_FAILED, APP_KILLED };

/* What a cluster says of an app. Strings are borrowed for the call; NULL: not said, so unchanged. */
struct app_status {
	enum app_state state;
	const char *app_id, *log_url, *ui_url;
	const char *diagnostics; /* what is said of it now, in lines; "": nothing any more */
	const char *why;         /* of an end that was not good, for people */
	int exit_code;           /* of an ended one; -1: not said */
	int64_t started_ms, ended_ms;
};

struct backend {
	const char *name;                      /* "standalone", "yarn", "kubernetes" */
	bool reads_urls;                       /* cluster_reads_urls() */
	const char *diagnostics_head;          /* how Livy's log begins what they say of a job; NULL: no such section */
	bool (*mine)(const struct profile *p); /* by the scheme of its master, and whether we know where to ask */
	bool (*open)(struct cluster *c, struct error *e); /* makes c->wire; asks nothing yet; ERR_CONFIG */
	void (*close)(struct cluster *c);                 /* cancels and frees c->wire */
	const char *(*gate)(const struct cluster *c, struct arena *a,
			    const struct submission *s); /* cluster_native_reason() */
	const struct spec_pair *(*submit_conf)(const struct cluster *c, struct arena *a, const struct cluster_job *job,
					       const char *tag, size_t *ret_count);

	/* Questions about one app: each ends with the function named, or with app_cancel(). */
	void (*prepare)(
		struct cluster_app *app,
		const struct submission *
			s); /* builds what will be sent, copies it to app->own, may ask for an id; app_prepared(), app_refused() */
	void (*submit)(struct cluster_app *app); /* creates it; app_submitted(), app_doubtful(), app_refused() */
	void (*find)(struct cluster_app *app);   /* by its tag (app->handle, when it is set); app_found() */
	void (*look)(struct cluster_app *app);   /* this one alone, also in histories; app_looked() */
	void (*kill)(struct cluster_app *app);   /* once; app_killed(), app_not_killed() */
	void (*log)(struct cluster_app *app);    /* at most CLUSTER_LOG_CHUNK more of it; app_logged() */
	void (*clean)(
		struct cluster_app *
			app); /* its end and log are here: what it left there may go (pods, staging). Best effort, no answer. NULL: nothing */
	void (*cancel)(struct cluster_app *app); /* every request about it; own is freed */

	/*
	 * About all: cluster_saw() for each of ours, then cluster_polled(). One that is told by itself (a watch) may
	 * call cluster_saw() at any time.
	 */
	void (*poll)(struct cluster *c);
};

extern const struct backend backend_standalone, backend_yarn, backend_kubernetes;

enum app_phase {
	APP_PREPARING,  /* prepare() */
	APP_PREPARED,   /* it was answered */
	APP_NOTING,     /* its handle is on the way to the disk */
	APP_SUBMITTING, /* submit() */
	APP_FINDING,    /* nobody knows whether it is there */
	APP_WATCHED,    /* the cluster has it */
	APP_ENDED,      /* it is over; the rest of its log is on the way */
	APP_REFUSED,    /* it never was */
	APP_OVER,       /* the last report was made */
};

TAILQ_HEAD(app_queue, cluster_app);

struct cluster_app {
	struct cluster *of;
	const char *noun;
	int64_t batch_id;
	int attempt;
	char tag[CLUSTER_TAG_MAX];
	char dir[CLUSTER_DIR_MAX];
	char handle[CLUSTER_HANDLE_MAX]; /* "": not known yet */
	enum app_phase phase;
	enum app_state state; /* from APP_WATCHED on: as it was last seen */
	void *own;            /* the backend's */

	/* the core's */
	struct cluster_app *prev, *next; /* all of the cluster's */
	TAILQ_ENTRY(cluster_app) hurry, turn;
	struct app_queue *log_queue; /* where it waits for its log to be read; NULL: it does not */
	attempt_fn *fn;
	void *arg;
	char *app_id, *log_url, *ui_url, *diagnostics; /* as they were last reported */
	struct attempt_report last;                    /* of ENDED and NEVER_STARTED, to be made */
	int64_t since_ms, due_ms, kill_due_ms, log_due_ms, log_until_ms;
	int64_t find_until_ms; /* 0: as long as it takes */
	uint64_t seen_round;
	uint64_t look;      /* what a list last said of it, hashed; 0: nothing, or not what it says now */
	struct joblog *log; /* while it is read */
	int misses, answers, failures, kill_tries;
	bool on_way, kill, started, asking, killing, logging, log_whole, hurried;
};

struct cluster {
	struct clusters *of;
	const struct profile *profile;
	const struct backend *backend;
	void *wire; /* the backend's */

	/* the core's */
	struct cluster_app apps;  /* list head */
	struct app_queue hurried; /* for whom something is to be done at once */
	struct app_queue logs,
		logs_ended; /* whose logs are to be read, first come first served; ended ones before others */
	struct map *by_handle, *by_tag;
	struct loop_timer *tick;
	int on_way, logging, hurried_count;
	int log_turns; /* that are left for running ones until the next walk */
	int failures;
	bool polling;
	bool full; /* it had no room, and nobody was told since that it has some */
	int64_t poll_due_ms, walk_due_ms;
	uint64_t round; /* counts lists, to tell who was not in one */
};

struct clusters {
	struct clusters_setup setup;
	struct cluster *items;
	char *instance;
	size_t count;
};

static inline struct loop *cluster_loop(const struct cluster *c)
{
	return c->of->setup.loop;
}

static inline const char *cluster_instance(const struct cluster *c)
{
	return c->of->setup.instance;
}

/* --- answers about all --- */

/* One of a list, or news of a watch. Either name may be NULL; who is not ours is passed over. */
void cluster_saw(struct cluster *c, const char *handle, const char *tag, const struct app_status *s);
/*
 * The same when its handle and what is said are known as text (list.h). False: it is not one that was seen to look so.
 */
bool cluster_saw_same(struct cluster *c, const char *handle, uint64_t look);
void cluster_looks(struct cluster *c, const char *handle, uint64_t look); /* as it was just seen */
/* The list is over. e NULL: it was whole, so who was not in it was missed; else nothing was learnt. */
void cluster_polled(struct cluster *c, const struct error *e);
/* Instead of that: there was nothing to ask, as a watch stands. */
void cluster_still(struct cluster *c);

/* --- answers about one; after app_looked() and app_logged() it may be gone --- */

/*
 * Ready to be sent. handle: by which it will be known, if that is known (it is committed before submit()); NULL: not
 * yet.
 */
void app_prepared(struct cluster_app *app, const char *handle);
/* It cannot be sent: `again` says what then (report.h), retry_ms how long an ATTEMPT_WAIT lasts at least. */
void app_refused(struct cluster_app *app, enum attempt_again again, int64_t retry_ms, const char *why, ...)
	PRINTF(4, 5);
void app_submitted(struct cluster_app *app, const char *handle); /* it is there */
void app_doubtful(struct cluster_app *app, const char *why);     /* it may be there: it will be looked for */
/* handle NULL: the cluster answered, and does not have it; e set (not NULL): it did not answer. */
void app_found(struct cluster_app *app, const char *handle, const struct error *e);
/*
 * Only after look(). s NULL: the cluster, and its histories, have forgotten it or never knew it; e not NULL: no answer.
 */
void app_looked(struct cluster_app *app, const struct app_status *s, const struct error *e);
void app_killed(struct cluster_app *app); /* whatever the answer: the end is seen elsewhere */
/* The server that was told is gone, or not in charge: kill() is called at once for the next of so many, each once. */
void app_not_killed(struct cluster_app *app, int servers);

/* --- logs --- */

enum { APP_LOG_STREAMS = 2 };

/* How much of a stream (0: stderr, 1: stdout; or 0 alone) is here: where to go on. Bytes of the source. */
int64_t app_log_offset(struct cluster_app *app, int stream);
/* In place of an offset, of a stream that is not read: noted with the next app_log_add(). */
void app_log_mark(struct cluster_app *app, int stream, int64_t mark);
/* Appends n bytes; the source is then at `offset`. False: not written (disk full): ask for the same again later. */
bool app_log_add(struct cluster_app *app, int stream, const char *bytes, size_t n, int64_t offset);
enum app_log_result {
	APP_LOG_MORE,  /* there is more right now */
	APP_LOG_SOME,  /* that is all for now */
	APP_LOG_WHOLE, /* the app has ended, and nothing will follow */
	APP_LOG_NONE,  /* no answer, or not there (yet) */
};
void app_logged(struct cluster_app *app, enum app_log_result result);
