#include "cluster/standalone/wire.h"

struct standalone_app *standalone_own(struct cluster_app *app)
{
	if (!app->own)
		app->own = xcalloc(1, sizeof(struct standalone_app));
	return app->own;
}

void standalone_next_rest(struct standalone *w)
{
	w->rest_at = (w->rest_at + 1) % w->count;
}

struct http_call *standalone_get(struct cluster *c, const char *base, const char *path, size_t answer_max,
				 http_call_done_fn *done, void *arg)
{
	struct standalone *w = c->wire;
	_sbuf_ struct sbuf url = SBUF_INIT(HTTP_CALL_URL_MAX);

	sbuf_addf(&url, "%s%s", base, path);
	return http_call(w->calls,
			 &(struct http_call_request){ .method = "GET",
						      .url = sbuf_str(&url),
						      .timeout_ms = STANDALONE_TIMEOUT_MS,
						      .answer_max = answer_max },
			 done, arg);
}

struct http_call *standalone_post(struct cluster *c, const char *base, const char *path, const char *body, size_t n,
				  http_call_done_fn *done, void *arg)
{
	static const char *const headers[] = { "Content-Type: application/json;charset=utf-8", NULL };
	struct standalone *w = c->wire;
	_sbuf_ struct sbuf url = SBUF_INIT(HTTP_CALL_URL_MAX);

	sbuf_addf(&url, "%s%s", base, path);
	return http_call(w->calls,
			 &(struct http_call_request){ .method = "POST",
						      .url = sbuf_str(&url),
						      .headers = headers,
						      .body = body,
						      .body_len = n,
						      .timeout_ms = STANDALONE_TIMEOUT_MS },
			 done, arg);
}

void standalone_ask_status(struct cluster_app *app, http_call_done_fn *done)
{
	const struct standalone *w = app->of->wire;
	_sbuf_ struct sbuf path = SBUF_INIT(1024);

	sbuf_addf(&path, "/v1/submissions/status/%s", app->handle);
	standalone_own(app)->call =
		standalone_get(app->of, w->rest[w->rest_at], sbuf_str(&path), STANDALONE_REPLY_MAX, done, app);
}
