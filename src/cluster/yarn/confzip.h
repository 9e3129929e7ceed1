/*
 * confzip - archives for YARN: a small one in memory, the configuration of a job, and one of Spark's jars. Stored, not
 * packed. The only file that knows libzip.
 */
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

/*
 * Writes an archive of all *.jar of a directory to `path`, which appears when it is whole. Takes seconds: not on the
 * loop. ERR_NO_SPACE, ERR_INTERNAL.
 */
MUST_CHECK bool confzip_directory(const char *dir, const char *path, struct error *e);
