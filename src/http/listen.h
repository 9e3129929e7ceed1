/* listen - binding an address, with errors that an administrator can act on. Private to http/. */
#pragma once
#include "base/error.h"

/* Binds and listens, non-blocking. ret_port: the port that was bound (for port 0). ERR_CONFIG on failure. */
MUST_CHECK bool listen_tcp(const char *host, int port, int *ret_fd, int *ret_port, struct error *e);
