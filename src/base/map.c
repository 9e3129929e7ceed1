#include "base/map.h"
#include <assert.h>
#include <stdint.h>
#include <string.h>
#include <sys/random.h>

enum { MAP_FIRST_CAP = 64 };

struct slot {
	const char *key; /* NULL: free */
	void *value;
	uint64_t hash;
};

struct map {
	struct slot *slots;
	size_t count, cap; /* cap is a power of two, at most 3/4 used */
	uint64_t seed;
};

static uint64_t hash_of(const struct map *m, const char *key)
{
	uint64_t h = m->seed;

	for (; *key; key++) {
		h = (h ^ (unsigned char)*key) * 0x9E3779B97F4A7C15ULL;
		h ^= h >> 29;
	}
	return h;
}

struct map *map_new(void)
{
	struct map *m = xcalloc(1, sizeof *m);

	m->cap = MAP_FIRST_CAP;
	m->slots = xcalloc(m->cap, sizeof *m->slots);
	if (getrandom(&m->seed, sizeof m->seed, 0) != (ssize_t)sizeof m->seed)
		abort();
	return m;
}

struct map *map_free(struct map *m)
{
	if (m)
		free(m->slots);
	free(m);
	return NULL;
}

/* The slot that holds the key, or the free one where it would go. */
static struct slot *find(const struct map *m, const char *key, uint64_t hash)
{
	for (size_t i = hash & (m->cap - 1);; i = (i + 1) & (m->cap - 1)) {
		struct slot *s = &m->slots[i];

		if (!s->key || (s->hash == hash && strcmp(s->key, key) == 0))
			return s;
	}
}

static void grow(struct map *m)
{
	struct slot *old = m->slots;
	size_t old_cap = m->cap;

	m->cap *= 2;
	m->slots = xcalloc(m->cap, sizeof *m->slots);
	for (size_t i = 0; i < old_cap; i++)
		if (old[i].key)
			*find(m, old[i].key, old[i].hash) = old[i];
	free(old);
}

void *map_get(const struct map *m, const char *key)
{
	return find(m, key, hash_of(m, key))->value;
}

void map_set(struct map *m, const char *key, void *value)
{
	uint64_t hash = hash_of(m, key);
	struct slot *s = find(m, key, hash);

	assert(value);
	if (!s->key && (m->count + 1) * 4 > m->cap * 3) {
		grow(m);
		s = find(m, key, hash);
	}
	m->count += !s->key;
	*s = (struct slot){ key, value, hash };
}

void map_del(struct map *m, const char *key)
{
	struct slot *gap = find(m, key, hash_of(m, key));

	if (!gap->key)
		return;
	m->count--;
	*gap = (struct slot){ 0 };

	/* Close the gap: an entry behind it may have been pushed there by the one that went. */
	for (size_t i = ((size_t)(gap - m->slots) + 1) & (m->cap - 1); m->slots[i].key; i = (i + 1) & (m->cap - 1)) {
		struct slot moved = m->slots[i];

		m->slots[i] = (struct slot){ 0 };
		*find(m, moved.key, moved.hash) = moved;
	}
}

size_t map_count(const struct map *m)
{
	return m->count;
}
