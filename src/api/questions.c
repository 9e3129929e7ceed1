/*
 * questions - /sessions/{id}/completion and add-* (livy.md 1.7): what the driver answers at once.
 */
#include "api/api.h"
#include "api/fields.h"
#include "base/str.h"

enum { BODY_ARENA_MAX = 64 * 1024 * 1024 };

/* --- completion --- */

static void completed(void *arg, const struct jr *answer, const struct error *e)
{
	struct call *c = arg;
	const struct jr *candidates = answer ? jr_get(answer, "candidates") : NULL;
	_sbuf_ struct sbuf body = SBUF_INIT(ANSWER_MAX);
	struct jw w = { .out = &body };

	if (!answer) {
		api_answer_error(c, e);
		return;
	}
	jw_open(&w, NULL, '{');
	jw_open(&w, "candidates", '[');
	for (size_t i = 0; candidates && candidates->type == JR_ARRAY && i < candidates->count; i++)
		if (candidates->items[i].type == JR_STRING)
			jw_str(&w, NULL, candidates->items[i].text);
	jw_close(&w, ']');
	jw_close(&w, '}');
	api_answer(c, 200, &body);
}

void questions_on_completion(struct call *c, const struct batch *job)
{
	_arena_ struct arena *a = arena_new(BODY_ARENA_MAX);
	const char *kind = NULL, *code = NULL;
	int64_t cursor = 0;
	const struct field fields[] = { { "code", &code, NULL }, { "kind", &kind, NULL }, { "cursor", NULL, &cursor } };
	struct error e = { 0 };
	size_t n;
	const char *body = http_body(c->rq, &n);

	if (fields_read(a, body, n, "CompletionRequest", fields, ARRAY_LEN(fields), &e) && fields_kind(&kind, &e))
		questions_complete(c->api->sessions, job, kind, code, cursor, completed, c);
	else
		api_answer_error(c, &e);
}

/* --- add-* --- */

void questions_added(void *arg, const struct jr *answer, const struct error *e)
{
	struct call *c = arg;
	const char *reason = answer ? jr_text(answer, "error", JR_STRING) : NULL;
	struct error failed = *e;

	if (reason)
		(void)error_set(&failed, ERR_SESSION_STATE, "java.util.concurrent.ExecutionException: %s", reason);
	if (failed.code)
		api_answer_error(c, &failed);
	else
		api_answer_empty(c, 200, API_JSON);
}

static void add(struct call *c, const struct batch *job, const char *what)
{
	_arena_ struct arena *a = arena_new(BODY_ARENA_MAX);
	const char *uri = NULL;
	const struct field fields[] = { { "uri", &uri, NULL } };
	struct error e = { 0 };
	size_t n;
	const char *body = http_body(c->rq, &n);

	if (fields_read(a, body, n, "AddResource", fields, ARRAY_LEN(fields), &e) && !uri)
		(void)error_set(&e, ERR_INVALID, "uri is missing: the path of what is to be added");
	if (e.code)
		api_answer_error(c, &e);
	else
		questions_add(c->api->sessions, job, what, uri, questions_added, c);
}

void questions_on_add_jar(struct call *c, const struct batch *job)
{
	add(c, job, "jar");
}

void questions_on_add_pyfile(struct call *c, const struct batch *job)
{
	add(c, job, "pyfile");
}

void questions_on_add_file(struct call *c, const struct batch *job)
{
	add(c, job, "file");
}
