/*
 * server - HTTP/1.1 in, requests out. Names no library: what is behind it may change.
 *
 * The handler is called on the loop once a request is complete and well framed (guard.h). It
 * answers by http_reply(), at once or later; a request without an answer waits, at no cost in
 * threads, until somebody answers it. After the answer the request must not be touched.
 * Every phase of a connection has a deadline (deadline.h); every size has a ceiling.
 * Whoever has one ignores SIGPIPE: the library sends files by sendfile(2), which has no flag against it.
 * Loop thread only.
 */
#pragma once
#include "base/arena.h"
#include "base/blob.h"
#include "base/error.h"
#include "base/sbuf.h"
#include "loop/loop.h"

enum {
	HTTP_TARGET_MAX = 16 * 1024,              /* bytes of the request target; 414 beyond (S18) */
	HTTP_FIELDS_MAX = 128,                    /* header fields; 431 beyond (S17) */
	HTTP_QUERY_MAX = 32,                      /* query parameters that are looked at; more are ignored */
	HTTP_STREAM_BLOCK = 64 * 1024,            /* bytes asked of a stream at a time */
	HTTP_SMALL_BYTES = 64 * 1024,             /* a body or an answer of this size is always taken … */
	HTTP_LARGE_MAX_BYTES = 128 * 1024 * 1024, /* … larger ones while all those under way are not more; 503 beyond */
	HTTP_UPLOAD_EXTRA = 64 * 1024,            /* bytes of an upload beside its file */
	HTTP_DRAIN_MS = 10000,                    /* how long requests in flight may take at shutdown */
};

struct http_server;
struct http_request;

/* Paths; all but cert may be NULL. They are read at the start and by http_server_reload(). */
struct http_tls_files {
	const char *cert;       /* PEM: the server's certificate, then those that lead to the root. NULL: plain HTTP */
	const char *key;        /* PEM; NULL: in the file of cert */
	const char *client_ca;  /* PEM; clients must show a certificate that one of these signed. NULL: anybody */
	const char *priorities; /* no path: GnuTLS's words for protocols and ciphers */
};

/* Both may be NULL: nobody, nothing. Called with the ctx of the handler. */
struct http_courtesy {
	/* May this address have any number of connections? */
	bool (*exempt)(void *ctx, const char *peer);
	/* Is this answered though all connections are taken? Method and path are known, and there is no body. */
	bool (*urgent)(void *ctx, const struct http_request *rq);
	/* Does its body go into a file (http_body_file()), of at most upload_max_bytes? Method and path are known. */
	bool (*upload)(void *ctx, const struct http_request *rq);
};

struct http_config {
	const char *host; /* name or address */
	int port;         /* 0: any */
	int64_t header_max_bytes, body_max_bytes, upload_max_bytes;
	int spool_dirfd;                              /* where uploads are kept while they are worked on; borrowed */
	int connections_max, connections_per_address; /* gate.h; the latter 0: no limit */
	int64_t header_timeout_ms, body_timeout_ms, reply_timeout_ms, idle_timeout_ms;
	struct http_courtesy courtesy;
	struct http_tls_files tls;  /* what its members point to is borrowed until http_server_free() */
	const char *const *headers; /* name, value, name, value, …, NULL: put on every answer; borrowed */
};

typedef void http_handler(void *ctx, struct http_request *rq);

/*
 * Binds and listens. ERR_CONFIG names the address and the cause (in use, no right, no such host), or what is wrong with
 * a file of TLS.
 */
MUST_CHECK bool http_server_new(struct loop *l, const struct http_config *config, http_handler *handler, void *ctx,
				struct http_server **ret, struct error *e);
int http_server_port(const struct http_server *s);

/* Reads the files of TLS anew, for connections to come. False: they are served as before. True also without TLS. */
MUST_CHECK bool http_server_reload(struct http_server *s, struct error *e);

/* Would a server begin with these files? The error as of http_server_new(). */
MUST_CHECK bool http_check_tls(const struct http_tls_files *files, struct error *e);

