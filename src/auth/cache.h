/*
 * cache - credentials that were right, by their mac: whoever comes again within a while is not hashed again.
 *
 * An entry is `fresh` at first: it answers for itself. Later, or after the files were read anew, it is only
 * `known`: checked again like any other, but ahead of strangers and whatever the budgets say, because
 * whoever has it had the right password before. A fixed table, AUTH_CACHE_MAX entries; a full set
 * drops its oldest. Holds names and macs, never a password. One thread.
 */
#pragma once
#include "auth/secret.h"

enum {
	AUTH_CACHE_MAX = 4096,
	CACHE_KNOWN_MS = 24 * 3600 * 1000, /* how long a right credential is remembered as such */
};

enum cache_found { CACHE_ABSENT, CACHE_KNOWN, CACHE_FRESH };

struct cache;
struct cache *cache_new(void);
struct cache *cache_free(struct cache *c); /* takes NULL; returns NULL */

/* FRESH: *ret_user and *ret_method are set, borrowed until the next change. */
enum cache_found cache_get(const struct cache *c, const struct digest *mac, int64_t now_ms, const char **ret_user,
			   const char **ret_method);
/* `method` is a literal. */
void cache_put(struct cache *c, const struct digest *mac, const char *user, const char *method, int64_t fresh_ms,
	       int64_t now_ms);
void cache_drop(struct cache *c, const struct digest *mac); /* it was wrong just now */
void cache_stale(struct cache *c);                          /* nothing is fresh any more */
