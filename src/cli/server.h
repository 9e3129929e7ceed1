/*
 * server - finding the server, asking it, and waiting for it while it is away.
 *
 * The address comes from --url, --state-dir, $FLORUS_URL, $FLORUS_STATE_DIR, ./.florus or the default state directory,
 * in this order; user and password from the address or from $FLORUS_USER and $FLORUS_PASSWORD, never from the command
 * line's options; who vouches for a server that speaks https from --cacert or $FLORUS_CACERT. An address that was read
 * from a state directory is read again before each retry: a restarted server may have another port.
 */
#pragma once
#include "base/json.h"
#include "cli/cli.h"

enum {
	CALL_TIMEOUT_MS = 30 * 1000,
	CALL_KILL_TIMEOUT_MS = 5 * 60 * 1000, /* a kill answers when the tree is gone (D7) */
	CALL_JSON_MAX = 512 * 1024 * 1024,    /* memory for one answer once it is read */
};

struct call {
	const char *method, *path;
	const struct sbuf *body;     /* NULL: none */
	const char *idempotency_key; /* NULL: none. With one, 409 means "still at it" and is asked again */
	long timeout_ms;             /* 0: CALL_TIMEOUT_MS */
};

/* The answer to a call that succeeded. Its strings die with it. */
struct reply {
	struct arena *arena;
	const struct jr *json; /* an object */
	bool maybe_sent;       /* the call failed, but the server may have done it */
};

static inline void reply_done(struct reply *r)
{
	r->arena = arena_free(r->arena);
	r->json = NULL;
}
#define _reply_ _cleanup_(reply_done)

/*
 * Any status but 2xx is an error with the server's own message. What does not answer like a Livy server
 * is ERR_INTERNAL. Within c->retry_for_ms no answer and 503 are tried again;
 * stderr hears of it once for each absence.
 */
MUST_CHECK bool server_call(struct cli *c, const struct call *call, struct reply *ret, struct error *e);

/* Appends "/batches/" and the id or name, percent-encoded. ERR_INVALID for an empty one. */
MUST_CHECK bool server_batch_path(struct sbuf *to, const char *id, struct error *e);

/* GET /batches/{id} + suffix. */
MUST_CHECK bool server_get_batch(struct cli *c, const char *id, const char *suffix, struct reply *ret, struct error *e);

/* A header of the latest answer; borrowed until the next call. NULL: it has none. */
const char *server_header(const struct cli *c, const char *name);

const char *reply_text(const struct jr *object, const char *key); /* NULL: absent, null or no scalar */
MUST_CHECK bool reply_int(const struct jr *object, const char *key, int64_t *ret, struct error *e);
/* A text that must be there. */
MUST_CHECK bool reply_need(const struct jr *object, const char *key, const char **ret, struct error *e);

/* Writes a value that was read. */
void reply_copy(struct jw *w, const char *key, const struct jr *value);
/* The whole value and a newline on stdout. */
MUST_CHECK bool reply_print(const struct jr *value, struct error *e);

bool batch_is_over(const char *state); /* success, dead, killed, error */
