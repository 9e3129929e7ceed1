#include "api/api.h"
#include "api/host.h"
#include "base/log.h"
#include "base/str.h"
#include <string.h>

/*
 * Everything that is answered, under "/" and again under "/livy". Dispatch, 405 and Allow come from here, and what the
 * caller must be allowed: the third column, which nobody can leave out. What is asked most stands first.
 */
static const struct route routes[] = {
	{ HTTP_GET, "/batches", ACCESS_VIEW, batches_on_list, NULL },
	{ HTTP_POST, "/batches", ACCESS_CREATE, batches_on_create, NULL },
	{ HTTP_GET, "/batches/{id}", ACCESS_VIEW, NULL, batches_on_get },
	{ HTTP_DELETE, "/batches/{id}", ACCESS_MODIFY, NULL, batches_on_delete },
	{ HTTP_GET, "/sessions/{id}/statements/{number}", ACCESS_VIEW_LOG, NULL, statements_on_get },
	{ HTTP_GET, "/batches/{id}/state", ACCESS_VIEW, NULL, batches_on_state },
	{ HTTP_GET, "/batches/{id}/log", ACCESS_VIEW_LOG, NULL, batches_on_log },
	{ HTTP_GET, "/sessions", ACCESS_VIEW, sessions_on_list, NULL },
	{ HTTP_POST, "/sessions", ACCESS_CREATE, sessions_on_create, NULL },
	{ HTTP_GET, "/sessions/{id}", ACCESS_VIEW, NULL, sessions_on_get },
	{ HTTP_DELETE, "/sessions/{id}", ACCESS_MODIFY, NULL, batches_on_delete },
	{ HTTP_GET, "/sessions/{id}/state", ACCESS_VIEW, NULL, sessions_on_state },
	{ HTTP_GET, "/sessions/{id}/log", ACCESS_VIEW_LOG, NULL, batches_on_log },
	{ HTTP_POST, "/sessions/{id}/stop", ACCESS_MODIFY, NULL, sessions_on_stop },
	{ HTTP_POST, "/sessions/{id}/interrupt", ACCESS_MODIFY, NULL, sessions_on_interrupt },
	{ HTTP_POST, "/sessions/{id}/connect", ACCESS_MODIFY, NULL, sessions_on_connect },
	{ HTTP_POST, "/sessions/{id}/completion", ACCESS_MODIFY, NULL, questions_on_completion },
	{ HTTP_POST, "/sessions/{id}/add-jar", ACCESS_MODIFY, NULL, questions_on_add_jar },
	{ HTTP_POST, "/sessions/{id}/add-pyfile", ACCESS_MODIFY, NULL, questions_on_add_pyfile },
	{ HTTP_POST, "/sessions/{id}/add-file", ACCESS_MODIFY, NULL, questions_on_add_file },
	{ HTTP_POST, "/sessions/{id}/upload-jar", ACCESS_MODIFY, NULL, uploads_on_jar },
	{ HTTP_POST, "/sessions/{id}/upload-pyfile", ACCESS_MODIFY, NULL, uploads_on_pyfile },
	{ HTTP_POST, "/sessions/{id}/upload-file", ACCESS_MODIFY, NULL, uploads_on_file },
	{ HTTP_POST, "/sessions/{id}/submit-job", ACCESS_MODIFY, NULL, jobs_on_submit },
	{ HTTP_POST, "/sessions/{id}/run-job", ACCESS_MODIFY, NULL, jobs_on_submit },
	{ HTTP_GET, "/sessions/{id}/jobs/{number}", ACCESS_VIEW_LOG, NULL, jobs_on_get },
	{ HTTP_POST, "/sessions/{id}/jobs/{number}/cancel", ACCESS_MODIFY, NULL, jobs_on_cancel },
	{ HTTP_GET, "/sessions/{id}/statements", ACCESS_VIEW_LOG, NULL, statements_on_list },
	{ HTTP_POST, "/sessions/{id}/statements", ACCESS_MODIFY, NULL, statements_on_create },
	{ HTTP_POST, "/sessions/{id}/statements/{number}/cancel", ACCESS_MODIFY, NULL, statements_on_cancel },
	{ HTTP_GET, "/version", ACCESS_VIEW, health_on_version, NULL },
	{ HTTP_GET, "/healthz", ACCESS_PROBE, health_on_live, NULL },
	{ HTTP_GET, "/livez", ACCESS_PROBE, health_on_live, NULL },
	{ HTTP_GET, "/readyz", ACCESS_PROBE, health_on_ready, NULL },
	{ HTTP_GET, "/metrics", ACCESS_VIEW, metrics_on_get, NULL },
	{ HTTP_GET, "/share/{id}/{name}", ACCESS_SHARED, share_on_get, NULL },
	{ HTTP_GET, "/", ACCESS_VIEW, ui_on_root, NULL },
	{ HTTP_GET, "/ui", ACCESS_VIEW, ui_on_lists, NULL },
	{ HTTP_GET, "/ui/batch/{id}", ACCESS_VIEW, ui_on_one, NULL },
	{ HTTP_GET, "/ui/batch/{id}/log", ACCESS_VIEW, ui_on_log, NULL },
	{ HTTP_GET, "/ui/session/{id}", ACCESS_VIEW, ui_on_one, NULL },
	{ HTTP_GET, "/ui/session/{id}/log", ACCESS_VIEW, ui_on_log, NULL },
	{ HTTP_GET, "/static/{file}", ACCESS_VIEW, ui_on_static, NULL },
};

