/*
 * edit - what an administrator does to the files of users and tokens: florus passwd, florus token.
 *
 * Lines that are not meant stay as they are, comments too. Blocks: the hash, the file. Any thread.
 */
#pragma once
#include "auth/tokens.h"
#include "base/error.h"
#include "base/sbuf.h"

enum { EDIT_TOKEN_BYTES = sizeof TOKEN_PREFIX + TOKEN_HEX }; /* NUL included */

/*
 * Gives the user a new password (yescrypt), or makes him; who was disabled stays so. ERR_INVALID: bad name or password.
 */
MUST_CHECK bool edit_set_password(const char *path, const char *user, const char *password, bool *ret_is_new,
				  struct error *e);

/* Makes a token and the line that lets it in; `name` may be NULL. ERR_INVALID: bad owner or name. */
MUST_CHECK bool edit_make_token(const char *owner, const char *name, int64_t expires_wall_ms,
				char token[EDIT_TOKEN_BYTES], struct sbuf *line, struct error *e);
MUST_CHECK bool edit_add_line(const char *path, const char *line, struct error *e);
