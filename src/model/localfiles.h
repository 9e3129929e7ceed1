/*
 * localfiles - the files of a submission that only this host has, and how others take their place. Pure.
 *
 * The program and the lists of its conf hold URIs. `file:`, or an absolute path without a scheme, is a file of this
 * host; `local:` is one that every host has, and everything else is where the cluster can read it. Strings belong to
 * the arena.
 */
#pragma once
#include "model/submission.h"

enum localfile_role {
	LOCALFILE_PROGRAM,
	LOCALFILE_JAR,
	LOCALFILE_PYFILE,
	LOCALFILE_FILE,
	LOCALFILE_ARCHIVE,
};

struct localfile {
	enum localfile_role role;
	const char *uri; /* as it stands there, without its alias */
	const char *
		path; /* absolute, escapes decoded; NULL: it is not that of one file (a pattern, a bad escape, a host) */
	const char *name;  /* the last part of path; NULL with it */
	const char *alias; /* what stands behind '#'; NULL: nothing */
};

bool localfiles_is_local(const char *uri); /* any case; NULL is not */
/* The path that a local URI without an alias names; NULL: it may be several, or none of this host. */
const char *localfiles_path(struct arena *a, const char *uri);
bool localfiles_any(const struct submission *s);

/*
 * Calls fn for each, the program first, each list in its order. What fn puts into *ret_uri stands in its place then,
 * its alias kept behind it; NULL leaves it as it is. False: fn's error, or ERR_TOO_LARGE when the arena is full.
 */
typedef bool localfiles_fn(void *arg, const struct localfile *f, const char **ret_uri, struct error *e);
MUST_CHECK bool localfiles_each(struct arena *a, struct submission *s, localfiles_fn *fn, void *arg, struct error *e);
