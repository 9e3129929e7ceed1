/*
 * rundir - what an attempt's directory says about it, and its removal.
 *
 * rundir_look() reads locks before files: whoever holds a lock writes first and lets go after, so
 * what is absent once its lock was free stays absent. rundir_verdict() is the table of
 * docs/launch-protocol.md as a pure function.
 */
#pragma once
#include "base/record.h"

struct rundir {
	bool exists, shim_lives, tree_lives; /* the locks are held */
	bool started, has_exit, has_shim, has_driver;
	int64_t started_wall_ms; /* of `started`; 0 without */
	struct record_process shim, driver;
	struct record_exit exit;
};

/* False: it could not be asked, which says nothing about the attempt. */
MUST_CHECK bool rundir_look(int run_dirfd, const char *name, struct rundir *ret, struct error *e);

enum rundir_verdict {
	RUNDIR_NEVER,     /* nothing ran, nothing will (without its directory no shim can start it) */
	RUNDIR_STARTING,  /* a shim is there, but has not started it */
	RUNDIR_RUNNING,   /* under its shim */
	RUNDIR_ORPHAN,    /* its shim is dead, its tree is not */
	RUNDIR_ENDED,     /* `exit` holds */
	RUNDIR_LOST,      /* it ran, is over, and left no `exit` */
	RUNDIR_LOST_BOOT, /* the host was restarted since; it may have run */
};
enum rundir_verdict rundir_verdict(const struct rundir *d, bool same_boot);
