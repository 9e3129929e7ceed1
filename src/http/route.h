/*
 * route - a table of method, path pattern and handler: matching, and what a path allows.
 *
 * Patterns are literal segments, at most one {id}, and then at most one {number}: "/sessions/{id}/statements/{number}";
 * or a {name}, which anything fits and nobody is told. Paths match whole and case-sensitively; one trailing slash is
 * accepted only at a collection (a pattern without {id}); "//" is nothing. A path ends at its first ';', then escapes
 * are decoded: %2F does not separate (livy.md 1.0).
 */
#pragma once
#include "http/server.h"

enum { ROUTE_ID_MAX = 1024, ROUTE_NUMBER_MAX = 64 }; /* bytes of a decoded id or name; of a number */

struct call;
struct batch;

struct route {
	enum http_method method; /* HTTP_GET also serves HEAD */
	const char *pattern;
	/* The api's: what the caller must be allowed, and what answers him then. */
	int right;                                                       /* an access_right; 0: nobody may */
	void (*handle)(struct call *c, const char *id);                  /* id: "" where the pattern has none */
	void (*handle_batch)(struct call *c, const struct batch *batch); /* instead: the batch that {id} names */
};

enum route_result { ROUTE_FOUND, ROUTE_NO_PATH, ROUTE_NO_METHOD, ROUTE_BAD_ESCAPE };

struct route_match {
	const struct route *route; /* ROUTE_FOUND */
	char id[ROUTE_ID_MAX + 2];
	char number[ROUTE_NUMBER_MAX + 1];
	char allow[64]; /* ROUTE_NO_METHOD: for the Allow header */
};

/* Finds the first of `count` routes that fits. `path` is as sent, without the mount's prefix. */
enum route_result route_find(const struct route *routes, size_t count, enum http_method method, const char *path,
			     struct route_match *ret);
