/*
 * store - what must survive a crash: one SQLite file, one connection, one thread.
 *
 * The loop hands over operations; the store thread runs what has gathered in one transaction
 * and commits it (group commit, synchronous=FULL); then each operation's `done` runs on the loop.
 * So when `done` sees op->ok, the change is on the disk. Inserts are done in the order given, and so are all others;
 * but however many inserts wait, the others have half of each group: a kill or an end waits for no queue of newcomers.
 *
 * Ownership: an operation is the caller's memory, lent until `done`; strings in it must live as long.
 * Results (`out_…`) belong to the caller from `done` on. Loop thread only, except where said.
 *
 * Trouble: disk full fails inserts with ERR_NO_SPACE. State changes then get the ballast, a file that only keeps room,
 * and inserts wait until there is room for that file again. An I/O error on commit means "unknown": the file is closed,
 * reopened and checked, what its log holds is written and synced once more, and inserts are looked up by
 * id and nonce before they are answered; state changes are answered ERR_UNAVAILABLE and may be given
 * again (they are idempotent). After STORE_FAILURES_MAX such errors in a row the `fatal` callback is called.
 */
#pragma once
#include "base/error.h"
#include "base/id.h"
#include "loop/loop.h"
#include <stdint.h>

enum { STORE_FAILURES_MAX = 3, STORE_GROUP_MAX = 512 };

/* Operations, and bytes of requests in them, that may wait while the disk hangs. */
enum { STORE_WAITING_MAX = 8192, STORE_WAITING_BYTES_MAX = 64 * 1024 * 1024 };

struct store;

/*
 * Opens or makes state_dir/florus.db, checks it (quick_check) and migrates it. A file that is damaged,
 * newer, foreign or in use is refused with ERR_CONFIG, cause and cure in the message, and left as it is.
 */
MUST_CHECK bool store_open(const char *state_dir, struct store **ret, struct error *e);

/* Starts the thread; from here on operations are taken. `fatal` runs on the loop. */
void store_start(struct store *s, struct loop *l, loop_fn *fatal, void *arg);

/* Finishes what was given (their `done` is called), closes. Takes NULL; returns NULL. */
struct store *store_free(struct store *s);

bool store_healthy(const struct store *s); /* the file is in order and its disk answers; any thread */
/*
 * As much waits as may: nothing that a client can put off should be given (it is taken all the same, so that
 * ends and kills always are). Loop thread.
 */
bool store_full(const struct store *s);
int64_t store_next_id(const struct store *s); /* the id that the next insert will probably get; any thread */

/*
 * How many ids were given that the file, when it was opened, knew nothing of: it is an older copy. They are not given
 * again.
 */
int64_t store_ids_lost(const struct store *s);

/*
 * A stored batch. Strings are NULL when not set. In rows given by the store they are borrowed or owned as said there.
 */
struct store_row {
	int64_t id;
	const char *state; /* state_name() */
	int attempt;       /* 0: none yet */
	char nonce[ID_NONCE_LEN + 1];
	const char *name, *owner, *proxy_user, *app_id;
	const char *boot_id;  /* of the latest intent */
	const char *end_kind; /* exit, signal, exec, lost */
	int end_code;
	const char *why;
	int64_t created_ms, started_ms, finished_ms; /* wall clock; 0: not yet */
	bool killed, deleted;
	const char *request;                           /* the body it was made by; NULL unless asked for */
	const char *cluster, *launcher, *launcher_why; /* of a job in a cluster */
	const char *handle, *log_url, *ui_url;         /* by which the cluster knows it; where it can be looked at */
	bool spare;                                    /* nobody's yet, and not to be shown */
	bool unreadable;                               /* damaged: shown as dead, with STORE_UNREADABLE as the reason */
};
#define STORE_UNREADABLE "the stored record is unreadable"

/*
 * Before store_start(): calls fn for every unfinished batch, ids ascending, then for those finished since
 * `finished_since_ms` and not deleted, at most finished_max, the latest first. The row is borrowed during the call.
 * A row that cannot be read harms no other: it is given as dead (`unreadable`), and stored so.
 */
typedef void store_row_fn(void *arg, const struct store_row *row);
MUST_CHECK bool store_load(struct store *s, int64_t finished_since_ms, int64_t finished_max, bool with_requests,
			   store_row_fn *fn, void *arg, struct error *e);

struct store_op {
	void (*done)(struct store_op *op); /* on the loop, once */
	bool ok;
	void *arg;          /* the caller's */
	struct error error; /* when !ok */
	/* private */
	const struct store_op_type *type;
	struct store_op *next;
	size_t bytes; /* that it counts for */
};

