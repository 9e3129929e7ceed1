/*
 * arena - memory that dies together, with a ceiling.
 *
 * A request's strings and arrays come from one arena and go with it. Nothing is freed singly.
 * Allocation past the limit returns NULL once the arena is `full`; readers of foreign input
 * test arena_ok() once at the end. One thread at a time.
 */
#pragma once
#include "base/cleanup.h"
#include <stdbool.h>
#include <stddef.h>

struct arena;

struct arena *arena_new(size_t limit_bytes);
void *arena_alloc(struct arena *a, size_t bytes);              /* zeroed, aligned for any type; NULL: full */
char *arena_strndup(struct arena *a, const char *s, size_t n); /* NUL-terminated; NULL: full */
char *arena_strdup(struct arena *a, const char *s);            /* NULL stays NULL */
bool arena_ok(const struct arena *a);                          /* false once an allocation was refused */
struct arena *arena_free(struct arena *a);                     /* takes NULL; returns NULL */

static inline void arena_freep(struct arena **a)
{
	(void)arena_free(*a);
}
#define _arena_ _cleanup_(arena_freep)
