/*
 * users - who may come with a password: a file of `user:hash[:disabled]` lines, read once, never changed.
 *
 * The hashes are crypt(3)'s (auth/hash.h). A reload makes a new object. Any name, known or not, has a hash to
 * compare with: an unknown one gets that of a line which depends on the name and nothing
 * else, so that the time tells nothing, also where kinds of hashes are mixed. One thread.
 */
#pragma once
#include "auth/secret.h"
#include "base/error.h"

enum { USERS_MAX = 20000 };

struct users;

/* ERR_CONFIG names file and line: bad name, bad hash, a user twice. */
MUST_CHECK bool users_load(const char *path, struct users **ret, struct error *e);
struct users *users_free(struct users *u); /* takes NULL; returns NULL */

size_t users_count(const struct users *u);

enum users_known { USERS_UNKNOWN, USERS_DISABLED, USERS_ENABLED };

/* The hash to check this name against, borrowed; whatever comes out, only an ENABLED one may be let in. */
enum users_known users_find(const struct users *u, struct mac *m, const char *name, const char **ret_hash);
