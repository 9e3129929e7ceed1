/*
 * call - HTTP requests to a cluster, many at a time, on the loop.
 *
 *     r = (struct http_call_request){ .method = "GET", .url = "https://rm:8090/ws/v1/info", .timeout_ms = 10000 };
 *     http_call(calls, &r, on_info, me);
 *
 * Every call ends in exactly one `done`, unless it is cancelled; also one that is refused at once. `done` is never
 * called inside http_call(). Nothing here blocks: names are looked up, and tickets fetched, by other threads.
 *
 * What a server may do wrong has an end: the whole has a deadline, silence another, header and body have
 * ceilings, redirects are counted. Proxies of the environment are not used, as a cluster is near; answers are not asked
 * for compressed; only http and https are spoken, HTTP/1.1 each, and from https nothing leads back to http.
 *
 * Credentials (bearer, user and password, ticket, certificate) go to the `origins` of the options and to nobody else,
 * wherever a redirect leads, or a `url` that was taken from an answer; a request may say otherwise of tickets. A bearer
 * goes before a password.
 *
 * GET and HEAD go over connections that are kept. Anything else gets a new one, unless it is `repeatable`: on a kept
 * one that turns out to be dead, libcurl sends a request once more by itself, and nobody can tell whether the first was
 * carried out.
 *
 * On the loop thread only, in a process that ignores SIGPIPE. All that is passed in is copied, except descriptors:
 * those are duplicated.
 */
#pragma once
#include "base/error.h"
#include "loop/loop.h"
#include <stddef.h>
#include <stdint.h>

enum {
	HTTP_CALLS_CONNECTIONS = 16,       /* when the options say 0 */
	HTTP_CALLS_WAITING = 1000,         /* the same */
	HTTP_CALL_CONNECT_MS = 5000,       /* when the request says 0 */
	HTTP_CALL_ANSWER_MAX = 1 << 20,    /* bytes; the same */
	HTTP_CALL_HEADERS_MAX = 64 * 1024, /* bytes of an answer's header block */
	HTTP_CALL_URL_MAX = 32 * 1024,
	HTTP_CALL_RETRY_AFTER_MAX_S = 3600,
};

/* One per cluster: what its calls have in common, their connections, and their queue. */
struct http_calls;

struct http_calls_options {
	struct loop *loop; /* borrowed; outlives the calls */
	const char *user_agent;
	const char *const *origins;   /* "https://host:port", NULL-terminated: who is given credentials. NULL: nobody */
	const char *ca_file, *ca_pem; /* who vouches for servers: a file, or its text. Both NULL: the system */
	const char *cert_file, *key_file; /* PEM: what we show; the key may lie in the certificate's file */
	const char *cert_pem, *key_pem;   /* the same as text; both, or none */
	const char *
		tls_server_name; /* of origins: the name in their certificates, when it is not the URL's; NULL: it is */
	bool insecure;           /* believe any certificate */
	const char *user, *password; /* Basic */
	bool negotiate;              /* answer a 401 with a Kerberos ticket, and keep the cookie that comes for it */
	const char *ccache,
		*keytab;     /* whose ticket: FILE:/path of a cache, of a client's keytab; NULL: the environment's */
	int connections_max; /* at a time; more calls than that wait */
	int waiting_max;     /* more than that are ERR_BUSY */
};

/* ERR_INVALID: an origin is not a URL, or half of a pair is missing. ERR_INTERNAL: libcurl does not start. */
MUST_CHECK bool http_calls_new(const struct http_calls_options *o, struct http_calls **ret, struct error *e);

/*
 * Cancels what runs and waits: no `done` and no `data` is called any more. May be called inside one of them.
 * Takes NULL; returns NULL.
 */
struct http_calls *http_calls_free(struct http_calls *c);

/* For the requests that start from now on; NULL: none. ERR_INVALID: not a token, e.g. with a line end. */
MUST_CHECK bool http_calls_set_bearer(struct http_calls *c, const char *token, struct error *e);

struct http_call;

/*
 * The body of an answer with status 2xx as it comes. True: all of it was taken. False: none of it; the stream rests,
 * and so does the clock of its silence, until http_call_resume(), after which the same bytes come again (perhaps with
 * more).
 */
typedef bool http_call_data_fn(void *arg, const char *bytes, size_t n);

struct http_call_request {
	const char *method;         /* "GET" */
	const char *url;            /* encoded; without user and password */
	const char *const *headers; /* "Name: value", NULL-terminated; no Authorization, no Cookie. NULL: none */
	const void *body;
	size_t body_len;
	int body_fd; /* of a file on a local disk: its first body_fd_len bytes are the body, when there are any */
	int64_t body_fd_len;
	int64_t timeout_ms; /* the whole, waiting included. 0: none, then silence_ms must be set */
	int64_t connect_ms; /* until there is a connection, with TLS */
	int64_t silence_ms; /* no byte came or went for so long; 0: no matter */
	size_t answer_max;  /* bytes of a body that is collected */
	/*
	 * How many to follow. GET and HEAD follow any; a 307 or 308 is followed with method and body, a 303 by GET. A
	 * 301 or 302 to any other method is delivered as it is, since programs do not agree on what is meant. 0: all
	 * are.
	 */
	int redirects_max;
	/*
	 * To carry it out twice leaves what once does, so that it may go over a kept connection. The answer may then be
	 * that to the second time, such as a 409: see `repeated`.
	 */
	bool repeatable;
	bool ticket; /* whoever of its hosts asks for a ticket is shown one, not origins alone: it is good there only */
	http_call_data_fn *data; /* NULL: collected. Bodies of other statuses than 2xx are collected in any case */
};

struct http_call_answer {
	/*
	 * ERR_NONE: a whole answer came, of whatever status. ERR_UNAVAILABLE: none did, in time or at all, or a ticket
	 * is wanted and cannot be had (it may be the KDC that is away); ERR_TOO_LARGE: over a ceiling; ERR_BUSY: too
	 * many wait; ERR_FORBIDDEN: the server's certificate is not believed, or it does not believe ours, or it leads
	 * from https to http; ERR_INVALID: the request is not well-formed, or a certificate of ours cannot be used;
	 * ERR_INTERNAL: libcurl refuses, or the file cannot be read.
	 */
	struct error error;
	int status;        /* 0: none came */
	bool sent;         /* may the server have seen the request? False only when it certainly has not */
	bool repeated;     /* a body was sent again, over another connection: the server may have seen it before */
	int retry_after_s; /* 0: none; at most HTTP_CALL_RETRY_AFTER_MAX_S */
	const char *content_type; /* "": none. This and what follows is borrowed, until `done` returns */
	const char *location;     /* made absolute; "": none */
	const char *body;         /* NUL-terminated; "" when it went to `data` */
	size_t body_len;
	const struct http_call *call; /* for http_call_header() */
};

/* The call is gone when this is called: it must not be cancelled or resumed any more. */
typedef void http_call_done_fn(void *arg, const struct http_call_answer *a);

/* Never NULL. May be called inside `done` and `data`. */
struct http_call *http_call(struct http_calls *c, const struct http_call_request *r, http_call_done_fn *done,
			    void *arg);

/*
 * Its functions are not called any more. The server may have seen it. May be called inside `data`, and `done` of
 * others. Takes NULL.
 */
void http_call_cancel(struct http_call *call);

/* `data` wants more; it is not called inside this. Without effect on a call that does not rest. */
void http_call_resume(struct http_call *call);

/* The first header of this name, in any case; NULL: none. Only inside `done`, of the answer's call. */
const char *http_call_header(const struct http_call *call, const char *name);