#define LIVY_MOUNT "/livy"
#define VERSIONED "application/vnd.livy.v"

/* The path without florus.http.base-path; NULL when it is not under it. */
static const char *strip_base(const struct config *config, const char *path)
{
	const char *base = config->florus_http_base_path;
	size_t n = base ? strlen(base) : 0;

	if (n == 0)
		return path;
	return strncmp(path, base, n) == 0 && path[n] == '/' ? path + n : NULL;
}

/* Is the path a mount of Livy's API, or below one? */
static bool is_api_path(const char *path)
{
	static const char *const mounts[] = { "/batches", "/sessions", "/version" };

	for (size_t i = 0; i < ARRAY_LEN(mounts); i++)
		if (str_starts(path, mounts[i]) && strchr("/;", path[strlen(mounts[i])]))
			return true;
	return false;
}

/* A POST may stand for another method (livy.md 1.0): clients behind proxies that know only GET and POST. */
static enum http_method method_of(struct http_request *rq)
{
	static const char *const headers[] = { "X-HTTP-Method-Override", "X-HTTP-Method", "X-Method-Override" };
	const char *name = http_method(rq) == HTTP_POST ? http_query(rq, "_method") : NULL;

	if (http_method(rq) != HTTP_POST)
		return http_method(rq);
	name = name ? name : http_form(rq, "_method");
	for (size_t i = 0; !name && i < ARRAY_LEN(headers); i++)
		name = http_header(rq, headers[i]);
	return name ? http_method_parse(name) : HTTP_POST;
}

/* Only version 0.1 of the API exists, for those who ask for one (livy.md 1.0). */
static bool version_ok(struct http_request *rq, struct error *e)
{
	const char *accept = http_header(rq, "Accept"), *version;

	if (!accept || !str_starts(accept, VERSIONED))
		return true;
	version = accept + strlen(VERSIONED);
	size_t n = strcspn(version, "+");
	if (n == 3 && strncmp(version, "0.1", 3) == 0)
		return true;
	return error_set(e, ERR_UNACCEPTABLE, "No value found for '%.*s'", n > 32 ? 32 : (int)n, version);
}

/*
 * A page of another site can make a browser send requests, but not with a header of its own. An override does not
 * help: what counts is the method on the wire, as in Livy.
 */
static bool csrf_ok(const struct call *c)
{
	return !c->api->config->livy_server_csrf_protection_enabled || http_method(c->rq) == HTTP_GET ||
	       http_method(c->rq) == HTTP_HEAD || str_eq(http_method_name(c->rq), "OPTIONS") ||
	       http_header(c->rq, "X-Requested-By");
}

/*
 * Probes of the service manager have no credentials, and learn nothing but that we live. Drivers have none either, but
 * a URL that we signed.
 */
static bool needs_no_name(const struct call *c)
{
	return c->route && (c->route->right == ACCESS_PROBE || c->route->right == ACCESS_SHARED);
}

bool api_may(const struct call *c, enum access_right right, const struct batch *batch)
{
	const struct access_object of = { batch ? batch->owner : NULL, batch ? batch->proxy_user : NULL };

	return access_decide(c->api->access, &c->acting, right, batch ? &of : NULL);
}

/* Whatever is asked about a session tells that somebody is there (livy.md 6.4). */
static void handle_found(struct call *c, const struct batch *batch)
{
	if (c->jobs == sessions_jobs(c->api->sessions))
		sessions_touch(c->api->sessions, batch);
	c->route->handle_batch(c, batch);
}

static void found(void *arg, const struct batch *batch, const struct error *e)
{
	struct call *c = arg;

	if (!batch)
		api_answer_error(c, e);
	else if (!api_may(c, (enum access_right)c->route->right, batch))
		api_answer_forbidden(c);
	else
		handle_found(c, batch);
}

/* With impersonation, ?doAs=bob asks that bob's rights count instead of the caller's own. */
static bool act(struct call *c, struct error *e)
{
	const char *as, *whom;

	if (!c->api->config->livy_impersonation_enabled || needs_no_name(c))
		return true;
	/* A proxy that adds its own doAs must not be cheated by a first one, or by one pushed out of sight. */
	if (!http_query_once(c->rq, "doAs", &as))
		return error_set(e, ERR_INVALID, "doAs stands there twice, or there are more than %d parameters",
				 HTTP_QUERY_MAX);
	if (!access_impersonate(c->api->access, &c->caller, as, &whom, e))
		return false;
	if (as)
		c->acting = access_caller(c->api->access, whom);
	return true;
}

