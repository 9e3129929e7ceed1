/*
 * map - a hash map from short strings to pointers.
 *
 * Keys are borrowed: they must live as long as their entry (usually inside the value).
 * Seeded, so that clients cannot choose collisions. Open addressing, grows by itself. One thread.
 */
#pragma once
#include "base/cleanup.h"
#include <stdbool.h>
#include <stddef.h>

struct map;

struct map *map_new(void);
struct map *map_free(struct map *m);                       /* takes NULL; values are not touched; returns NULL */
void *map_get(const struct map *m, const char *key);       /* NULL: absent */
void map_set(struct map *m, const char *key, void *value); /* replaces key pointer and value; value not NULL */
void map_del(struct map *m, const char *key);              /* absent is fine */
size_t map_count(const struct map *m);
