/*
 * sessions - /sessions: create, list, object, state, stop (livy.md 1.6). Log and DELETE are those of batches.
 */
#include "api/api.h"
#include "base/blob.h"
#include "base/str.h"
#include "model/redact.h"
#include <string.h>

static void view_list(struct jw *w, const char *key, const struct spec_list *list)
{
	jw_open(w, key, '[');
	for (size_t i = 0; i < list->count; i++)
		jw_str(w, NULL, list->items[i]);
	jw_close(w, ']');
}

/* Where nobody signs in, nobody can prove to be one. */
static bool is_owner(const struct call *c, const struct batch *job)
{
	return job->owner && c->acting.user && str_eq(job->owner, c->acting.user);
}

/* The values of the request as they were sent; the owner alone sees those of secrets (D18). */
static void view_conf(struct jw *w, const struct spec *spec, bool all)
{
	jw_open(w, "conf", '{');
	for (size_t i = 0; i < spec->conf_count; i++)
		jw_str(w, spec->conf[i].key,
		       all ? spec->conf[i].value : redact_value(spec->conf[i].key, spec->conf[i].value));
	jw_close(w, '}');
}

static void view_request(struct jw *w, const struct spec *spec, bool all)
{
	jw_str(w, "ttl", spec->ttl);
	jw_str(w, "idleTimeout", spec->idle_timeout);
	jw_str(w, "driverMemory", spec->driver_memory);
	jw_int(w, "driverCores", spec->driver_cores);
	jw_str(w, "executorMemory", spec->executor_memory);
	jw_int(w, "executorCores", spec->executor_cores);
	view_conf(w, spec, all);
	view_list(w, "archives", &spec->archives);
	view_list(w, "files", &spec->files);
	jw_int(w, "heartbeatTimeoutInSecond", spec->heartbeat_s);
	view_list(w, "jars", &spec->jars);
	jw_int(w, "numExecutors", spec->executor_count);
	view_list(w, "pyFiles", &spec->py_files);
	jw_str(w, "queue", spec->queue);
}

/* Such as the owner alone sees, so that it does not look the same for all. */
static bool has_secrets(const struct spec *spec)
{
	for (size_t i = 0; i < spec->conf_count; i++)
		if (redact_is_secret(spec->conf[i].key))
			return true;
	return false;
}

/* What was asked for. It was judged when it was accepted; what has become forbidden since is shown all the same. */
static struct spec spec_of(struct arena *a, const struct batch *job)
{
	struct spec spec = { .kind = "shared" };
	struct error e;

	if (job->request)
		(void)!spec_parse(a, SPEC_SESSION, job->request, strlen(job->request), NULL, &spec, &e);
	return spec;
}

static void view_session(struct jw *w, const struct call *c, const struct batch *job, const struct spec *spec,
			 bool with_log)
{
	const struct session_view view = sessions_view(c->api->sessions, job);

	jw_open(w, NULL, '{');
	jw_int(w, "id", job->id);
	jw_str(w, "name", job->name);
	jw_str(w, "appId", view.app_id);
	jw_str(w, "owner", job->owner);
	jw_str(w, "proxyUser", job->proxy_user);
	jw_str(w, "state", view.state);
	jw_str(w, "kind", spec->kind);
	jw_open(w, "appInfo", '{');
	jw_null(w, "driverLogUrl");
	jw_str(w, "sparkUiUrl", view.ui_url);
	jw_null(w, "executorLogUrls");
	jw_close(w, '}');
	view_log(w, c->jobs, job, with_log);
	view_request(w, spec, is_owner(c, job));
	jw_close(w, '}');
}

/* Kept until it changes, if it is the same for all who may see its log. NULL: it is written to `to`. */
static struct blob *show(const struct call *c, const struct batch *job, struct sbuf *to)
{
	_arena_ struct arena *a = arena_new(SPEC_ARENA_MAX);
	bool with_log = api_may(c, ACCESS_VIEW_LOG, job);
	struct jw w = { .out = to };

