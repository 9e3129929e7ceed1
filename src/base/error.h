/*
 * error - why something failed, in words for the one who asked.
 *
 * A fallible function is `bool f(…, struct error *e) MUST_CHECK`; false means *e is set; after true it
 * means nothing. The value lives on the caller's stack and owns nothing. `e` is never NULL. Messages go to clients:
 * never a secret, never SQL, never a path of this host that the client did not name himself.
 * A function either returns an error or logs it, never both.
 */
#pragma once
#include "base/cleanup.h"
#include <stdbool.h>

/*
 * Every way to fail: code, wire name, HTTP status, exit status of a command.
 * ERR_MALFORMED and ERR_SESSION_STATE are shown as a bare JSON string, all others as {"msg":…} (livy.md 1.1).
 */
#define ERROR_CODES(X)                                                                                               \
	X(ERR_NONE, "ok", 200, 0)                                                                                    \
	X(ERR_INVALID, "invalid", 400, 2)             /* understood and refused */                                   \
	X(ERR_MALFORMED, "malformed", 400, 2)         /* the body is not what the route reads */                     \
	X(ERR_FORBIDDEN, "forbidden", 403, 4)         /* */                                                          \
	X(ERR_NOT_FOUND, "not_found", 404, 3)         /* */                                                          \
	X(ERR_CONFLICT, "conflict", 409, 5)           /* not now: something else is in the way */                    \
	X(ERR_TOO_LARGE, "too_large", 413, 2)         /* over a named ceiling */                                     \
	X(ERR_UNACCEPTABLE, "unacceptable", 406, 2)   /* no answer in the form that was asked for */                 \
	X(ERR_UNSUPPORTED, "unsupported", 415, 2)     /* a coding of the body we do not know */                      \
	X(ERR_KEY_REUSED, "key_reused", 422, 5)       /* Idempotency-Key with another body */                        \
	X(ERR_BUSY, "busy", 429, 6)                   /* a queue is full; Retry-After */                             \
	X(ERR_INTERNAL, "internal", 500, 1)           /* our fault */                                                \
	X(ERR_SESSION_STATE, "session_state", 500, 5) /* a session that is not up: Livy's clients want a 500 here */ \
	X(ERR_UNAVAILABLE, "unavailable", 503, 6)     /* the store or a cluster is away */                           \
	X(ERR_NO_SPACE, "no_space", 507, 6)           /* disk full */                                                \
	X(ERR_CONFIG, "config", 500, 78)              /* what the administrator wrote; EX_CONFIG */

#define X(code, name, http, exit) code,
enum error_code { ERROR_CODES(X) ERROR_CODE_COUNT };
#undef X

struct error {
	enum error_code code;
	char msg[512];
};

/* Sets code and message (cut to fit). Always false, so that one may write `return error_set(…)`. */
bool error_set(struct error *e, enum error_code code, const char *fmt, ...) PRINTF(3, 4);

/* As error_set, then ": " and the text of `err` (an errno value). ENOSPC and EDQUOT become ERR_NO_SPACE. */
bool error_errno(struct error *e, int err, const char *fmt, ...) PRINTF(3, 4);

/* Puts context in front: "adopting 7: <old message>". Always false. */
bool error_wrap(struct error *e, const char *fmt, ...) PRINTF(2, 3);

/* That they are always false is told to those who read the code without running it: compilers, and their analyzers. */
static inline bool error_false(bool set)
{
	(void)set;
	return false;
}
#define error_set(...) error_false(error_set(__VA_ARGS__))
#define error_errno(...) error_false(error_errno(__VA_ARGS__))
#define error_wrap(...) error_false(error_wrap(__VA_ARGS__))

const char *error_name(enum error_code code);
int error_http_status(enum error_code code);
int error_exit_status(enum error_code code);
