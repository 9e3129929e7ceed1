#include "http/server.h"
#include "base/str.h"
#include "http/compress.h"
#include "http/listen.h"
#include "http/reason.h"
#include "http/request.h"
#include "http/tls.h"
#include <string.h>
#include <strings.h>
#include <sys/socket.h>

enum {
	/* What libmicrohttpd needs in a connection's pool beside the header block: parsed fields, answer header. */
	POOL_OVERHEAD = 48 * 1024,
	DRAIN_CHECK_MS = 20,
	COMPRESS_OVERHEAD = 4096, /* what an incompressible answer may grow by */
};

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
	int64_t body_max_bytes, header_max_bytes;
	const char *const *headers;
	struct http_courtesy courtesy;
	int port;
	bool draining, closing;
	struct http_tls_files tls_files;
	struct tls *tls;         /* NULL: plain HTTP */
	size_t large_bytes;      /* of all requests */
	struct http_request all; /* list head: requests whose header has come */
};

static const char STOPPING[] = "Florus is stopping";

static void respond(struct http_request *rq, int status, struct MHD_Response *r, const char *content_type);

/* --- refusals that never reach the handler --- */

static struct MHD_Response *text_response(int status, const char *reason)
{
	_sbuf_ struct sbuf body = SBUF_INIT(1024);

	/* Jetty's shape for a bad message (livy.md 1.0). */
	sbuf_addf(&body, "<h1>Bad Message %d</h1><pre>reason: %s</pre>", status, reason);
	return MHD_create_response_from_buffer(body.len, body.data, MHD_RESPMEM_MUST_COPY);
}

void http_reply_bad_message(struct http_request *rq, int status, const char *reason)
{
	http_reply_header(rq, "Connection", "close");
	respond(rq, status, text_response(status, reason), "text/html;charset=iso-8859-1");
}

/* `text` is a literal. */
static void refuse_busy(struct http_request *rq, const char *text)
{
	http_reply_header(rq, "Retry-After", "1");
	respond(rq, 503, MHD_create_response_from_buffer(strlen(text), (void *)(uintptr_t)text, MHD_RESPMEM_PERSISTENT),
		"application/json;charset=utf-8");
}

/* All connections are taken: this one came in to look or to stop a job, and for nothing else (gate.h). */
static void refuse_guest(struct http_request *rq)
{
	refuse_busy(rq, "{\"msg\":\"too many connections: try again\"}");
}

static bool is_welcome(const struct http_request *rq, const struct guard *g)
{
	const struct http_server *s = rq->server;

	if (!rq->conn->place.guest)
		return true;
	return !g->chunked && g->content_length <= 0 && s->courtesy.urgent && s->courtesy.urgent(s->ctx, rq);
}

/* --- MHD's callbacks --- */

static enum MHD_Result on_field(void *arg, enum MHD_ValueKind kind, const char *name, size_t name_len,
				const char *value, size_t value_len)
{
	(void)kind;
	guard_field(arg, name, name_len, value ? value : "", value_len);
	return MHD_YES;
}

static size_t header_bytes(struct http_request *rq)
{
	return MHD_get_connection_info(rq->connection, MHD_CONNECTION_INFO_REQUEST_HEADER_SIZE)->header_size;
}

