/*
 * uploads - files that a client sends to his session: put into its working directory, then added as add-* does.
 *
 * Each has a directory of its own there, with a name that nobody can guess, and the session's account owns it; all go with the
 * session's directory. Loop thread only; what is large is copied on the pool.
 */
#pragma once
#include "service/sessions.h"

struct upload {
	const char *what;      /* "jar", "pyfile" or "file" */
	int fd;                /* the body of the request; duplicated */
	int64_t offset, len;   /* of the file in it */
	const char *file_name; /* a base name; copied */
};

/* fn as of questions_add(). ERR_INVALID also: the session's driver is on another host, where the file is not. */
void uploads_add(struct sessions *s, const struct batch *job, const struct upload *u, question_fn *fn, void *arg);
void uploads_stop(struct sessions *s); /* whoever waits gets ERR_UNAVAILABLE */
