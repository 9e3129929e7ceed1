/*
 * tokens - bearer tokens: a file of `sha256hex owner expiry [name]` lines, read once, never changed.
 *
 * A token is 256 random bits behind a word, so a plain SHA-256 keeps it, and no guess is worth a budget. The file
 * cannot give a token back. Which one is meant is looked up by a keyed digest of the
 * digest, compared in constant time. One thread.
 */
#pragma once
#include "auth/authorization.h"
#include "auth/secret.h"
#include "base/error.h"

enum { TOKENS_MAX = 20000, TOKEN_NAME_MAX = 64, TOKEN_HEX = 64 };
#define TOKEN_PREFIX "florus_" /* so that scanners of repositories can tell one */

struct tokens;

/* ERR_CONFIG names file and line: bad digest, owner, expiry, a token twice. */
MUST_CHECK bool tokens_load(const char *path, struct mac *m, struct tokens **ret, struct error *e);
struct tokens *tokens_free(struct tokens *t); /* takes NULL; returns NULL */

size_t tokens_count(const struct tokens *t);

/* The owner, borrowed; NULL: no such token, or its time is over (*ret_expired, for the log). */
const char *tokens_owner(const struct tokens *t, struct mac *m, const char *token, int64_t wall_ms, bool *ret_expired);

/* 2026-11-24T22:31:43[.123]Z or with +01:00: milliseconds since 1970. */
MUST_CHECK bool tokens_parse_time(const char *text, int64_t *ret_wall_ms);