/* The header is complete: judge it before a byte of the body is read. */
static void begin(struct http_request *rq, const char *method, const char *target, const char *version)
{
	struct http_server *s = rq->server;
	struct guard g;

	rq->begun = true;
	rq->method = http_method_known(method);
	rq->method_name = method;
	rq->body.limit = (size_t)s->body_max_bytes;
	guard_begin(&g, method, target, rq->sent_len, version, header_bytes(rq));
	(void)MHD_get_connection_values_n(rq->connection, MHD_HEADER_KIND, on_field, &g);
	rq->chunked = g.chunked;
	if (rq->target_len > HTTP_TARGET_MAX)
		http_reply_bad_message(rq, 414, http_reason(414));
	else if ((int64_t)header_bytes(rq) > s->header_max_bytes)
		http_reply_bad_message(rq, 431, http_reason(431));
	else if (!rq->target_ok)
		http_reply_bad_message(rq, 400, "the request target is malformed");
	else if (guard_end(&g, method, version) != 0)
		http_reply_bad_message(rq, g.status, g.reason);
	else if (g.content_length > s->body_max_bytes)
		http_reply_bad_message(rq, 413, http_reason(413));
	else if (!is_welcome(rq, &g))
		refuse_guest(rq);
	else if (g.chunked || g.content_length > 0)
		deadline_phase(rq->conn, PHASE_BODY);
}

/* Slow senders and slow readers of large things may not have all the memory. */
static bool has_room_for(struct http_request *rq, size_t bytes)
{
	struct http_server *s = rq->server;

	if (bytes <= HTTP_SMALL_BYTES)
		return true;
	if (s->large_bytes - rq->large_bytes + bytes > HTTP_LARGE_MAX_BYTES)
		return false;
	s->large_bytes += bytes - rq->large_bytes;
	rq->large_bytes = bytes;
	return true;
}

/*
 * The library can answer only between messages, but a client who sends without end must hear of it now. What it
 * still sends is thrown away, up to as much again; then the connection is closed.
 */
static void refuse_body(struct http_request *rq, const char *answer)
{
	rq->cut = true;
	deadline_last_words(rq->conn, answer, strlen(answer));
	(void)shutdown(rq->conn->fd, SHUT_WR);
}

static enum MHD_Result take_body(struct http_request *rq, const char *data, size_t *n)
{
	static const char too_long[] =
		"HTTP/1.1 413 Payload Too Large\r\nContent-Type: text/html;charset=iso-8859-1\r\n"
		"Content-Length: 57\r\nConnection: close\r\n\r\n"
		"<h1>Bad Message 413</h1><pre>reason: Body too long</pre>\n";
	static const char too_many[] =
		"HTTP/1.1 503 Service Unavailable\r\nRetry-After: 1\r\nContent-Type: application/json;charset=utf-8\r\n"
		"Content-Length: 44\r\nConnection: close\r\n\r\n"
		"{\"msg\":\"too many large requests: try again\"}";

	deadline_body_bytes(rq->conn, *n);
	if (!rq->cut)
		sbuf_add(&rq->body, data, *n);
	*n = 0;
	if (!rq->cut && !sbuf_ok(&rq->body))
		refuse_body(rq, too_long);
	else if (!rq->cut && !has_room_for(rq, rq->body.len))
		refuse_body(rq, too_many);
	if (rq->cut)
		sbuf_done(&rq->body);
	return rq->cut && (int64_t)rq->conn->bytes > 2 * rq->server->body_max_bytes ? MHD_NO : MHD_YES;
}

static enum MHD_Result queue(struct http_request *rq)
{
	deadline_phase(rq->conn, PHASE_REPLY);
	return MHD_queue_response(rq->connection, (unsigned)rq->status, rq->response);
}

/*
 * MHD calls this when the header is complete, for each piece of the body, when the request is complete, and
 * again after a resume.
 */
static enum MHD_Result on_request(void *arg, struct MHD_Connection *connection, const char *url, const char *method,
				  const char *version, const char *data, size_t *n, void **con_cls)
{
	struct http_server *s = arg;
	struct http_request *rq = *con_cls;

	if (!rq->begun) {
		begin(rq, method, url, version);
		return rq->response ? queue(rq) : MHD_YES;
	}
	if (*n > 0)
		return take_body(rq, data, n);
	if (rq->cut)
		return MHD_NO; /* answered and to be closed */
	if (!rq->handled && !rq->response && s->closing)
		http_reply_bad_message(rq, 503, STOPPING); /* whoever would answer it is gone */
	if (!rq->handled && !rq->response) {
		rq->handled = true;
		deadline_phase(rq->conn, PHASE_WORK);
		s->handler(s->ctx, rq);
	}
	if (rq->response)
		return queue(rq);
	rq->suspended = true;
	MHD_suspend_connection(connection);
	return MHD_YES;
}

