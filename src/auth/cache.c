#include "auth/cache.h"
#include <string.h>

enum { WAYS = 8, SETS = AUTH_CACHE_MAX / WAYS };

struct entry {
	struct digest mac;
	char *user; /* NULL: free */
	const char *method;
	int64_t fresh_until_ms, known_until_ms;
};

struct cache {
	struct entry entries[SETS][WAYS];
};

struct cache *cache_new(void)
{
	return xcalloc(1, sizeof(struct cache));
}

static void clear(struct entry *x)
{
	free(x->user);
	*x = (struct entry){ 0 };
}

struct cache *cache_free(struct cache *c)
{
	for (size_t i = 0; c && i < SETS; i++)
		for (size_t k = 0; k < WAYS; k++)
			clear(&c->entries[i][k]);
	free(c);
	return NULL;
}

/* The mac is keyed: where it falls is nobody's choice. */
static size_t set_of(const struct digest *mac)
{
	uint32_t n;

	memcpy(&n, mac->bytes, sizeof n);
	return n % SETS;
}

/* The place of the entry in its set; WAYS: none. All ways are compared, to the end. */
static size_t find(const struct entry *set, const struct digest *mac)
{
	size_t found = WAYS;

	for (size_t k = 0; k < WAYS; k++)
		if (set[k].user && secret_equal(&set[k].mac, mac))
			found = k;
	return found;
}

enum cache_found cache_get(const struct cache *c, const struct digest *mac, int64_t now_ms, const char **ret_user,
			   const char **ret_method)
{
	const struct entry *set = c->entries[set_of(mac)];
	size_t k = find(set, mac);

	if (k == WAYS || now_ms >= set[k].known_until_ms)
		return CACHE_ABSENT;
	if (now_ms >= set[k].fresh_until_ms)
		return CACHE_KNOWN;
	*ret_user = set[k].user;
	*ret_method = set[k].method;
	return CACHE_FRESH;
}

void cache_put(struct cache *c, const struct digest *mac, const char *user, const char *method, int64_t fresh_ms,
	       int64_t now_ms)
{
	struct entry *set = c->entries[set_of(mac)], *to = &set[0];
	size_t same = find(set, mac);

	for (size_t k = 1; k < WAYS; k++)
		if (set[k].known_until_ms < to->known_until_ms)
			to = &set[k];
	if (same < WAYS)
		to = &set[same];

	char *copy = xstrdup(user);
	clear(to);
	*to = (struct entry){ *mac, copy, method, now_ms + fresh_ms, now_ms + CACHE_KNOWN_MS };
}

void cache_drop(struct cache *c, const struct digest *mac)
{
	struct entry *set = c->entries[set_of(mac)];
	size_t k = find(set, mac);

	if (k < WAYS)
		clear(&set[k]);
}

void cache_stale(struct cache *c)
{
	for (size_t i = 0; i < SETS; i++)
		for (size_t k = 0; k < WAYS; k++)
			c->entries[i][k].fresh_until_ms = 0;
}
