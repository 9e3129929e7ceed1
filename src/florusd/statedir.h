/*
 * statedir - the directory that is ours alone: its checks, its lock, its address file.
 *
 *     <state-dir>/lock        held by flock while a florusd lives; its pid inside
 *     <state-dir>/url         where it answers; there only while it serves
 *     <state-dir>/florus.db   store/
 *     <state-dir>/run/        run/
 *     <state-dir>/key         signs what is shared with clusters
 *     <state-dir>/sessions/   the same again, for interactive sessions, and a key
 */
#pragma once
#include "base/error.h"

struct statedir {
	int fd, run_fd, lock_fd;
};

/* ERR_CONFIG with cause and cure: not writable, another user's, writable by others, in use. */
MUST_CHECK bool statedir_open(const char *path, struct statedir *ret, struct error *e);

/*
 * Lets other users pass through to their jobs' directories: they may go where they know the way, not look around.
 * ERR_CONFIG when a directory above does not let them come here.
 */
MUST_CHECK bool statedir_let_pass(const struct statedir *d, struct error *e);
MUST_CHECK bool statedir_publish(const struct statedir *d, const char *scheme, const char *host, int port,
				 const char *base_path, struct error *e);

/*
 * The directory's own random key, made when it is not there yet: file `key`, 0600. ERR_CONFIG: it is not what we wrote.
 */
enum { STATEDIR_KEY_HEX = 64 };
MUST_CHECK bool statedir_key(const struct statedir *d, char to[STATEDIR_KEY_HEX + 1], struct error *e);

/* By which clusters tell our jobs from those of others: file `instance`, made once. ERR_CONFIG likewise. */
enum { STATEDIR_INSTANCE_HEX = 12 };
MUST_CHECK bool statedir_instance(const struct statedir *d, char to[STATEDIR_INSTANCE_HEX + 1], struct error *e);

void statedir_close(struct statedir *d); /* takes the url away */
