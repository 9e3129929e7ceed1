/*
 * fdio - whole reads and writes, and files that are replaced, never half written.
 *
 * Every descriptor made here is O_CLOEXEC. All functions block: not for the loop thread unless
 * the file is small and local. Errors are ERR_NOT_FOUND (ENOENT), ERR_NO_SPACE or ERR_INTERNAL.
 */
#pragma once
#include "base/error.h"
#include "base/sbuf.h"
#include <sys/types.h>

MUST_CHECK bool fdio_write_all(int fd, const void *bytes, size_t n, struct error *e);

/* Appends the whole file to `to`; over its limit is ERR_TOO_LARGE. dirfd may be AT_FDCWD. */
MUST_CHECK bool fdio_read_file(int dirfd, const char *name, struct sbuf *to, struct error *e);

/* The same for a file where somebody else may have put a pipe, which would hold us up: that is ERR_MALFORMED. */
MUST_CHECK bool fdio_read_plain_file(int dirfd, const char *name, struct sbuf *to, struct error *e);

/* The same for one that is open; `name` is for the message. */
MUST_CHECK bool fdio_read_plain_fd(int fd, const char *name, struct sbuf *to, struct error *e);

/*
 * Replaces `name` in dirfd by n bytes: tmp, write, fsync, rename, fsync(dir). Readers see the old
 * file or the new one. Mode 0600. False: the old file stands.
 */
MUST_CHECK bool fdio_replace_file(int dirfd, const char *name, const void *bytes, size_t n, struct error *e);

/* Opens the directory, making it (mode 0700) with its parents when absent. */
MUST_CHECK bool fdio_open_dir(const char *path, int *ret_fd, struct error *e);
