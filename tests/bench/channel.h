/*
 * channel - a client's end of a connection, plain or TLS, for the load generator.
 *
 * Certificates are not looked at: what is measured is the server. One thread.
 */
#pragma once
#include "base/error.h"
#include <gnutls/gnutls.h>
#include <netinet/in.h>
#include <sys/types.h>

struct channel {
	int fd;                   /* -1: none */
	gnutls_session_t session; /* NULL: plain */
};

/* Closes what was there, connects, and shakes hands when tls; blocks. */
MUST_CHECK bool channel_open(struct channel *c, const struct sockaddr_in *server, bool tls, struct error *e);
void channel_close(struct channel *c);

/* All of it, or false. Blocks only when the kernel has no room. */
bool channel_send(struct channel *c, const char *bytes, size_t n);

/* As recv() that does not wait: bytes; 0 at the end; -1 with EAGAIN when nothing is there, with another errno else. */
ssize_t channel_receive(struct channel *c, char *to, size_t n);