/* No new connections; calls done when the last request in flight is answered, HTTP_DRAIN_MS at the latest. */
void http_server_drain(struct http_server *s, loop_fn *done, void *arg);

/* Requests that still wait get 503. Takes NULL; returns NULL. */
struct http_server *http_server_free(struct http_server *s);

/* --- a request; all that it gives is borrowed until it is answered --- */

enum http_method { HTTP_GET = 1, HTTP_HEAD = 2, HTTP_POST = 4, HTTP_DELETE = 8, HTTP_OTHER = 16 };

enum http_method http_method_parse(const char *name); /* any case; HTTP_OTHER when unknown */
enum http_method http_method(const struct http_request *rq);
const char *http_method_name(const struct http_request *rq);
const char *http_path(const struct http_request *rq);              /* as sent: not decoded, no query */
const char *http_query(struct http_request *rq, const char *name); /* decoded, the first of that name; NULL */
const char *http_form(struct http_request *rq, const char *name);  /* the same of a body that is a form */
bool http_is_form(const struct http_request *rq); /* is the body one? By its type, unless it starts with '{' */

/* The same for what must not be taken for something else: false when it is there twice, or further on than we look. */
MUST_CHECK bool http_query_once(struct http_request *rq, const char *name, const char **ret);
const char *http_header(const struct http_request *rq, const char *name); /* any case; NULL */
int http_header_count(const struct http_request *rq, const char *name);   /* how many fields have that name */
const char *http_peer(
	const struct http_request *rq); /* the client's address, as long as it is connected; NULL: it has none */
const char *http_body(const struct http_request *rq, size_t *ret_len);      /* NUL-terminated; "" when none */
int http_body_file(const struct http_request *rq, int64_t *ret_len);        /* of an upload; borrowed. -1: it is none */
MUST_CHECK bool http_body_decode(struct http_request *rq, struct error *e); /* undoes Content-Encoding; see inflate.h */
const char *http_request_id(struct http_request *rq);                       /* the client's, or made up */

/* --- the answer --- */

/*
 * Adds a header to the answer to come, in place of the one of http_config that has this name. The value must not
 * come from a client unless checked for CR and LF.
 */
void http_reply_header(struct http_request *rq, const char *name, const char *value);

/* Lets the answer be compressed when the client asked for it and the whole of it is at hand. */
void http_reply_may_compress(struct http_request *rq);

/*
 * Refuses in Jetty's form for what it cannot read (livy.md 1.0), and ends the connection. `reason` is ours, not a
 * client's.
 */
void http_reply_bad_message(struct http_request *rq, int status, const char *reason);

/* Answers with the bytes of body, which is emptied. content_type NULL: none. */
void http_reply(struct http_request *rq, int status, const char *content_type, struct sbuf *body);

/*
 * Answers with bytes shared with others: `release(owner)` is called once they were sent. They must not change
 * meanwhile.
 */
void http_reply_shared(struct http_request *rq, int status, const char *content_type, const char *bytes, size_t len,
		       void (*release)(void *owner), void *owner);

/*
 * Answers with the bytes of a blob that is asked for again and again: what the library made of it is kept with the
 * blob. Always with the same content type for the same blob.
 */
void http_reply_blob(struct http_request *rq, int status, const char *content_type, struct blob *blob);

/*
 * Answers with the first len bytes of a file, as the client takes them: none of it is kept in memory. Takes the
 * descriptor. done(arg): the client has it, or has left.
 */
void http_reply_file(struct http_request *rq, const char *content_type, int fd, int64_t len, loop_fn *done, void *arg);

/*
 * Answers with what `next` gives: it appends to `out`, empty with room for HTTP_STREAM_BLOCK, and sets *ret_done with
 * the last bytes; false cuts the connection (the status is gone by then). `done` is called once, at the end or when the
 * client left. Called only when the client can take more: a slow reader costs no memory.
 */
struct http_stream {
	bool (*next)(void *arg, struct sbuf *out, bool *ret_done);
	void (*done)(void *arg);
	void *arg;
};
void http_reply_stream(struct http_request *rq, int status, const char *content_type, const struct http_stream *stream);
