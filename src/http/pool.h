/*
 * pool - the memory that libmicrohttpd keeps for each connection, and giving back what an idle one has used.
 *
 * The library maps one pool per connection, big enough for the longest header block; only pages that were touched
 * count. A request touches three, and 10,000 connections that each had one would hold 120 MB for nothing. So the pools
 * are mapped here (pool.c), and those of idle connections are emptied. Loop thread only.
 */
#pragma once
#include <stdbool.h>
#include <stddef.h>

struct pool {
	char *at; /* NULL: unknown, and left alone */
	size_t size;
};

/* The pool that was made last: asked when the library tells of a new connection, it is that one's. */
struct pool pool_latest(void);

/* Gives the memory of a connection back to the system, when it holds nothing: no byte of a next request. */
void pool_release(const struct pool *p);
