/*
 * record - the small files in an attempt's directory that the shim writes and others read.
 *
 *     shim, driver  who: pid, start time, boot id        log.hole  what was taken out of `log`
 *     exit          how it ended
 *
 * Each is a few `key=value` lines and ends with `sum=`, a checksum of all before it; a record
 * that is cut short or damaged is refused, never half believed (ERR_MALFORMED). An absent one is
 * ERR_NOT_FOUND. `exit` and `log.hole` are durable when their writer returns, and appear whole or
 * not at all; `shim` and `driver` only matter until the next boot, so they are not synced.
 * Blocks on small local files. Any thread. Nothing is kept.
 */
#pragma once
#include "base/error.h"
#include <stdint.h>
#include <sys/types.h>

#define RECORD_SHIM "shim"
#define RECORD_DRIVER "driver"
#define RECORD_STARTED "started" /* empty: from its birth on the attempt may have run */
#define RECORD_EXIT "exit"
#define RECORD_EXIT_TMP "exit.tmp"   /* its space, reserved before the driver may start */
#define RECORD_SHIM_LOCK "shim.lock" /* flock held: somebody will write `exit` */
#define RECORD_TREE_LOCK "tree.lock" /* flock held: a process of the attempt lives */
#define RECORD_LOG "log"
#define RECORD_HOLE "log.hole"
#define RECORD_WORK "work"             /* the driver's working directory, its own */
#define RECORD_PROPERTIES "spark.conf" /* secrets of the submission; only while the driver lives */

enum {
	RECORD_BYTES_MAX = 4096,
	RECORD_BOOT_ID_LEN = 36,
	RECORD_WHY_MAX = 256,
};

/* A process that cannot be mistaken for a later one with its number. */
struct record_process {
	pid_t pid;
	uint64_t start_ticks; /* field 22 of /proc/<pid>/stat */
	char boot_id[RECORD_BOOT_ID_LEN + 1];
};

enum record_exit_kind {
	RECORD_EXITED,   /* code = exit status */
	RECORD_SIGNALED, /* code = signal number */
	RECORD_NO_EXEC,  /* code = errno: the program could not be executed */
};

struct record_exit {
	enum record_exit_kind kind;
	int code;
	int64_t started_wall_ms, ended_wall_ms;
	char why[RECORD_WHY_MAX]; /* one line for people; "" when plain */
};

/*
 * Bytes [start, end) of `log` were given back. They held `lines` line ends (\n, \r\n or \r each
 * count once; a \r\n is never cut in two). start == end: nothing is missing. The hole only grows, at its end.
 */
struct record_hole {
	int64_t start, end, lines;
	bool start_inside; /* the byte before `start` does not end a line */
	bool end_inside;   /* the last byte of the hole did not end a line: the line at `end` is a rest */
};

/* Creates it; ERR_CONFLICT when it exists. Not synced. */
MUST_CHECK bool record_write_process(int dirfd, const char *file, const struct record_process *p, struct error *e);
MUST_CHECK bool record_read_process(int dirfd, const char *file, struct record_process *ret, struct error *e);

/* Reserves the space of the exit record, so that a full disk cannot lose a status. */
MUST_CHECK bool record_reserve_exit(int dirfd, struct error *e);
MUST_CHECK bool record_write_exit(int dirfd, const struct record_exit *x, struct error *e);
MUST_CHECK bool record_read_exit(int dirfd, struct record_exit *ret, struct error *e);

MUST_CHECK bool record_write_hole(int dirfd, const struct record_hole *h, struct error *e);
/* The hole of run/<dirname>/log. Absent: true and all zero. */
MUST_CHECK bool record_read_hole(int dirfd, const char *dirname, struct record_hole *ret, struct error *e);

/* This boot, from /proc/sys/kernel/random/boot_id. */
MUST_CHECK bool record_boot_id(char to[RECORD_BOOT_ID_LEN + 1], struct error *e);