/* Called with the raw target when the request line is there; what it returns is the request's con_cls. */
static void *on_target(void *arg, const char *target, struct MHD_Connection *connection)
{
	struct http_server *s = arg;
	struct http_request *rq = request_new(s, target);
	const union MHD_ConnectionInfo *info = MHD_get_connection_info(connection, MHD_CONNECTION_INFO_SOCKET_CONTEXT);

	rq->connection = connection;
	rq->conn = info->socket_context;
	rq->prev = s->all.prev;
	rq->next = &s->all;
	rq->prev->next = rq->next->prev = rq;
	return rq;
}

static void on_completed(void *arg, struct MHD_Connection *connection, void **con_cls,
			 enum MHD_RequestTerminationCode why)
{
	struct http_request *rq = *con_cls;

	(void)arg, (void)connection, (void)why;
	if (!rq)
		return;
	deadline_phase(rq->conn, PHASE_IDLE);
	rq->server->large_bytes -= rq->large_bytes;
	rq->prev->next = rq->next;
	rq->next->prev = rq->prev;
	*con_cls = request_free(rq);
}

static void on_connection(void *arg, struct MHD_Connection *connection, void **socket_context,
			  enum MHD_ConnectionNotificationCode what)
{
	struct http_server *s = arg;

	if (what == MHD_CONNECTION_NOTIFY_CLOSED) {
		struct conn *c = *socket_context;
		struct gate_place place = c->place;

		deadline_closed(c);
		gate_leave(s->gate, place);
		return;
	}
	const union MHD_ConnectionInfo *info = MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD);
	struct conn *c = deadline_accept(s->deadlines, info->connect_fd);

	c->place = *s->entering;
	c->pool = pool_latest();
	s->entering = NULL;
	*socket_context = c;
	if (s->tls) {
		info = MHD_get_connection_info(connection, MHD_CONNECTION_INFO_GNUTLS_SESSION);
		c->tls = tls_session_new(s->tls, info->tls_session);
	}
}

/* The library closes what it does not take. */
static void on_enter(void *arg, int fd, const struct sockaddr *address, socklen_t len, struct gate_place place)
{
	struct http_server *s = arg;

	s->entering = &place;
	(void)MHD_add_connection(s->daemon, fd, address, len);
	if (s->entering)
		gate_leave(s->gate, place);
	s->entering = NULL;
	loop_timer_set(s->timer, 0, 0);
}

/* Targets and queries are decoded by us, once. */
static size_t leave_escaped(void *arg, struct MHD_Connection *connection, char *s)
{
	(void)arg, (void)connection;
	return strlen(s);
}

/* --- answers --- */

static bool has_reply_header(const struct http_request *rq, const char *name)
{
	for (int i = 0; i < rq->reply_header_count; i++)
		if (strcasecmp(rq->reply_names[i], name) == 0)
			return true;
	return false;
}

/*
 * Does the connection end with this answer? After chunks, too: the library takes a bare LF where they need CR LF, so a proxy in
 * front may see their end elsewhere, and what follows must not be taken for a request (S7).
 */
static bool is_last(const struct http_request *rq)
{
	return rq->server->draining || rq->conn->place.guest || rq->chunked;
}

