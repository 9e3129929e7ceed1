#include "api/api.h"
#include "base/blob.h"

enum { LIST_SIZE_DEFAULT = 100 };

/* --- what only headers carry --- */

enum { HEADER_MAX = 512 };

/* A reason may be somebody else's words, such as a cluster's. */
static void add_header(struct call *c, const char *name, const char *text)
{
	_sbuf_ struct sbuf safe = SBUF_INIT(HEADER_MAX);

	for (; text && *text && sbuf_ok(&safe); text++)
		sbuf_addc(&safe, *text >= ' ' && *text <= '~' ? *text : '?');
	if (safe.len > 0)
		http_reply_header(c->rq, name, sbuf_str(&safe));
}

/* Livy's object has no room for it (differences.md). Nothing of a job that runs on this host. */
static void tell_launcher(struct call *c, const struct batch *batch)
{
	add_header(c, "Florus-Cluster", batch->cluster);
	add_header(c, "Florus-Launcher", batch->launcher);
	add_header(c, "Florus-Launcher-Reason", batch->launcher_why);
}

/* --- create --- */

static void created(void *arg, const struct batch *batch, const struct error *e)
{
	struct call *c = arg;
	_sbuf_ struct sbuf body = SBUF_INIT(ANSWER_MAX);
	struct jw w = { .out = &body };
	char path[64];

	if (!batch) {
		api_answer_error(c, e);
		return;
	}
	(void)snprintf(path, sizeof path, "/batches/%lld", (long long)batch->id);
	api_location(c, path);
	tell_launcher(c, batch);
	view_batch(&w, c->api->batches, batch, true);
	api_answer(c, c->mount_len ? 200 : 201, &body);
}

void api_create_job(struct call *c, batches_fn *fn)
{
	struct batch_request rq = { .who = c->caller,
				    .do_as = http_query(c->rq, "doAs"),
				    .idem_key = http_header(c->rq, "Idempotency-Key"),
				    .request_id = http_request_id(c->rq) };
	struct error e = { 0 };

	rq.body = http_body(c->rq, &rq.body_len);
	if (http_is_form(c->rq))
		rq.body_len = 0; /* Livy's server has taken it for parameters (D6) */
	if (batches_full(c->jobs, c->user))
		(void)error_set(&e, ERR_BUSY, "Rejected, too many sessions are being created!");
	else if (c->api->draining)
		(void)error_set(&e, ERR_UNAVAILABLE, "Florus is stopping");
	if (e.code)
		api_answer_error(c, &e);
	else
		batches_create(c->jobs, &rq, fn, c);
}

void batches_on_create(struct call *c, const char *id)
{
	(void)id;
	api_create_job(c, created);
}

/* --- list --- */

static void add_to_list(struct jw *w, const struct call *c, const struct batch *batch)
{
	if (api_may(c, ACCESS_VIEW_LOG, batch)) {
		const struct blob *view = view_batch_blob(c->api->batches, batch);

		jw_raw(w, NULL, view->bytes, view->len);
	} else {
		view_batch(w, c->api->batches, batch, false);
	}
}

void api_list_jobs(struct call *c, api_view_fn *view)
{
	_sbuf_ struct sbuf body = SBUF_INIT(ANSWER_MAX);
	struct jw w = { .out = &body };
	struct error e = { 0 };
	int64_t from, size, total = batches_count(c->jobs);

	if (!api_query_int(c, "from", 0, &from, &e) || !api_query_int(c, "size", LIST_SIZE_DEFAULT, &size, &e)) {
		api_answer_error(c, &e);
		return;
	}
	/* Items [from, from + size), both ends clamped (livy.md 1.5). */
	int64_t first = from < 0 ? 0 : from, end = from + size < total ? from + size : total;
	jw_open(&w, NULL, '{');
	jw_int(&w, "from", from);
	jw_int(&w, "total", total);
	jw_open(&w, "sessions", '[');
	for (int64_t i = first; i < end && sbuf_ok(&body); i++)
		view(&w, c, batches_at(c->jobs, i));
	jw_close(&w, ']');
	jw_close(&w, '}');
	if (sbuf_ok(&body)) {
		api_answer(c, 200, &body);
		return;
	}
	(void)error_set(&e, ERR_TOO_LARGE, "this page is larger than %d bytes: ask for a smaller size", ANSWER_MAX);
	api_answer_error(c, &e);
}

void batches_on_list(struct call *c, const char *id)
{
	(void)id;
	api_list_jobs(c, add_to_list);
}

/* --- one batch --- */

void batches_on_get(struct call *c, const struct batch *batch)
{
	_sbuf_ struct sbuf body = SBUF_INIT(ANSWER_MAX);
	struct jw w = { .out = &body };

	tell_launcher(c, batch);
	if (api_may(c, ACCESS_VIEW_LOG, batch)) {
		http_reply_blob(c->rq, 200, API_JSON, view_batch_blob(c->api->batches, batch));
		api_done(c);
		return;
	}
	view_batch(&w, c->api->batches, batch, false);
	api_answer(c, 200, &body);
}

void batches_on_state(struct call *c, const struct batch *batch)
{
	_sbuf_ struct sbuf body = SBUF_INIT(256);
	struct jw w = { .out = &body };

	jw_open(&w, NULL, '{');
	jw_int(&w, "id", batch->id);
	jw_str(&w, "state", state_livy_name(batch->state));
	jw_close(&w, '}');
	api_answer(c, 200, &body);
}

static void deleted(void *arg, const struct error *e)
{
	struct call *c = arg;
	_sbuf_ struct sbuf body = SBUF_INIT(64);

	if (e->code) {
		api_answer_error(c, e);
		return;
	}
	sbuf_adds(&body, "{\"msg\":\"deleted\"}");
	api_answer(c, 200, &body);
}

/* By its id: a name may lead to somebody else's batch by the time that it is looked up again. */
void batches_on_delete(struct call *c, const struct batch *batch)
{
	char id[24];

	(void)snprintf(id, sizeof id, "%lld", (long long)batch->id);
	batches_delete(c->jobs, id, deleted, c);
}
