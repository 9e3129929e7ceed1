#include "http/compress.h"
#include "http/request.h"
#include <string.h>
#include <strings.h>

enum { COMPRESS_OVERHEAD = 4096 /* what an incompressible answer may grow by */ };

/* --- headers --- */

void http_reply_header(struct http_request *rq, const char *name, const char *value)
{
	int i = rq->reply_header_count;

	if (i == REPLY_HEADERS_MAX)
		return;
	rq->reply_names[i] = name;
	rq->reply_values[i] = xstrdup(value);
	rq->reply_header_count++;
}

static bool has_reply_header(const struct http_request *rq, const char *name)
{
	for (int i = 0; i < rq->reply_header_count; i++)
		if (strcasecmp(rq->reply_names[i], name) == 0)
			return true;
	return false;
}

/*
 * Does the connection end with this answer? After chunks, too: the library takes a bare LF where they need CR LF, so a
 * proxy in front may see their end elsewhere, and what follows must not be taken for a request (S7).
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

/* --- refusals --- */

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

void reply_busy(struct http_request *rq, const char *text)
{
	http_reply_header(rq, "Retry-After", "1");
	respond(rq, 503, MHD_create_response_from_buffer(strlen(text), (void *)(uintptr_t)text, MHD_RESPMEM_PERSISTENT),
		"application/json;charset=utf-8");
}

/* --- whole answers --- */

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
	if (!request_has_room(rq, rq->large_bytes + len)) {
		reply_busy(rq, "{\"msg\":\"too many large answers: try again\"}");
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

void http_reply_file(struct http_request *rq, const char *content_type, int fd, int64_t len, loop_fn *done, void *arg)
{
	rq->done = done;
	rq->done_arg = arg;
	respond(rq, 200, MHD_create_response_from_fd64((uint64_t)len, fd), content_type);
}

/* --- streams --- */

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
