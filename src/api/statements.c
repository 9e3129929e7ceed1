/*
 * statements - /sessions/{id}/statements (livy.md 1.7).
 */
#include "api/api.h"
#include "api/fields.h"
#include "base/blob.h"
#include "base/str.h"
#include <string.h>
#include <strings.h>

enum { PATH_BYTES_MAX = 96, BODY_ARENA_MAX = 64 * 1024 * 1024 };

static void view_statement(struct jw *w, const struct statement *st)
{
	jw_open(w, NULL, '{');
	jw_int(w, "id", st->id);
	jw_str(w, "code", st->code);
	jw_str(w, "state", statement_state_name(st->state));
	if (st->output)
		jw_raw(w, "output", st->output, strlen(st->output));
	else
		jw_null(w, "output");
	jw_raw(w, "progress", st->progress, strlen(st->progress));
	jw_int(w, "started", st->started_ms);
	jw_int(w, "completed", st->completed_ms);
	jw_close(w, '}');
}

static void answer_one(struct call *c, int status, const struct statement *st)
{
	_sbuf_ struct sbuf body = SBUF_INIT(ANSWER_MAX);
	struct jw w = { .out = &body };

	view_statement(&w, st);
	api_answer(c, status, &body);
}

/* One that is over never changes again. A large answer costs more to send than to write, and is not kept. */
static void answer_over(struct call *c, const struct statement *st)
{
	_sbuf_ struct sbuf body = SBUF_INIT(ANSWER_MAX);
	struct jw w = { .out = &body };

	if (!*st->view) {
		view_statement(&w, st);
		if (body.len > SESSION_VIEW_MAX) {
			api_answer(c, 200, &body);
			return;
		}
		*st->view = blob_from(&body);
	}
	http_reply_blob(c->rq, 200, API_JSON, *st->view);
	api_done(c);
}

/* Livy says these as bare strings. */
static void refuse(struct call *c, const struct error *e)
{
	struct error shown = *e;
	_sbuf_ struct sbuf body = SBUF_INIT(1024);
	struct jw w = { .out = &body };

	if (e->code == ERR_NOT_FOUND) {
		jw_str(&w, NULL, shown.msg);
		api_answer(c, 404, &body);
		return;
	}
	api_answer_error(c, &shown);
}

static bool take_number(struct call *c, int64_t *ret)
{
	struct error e;
	int32_t n;

	if (!str_to_i32(c->number, &n)) {
		(void)error_set(&e, ERR_INVALID, "For input string: \"%.64s\"", c->number);
		api_answer_error(c, &e);
		return false;
	}
	*ret = n;
	return true;
}

/* --- create --- */

/* NULLs for what is not given; the kind by its own name. */
static bool read_body(struct arena *a, const char *text, size_t n, const char **kind, const char **code,
		      struct error *e)
{
	const struct field fields[] = { { "code", code, NULL }, { "kind", kind, NULL } };

	return fields_read(a, text, n, "ExecuteRequest", fields, ARRAY_LEN(fields), e) && fields_kind(kind, e);
}

static void created(void *arg, const struct statement *st, const struct error *e)
{
	struct call *c = arg;
	char path[PATH_BYTES_MAX];

	if (!st) {
		refuse(c, e);
		return;
	}
	(void)snprintf(path, sizeof path, "/sessions/%lld/statements/%lld", (long long)c->from, (long long)st->id);
	api_location(c, path);
	answer_one(c, 201, st);
}

void statements_on_create(struct call *c, const struct batch *job)
{
	_arena_ struct arena *a = arena_new(BODY_ARENA_MAX);
	const char *kind, *code;
	struct error e = { 0 };
	size_t n;
	const char *body = http_body(c->rq, &n);

	if (!read_body(a, body, n, &kind, &code, &e)) {
		api_answer_error(c, &e);
		return;
	}
	c->from = job->id;
	statements_run(c->api->sessions, job, kind, code, created, c);
}

/* --- read --- */

static void got(void *arg, const struct statement *st, const struct error *e)
{
	if (!st)
		refuse(arg, e);
	else if (st->view && statement_is_over(st->state))
		answer_over(arg, st);
	else
		answer_one(arg, 200, st);
}

void statements_on_get(struct call *c, const struct batch *job)
{
	int64_t number;

	if (take_number(c, &number))
		statements_get(c->api->sessions, job, number, got, c);
}

static void listed(void *arg, const struct statement *items, size_t n, int64_t total, const struct error *e)
{
	struct call *c = arg;
	_sbuf_ struct sbuf body = SBUF_INIT(ANSWER_MAX);
	struct jw w = { .out = &body };
	struct error large;

	if (!items) {
		api_answer_error(c, e);
		return;
	}
	jw_open(&w, NULL, '{');
	jw_int(&w, "total_statements", total);
	jw_open(&w, "statements", '[');
	for (size_t i = 0; i < n && sbuf_ok(&body); i++)
		view_statement(&w, &items[i]);
	jw_close(&w, ']');
	jw_close(&w, '}');
	if (sbuf_ok(&body)) {
		api_answer(c, 200, &body);
		return;
	}
	(void)error_set(&large, ERR_TOO_LARGE, "this page is larger than %d bytes: ask for a smaller size", ANSWER_MAX);
	api_answer_error(c, &large);
}

void statements_on_list(struct call *c, const struct batch *job)
{
	const char *order = http_query(c->rq, "order");
	struct statements_window window = { .newest_first = order && strcasecmp(order, "desc") == 0 };
	struct error e = { 0 };

	if (api_query_int(c, "from", 0, &window.from, &e) && api_query_int(c, "size", INT32_MAX, &window.size, &e))
		statements_list(c->api->sessions, job, &window, listed, c);
	else
		api_answer_error(c, &e);
}

/* --- cancel --- */

static void cancelled(void *arg, const struct error *e)
{
	struct call *c = arg;
	_sbuf_ struct sbuf body = SBUF_INIT(64);

	if (e->code) {
		api_answer_error(c, e);
		return;
	}
	sbuf_adds(&body, "{\"msg\":\"canceled\"}");
	api_answer(c, 200, &body);
}

void statements_on_cancel(struct call *c, const struct batch *job)
{
	int64_t number;

	if (take_number(c, &number))
		statements_cancel(c->api->sessions, job, number, cancelled, c);
}
