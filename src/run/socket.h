/*
 * socket - where session drivers dial: an abstract unix socket of this host, a port of the network. Sockets do not
 * block. socket_listen_tcp() asks the resolver, so it is for the start of the daemon only.
 */
#pragma once
#include "base/error.h"

/* ERR_CONFIG: the name is taken, or too long. */
MUST_CHECK bool socket_listen_abstract(const char *name, int *ret_fd, struct error *e);
/* ERR_CONFIG: no such host, not ours, or taken. */
MUST_CHECK bool socket_listen_tcp(const char *host, int port, int *ret_fd, struct error *e);

/* Finds out within a minute or two that the other side is gone without a word. */
void socket_keep_alive(int fd);
