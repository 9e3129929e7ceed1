/*
 * jobs - /sessions/{id}/submit-job, run-job, jobs/{number} (livy.md 1.7): functions that a client pickled.
 */
#include "api/api.h"
#include "api/fields.h"
#include "base/base64.h"
#include "base/str.h"
#include <string.h>

enum { BODY_ARENA_MAX = 128 * 1024 * 1024 };

static void answer(struct call *c, int status, const struct session_job *job)
{
	_sbuf_ struct sbuf body = SBUF_INIT(ANSWER_MAX);
	struct jw w = { .out = &body };

	jw_open(&w, NULL, '{');
	jw_int(&w, "id", job->id);
	jw_str(&w, "state", job->state);
	jw_str(&w, "result", job->result);
	jw_str(&w, "error", job->error);
	jw_close(&w, '}');
	api_answer(c, status, &body);
}

/* Livy says that one is not there as a bare string. */
static void refuse(struct call *c, const struct error *e)
{
	_sbuf_ struct sbuf body = SBUF_INIT(1024);
	struct jw w = { .out = &body };

	if (e->code != ERR_NOT_FOUND) {
		api_answer_error(c, e);
		return;
	}
	jw_str(&w, NULL, e->msg);
	api_answer(c, 404, &body);
}

/* Blanks and line ends may stand in base64 that others wrote; Java's own decoder refuses them, and so do we. */
static bool is_base64(const char *text)
{
	size_t n = strlen(text), i = 0;

	while (i < n && base64_digit(text[i]) >= 0)
		i++;
	return n % 4 == 0 && n - i <= 2 && strspn(text + i, "=") == n - i;
}

static bool read_job(struct arena *a, const char *text, size_t n, const char **job, struct error *e)
{
	const char *type = NULL;
	const struct field fields[] = { { "job", job, NULL }, { "jobType", &type, NULL } };

	if (!fields_read(a, text, n, "SerializedJob", fields, ARRAY_LEN(fields), e))
		return false;
	if (str_empty(*job))
		return error_set(e, ERR_INVALID, "requirement failed: no job provided.");
	if (!str_eq(type, "pyspark"))
		return error_set(
			e, ERR_MALFORMED,
			"jobType is \"%.32s\": only jobs of Python (pyspark) can be run; those of the JVM are "
			"serialised by Kryo, which needs the client's classes: submit them as a batch, or as a statement",
			type ? type : "spark");
	return is_base64(*job) || error_set(e, ERR_MALFORMED, "Illegal base64 in job");
}

static void taken(void *arg, const struct session_job *job, const struct error *e)
{
	if (job)
		answer(arg, 201, job); /* Livy gives no Location */
	else
		refuse(arg, e);
}

void jobs_on_submit(struct call *c, const struct batch *session)
{
	_arena_ struct arena *a = arena_new(BODY_ARENA_MAX);
	const char *job = NULL;
	struct error e = { 0 };
	size_t n;
	const char *body = http_body(c->rq, &n);

	if (!read_job(a, body, n, &job, &e)) {
		api_answer_error(c, &e);
		return;
	}
	jobs_run(c->api->sessions, session, job, taken, c);
}

static bool take_number(struct call *c, int64_t *ret)
{
	struct error e;

	if (str_to_i64(c->number, ret))
		return true;
	(void)error_set(&e, ERR_INVALID, "For input string: \"%.64s\"", c->number);
	api_answer_error(c, &e);
	return false;
}

static void got(void *arg, const struct session_job *job, const struct error *e)
{
	if (job)
		answer(arg, 200, job);
	else
		refuse(arg, e);
}

void jobs_on_get(struct call *c, const struct batch *session)
{
	int64_t number;

	if (take_number(c, &number))
		jobs_get(c->api->sessions, session, number, got, c);
}

void jobs_on_cancel(struct call *c, const struct batch *session)
{
	struct error e = { 0 };
	int64_t number;

	if (!take_number(c, &number))
		return;
	if (jobs_cancel(c->api->sessions, session, number, &e))
		api_answer_empty(c, 200, API_JSON);
	else
		api_answer_error(c, &e);
}