	if (with_log && view_is_fresh(c->jobs, job))
		return *job->view;
	const struct spec spec = spec_of(a, job);
	view_session(&w, c, job, &spec, with_log);
	if (!with_log || has_secrets(&spec) || !sbuf_ok(to))
		return NULL;
	(void)blob_free(*job->view);
	return *job->view = blob_from(to);
}

static void created(void *arg, const struct batch *job, const struct error *e)
{
	struct call *c = arg;
	_arena_ struct arena *a = arena_new(SPEC_ARENA_MAX);
	_sbuf_ struct sbuf body = SBUF_INIT(ANSWER_MAX);
	struct jw w = { .out = &body };
	char path[64];

	if (!job) {
		api_answer_error(c, e);
		return;
	}
	(void)snprintf(path, sizeof path, "/sessions/%lld", (long long)job->id);
	api_location(c, path);
	const struct spec spec = spec_of(a, job);
	view_session(&w, c, job, &spec, true);
	api_answer(c, 201, &body);
}

void sessions_on_create(struct call *c, const char *id)
{
	(void)id;
	api_create_job(c, created);
}

static void add_to_list(struct jw *w, const struct call *c, const struct batch *job)
{
	_sbuf_ struct sbuf text = SBUF_INIT(ANSWER_MAX);
	const struct blob *kept = show(c, job, &text);

	if (kept)
		jw_raw(w, NULL, kept->bytes, kept->len);
	else
		jw_raw(w, NULL, sbuf_str(&text), text.len);
}

void sessions_on_list(struct call *c, const char *id)
{
	(void)id;
	api_list_jobs(c, add_to_list);
}

void sessions_on_get(struct call *c, const struct batch *job)
{
	_sbuf_ struct sbuf body = SBUF_INIT(ANSWER_MAX);
	struct blob *kept = show(c, job, &body);

	if (!kept) {
		api_answer(c, 200, &body);
		return;
	}
	http_reply_blob(c->rq, 200, API_JSON, kept);
	api_done(c);
}

void sessions_on_state(struct call *c, const struct batch *job)
{
	_sbuf_ struct sbuf body = SBUF_INIT(256);
	struct jw w = { .out = &body };

	jw_open(&w, NULL, '{');
	jw_int(&w, "id", job->id);
	jw_str(&w, "state", sessions_view(c->api->sessions, job).state);
	jw_close(&w, '}');
	api_answer(c, 200, &body);
}

static void stopped(void *arg, const struct error *e)
{
	struct call *c = arg;

	if (e->code)
		api_answer_error(c, e);
	else
		api_answer_empty(c, 204, NULL);
}

void sessions_on_stop(struct call *c, const struct batch *job)
{
	if (state_is_final(job->state))
		api_answer_empty(c, 204, NULL);
	else
		batches_kill(c->jobs, job->id, stopped, c);
}

static void interrupted(void *arg, const struct error *e)
{
	struct call *c = arg;
	_sbuf_ struct sbuf body = SBUF_INIT(64);

	if (e->code) {
		api_answer_error(c, e);
		return;
	}
	sbuf_adds(&body, "{\"msg\":\"interrupted\"}");
	api_answer(c, 200, &body);
}

/* In spite of its name it is another word for stop (livy.md 1.0); Hue's way to end one. */
void sessions_on_interrupt(struct call *c, const struct batch *job)
{
	const struct error none = { 0 };

	if (state_is_final(job->state))
		interrupted(c, &none);
	else
		batches_kill(c->jobs, job->id, interrupted, c);
}

/* How NiFi and Livy's Java client keep a session from being idle. The body is ignored. */
void sessions_on_connect(struct call *c, const struct batch *job)
{
	sessions_use(c->api->sessions, job);
	sessions_on_get(c, job);
}
