#include "http/server.h"
#include "base/listen.h"
#include "base/str.h"
#include "http/reason.h"
#include "http/request.h"
#include "http/tls.h"
#include <string.h>
#include <sys/socket.h>

enum {
	/* What libmicrohttpd needs in a connection's pool beside the header block: parsed fields, answer header. */
	POOL_OVERHEAD = 48 * 1024,
	DRAIN_CHECK_MS = 20,
	LISTEN_BACKLOG = 1024,
};

static const char STOPPING[] = "Florus is stopping";

/* --- refusals that never reach the handler --- */

/* All connections are taken: this one came in to look or to stop a job, and for nothing else (gate.h). */
static void refuse_guest(struct http_request *rq)
{
	reply_busy(rq, "{\"msg\":\"too many connections: try again\"}");
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

static bool is_upload(const struct http_request *rq)
{
	const struct http_server *s = rq->server;

	return s->courtesy.upload && s->courtesy.upload(s->ctx, rq);
}

/* An upload has the bytes of its wrapping beside those of its file. */
static int64_t body_max(const struct http_request *rq)
{
	const struct http_server *s = rq->server;

	return is_upload(rq) ? s->upload_max_bytes + HTTP_UPLOAD_EXTRA : s->body_max_bytes;
}

static bool begin_upload(struct http_request *rq)
{
	struct http_server *s = rq->server;
	struct error e;

	if (s->spools >= SPOOLS_MAX) {
		reply_busy(rq, "{\"msg\":\"too many uploads: try again\"}");
		return false;
	}
	if (!spool_open(s->spool_dirfd, body_max(rq), &rq->spool, &e)) {
		http_reply_bad_message(rq, 507, http_reason(507));
		return false;
	}
	s->spools++;
	return true;
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
	else if (g.content_length > body_max(rq))
		http_reply_bad_message(rq, 413, http_reason(413));
	else if (!is_welcome(rq, &g))
		refuse_guest(rq);
	else if (is_upload(rq) && !begin_upload(rq))
		return;
	else if (g.chunked || g.content_length > 0)
		deadline_phase(rq->conn, PHASE_BODY);
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

	static const char no_space[] =
		"HTTP/1.1 507 Insufficient Storage\r\nContent-Type: application/json;charset=utf-8\r\n"
		"Content-Length: 50\r\nConnection: close\r\n\r\n"
		"{\"msg\":\"the disk is full: the upload is gone now\"}";
	struct error e = { 0 };

	deadline_body_bytes(rq->conn, *n);
	if (!rq->cut && rq->spool.fd >= 0)
		(void)!spool_add(&rq->spool, data, *n, &e);
	else if (!rq->cut)
		sbuf_add(&rq->body, data, *n);
	*n = 0;
	if (!rq->cut && (e.code == ERR_TOO_LARGE || !sbuf_ok(&rq->body)))
		refuse_body(rq, too_long);
	else if (!rq->cut && e.code)
		refuse_body(rq, no_space);
	else if (!rq->cut && !request_has_room(rq, rq->body.len))
		refuse_body(rq, too_many);
	if (rq->cut)
		sbuf_done(&rq->body);
	return rq->cut && (int64_t)rq->conn->bytes > 2 * body_max(rq) ? MHD_NO : MHD_YES;
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
	loop_fn *done;
	void *done_arg;

	(void)arg, (void)connection, (void)why;
	if (!rq)
		return;
	done = rq->done;
	done_arg = rq->done_arg;
	deadline_phase(rq->conn, PHASE_IDLE);
	rq->server->large_bytes -= rq->large_bytes;
	rq->prev->next = rq->next;
	rq->next->prev = rq->prev;
	*con_cls = request_free(rq);
	if (done)
		done(done_arg);
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
				MHD_OPTION_STRICT_FOR_CLIENT, 1, MHD_OPTION_SIGPIPE_HANDLED_BY_APP, 1,
				MHD_OPTION_URI_LOG_CALLBACK, on_target, s, MHD_OPTION_UNESCAPE_CALLBACK, leave_escaped,
				NULL, MHD_OPTION_NOTIFY_COMPLETED, on_completed, s, MHD_OPTION_NOTIFY_CONNECTION,
				on_connection, s, MHD_OPTION_ARRAY, s->tls ? tls_options(s->tls) : &none,
				MHD_OPTION_END);
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

	const struct listen_on on = {
		.host = c->host,
		.port = c->port,
		.backlog = LISTEN_BACKLOG,
		.whom = "",
		.no_such_host = ": set livy.server.host to an address of this host",
		.no_such_address = ": this host has no such address; set livy.server.host",
		.in_use = ": stop what listens there or set livy.server.port (0 = any free port)",
		.denied = ": ports below 1024 need a privilege; set livy.server.port",
	};

	return listen_tcp(&on, &gate.listen_fd, &s->port, e) && gate_new(s->loop, &gate, &s->gate, e);
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
	s->upload_max_bytes = config->upload_max_bytes;
	s->spool_dirfd = config->spool_dirfd;
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

/*
 * The library may not be stopped while a connection is suspended. Its run may find requests that have come meanwhile.
 */
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
