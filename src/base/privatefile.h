/*
 * privatefile - reading a file that holds a secret, or on which trust rests.
 *
 * It must be a plain file, closed to other users and to its group's writing; a group may read, since that is
 * how a key is lent to a service. Errors name the file and the wrong permission, never what stands there.
 * Blocks on small local files. Any thread.
 */
#pragma once
#include "base/error.h"
#include "base/sbuf.h"
#include <sys/stat.h>

enum privatefile_use {
	PRIVATEFILE_TRUST,  /* it must belong to root or to us */
	PRIVATEFILE_CHANGE, /* root may be working for the account that owns it */
};

/* ERR_CONFIG: it may not be used, and why; ERR_NOT_FOUND. */
MUST_CHECK bool privatefile_open(const char *path, enum privatefile_use use, int *ret_fd, struct stat *ret_st,
				 struct error *e);

/* Appends the whole file. ERR_TOO_LARGE: over the limit of `to`. */
MUST_CHECK bool privatefile_read(const char *path, enum privatefile_use use, struct sbuf *to, struct stat *ret_st,
				 struct error *e);
