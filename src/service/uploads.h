/*
 * uploads - files that a client sends to his session: put into its working directory, then added as add-* does.
 *
 * Each has a directory of its own there, with a name that nobody can guess, and the session's account owns it; all go
 * with the session's directory. Loop thread only; what is large is read and copied on the pool.
 */
#pragma once
#include "service/sessions.h"

struct upload {
	const char *what;     /* "jar", "pyfile" or "file" */
	const char *part;     /* of the form that holds it */
	const char *boundary; /* of the form; copied */
	int fd;               /* the form: the body of the request, which nobody changes; duplicated */
	int64_t len, max;     /* of the form; of the file */
};

/*
 * fn as of questions_add(). ERR_INVALID also: the session's driver is on another host, where the file is not, or the
 * file's name cannot be used; ERR_MALFORMED: the form is not one, or has no such part, in Livy's words; ERR_TOO_LARGE:
 * over max.
 */
void uploads_add(struct sessions *s, const struct batch *job, const struct upload *u, question_fn *fn, void *arg);
void uploads_stop(struct sessions *s); /* whoever waits gets ERR_UNAVAILABLE */
