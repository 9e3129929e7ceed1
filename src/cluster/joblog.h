/*
 * joblog - the copy of an app's log in its directory, and how far its sources were read.
 *
 * Two streams of the cluster's (stderr, stdout) are appended to one file `log` as their bytes arrive. Beside it the
 * record `log.from` says how long `log` was and where each source was then. When it is opened, what is behind
 * that length is cut off: so after a crash nothing is missing and nothing twice. Written and read on the loop:
 * a few hundred kilobytes into the page cache, never synced (a log is not worth a disk's wait; after a power cut the
 * rest is fetched again). Private to cluster/.
 */
#pragma once
#include "base/error.h"
#include <stddef.h>
#include <stdint.h>

enum { JOBLOG_STREAMS = 2 };

struct joblog;

/* Opens run/<dir>/log, making both when they are not there. */
MUST_CHECK bool joblog_open(int run_dirfd, const char *dir, int64_t max_bytes, struct joblog **ret, struct error *e);
struct joblog *joblog_free(struct joblog *l); /* takes NULL; returns NULL */

int64_t joblog_offset(const struct joblog *l, int stream); /* of the source: what comes next */

/* Notes something else of the source in place of a stream's offset, with the next joblog_add(). */
void joblog_mark(struct joblog *l, int stream, int64_t mark);

/*
 * Appends n bytes of a source, which is then at `offset`. Over max_bytes the rest is counted, not kept, after one line
 * that says so. ERR_NO_SPACE and others: nothing was appended, give it again later.
 */
MUST_CHECK bool joblog_add(struct joblog *l, int stream, const char *bytes, size_t n, int64_t offset, struct error *e);
