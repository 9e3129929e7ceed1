/*
 * secretfile - the lines of a file that only its owner may change and not everybody may read.
 *
 * Read: the file must be a plain one of root or of us, closed to others and to the group's writing (privatefile.h).
 * Empty lines and lines that begin with # are passed over; errors name file and line, never what stands there.
 * Replaced: tmp, owner and mode of the old one, fsync, rename, fsync of the directory. Blocks on small local files. Any
 * thread.
 */
#pragma once
#include "base/error.h"
#include "base/sbuf.h"

enum { SECRETFILE_BYTES_MAX = 8 * 1024 * 1024, SECRETFILE_LINE_MAX = 1024 };

/* Appends the whole file. ERR_CONFIG says which permission is wrong; ERR_NOT_FOUND. */
MUST_CHECK bool secretfile_read(const char *path, struct sbuf *to, struct error *e);

/* The same judgement of a file that somebody else reads. */
MUST_CHECK bool secretfile_check(const char *path, struct error *e);

/* `line` is cut up by the receiver as it likes. Errors come back with "path:12: " before them. */
typedef bool secretfile_line_fn(void *arg, char *line, struct error *e);
MUST_CHECK bool secretfile_each_line(const char *path, char *text, secretfile_line_fn *fn, void *arg, struct error *e);

/*
 * Changes a file that others may be changing too: holds a lock on its directory, reads what is there ("" for no file),
 * lets `edit` make the new text, replaces. A new file has mode 0600; follows a symbolic link.
 */
typedef bool secretfile_edit_fn(void *arg, char *old, struct sbuf *to, struct error *e);
MUST_CHECK bool secretfile_change(const char *path, secretfile_edit_fn *edit, void *arg, struct error *e);
