/*
 * launch - what florusd, the launcher and the shims say to each other.
 *
 *     florusd -> launcher  one byte with two descriptors: the spec, the shim's control socket
 *     shim -> florusd      READY, then STARTED; or REFUSED with a reason: nothing ran
 *     florusd -> shim      GO with a deadline
 *
 * Both kinds of socket are SOCK_SEQPACKET pairs. The spec is a sealed memfd: what a driver gets
 * as arguments and environment is never on disk and never in the argv of another process.
 * Reader and writer are built from the same source, but not always at the same time (florusd may
 * be restarted as a newer one): everything carries LAUNCH_VERSION and is length-checked.
 */
#pragma once
#include "base/error.h"
#include <stdint.h>
#include <sys/types.h>

enum {
	LAUNCH_VERSION = 2,
	LAUNCH_FD_SOCKET = 3, /* what the launcher finds when it starts: its socket … */
	LAUNCH_FD_RUN = 4,    /* … and the directory run/ */
	LAUNCH_FD_TREE = 200, /* where a driver inherits tree.lock: out of the way of shells' and programs' numbers */
	LAUNCH_SPEC_BYTES_MAX = 4 * 1024 * 1024,
	LAUNCH_NAME_MAX = 80,
	LAUNCH_TEXT_MAX = 256,
	LAUNCH_GROUPS_MAX = 4096,
	LAUNCH_DEFAULTS_BYTES_MAX = 1024 * 1024, /* of the file that `defaults` names */
};

struct launch_spec {
	const char *name; /* of the attempt's directory, a plain file name */
	const char *cwd;  /* "": work/ in the attempt's directory */
	/* Whom the driver runs as; uid -1: as we do, and gid and groups mean nothing. */
	int64_t uid, gid;
	const gid_t *groups; /* the supplementary ones */
	size_t group_count;  /* at most LAUNCH_GROUPS_MAX */
	/* What goes into the attempt's spark.conf; properties "": there is none. */
	const char *properties;
	const char *defaults; /* a file whose content comes before them; "": none; may be absent */
	const char *hidden;   /* the directory that Landlock keeps from the driver (base/landlock.h); "": none */
	char *const *argv;    /* NULL-terminated; argv[0] is the program */
	char *const *envp;    /* NULL-terminated */
	int64_t log_max_bytes, grace_ms, go_timeout_ms;
	/* private, of one that was opened */
	char *bytes;
	size_t size;
	char **words;
};

/* Makes the sealed memfd; the caller closes it. */
MUST_CHECK bool launch_spec_write(const struct launch_spec *spec, int *ret_fd, struct error *e);
/* Maps a spec; launch_spec_done() unmaps it. Refuses what is not sealed or not well-formed. */
MUST_CHECK bool launch_spec_open(int fd, struct launch_spec *ret, struct error *e);
void launch_spec_done(struct launch_spec *spec);

enum launch_type { LAUNCH_READY = 1, LAUNCH_GO, LAUNCH_STARTED, LAUNCH_REFUSED };

struct launch_msg {
	uint32_t version; /* set by launch_send */
	uint32_t type;
	int32_t pid; /* READY: the shim, STARTED: the driver */
	int32_t unused;
	uint64_t start_ticks;       /* of pid */
	int64_t time_ms;            /* GO: not after this clock_now_ms(); STARTED: the wall clock */
	char text[LAUNCH_TEXT_MAX]; /* REFUSED: why */
};

enum launch_got { LAUNCH_GOT, LAUNCH_NOTHING, LAUNCH_EOF };

bool launch_send(int fd, struct launch_msg *m);              /* false: the other end is gone or does not read */
enum launch_got launch_recv(int fd, struct launch_msg *ret); /* NOTHING: would block; a strange message is EOF */

MUST_CHECK bool launch_send_fds(int fd, int spec_fd, int control_fd, bool *ret_full, struct error *e);
/* GOT with both descriptors, the caller's; NOTHING when a message was useless (or there is none). */
enum launch_got launch_recv_fds(int fd, int *ret_spec_fd, int *ret_control_fd);
