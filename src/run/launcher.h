/*
 * launcher - the process that forks shims (florus-shim --launcher), as florusd sees it.
 *
 * Started with nothing of ours but its socket and run/. When it dies a new one is started, at
 * most one each LAUNCHER_RESTART_MS; the launches it had taken show on their own control sockets
 * what became of them. Loop thread only.
 */
#pragma once
#include "base/error.h"
#include "loop/loop.h"

enum { LAUNCHER_RESTART_MS = 1000 };

struct launcher;

/* Starts the process. on_ready(arg) is called when a later one has been started. run_dirfd is borrowed. */
MUST_CHECK bool launcher_new(struct loop *l, const char *shim_path, int run_dirfd, loop_fn *on_ready, void *arg,
			     struct launcher **ret, struct error *e);
struct launcher *launcher_free(struct launcher *l); /* ends the process, not its shims; takes NULL; returns NULL */

bool launcher_ready(const struct launcher *l);
pid_t launcher_pid(const struct launcher *l); /* 0: none at the moment */

/* Hands over a launch; the descriptors stay the caller's. False with *ret_full: not now, ask again shortly. */
MUST_CHECK bool launcher_send(struct launcher *l, int spec_fd, int control_fd, bool *ret_full, struct error *e);
