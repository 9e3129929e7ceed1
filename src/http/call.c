/* One call from its request to its answer: copies, queue, deadlines. */
#include "http/call-priv.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/str.h"
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <string.h>

/* --- lists --- */

static void move(struct http_call *call, struct call_list *to)
{
	struct http_calls *c = call->owner;

	c->waiting_count += (to == &c->waiting) - (call->list == &c->waiting);
	c->running_count += (to == &c->running) - (call->list == &c->running);
	c->ended_count += (to == &c->ended) - (call->list == &c->ended);
	if (call->list)
		TAILQ_REMOVE(call->list, call, entry);
	if (to)
		TAILQ_INSERT_TAIL(to, call, entry);
	call->list = to;
}

static void kick(struct http_calls *c)
{
	loop_timer_set(c->kick, 0, 0);
}

static void dispose(struct http_call *call)
{
	move(call, NULL);
	hop_stop(call);
	call->ticket = call_ticket_forget(call->ticket);
	call->token = call_token_free(call->token);
	call->timer = loop_timer_free(call->timer);
	curl_slist_free_all(call->headers);
	closep(&call->body_fd);
	sbuf_done(&call->answer_body);
	free(call->method);
	free(call->url);
	free(call->origin);
	free(call->body);
	free(call->location);
	free(call);
}

void call_dispose_all(struct call_list *list)
{
	for (struct http_call *call = TAILQ_FIRST(list), *next; call; call = next) {
		next = TAILQ_NEXT(call, entry);
		dispose(call);
	}
}

/* --- the end of a call --- */

void call_end(struct http_call *call)
{
	loop_timer_stop(call->timer);
	hop_leave(call);
	call->ticket = call_ticket_forget(call->ticket);
	move(call, &call->owner->ended);
	kick(call->owner);
}

void call_fail(struct http_call *call, enum error_code code, const char *fmt, ...)
{
	char msg[sizeof call->answer.error.msg];
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(msg, sizeof msg, fmt, ap);
	va_end(ap);
	(void)error_set(&call->answer.error, code, "%s", msg);
	sbuf_done(&call->answer_body);
	call_end(call);
}

static void finish(struct http_call *call)
{
	struct http_call_answer *a = &call->answer;

	a->content_type = log_text(a->content_type);
	a->location = log_text(call->location);
	a->body = sbuf_str(&call->answer_body);
	a->body_len = call->answer_body.len;
	a->call = call;
	move(call, NULL);
	call->done(call->arg, a);
	dispose(call);
}

/* --- deadlines --- */

static int64_t silence_ends_ms(const struct http_call *call)
{
	return call->easy && call->silence_ms && !call->resting ? call->heard_ms + call->silence_ms : INT64_MAX;
}

static void set_timer(struct http_call *call)
{
	int64_t silence = silence_ends_ms(call), deadline = call->deadline_ms ? call->deadline_ms : INT64_MAX;
	int64_t next = silence < deadline ? silence : deadline;

	if (next != INT64_MAX)
		loop_timer_set(call->timer, next - clock_now_ms(), 0);
}

/* Bytes that come only move heard_ms: the timer is set anew when it finds that it was early. */
static void on_call_timer(void *arg)
{
	struct http_call *call = arg;
	int64_t now = clock_now_ms();

	if (call->cancelled)
		return;
	if (call->deadline_ms && now >= call->deadline_ms)
		call_fail(call, ERR_UNAVAILABLE, "no whole answer from %s in time%s%s", call->origin,
			  call->list == &call->owner->waiting ? ": all connections are busy" : "",
			  call->ticket ? ": the KDC does not answer" : "");
	else if (now >= silence_ends_ms(call))
		call_fail(call, ERR_UNAVAILABLE, "%s has been silent for %lld ms", call->origin,
			  (long long)call->silence_ms);
	else
		set_timer(call);
}

void call_heard(struct http_call *call)
{
	call->heard_ms = clock_now_ms();
}

/* --- the queue --- */

static void sweep(struct call_list *list)
{
	for (struct http_call *call = TAILQ_FIRST(list), *next; call; call = next) {
		next = TAILQ_NEXT(call, entry);
		if (call->cancelled) {
			dispose(call);
			continue;
		}
		if (!call->resume)
			continue;
		call->resume = call->resting = false;
		call_heard(call);
		set_timer(call);
		call->owner->in_curl = true;
		(void)curl_easy_pause(call->easy,
				      CURLPAUSE_CONT); /* calls data; what it says shows when the hop ends */
		call->owner->in_curl = false;
	}
}

static void start(struct http_call *call)
{
	move(call, &call->owner->running);
	hop_start(call);
	if (call->list == &call->owner->running)
		set_timer(call);
}

