/*
 * yarn-libs - the archive of Spark's own jars, for jobs that do not say where they are in HDFS. Made on a thread of the
 * pool (some 400 MB, a few seconds), for one at a time. Private to the YARN backend.
 */
#pragma once
#include "base/arena.h"
#include "base/error.h"
#include "loop/loop.h"

struct yarn_libs {
	struct loop *loop;
	int run_dirfd;       /* where it is made; borrowed */
	const char *dir;     /* of the jars on this host; borrowed */
	const void *bringer; /* NULL: nobody brings it now */
	struct yarn_libs_work *work;
};

/* fd -1: it could not be made, and *e says why. It is closed after the call. */
typedef void yarn_libs_fn(void *arg, int fd, int64_t size, const struct error *e);

/* What it is called there: other jars, another name. NULL: there are no jars in dir. */
const char *yarn_libs_name(struct arena *a, const char *dir, const char *version);

/* Makes it for `bringer`, who keeps all others from it until he leaves; then calls fn. False: another one brings it. */
MUST_CHECK bool yarn_libs_make(struct yarn_libs *l, const void *bringer, yarn_libs_fn *fn, void *arg);
void yarn_libs_leave(struct yarn_libs *l, const void *bringer); /* his fn is not called any more; others pass */
void yarn_libs_close(struct yarn_libs *l);
