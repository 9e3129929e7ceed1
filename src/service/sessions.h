/*
 * sessions - interactive sessions: Spark applications that run statements.
 *
 * A session is a job like a batch (service/batches.h accepts, launches, watches, kills and keeps it) whose program is
 * our driver, and which talks to us (run/channel.h). Here is what a session has beyond a job: its driver's state, its
 * statements, and how long it may go unused.
 *
 * Invariants: a statement is on the disk before it is promised or sent, and its result before the driver may forget it;
 * so neither is lost and none runs twice, whoever dies. Callbacks are called once, on the loop, perhaps before the
 * function that took them returns. Loop thread only.
 */
#pragma once
#include "model/session.h"
#include "service/batches.h"

enum {
	SESSION_STATEMENTS_KEPT = 100,        /* of a session in memory; others come from the store */
	SESSION_LOAD_MAX = 1000,              /* read at a time at a start */
	SESSION_KEPT_BYTES = 8 * 1024 * 1024, /* of code and output that are over, in memory */
	SESSION_UNFINISHED_MAX = 1000,        /* statements of a session that wait */
	SESSION_UNFINISHED_BYTES =
		10 * 1024 * 1024,              /* of their code, unless it is one: a new connection hears all at once */
	SESSION_OUTPUT_MAX = 16 * 1024 * 1024, /* bytes of one answer */
	SESSION_VIEW_MAX = 4096,               /* bytes of an answer that is kept for a statement */
	SESSION_QUESTIONS_MAX = 64,            /* that a driver has not answered */
	SESSION_QUESTION_MS = 10000,           /* how long who asked waits */
	SESSION_JOBS_MAX = 200,                /* of a session that are known; the driver keeps the ends of 100 */
	SESSION_JOBS_BYTES = 64 * 1024 * 1024, /* of their results; the driver keeps as many */
	SESSION_JOB_MAX = 32 * 1024 * 1024,    /* bytes of one, as it was sent */
};

struct sessions;

struct sessions_setup {
	struct loop *loop;
	const struct config *config;
	const char *const *env;
	struct store *store; /* of sessions alone; opened, not started */
	struct runner *runner;
	int run_dirfd;
	const struct access *access;
	int dirfd;          /* for what is kept beside; borrowed for the call */
	const char *key;    /* what secrets of sessions are derived from: private to this state directory */
	const char *driver; /* path of florus_session.py */
	loop_fn *fatal;
	void *fatal_arg;
};

/* Do the options of sessions make sense together? ERR_CONFIG. */
MUST_CHECK bool sessions_check(const struct config *c, struct error *e);
MUST_CHECK bool sessions_new(const struct sessions_setup *setup, struct sessions **ret, struct error *e);
void sessions_stop(struct sessions *s);
struct sessions *sessions_free(struct sessions *s); /* after store_free(); takes NULL; returns NULL */

struct batches *sessions_jobs(const struct sessions *s); /* to create, look up, list, kill and read logs */

/*
 * What a session has beyond its job. Of one that is only history all but the application is unknown. Borrowed until the
 * loop goes on.
 */
struct session_view {
	const char *state;
	const char *app_id, *ui_url;
};
struct session_view sessions_view(const struct sessions *s, const struct batch *job);
void sessions_touch(struct sessions *s, const struct batch *job); /* somebody asked for it: a heartbeat */

void sessions_use(struct sessions *s, const struct batch *job); /* the same, and its idle time begins anew */

/* --- statements --- */

struct statement {
	int64_t id;
	const char *kind, *code; /* NULL: not given */
	enum statement_state state;
	const char *output;   /* JSON; NULL: none */
	const char *progress; /* a JSON number */
	int64_t started_ms, completed_ms;
	struct blob **view; /* where the answer that shows it may be kept, once it is over; NULL: nowhere */
};

typedef void statement_fn(void *arg, const struct statement *statement, const struct error *e);

/*
 * Runs code. ERR_SESSION_STATE, ERR_INVALID (Session isn't active), ERR_BUSY (too many wait), and the store's. `kind`
 * NULL: the session's.
 */
void statements_run(struct sessions *s, const struct batch *job, const char *kind, const char *code, statement_fn *fn,
		    void *arg);
void statements_get(struct sessions *s, const struct batch *job, int64_t id, statement_fn *fn, void *arg);
/*
 * A window of all that the session ever ran, both ends clamped (livy.md 1.7): items `from` to from + size of them in
 * the order asked for. Fewer than that when they are larger than STORE_STATEMENTS_BYTES together. Borrowed for the
 * call.
 */
struct statements_window {
	int64_t from, size;
	bool newest_first;
};
typedef void statements_fn(void *arg, const struct statement *items, size_t n, int64_t total, const struct error *e);
void statements_list(struct sessions *s, const struct batch *job, const struct statements_window *window,
		     statements_fn *fn, void *arg);

/*
 * Asks for its end, which comes when the driver can; durable when fn is called, so it holds for a driver that is away.
 * Of one that is over, or unknown, nothing changes. Errors as statements_run().
 */
typedef void cancelled_fn(void *arg, const struct error *e);
void statements_cancel(struct sessions *s, const struct batch *job, int64_t id, cancelled_fn *fn, void *arg);

/* --- questions, which the driver answers between statements --- */

/* The driver's answer (docs/session-protocol.md), borrowed for the call; NULL: an error. */
typedef void question_fn(void *arg, const struct jr *answer, const struct error *e);

/*
 * ERR_SESSION_STATE (not up, no kind, or no answer within SESSION_QUESTION_MS), ERR_INVALID (Session isn't active),
 * ERR_BUSY (too many wait), ERR_UNAVAILABLE (its driver is not connected).
 */
void questions_complete(struct sessions *s, const struct batch *job, const char *kind, const char *code, int64_t cursor,
			question_fn *fn, void *arg);
/* `what`: "jar", "pyfile" or "file". The path is resolved and judged as those of a submission are: ERR_INVALID. */
void questions_add(struct sessions *s, const struct batch *job, const char *what, const char *uri, question_fn *fn,
		   void *arg);

/* --- jobs: pickled functions of Livy's Python client (livy.md 1.7, 2.4) --- */

/* What is known of one. The driver alone remembers them: they end with the session. */
struct session_job {
	int64_t id;                         /* from 1 */
	const char *state, *result, *error; /* a word of livy.md 2.4; base64, text; NULL: none */
};
typedef void session_job_fn(void *arg, const struct session_job *job, const struct error *e);

/*
 * Gives the driver a job (base64); fn is called when it has it. ERR_SESSION_STATE, ERR_INVALID (Session isn't active),
 * ERR_BUSY (too many are not over), ERR_TOO_LARGE, ERR_UNAVAILABLE (its driver is not connected, or did not take it in
 * time).
 */
void jobs_run(struct sessions *s, const struct batch *job, const char *encoded, session_job_fn *fn, void *arg);
/* ERR_NOT_FOUND; ERR_UNAVAILABLE: the driver, who may know it, is not connected. Called before this returns. */
void jobs_get(struct sessions *s, const struct batch *job, int64_t id, session_job_fn *fn, void *arg);
/* Asks for its end. Of one that is over, or unknown, nothing changes. */
MUST_CHECK bool jobs_cancel(struct sessions *s, const struct batch *job, int64_t id, struct error *e);
