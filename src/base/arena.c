#include "base/arena.h"
#include <stdalign.h>
#include <string.h>

enum { ARENA_BLOCK = 4096 };

struct block {
	struct block *next;
	size_t used, size; /* bytes after the header */
	alignas(max_align_t) char bytes[];
};

struct arena {
	struct block *blocks;
	size_t total, limit;
	bool full;
};

struct arena *arena_new(size_t limit_bytes)
{
	struct arena *a = xcalloc(1, sizeof *a);

	a->limit = limit_bytes;
	return a;
}

void *arena_alloc(struct arena *a, size_t bytes)
{
	size_t need = (bytes + alignof(max_align_t) - 1) & ~(alignof(max_align_t) - 1);
	struct block *b = a->blocks;

	if (need < bytes || need > a->limit - a->total) {
		a->full = true;
		return NULL;
	}
	if (!b || need > b->size - b->used) {
		size_t size = need > ARENA_BLOCK ? need : ARENA_BLOCK;

		b = xcalloc(1, sizeof *b + size);
		b->size = size;
		b->next = a->blocks;
		a->blocks = b;
	}
	a->total += need;
	b->used += need;
	return b->bytes + b->used - need;
}

char *arena_strndup(struct arena *a, const char *s, size_t n)
{
	char *copy = arena_alloc(a, n + 1);

	if (copy)
		memcpy(copy, s, n);
	return copy;
}

char *arena_strdup(struct arena *a, const char *s)
{
	return s ? arena_strndup(a, s, strlen(s)) : NULL;
}

bool arena_ok(const struct arena *a)
{
	return !a->full;
}

struct arena *arena_free(struct arena *a)
{
	if (!a)
		return NULL;
	while (a->blocks) {
		struct block *next = a->blocks->next;

		free(a->blocks);
		a->blocks = next;
	}
	free(a);
	return NULL;
}