static void add_headers(struct http_request *rq, struct MHD_Response *r, const char *content_type)
{
	if (content_type)
		(void)MHD_add_response_header(r, "Content-Type", content_type);
	for (const char *const *h = rq->server->headers; h && *h; h += 2)
		if (!has_reply_header(rq, h[0]))
			(void)MHD_add_response_header(r, h[0], h[1]);
	(void)MHD_add_response_header(r, "X-Request-Id", http_request_id(rq));
	for (int i = 0; i < rq->reply_header_count; i++)
		(void)MHD_add_response_header(r, rq->reply_names[i], rq->reply_values[i]);
	if (is_last(rq))
		(void)MHD_add_response_header(r, "Connection", "close");
}

/* The answer is there; on_request queues it. */
static void give(struct http_request *rq, int status, struct MHD_Response *r)
{
	rq->response = r;
	rq->status = status;
	if (!rq->suspended)
		return;
	rq->suspended = false;
	MHD_resume_connection(rq->connection);
	loop_timer_set(rq->server->timer, 0, 0); /* all that resume now are served by one run */
}

static void respond(struct http_request *rq, int status, struct MHD_Response *r, const char *content_type)
{
	add_headers(rq, r, content_type);
	give(rq, status, r);
}

void http_reply_may_compress(struct http_request *rq)
{
	rq->may_compress = true;
}

static enum coding coding_for(const struct http_request *rq, size_t len)
{
	return rq->may_compress && len > 0 ? compress_choose(http_header(rq, "Accept-Encoding")) : CODING_NONE;
}

/* Gives the bytes encoded; false: it did not come about, and nothing was given. */
static bool give_compressed(struct http_request *rq, int status, const char *content_type, enum coding coding,
			    const char *bytes, size_t len)
{
	_sbuf_ struct sbuf packed = SBUF_INIT(len + len / 1000 + COMPRESS_OVERHEAD);

	if (!compress_bytes(coding, bytes, len, &packed))
		return false;
	size_t packed_len = packed.len;
	http_reply_header(rq, "Content-Encoding", compress_name(coding));
	http_reply_header(rq, "Vary", "Accept-Encoding");
	respond(rq, status, MHD_create_response_from_buffer(packed_len, sbuf_take(&packed), MHD_RESPMEM_MUST_FREE),
		content_type);
	return true;
}

void http_reply(struct http_request *rq, int status, const char *content_type, struct sbuf *body)
{
	enum coding coding = coding_for(rq, body->len);

	if (coding != CODING_NONE && give_compressed(rq, status, content_type, coding, body->data, body->len))
		return;
	size_t len = body->len;
	if (!has_room_for(rq, rq->large_bytes + len)) {
		refuse_busy(rq, "{\"msg\":\"too many large answers: try again\"}");
		return;
	}
	char *bytes = sbuf_take(body);

	respond(rq, status, MHD_create_response_from_buffer(len, bytes, MHD_RESPMEM_MUST_FREE), content_type);
}

void http_reply_shared(struct http_request *rq, int status, const char *content_type, const char *bytes, size_t len,
		       void (*release)(void *owner), void *owner)
{
	/* MHD only reads it; its prototype has no const. */
	void *readonly = (void *)(uintptr_t)bytes;

	respond(rq, status, MHD_create_response_from_buffer_with_free_callback_cls(len, readonly, release, owner),
		content_type);
}

static void drop_response(void *response)
{
	MHD_destroy_response(response);
}

/*
 * The library serialises the headers of an answer before it turns to another connection, so the one field that differs
 * between two requests for the same bytes is overwritten in place; it always has the same length here.
 */
static void renew_request_id(struct MHD_Response *r, const char *id)
{
	const char *value = MHD_get_response_header(r, "X-Request-Id");

	memcpy((char *)(uintptr_t)value, id, REQUEST_ID_DIGITS);
}