static void run(struct call *c)
{
	bool livy = str_starts(c->route->pattern, "/batches") || str_starts(c->route->pattern, "/sessions");
	struct error e = { 0 };

	if (livy)
		http_reply_may_compress(c->rq);
	if ((livy && !version_ok(c->rq, &e)) || !act(c, &e) || !http_body_decode(c->rq, &e))
		api_answer_error(c, &e);
	else if (c->route->handle_batch)
		batches_get(c->jobs, c->id, found, c);
	else if (!api_may(c, (enum access_right)c->route->right, NULL))
		api_answer_forbidden(c);
	else
		c->route->handle(c, c->id);
}

/* Nothing of the paths that exist is told to somebody unknown. */
static void refuse_path(struct call *c)
{
	struct route_match match;
	const char *path = strip_base(c->api->config, http_path(c->rq));
	enum route_result why =
		path ? route_find(routes, ARRAY_LEN(routes), method_of(c->rq), path + c->mount_len, &match)
		     : ROUTE_NO_PATH;

	if (why == ROUTE_BAD_ESCAPE) {
		http_reply_bad_message(c->rq, 400, "the path holds a bad %-escape");
		api_done(c);
		return;
	}
	if (why == ROUTE_NO_METHOD)
		http_reply_header(c->rq, "Allow", match.allow);
	api_answer_empty(c, why == ROUTE_NO_METHOD ? 405 : 404,
			 path && is_api_path(path + c->mount_len) ? API_JSON : API_HTML);
}

/* Livy's order: who asks, whether a page made him ask, whether he may come in, and only then what for. */
static void admit(struct call *c)
{
	c->caller = c->acting = access_caller(c->api->access, c->user);
	if (!csrf_ok(c))
		api_answer_page(c, 400, "Missing Required Header for CSRF protection.");
	else if (!needs_no_name(c) && !access_decide(c->api->access, &c->caller, ACCESS_REACH, NULL))
		api_answer_page(c, 403, "User not authorised to use Livy.");
	else if (c->route)
		run(c);
	else
		refuse_path(c);
}

/* Bytes of the mount that a path is under. */
static size_t mount_of(const char *path)
{
	return path && str_starts(path, LIVY_MOUNT "/") ? strlen(LIVY_MOUNT) : 0;
}

/* NULL: nothing is answered there. */
static const struct route *route_of(const struct api *api, const struct http_request *rq)
{
	const char *path = strip_base(api->config, http_path(rq));
	struct route_match match;

	if (!path ||
	    route_find(routes, ARRAY_LEN(routes), http_method(rq), path + mount_of(path), &match) != ROUTE_FOUND)
		return NULL;
	return match.route;
}

bool api_is_urgent(void *arg, const struct http_request *rq)
{
	const struct route *r = route_of(arg, rq);

	return r && (r->right == ACCESS_PROBE || r->handle_batch == batches_on_delete);
}

bool api_is_upload(void *arg, const struct http_request *rq)
{
	const struct route *r = route_of(arg, rq);

	return r && (r->handle_batch == uploads_on_jar || r->handle_batch == uploads_on_pyfile ||
		     r->handle_batch == uploads_on_file);
}

/*
 * Where anybody may do anything as long as he is on this machine, a browser on this machine must not be made to do it
 * for a page from elsewhere.
 */
static bool host_ok(const struct call *c, struct error *e)
{
	const struct config *config = c->api->config;
	const char *host = http_header(c->rq, "Host");

	if (needs_no_name(c) ||
	    (str_empty(config->florus_http_allowed_hosts) && (c->api->auth || !config_only_local(config))) ||
	    host_is_ours(host, config->livy_server_host, config->florus_http_allowed_hosts))
		return true;
	return error_set(e, ERR_FORBIDDEN,
			 "'%.128s' is not a name of this server; florus.http.allowed-hosts lists those that are", host);
}

void api_handle(void *arg, struct http_request *rq)
{
	struct api *api = arg;
	struct call *c = xcalloc(1, sizeof *c);
	struct route_match match;
	struct error e = { 0 };
	const char *path = strip_base(api->config, http_path(rq));

	c->api = api;
	c->rq = rq;
	c->mount_len = mount_of(path);
	if (path && route_find(routes, ARRAY_LEN(routes), method_of(rq), path + c->mount_len, &match) == ROUTE_FOUND) {
		c->route = match.route;
		c->jobs = str_starts(match.route->pattern, "/sessions") ? sessions_jobs(api->sessions) : api->batches;
		memcpy(c->id, match.id, strlen(match.id) + 1);
		memcpy(c->number, match.number, strlen(match.number) + 1);
	}
	log_debug("request", LOG_STR("method", http_method_name(rq)),
		  LOG_STR("path", c->route && c->route->right == ACCESS_SHARED ? c->route->pattern : http_path(rq)),
		  LOG_STR("request", http_request_id(rq)));
	if (!host_ok(c, &e))
		api_answer_error(c, &e);
	else if (api->auth && !needs_no_name(c))
		identify(c, admit);
	else
		admit(c);
}
