/*
 * logfile-priv - what logfile.c (growing, counting) and logcursor.c (reading) share. For those two only.
 */
#pragma once
#include "base/record.h"
#include "run/logfile.h"

/* The compiler zeroes what is not initialised; for 64 KiB that costs more than most reads. */
#define _uninit_ __attribute__((uninitialized))

enum { LOGFILE_CHUNK = 64 * 1024 }; /* bytes of one read; the buffer lies on the stack */

/* `line` line ends were seen before `offset`. */
struct logfile_checkpoint {
	int64_t offset;
	uint64_t line : 63;
	uint64_t after_cr : 1; /* the byte before is \r */
};

struct logfile {
	int run_dirfd, fd; /* fd -1: the file was not there yet */
	char *name;
	int64_t scanned;                        /* bytes looked at */
	int64_t ends;                           /* line ends in them */
	bool after_cr, inside;                  /* the last of them is \r; does not end a line */
	bool rest;                              /* nothing will come any more: the unterminated rest counts */
	struct record_hole hole;                /* start == end: none */
	int64_t hole_line;                      /* line ends before the hole; valid once scanned >= hole.start */
	int64_t stride;                         /* bytes between checkpoints, which lie at its multiples */
	struct logfile_checkpoint *checkpoints; /* ascending; none in (hole.start, hole.end] */
	int checkpoint_count, checkpoint_cap;
};

static inline bool logfile_has_hole(const struct logfile *f)
{
	return f->hole.end > f->hole.start;
}

/*
 * Reads up to n bytes at offset (< f->scanned, or new ones known to be on disk). *ret_n is 0 when the offset lies in
 * the hole, which may have grown by now. Otherwise at least one byte, none of the hole.
 */
MUST_CHECK bool logfile_fetch(struct logfile *f, int64_t offset, void *to, size_t n, size_t *ret_n, struct error *e);

/* The last checkpoint with fewer than `line` line ends before it; the beginning when there is none. */
struct logfile_checkpoint logfile_checkpoint_before(const struct logfile *f, int64_t line);