void http_reply_blob(struct http_request *rq, int status, const char *content_type, struct blob *blob)
{
	const char *id = http_request_id(rq);
	enum coding coding = coding_for(rq, blob->len);

	if (coding != CODING_NONE && give_compressed(rq, status, content_type, coding, blob->bytes, blob->len))
		return;
	bool plain = rq->suspended || is_last(rq) || rq->reply_header_count > 0 || strlen(id) != REQUEST_ID_DIGITS;
	struct MHD_Response *r = plain ? NULL : blob->attached;

	if (r) {
		renew_request_id(r, id);
	} else {
		r = MHD_create_response_from_buffer(blob->len, blob->bytes, MHD_RESPMEM_MUST_COPY);
		add_headers(rq, r, content_type);
	}
	if (plain) {
		give(rq, status, r);
		return;
	}
	blob->attached = r;
	blob->detach = drop_response;
	rq->response_lent = true;
	give(rq, status, r);
}

/* The source fills whole blocks; the library takes them in the pieces that its buffers allow. */
struct streaming {
	struct http_stream source;
	struct sbuf block;
	size_t given;
	bool last;
};

static ssize_t stream_read(void *arg, uint64_t pos, char *to, size_t max)
{
	struct streaming *st = arg;

	(void)pos;
	if (st->given == st->block.len) {
		if (st->last)
			return MHD_CONTENT_READER_END_OF_STREAM;
		sbuf_clear(&st->block);
		st->given = 0;
		if (!st->source.next(st->source.arg, &st->block, &st->last))
			return MHD_CONTENT_READER_END_WITH_ERROR;
	}
	size_t n = st->block.len - st->given < max ? st->block.len - st->given : max;
	if (n)
		memcpy(to, st->block.data + st->given, n);
	st->given += n;
	return n || !st->last ? (ssize_t)n : MHD_CONTENT_READER_END_OF_STREAM;
}

static void stream_free(void *arg)
{
	struct streaming *st = arg;

	st->source.done(st->source.arg);
	sbuf_done(&st->block);
	free(st);
}

void http_reply_stream(struct http_request *rq, int status, const char *content_type, const struct http_stream *stream)
{
	struct streaming *st = xcalloc(1, sizeof *st);

	st->source = *stream;
	st->block.limit = HTTP_STREAM_BLOCK;
	respond(rq, status,
		MHD_create_response_from_callback(MHD_SIZE_UNKNOWN, HTTP_STREAM_BLOCK, stream_read, st, stream_free),
		content_type);
}

/* --- the loop --- */

static void run(void *arg)
{
	struct http_server *s = arg;
	MHD_UNSIGNED_LONG_LONG wait_ms;

	(void)MHD_run(s->daemon);
	if (MHD_get_timeout(s->daemon, &wait_ms) == MHD_YES)
		loop_timer_set(s->timer, (int64_t)wait_ms, 0);
}

static struct MHD_Daemon *start_daemon(struct http_server *s, const struct http_config *c)
{
	static const struct MHD_OptionItem none = { MHD_OPTION_END, 0, NULL };
	unsigned tls = s->tls ? MHD_USE_TLS : MHD_NO_FLAG;

	return MHD_start_daemon(MHD_USE_EPOLL | MHD_USE_NO_LISTEN_SOCKET | MHD_ALLOW_SUSPEND_RESUME | tls, 0, NULL,
				NULL, on_request, s, MHD_OPTION_CONNECTION_LIMIT, (unsigned)gate_capacity(s->gate),
				MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)c->header_max_bytes + POOL_OVERHEAD,
				MHD_OPTION_STRICT_FOR_CLIENT, 1, MHD_OPTION_URI_LOG_CALLBACK, on_target, s,
				MHD_OPTION_UNESCAPE_CALLBACK, leave_escaped, NULL, MHD_OPTION_NOTIFY_COMPLETED,
				on_completed, s, MHD_OPTION_NOTIFY_CONNECTION, on_connection, s, MHD_OPTION_ARRAY,
				s->tls ? tls_options(s->tls) : &none, MHD_OPTION_END);
}

