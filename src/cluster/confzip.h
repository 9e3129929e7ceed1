/* confzip - a small archive in memory: the configuration of a job. Stored, not packed, as it is read once. The only file that knows libzip. */
#pragma once
#include "base/error.h"
#include "base/sbuf.h"

struct confzip;

struct confzip *confzip_new(void);
struct confzip *confzip_free(struct confzip *z); /* takes NULL; returns NULL */
static inline void confzip_freep(struct confzip **z)
{
	(void)confzip_free(*z);
}
#define _confzip_ _cleanup_(confzip_freep)

/* Copies n bytes. A second one of a name is passed over: the first one counts. Trouble is told by confzip_write(). */
void confzip_add(struct confzip *z, const char *name, const void *bytes, size_t n);

/* Appends the archive. ERR_TOO_LARGE: over out's limit; ERR_INTERNAL. */
MUST_CHECK bool confzip_write(struct confzip *z, struct sbuf *out, struct error *e);
