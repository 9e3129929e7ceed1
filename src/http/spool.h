/*
 * spool - a request's body that is too large for memory: a file without a name, which goes when it is closed.
 *
 * Written on the loop as the bytes come (into the page cache), read by whoever answers, on the pool. Private to http/.
 */
#pragma once
#include "base/error.h"
#include <stddef.h>
#include <stdint.h>

enum { SPOOLS_MAX = 8 /* at a time, of a server; 503 beyond */ };

struct spool {
	int fd; /* -1: none */
	int64_t len, max;
};

/* In the directory. ERR_NO_SPACE and others. */
MUST_CHECK bool spool_open(int dirfd, int64_t max, struct spool *ret, struct error *e);
/* ERR_TOO_LARGE: over max; ERR_NO_SPACE: the disk is full. */
MUST_CHECK bool spool_add(struct spool *s, const void *bytes, size_t n, struct error *e);
void spool_close(struct spool *s); /* harmless when there is none */
