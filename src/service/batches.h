/*
 * batches - all that can be done with batches, whoever asks: create, look up, list, read the log, delete.
 *
 * Keeps live and recently finished batches in memory and answers for them from there; the store is asked
 * only for history. What happens to a batch is decided by model/state.c alone, and carried out in
 * supervise.c. Invariants: nothing is promised before its commit; a batch is in memory while it is
 * not finished; ids rise.
 * Callbacks are called once, on the loop, possibly before the function that took them returns.
 * Loop thread only.
 */
#pragma once
#include "base/error.h"
#include "config/config.h"
#include "loop/loop.h"
#include "model/access.h"
#include "model/spec.h"
#include "model/state.h"
#include "run/attempt.h"
#include "service/excerpt.h"
#include "service/logs.h"
#include "store/store.h"

struct batches;

/* What is known of a batch. Strings are borrowed from it and may be NULL. */
struct batch {
	int64_t id;
	enum state state;
	int attempt; /* the latest; 0: none, so there is no log */
	char nonce[ID_NONCE_LEN + 1];
	const char *name, *owner, *proxy_user, *app_id;
	const char *cluster, *launcher,
		*launcher_why; /* where it runs, "native" or "submit", and why; NULL: on this host */
	const char *log_url, *ui_url;
	bool spare; /* nobody's yet (service/spares.h): not shown, not found */
	int64_t created_ms, started_ms, finished_ms;
	const char *request;     /* the body it was made by; NULL unless batches_kind.keeps_request */
	struct excerpt *excerpt; /* of its log; never NULL */
	struct blob **view;      /* room for the answer that shows it, until it changes; never NULL */
};

/* What makes jobs of another kind differ from batches: sessions are jobs, too. Callbacks may be NULL. */
struct batches_kind {
	const char *noun; /* what logs call one */
	enum spec_type type;
	bool keeps_request;
	int max_running;
	int max_per_user; /* that are not over, of one effective user; 0: no limit */
	void *arg;

	/*
	 * Adds to a judged submission what the server itself says; called before it is accepted (with id -1) and at its
	 * start.
	 */
	bool (*complete)(void *arg, struct arena *a, const struct batch *job, bool in_cluster, struct spec *spec,
			 struct error *e);
	void (*changed)(void *arg, const struct batch *job); /* it has appeared, or its state has changed */
	/*
	 * The id of a spare one that will do for a request; -1: there is none. It may be on its way to somebody else.
	 */
	int64_t (*find_spare)(void *arg, const struct batch *wanted, const struct spec *spec);
	void (*claimed)(void *arg, const struct batch *job);
	void (*gone)(void *arg, int64_t id); /* it is not in memory any more */
	/* May add to the reason of its end, which becomes the last line of its log; `why` is "" when plain. */
	void (*explain)(void *arg, const struct batch *job, const struct attempt_report *end, struct sbuf *why);
};

struct batches_setup {
	struct loop *loop;
	const struct config *config;
	const char *const *env; /* of this process; jobs get what florus.job.env-pass lets through */
	struct store *store;    /* opened, not started */
	struct runner *runner;
	int run_dirfd;
	const struct access *access;     /* whom a batch may run as; outlives all else */
	const struct batches_kind *kind; /* NULL: batches */
	const char *instance;            /* of the state directory (clusters_setup); NULL: clusters are not watched */
	const char *share_key;           /* signs URLs of files (share.h); NULL: none is shared */
	loop_fn *fatal;                  /* the store is lost */
	void *fatal_arg;
};

/* Loads what is stored, takes up what runs, starts the queue. */
MUST_CHECK bool batches_new(const struct batches_setup *setup, struct batches **ret, struct error *e);
/* Reads spark-blacklist.conf anew. On an error (ERR_CONFIG) what held goes on holding. Blocks. */
MUST_CHECK bool batches_reload(struct batches *b, struct error *e);
void batches_stop(struct batches *b);            /* starts nothing any more; what runs goes on */
struct batches *batches_free(struct batches *b); /* after store_free(); takes NULL; returns NULL */

/* --- create --- */

struct batch_request {
	struct access_caller who; /* becomes the owner */
	const char *do_as;        /* whom he names in the query; beats the body's proxyUser; NULL: nobody */
	const char *idem_key;     /* NULL: none */
	const char *request_id;   /* for the log */
	bool spare;               /* for nobody yet */
	const char *body;
	size_t body_len;
};

/*
 * Accepts a batch once it is durable. fn gets the batch as it was accepted (queued), or an error: ERR_MALFORMED and
 * ERR_INVALID (spec.h, paths.h), ERR_FORBIDDEN and ERR_INVALID (access_impersonate()), ERR_BUSY (batches_full()),
 * ERR_CONFLICT (the same key in flight), ERR_KEY_REUSED, ERR_NO_SPACE, ERR_UNAVAILABLE. Everything in `rq` is copied.
 */
typedef void batches_fn(void *arg, const struct batch *batch, const struct error *e);
void batches_create(struct batches *b, const struct batch_request *rq, batches_fn *fn, void *arg);

/* Is the queue, or this user's share of it, full? Asked before a body is judged, as Livy does. */
bool batches_full(const struct batches *b, const char *owner);

/* --- read --- */

/*
 * By id, or by name when `ref` is not all digits. ERR_NOT_FOUND "Session 'x' not found."; ERR_INVALID for digits over
 * 2^31-1.
 */
void batches_get(struct batches *b, const char *ref, batches_fn *fn, void *arg);

int64_t batches_count(const struct batches *b); /* live and recently finished; spare ones do not count */
const struct batch *batches_at(const struct batches *b,
			       int64_t index); /* ascending ids; borrowed until the loop goes on */

const struct batch *batches_by_id(const struct batches *b, int64_t id); /* among these; NULL: none; borrowed likewise */
void batches_forget_view(struct batches *b, int64_t id);                /* what it shows has changed */

/* Has the log of this batch grown since its view was made? */
bool batches_log_changed(struct batches *b, const struct batch *batch);

/* What comes after the lines of its log. */
void batches_diagnostics(const struct batches *b, const struct batch *batch, struct diagnostics *ret);

/* The log of a batch that batches_get() gave. fn as in logs.h; file NULL without an error: there is no process yet. */
void batches_log(struct batches *b, const struct batch *batch, logs_fn *fn, void *arg);

/* --- delete --- */

/*
 * Kills if need be, and forgets. fn is called when the tree is gone and the end is stored, or at florus.kill.grace +
 * BATCHES_KILL_EXTRA_MS: the kill is then durable and goes on (D7). Errors as batches_get(), and the store's.
 */
enum { BATCHES_KILL_EXTRA_MS = 1500 };
typedef void batches_deleted_fn(void *arg, const struct error *e);
void batches_delete(struct batches *b, const char *ref, batches_deleted_fn *fn, void *arg);

/* The same, but what is known of it stays. ERR_NOT_FOUND: it is not in memory. */
void batches_kill(struct batches *b, int64_t id, batches_deleted_fn *fn, void *arg);

/*
 * Ends one that runs as a failure: it will be dead, whatever its exit status, and batches_kind.explain says why.
 * Nothing is stored before it is: after a restart whoever found it wanting must find so again. Of any other nothing
 * changes.
 */
void batches_fail(struct batches *b, int64_t id);

/* Calls fn for each spare one, oldest first; it may not end any. */
typedef void batches_spare_fn(void *arg, const struct batch *job);
void batches_each_spare(const struct batches *b, batches_spare_fn *fn, void *arg);

/* Stored, and shown from then on. */
void batches_set_app_id(struct batches *b, int64_t id, const char *app_id);
