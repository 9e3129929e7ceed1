/* listen - a socket of this host that others dial, with errors that an administrator can act on. */
#pragma once
#include "base/error.h"

struct listen_on {
	const char *host;
	int port; /* 0: any that is free */
	int backlog;
	const char *whom; /* follows "cannot listen" in errors: " for …", or "" */
	const char *no_such_host, *no_such_address, *in_use, *denied; /* cures: ": do this"; NULL: none */
};

/*
 * Binds and listens; the socket does not block. ret_port: the port that was bound. ERR_CONFIG says why not, and the
 * cure. Asks the resolver, which may take its time: for the start of a program.
 */
MUST_CHECK bool listen_tcp(const struct listen_on *on, int *ret_fd, int *ret_port, struct error *e);