static bool start_gate(struct http_server *s, const struct http_config *c, struct error *e)
{
	struct gate_config gate = {
		.connections_max = c->connections_max,
		.connections_per_address = c->connections_per_address,
		.plain = !s->tls,
		.exempt = c->courtesy.exempt,
		.exempt_arg = s->ctx,
		.enter = on_enter,
		.enter_arg = s,
	};

	return listen_tcp(c->host, c->port, &gate.listen_fd, &s->port, e) && gate_new(s->loop, &gate, &s->gate, e);
}

static bool start(struct http_server *s, const struct http_config *c, struct error *e)
{
	s->tls_files = c->tls;
	if (!str_empty(c->tls.cert) && !tls_new(&s->tls_files, &s->tls, e))
		return false;
	if (!start_gate(s, c, e))
		return false;
	s->daemon = start_daemon(s, c);
	if (!s->daemon)
		return error_set(e, ERR_CONFIG,
				 "the HTTP library did not start: are there enough descriptors (ulimit -n)?");
	return loop_watch_new(s->loop, MHD_get_daemon_info(s->daemon, MHD_DAEMON_INFO_EPOLL_FD)->epoll_fd, run, s,
			      &s->watch, e);
}

bool http_server_new(struct loop *l, const struct http_config *config, http_handler *handler, void *ctx,
		     struct http_server **ret, struct error *e)
{
	struct http_server *s = xcalloc(1, sizeof *s);
	const struct deadline_limits limits = { config->header_timeout_ms, config->body_timeout_ms,
						config->reply_timeout_ms, config->idle_timeout_ms };

	s->loop = l;
	s->handler = handler;
	s->ctx = ctx;
	s->courtesy = config->courtesy;
	s->headers = config->headers;
	s->header_max_bytes = config->header_max_bytes;
	s->body_max_bytes = config->body_max_bytes;
	s->all.prev = s->all.next = &s->all;
	s->deadlines = deadlines_new(l, &limits);
	s->timer = loop_timer_new(l, run, s);
	if (!start(s, config, e)) {
		(void)http_server_free(s);
		return false;
	}
	*ret = s;
	return true;
}

bool http_server_reload(struct http_server *s, struct error *e)
{
	return !s->tls || tls_reload(s->tls, e);
}

int http_server_port(const struct http_server *s)
{
	return s->port;
}

static void check_drained(void *arg)
{
	struct http_server *s = arg;

	s->drain_left_ms -= DRAIN_CHECK_MS;
	if (s->all.next != &s->all && s->drain_left_ms > 0)
		return;
	loop_timer_stop(s->drain_timer);
	s->drained(s->drained_arg);
}

void http_server_drain(struct http_server *s, loop_fn *done, void *arg)
{
	s->draining = true;
	s->drained = done;
	s->drained_arg = arg;
	s->drain_left_ms = HTTP_DRAIN_MS;
	gate_close(s->gate);
	s->drain_timer = loop_timer_new(s->loop, check_drained, s);
	loop_timer_set(s->drain_timer, 0, DRAIN_CHECK_MS);
}

/* The library may not be stopped while a connection is suspended. Its run may find requests that have come meanwhile. */
static void answer_waiting(struct http_server *s)
{
	s->closing = true;
	for (struct http_request *rq = s->all.next; rq != &s->all; rq = rq->next)
		if (rq->suspended)
			http_reply_bad_message(rq, 503, STOPPING);
	(void)MHD_run(s->daemon);
}

struct http_server *http_server_free(struct http_server *s)
{
	if (!s)
		return NULL;
	s->watch = loop_watch_free(s->watch);
	if (s->daemon) {
		answer_waiting(s);
		MHD_stop_daemon(s->daemon);
	}
	s->gate = gate_free(s->gate);
	s->timer = loop_timer_free(s->timer); /* set to the last, by each connection that closes */
	s->drain_timer = loop_timer_free(s->drain_timer);
	s->deadlines = deadlines_free(s->deadlines);
	s->tls = tls_free(s->tls);
	free(s);
	return NULL;
}
