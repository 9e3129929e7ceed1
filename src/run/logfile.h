/*
 * logfile - a driver's output as an array of lines, of any size, in constant memory.
 *
 * The driver appends to run/<attempt>/log; nobody else writes there. Lines end at \n, \r\n or \r
 * (Java's BufferedReader, as Livy). Line numbers are absolute and never shift: a line counts
 * once its end was seen; the unterminated rest counts only when `ended`. Where the shim gave
 * back the middle of an over-long log (file `log.hole`: the bytes and lines lost), the lost
 * lines keep their numbers: the first reads as a marker, the others as "".
 * The index is a bounded number of checkpoints whose spacing doubles as the file grows
 * (LOGFILE_CHECKPOINTS), so memory does not grow with the log. The file stays open until logfile_free().
 *
 * The shim writes log.hole before it gives bytes back; so what was read counts only if log.hole,
 * looked at afterwards, does not cover it. Zeros of a hole are never taken for content.
 *
 * One thread at a time; may move between threads. Reads block on the disk.
 */
#pragma once
#include "base/error.h"
#include "base/sbuf.h"
#include <stdint.h>

enum {
	LOGFILE_CHECKPOINTS = 2048,
	LOGFILE_LINE_MAX = 1024 * 1024, /* bytes of a line that are shown; then a marker says how many there are */
	LOGFILE_ROOM_MIN = 256,         /* bytes that logfile_next() needs in `out` to get anywhere */
};

struct logfile;

/* The log in directory `name` under run_dirfd (borrowed). The file may not exist yet: then it is empty. */
struct logfile *logfile_new(int run_dirfd, const char *name);
struct logfile *logfile_free(struct logfile *f); /* takes NULL; returns NULL */

/* Bytes on disk that logfile_scan() has not seen yet (fstat; 0 when the file does not exist). */
MUST_CHECK bool logfile_unseen(struct logfile *f, int64_t *ret_bytes, struct error *e);

/*
 * Looks at no more than max_bytes of new content. `ended` means that nothing will be appended
 * any more: the unterminated rest becomes a line once all was seen.
 */
MUST_CHECK bool logfile_scan(struct logfile *f, int64_t max_bytes, bool ended, struct error *e);

int64_t logfile_lines(const struct logfile *f); /* lines known by now */

/* Reading: a cursor over lines [from, to), giving JSON. Plain memory: nothing to free. */
struct logfile_cursor {
	struct logfile *file;
	int64_t line, end; /* next line, one past the last */
	/* private */
	int64_t offset;      /* next byte */
	int64_t offset_line; /* the line that byte belongs to; below `line`: still on the way */
	int64_t line_bytes;  /* bytes of the current line so far, shown or not */
	int64_t line_max;    /* bytes of a line that are shown */
	bool first;          /* nothing was given yet: no comma */
	bool inside;         /* the current line's string is open */
	bool cut;            /* the current line is longer than line_max: its rest is only counted */
	bool skip_lf;        /* the byte before is \r: a \n here belongs to it */
	bool in_hole;        /* giving lines that were lost; offset means nothing */
};

/* Starts a cursor; from and to are clamped to [0, lines]. */
void logfile_seek(struct logfile *f, int64_t from, int64_t to, int64_t line_max, struct logfile_cursor *c);

/*
 * Appends to `out` as much as fits its limit of the JSON strings of the cursor's lines, separated by
 * commas (no comma before the first): `"line one","line two"`. True with *ret_done set when the
 * last line is complete. Call again with at least LOGFILE_ROOM_MIN bytes of room in `out` to go on. Invalid
 * UTF-8 becomes U+FFFD; a sequence is never split between calls.
 */
MUST_CHECK bool logfile_next(struct logfile_cursor *c, struct sbuf *out, bool *ret_done, struct error *e);