/* Accepts a batch. With idem_key set, the first request with that (owner, key) wins; request: body and proxy user. */
struct store_insert {
	struct store_op op;
	const char *owner, *name, *proxy_user, *idem_key, *request; /* owner NULL: nobody; request: the body */
	size_t request_len;
	const char *cluster, *launcher, *launcher_why; /* NULL: it runs on this host */
	char nonce[ID_NONCE_LEN + 1];
	int64_t created_ms;
	bool spare; /* nobody's yet: found by nobody until it is claimed */
	bool claim; /* no new one, but the spare one claim_id becomes it; !ok with ERR_CONFLICT: that is over */
	int64_t claim_id;
	bool only_existing; /* store nothing: ERR_NOT_FOUND when the key is new */
	int64_t out_id;
	bool out_existing; /* the key was there with the same request: out_id is its batch, nothing was stored */
};                         /* the key with another request: !ok, ERR_KEY_REUSED */
void store_insert(struct store *s, struct store_insert *in);

/* The intent of an attempt (L3), and the request to carry it out. */
struct store_intent {
	struct store_op op;
	int64_t id;
	int attempt;
	const char *boot_id;
	char *out_request; /* the body as accepted; the caller frees */
	size_t out_request_len;
};
void store_intent(struct store *s, struct store_intent *in);

/* A change of state. Fields that are 0 or NULL keep their stored value; flags are only ever set. */
struct store_update {
	struct store_op op;
	int64_t id;
	const char *state;
	int64_t started_ms, finished_ms;
	const char *end_kind, *why;
	const char *app_id, *handle, *log_url, *ui_url, *launcher, *launcher_why; /* "": none any more */
	int end_code;
	bool killed, deleted;
};
void store_update(struct store *s, struct store_update *up);

/* Looks up one batch that is not deleted: by id, or (name not NULL) the newest with that name. */
struct store_get {
	struct store_op op;
	int64_t id;
	const char *name;
	bool with_request;
	struct store_row out_row; /* valid when ok; !ok with ERR_NOT_FOUND: none. store_row_done() frees it */
};
void store_get(struct store *s, struct store_get *get);
void store_row_done(struct store_row *row);

/* Forgets up to STORE_PURGE_MAX batches finished before a time. */
enum { STORE_PURGE_MAX = 200 };
struct store_purge {
	struct store_op op;
	int64_t finished_before_ms;
	struct store_row out_rows[STORE_PURGE_MAX]; /* id, attempt and nonce only */
	int out_count;
};
void store_purge(struct store *s, struct store_purge *purge);

/* --- statements, in the store of sessions --- */

/* Appends one that waits. The caller numbers them. */
struct store_statement_add {
	struct store_op op;
	int64_t session, id;
	const char *kind, *code; /* NULL: not given */
};
void store_statement_add(struct store *s, struct store_statement_add *add);

/* That one is to be stopped, wherever it is; of those that have ended already nothing changes. */
struct store_statement_cancel {
	struct store_op op;
	int64_t session, id;
};
void store_statement_cancel(struct store *s, struct store_statement_cancel *cancel);

/* The end of one; of those that have ended already nothing changes. */
struct store_statement_end {
	struct store_op op;
	int64_t session, id;
	const char *state, *output; /* output NULL: none */
	int64_t started_ms, completed_ms;
};
void store_statement_end(struct store *s, struct store_statement_end *end);

/*
 * Reads some: of those with ids from `from` on, by id or the newest first, `max` after the first `skip`. At most
 * STORE_STATEMENTS_MAX, and no more once STORE_STATEMENTS_BYTES are over.
 */
enum { STORE_STATEMENTS_MAX = 100000, STORE_STATEMENTS_BYTES = 16 * 1024 * 1024 };
struct store_statement {
	int64_t id, started_ms, completed_ms;
	char *state, *kind, *code, *output; /* NULL: none */
};
struct store_statements {
	struct store_op op;
	int64_t session, from, skip, max;
	bool newest_first, count;    /* the second: out_total is wanted */
	struct store_statement *out; /* store_statements_done() frees them */
	size_t out_count;
	int64_t out_total; /* however many were read */
};
void store_statements(struct store *s, struct store_statements *get);
void store_statements_done(struct store_statements *get);

/* The body that a batch or session was made by. ERR_NOT_FOUND. */
struct store_request {
	struct store_op op;
	int64_t id;
	char *out_request; /* the caller frees */
	size_t out_request_len;
};
void store_request(struct store *s, struct store_request *rq);
