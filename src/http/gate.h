/*
 * gate - who may connect: accepts, counts connections in all and per address, turns newcomers away. Private to http/.
 *
 * Up to connections_max are let in. GATE_GUESTS_MAX more come in as guests, so that somebody can still look and stop
 * a job while all places are taken: server.c answers them what http_config.urgent allows, refuses the rest, and closes
 * after one answer. Beyond these, and beyond connections_per_address, a newcomer reads 503 and is closed. Those who are
 * in are never put out.
 *
 * Descriptors are needed for jobs, logs and the store, too: connections get what RLIMIT_NOFILE leaves when a part
 * of it is kept for these. Should they run out all the same, one that is held in reserve is given up
 * for an instant to turn the newcomer away; when not even that works, nothing is accepted for GATE_PAUSE_MS.
 *
 * Loop thread only.
 */
#pragma once
#include "base/error.h"
#include "loop/loop.h"
#include <sys/socket.h>

enum {
	GATE_ADDRESS_MAX = 46, /* of an IPv6 address with an IPv4 one in it, and the NUL */
	GATE_GUESTS_MAX = 64,  /* … and at most a quarter of the descriptors that are kept */
	GATE_ACCEPTS_MAX = 64, /* at a time; then others have their turn */
	GATE_PAUSE_MS = 100,
	GATE_TELL_EVERY_MS = 10000, /* how often the log speaks of those turned away */
	/*
	 * Of the descriptors that the system allows, a quarter is kept, within these bounds. florusd itself holds about
	 * 30.
	 */
	GATE_FDS_KEPT_MIN = 48,
	GATE_FDS_KEPT_MAX = 1024,
};

struct gate;
struct gate_peer;

/* A connection that was let in; whoever has it gives it back by gate_leave(). */
struct gate_place {
	struct gate_peer *peer; /* NULL: its address is not counted */
	bool guest;
};

struct gate_config {
	int listen_fd;                                /* taken: closed by gate_close() */
	int connections_max, connections_per_address; /* the latter 0: no limit */
	bool plain;                                   /* what is written is read as HTTP, without TLS */
	bool (*exempt)(void *arg, const char *peer);  /* no limit for this address; NULL: for none */
	void *exempt_arg;
	void (*enter)(void *arg, int fd, const struct sockaddr *address, socklen_t len, struct gate_place place);
	void *enter_arg; /* enter takes the descriptor */
};

MUST_CHECK bool gate_new(struct loop *l, const struct gate_config *config, struct gate **ret, struct error *e);
void gate_close(struct gate *g);        /* accepts nobody any more */
struct gate *gate_free(struct gate *g); /* after the last gate_leave(); takes NULL; returns NULL */

int gate_capacity(const struct gate *g); /* connections there can be at the same time, guests among them */
void gate_leave(struct gate *g, struct gate_place place);

/* An address as text, as http_peer() gives it; NULL: it has none. */
const char *gate_address(const struct sockaddr *a, char *to, socklen_t size);
