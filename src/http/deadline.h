/*
 * deadline - no client may hold a connection for longer than its phase allows. Private to http/.
 *
 * libmicrohttpd limits only idle time, so that a client who sends a byte a second is never cut. Each connection has a
 * record here with its phase; a timer sweeps them all, some at a time, and cuts the late ones by shutdown(2), after a
 * 408 where no answer has begun. It also cuts those whose client has left in the middle of a request, which the library
 * does not notice, and gives back the memory of idle ones. Loop thread only.
 */
#pragma once
#include "http/gate.h"
#include "http/pool.h"
#include "loop/loop.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum phase {
	PHASE_HEADER, /* from accept, or from the first byte of the next request, to the last byte of the header */
	PHASE_BODY,   /* the body is coming */
	PHASE_WORK,   /* the request is ours: no limit */
	PHASE_REPLY,  /* the answer is going out */
	PHASE_IDLE,   /* answered, nothing new has come */
};

struct deadlines;
struct tls_session;

struct conn {
	struct deadlines *of;
	struct conn *prev, *next;
	int fd;
	struct tls_session *tls; /* owned; NULL: plain */
	enum phase phase;
	bool released; /* idle, and its memory was given back */
	struct gate_place place;
	struct pool pool;
	char peer[GATE_ADDRESS_MAX]; /* as http_peer() gives it; "": nobody has asked */
	int64_t since_ms;            /* when the phase began */
	int64_t moved_ms;            /* when bytes last moved in it */
	int64_t looked_ms;           /* PHASE_IDLE: when the kernel was last asked */
	uint64_t bytes, seen;        /* PHASE_BODY: body bytes so far; else TCP's count; and what the last sweep saw */
};

struct deadline_limits {
	int64_t header_ms, body_ms, reply_ms, idle_ms;
};

enum { GUEST_HEADER_MS = 1000 }; /* for a guest's only request (gate.h): the others want to come in, too */
enum { BODY_RATE_MIN = 1024, BODY_RATE_AFTER_MS = 10000 }; /* bytes per second, once it took that long */

struct deadlines *deadlines_new(struct loop *l, const struct deadline_limits *limits);
struct deadlines *deadlines_free(struct deadlines *d); /* after the last connection; takes NULL; returns NULL */

struct conn *deadline_accept(struct deadlines *d, int fd);
void deadline_phase(struct conn *c, enum phase phase);
static inline void deadline_body_bytes(struct conn *c, size_t n)
{
	c->bytes += n;
}
/* Sends bytes past the library, in the connection's own language, as far as they go at once. */
void deadline_last_words(struct conn *c, const char *bytes, size_t n);
void deadline_closed(struct conn *c);