/* Only as many as there are now: who calls again at once, and fails at once, must not hold up the loop. */
void calls_run_queue(void *arg)
{
	struct http_calls *c = arg;

	calls_enter(c);
	sweep(&c->running);
	for (int n = c->ended_count; n > 0 && !c->dead && !TAILQ_EMPTY(&c->ended); n--)
		finish(TAILQ_FIRST(&c->ended)); /* NOLINT(clang-analyzer-unix.Malloc): it unlinks itself */
	if (!c->dead && !TAILQ_EMPTY(&c->ended))
		kick(c);
	while (!c->dead && c->running_count < c->o.connections_max && !TAILQ_EMPTY(&c->waiting))
		start(TAILQ_FIRST(&c->waiting));
	calls_leave(c);
}

/* --- a call --- */

bool call_is_word(const char *s)
{
	for (size_t i = 0; s && s[i]; i++)
		if ((unsigned char)s[i] <= ' ' || (unsigned char)s[i] >= 0x7f)
			return false;
	return !str_empty(s);
}

static bool copy_headers(struct http_call *call, const char *const *headers, struct error *e)
{
	for (const char *const *h = headers; h && *h; h++) {
		struct curl_slist *longer;

		if (strpbrk(*h, "\r\n") || !strchr(*h, ':'))
			return error_set(e, ERR_INVALID, "a header of the request is not a line of name and value");
		if (strncasecmp(*h, "Authorization:", 14) == 0 || strncasecmp(*h, "Cookie:", 7) == 0)
			return error_set(e, ERR_INVALID, "credentials are an option of the calls, not a header of one");
		longer = curl_slist_append(call->headers, *h);
		if (!longer)
			return error_set(e, ERR_INTERNAL, "libcurl is out of memory");
		call->headers = longer;
	}
	return true;
}

static bool copy_body(struct http_call *call, const struct http_call_request *r, struct error *e)
{
	call->body_len = r->body_fd_len ? r->body_fd_len : (int64_t)r->body_len;
	if (r->body_fd_len) {
		if ((call->body_fd = fcntl(r->body_fd, F_DUPFD_CLOEXEC, 0)) < 0)
			return error_errno(e, errno, "the file that is the request's body");
	} else if (r->body_len) {
		call->body = xmalloc(r->body_len);
		memcpy(call->body, r->body, r->body_len);
	}
	return true;
}

static bool fill(struct http_call *call, const struct http_call_request *r, struct error *e)
{
	if (!call_is_word(r->method))
		return error_set(e, ERR_INVALID, "the request's method is not a word");
	if (!call_is_word(r->url) || strlen(r->url) > HTTP_CALL_URL_MAX || !(call->origin = call_origin(r->url)))
		return error_set(e, ERR_INVALID,
				 "the request's address is not an http:// or https:// URL of at most %d bytes",
				 HTTP_CALL_URL_MAX);
	if (r->timeout_ms <= 0 && r->silence_ms <= 0)
		return error_set(e, ERR_INVALID, "the request has no deadline");
	call->method = xstrdup(r->method);
	call->url = xstrdup(r->url);
	call->deadline_ms = r->timeout_ms > 0 ? clock_now_ms() + r->timeout_ms : 0;
	call->connect_ms = r->connect_ms > 0 ? r->connect_ms : HTTP_CALL_CONNECT_MS;
	call->silence_ms = r->silence_ms;
	call->redirects_max = call->redirects_left = r->redirects_max;
	call->repeatable = r->repeatable;
	call->ticket_anywhere = r->ticket;
	call->data = r->data;
	call->answer_body.limit = r->answer_max ? r->answer_max : HTTP_CALL_ANSWER_MAX;
	return copy_headers(call, r->headers, e) && copy_body(call, r, e);
}

struct http_call *http_call(struct http_calls *c, const struct http_call_request *r, http_call_done_fn *done, void *arg)
{
	struct http_call *call = xcalloc(1, sizeof *call);
	struct error e;

	call->owner = c;
	call->done = done;
	call->arg = arg;
	call->body_fd = -1;
	call->timer = loop_timer_new(c->loop, on_call_timer, call);
	if (!fill(call, r, &e)) {
		call_fail(call, e.code, "%s", e.msg);
	} else if (c->waiting_count >= c->o.waiting_max) {
		call_fail(call, ERR_BUSY, "%d requests to this cluster wait already", c->waiting_count);
	} else {
		move(call, &c->waiting);
		set_timer(call);
		kick(c);
	}
	return call;
}

void http_call_cancel(struct http_call *call)
{
	if (!call)
		return;
	if (!call->owner->in_curl) {
		dispose(call);
		return;
	}
	call->cancelled = true; /* libcurl stands on it: swept on the next turn */
	if (call->list != &call->owner->running)
		move(call, &call->owner->running);
	kick(call->owner);
}

void http_call_resume(struct http_call *call)
{
	call->resume = call->resting;
	if (call->resume)
		kick(call->owner);
}

const char *http_call_header(const struct http_call *call, const char *name)
{
	struct curl_header *h;

	return call->easy && curl_easy_header(call->easy, name, 0, CURLH_HEADER, -1, &h) == CURLHE_OK ? h->value : NULL;
}
