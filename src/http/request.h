/*
 * request - one request inside http/, and the server that it came to: server.c fills it, the getters read it, reply.c
 * answers it.
 */
#pragma once
#include "http/deadline.h"
#include "http/guard.h"
#include "http/server.h"
#include "http/spool.h"
#include <microhttpd.h>

enum { REQUEST_ID_MAX = 64, REQUEST_ID_DIGITS = 16, REPLY_HEADERS_MAX = 12 };

/* Parameters, taken apart once somebody asked. */
struct query {
	char *text; /* owned; where names and values are; NULL: they lie elsewhere */
	struct {
		char *name, *value;
	} * pairs; /* HTTP_QUERY_MAX of them; NULL: not taken apart yet */
	int count;
	bool cut; /* there were more */
};

struct http_request {
	struct http_server *server;
	struct MHD_Connection *connection;
	struct conn *conn;
	size_t target_len; /* of the whole target */
	size_t sent_len;   /* of the target as it stood in the request line */
	bool target_ok;    /* as guard_target() found it */
	char *query;       /* after '?'; NULL: none */
	struct query query_pairs, form_pairs;
	enum http_method method;
	const char *method_name;
	struct sbuf body;
	struct spool spool; /* instead, of an upload */
	size_t large_bytes; /* of its body and its answer: what counts for HTTP_LARGE_MAX_BYTES */
	char id[REQUEST_ID_MAX + 1];
	const char *reply_names[REPLY_HEADERS_MAX];
	char *reply_values[REPLY_HEADERS_MAX];
	int reply_header_count;
	struct MHD_Response *response; /* the answer, once there is one */
	bool response_lent;            /* it belongs to a blob */
	int status;
	loop_fn *done; /* to be told when the answer is over; NULL: nobody */
	void *done_arg;
	bool begun;   /* the header was judged */
	bool handled; /* the handler was called */
	bool suspended;
	bool may_compress;
	bool chunked;                     /* its body is */
	bool cut;                         /* refused in the middle of its body */
	struct http_request *prev, *next; /* server's list */
	char target[];                    /* as sent, cut at '?' */
};

/* server.c's; the others read it, and set its timer. */
struct http_server {
	struct loop *loop;
	struct MHD_Daemon *daemon;
	struct deadlines *deadlines;
	struct gate *gate;
	const struct gate_place *entering; /* of the connection that the library is being given */
	struct loop_watch *watch;
	struct loop_timer *timer; /* what MHD wants to be woken for */
	struct loop_timer *drain_timer;
	int64_t drain_left_ms;
	loop_fn *drained;
	void *drained_arg;
	http_handler *handler;
	void *ctx;
	int64_t body_max_bytes, header_max_bytes, upload_max_bytes;
	int spool_dirfd, spools;
	const char *const *headers;
	struct http_courtesy courtesy;
	int port;
	bool draining, closing;
	struct http_tls_files tls_files;
	struct tls *tls;         /* NULL: plain HTTP */
	size_t large_bytes;      /* of all requests */
	struct http_request all; /* list head: requests whose header has come */
};

enum http_method http_method_known(const char *name); /* exact case, as on the wire */
struct http_request *request_new(struct http_server *s, const char *target);
struct http_request *request_free(struct http_request *rq); /* takes NULL; returns NULL */

/*
 * May its body or its answer have so many bytes? Slow senders and slow readers of large things may not have all the
 * memory.
 */
bool request_has_room(struct http_request *rq, size_t bytes);

/* reply.c: 503, to come again at once. `text` is a literal. */
void reply_busy(struct http_request *rq, const char *text);
