/*
 * client - one blocking HTTP request at a time, over a connection that is kept.
 *
 * For programs that may wait (the CLI), not for the loop thread; that one has http/call.h.
 * Redirects are never followed: they arrive as the answers they are. User and password may stand in
 * the base URL; they are sent as Basic credentials to that host only, and no message shows them.
 * One thread at a time.
 */
#pragma once
#include "base/error.h"
#include "base/sbuf.h"
#include <signal.h>
#include <stddef.h>

enum {
	HTTP_CLIENT_CONNECT_MS = 5000,
	HTTP_CLIENT_BODY_MAX = 64 * 1024 * 1024, /* bytes of an answer's body */
};

struct http_client;

struct http_client_options {
	const char *user, *password;       /* used when the URL names no user; NULL: none. Copied */
	const char *user_agent;            /* copied */
	const char *ca_file;               /* PEM: who vouches for an https server; NULL: the system. Copied */
	const char *cert_file;             /* PEM: certificate and key to show; NULL: none. Copied */
	const volatile sig_atomic_t *stop; /* borrowed; not zero ends a running request; NULL: never */
};

/* ERR_INVALID when base_url is not http:// or https:// with a host. */
MUST_CHECK bool http_client_new(const char *base_url, const struct http_client_options *options,
				struct http_client **ret, struct error *e);
struct http_client *http_client_free(struct http_client *c); /* takes NULL; returns NULL */

static inline void http_client_freep(struct http_client **c)
{
	(void)http_client_free(*c);
}

/* The base URL without user, password and trailing slashes; borrowed. */
const char *http_client_url(const struct http_client *c);

struct http_request {
	const char *method, *path;  /* path is added to the base URL: "/batches/7?from=0", already encoded */
	const char *const *headers; /* "Name: value", NULL-terminated; NULL: none */
	const char *body;           /* NULL: no body */
	size_t body_len;
	long timeout_ms; /* for the whole exchange */
};

struct http_answer {
	int status;
	bool sent;         /* true: the server may have seen the request, also when there was no answer */
	int retry_after_s; /* 0: the answer names none */
	char content_type[128];
	char location[512];
	struct sbuf body; /* owned; at most HTTP_CLIENT_BODY_MAX */
};
#define HTTP_ANSWER_INIT                                \
	{                                               \
		.body = SBUF_INIT(HTTP_CLIENT_BODY_MAX) \
	}

/*
 * True: a whole answer came, of whatever status. ERR_UNAVAILABLE: none did (`sent` tells whether the request may have
 * arrived); ERR_FORBIDDEN: the server's certificate is not believed, or the server does not believe ours; ERR_INVALID:
 * a file of certificates cannot be used; ERR_TOO_LARGE: the body is over its ceiling. `ret` may be used again.
 */
MUST_CHECK bool http_client_request(struct http_client *c, const struct http_request *r, struct http_answer *ret,
				    struct error *e);

/* A header of the latest answer, by its name in any case; borrowed until the next request. NULL: it has none. */
const char *http_client_header(const struct http_client *c, const char *name);

static inline void http_answer_done(struct http_answer *a)
{
	sbuf_done(&a->body);
}
#define _http_answer_ _cleanup_(http_answer_done)
