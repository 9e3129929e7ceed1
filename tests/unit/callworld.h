/*
 * callworld - for the tests of http/call.h: a server that lies (liar.py), calls to it, and what is left of their ends.
 * Everything CHECKs what it does.
 */
#pragma once
#include "base/sbuf.h"
#include "base/str.h"
#include "http/call.h"
#include "t.h"
#include <stdlib.h>

enum { SOON_MS = 20000, PORTS_MAX = 8, BODY_MAX = 256 * 1024 };

struct world {
	struct loop *loop;
	struct http_calls *calls;
	struct http_calls_options o;
	const char *origins[2]; /* see trust() */
	char origin[64];
	char ports[PORTS_MAX][32]; /* "NAME PORT" */
	int port_count;
	int wanted; /* ends that stop the loop */
};

/* What is left of an answer. */
struct end {
	struct world *w;
	struct http_call *call;
	int times;
	struct http_call_answer a;
	char type[64], location[256], one[64];
	char *body;
	/* of a stream */
	struct sbuf got;
	int rests;
	struct loop_timer *rest;
	struct http_call *victim; /* cancelled by data */
};
void end_free(struct end *end);
#define _end_ _cleanup_(end_free)
#define END_INIT                           \
	{                                  \
		.got = SBUF_INIT(BODY_MAX) \
	}

/* The server, with what follows the name on its command line (NULL: nothing). It ends with us, as its stdin does. */
void open_world(struct world *w, const char *const *tls);
void trust(struct world *w, const char *server); /* it is given credentials, and no other */
void start(struct world *w);                     /* with w->o */
void close_world(struct world *w);

/* With a server, and calls that give credentials to "http" only. */
#define WORLD(w)              \
	struct world w;       \
	open_world(&w, NULL); \
	trust(&w, "http");    \
	start(&w)

int port_of(const struct world *w, const char *name);
/* A URL of that server, good until the eighth one after it. */
const char *at(const struct world *w, const char *server, const char *path);

void begin(struct end *end, struct world *w, const struct http_call_request *r);
/* The same until `done`. */
void ask(struct end *end, struct world *w, const struct http_call_request *r);
void get(struct end *end, struct world *w, const char *url);
void run_for(struct world *w, int64_t ms);

void check_error(const struct end *end, enum error_code code, bool sent, const char *words);
void check_ok(const struct end *end, int status, const char *body);

void make_file(const char *name, size_t n); /* of n letters */
