/*
 * The driver's log, from its worker's web page: stderr, then stdout, each from where it was read to.
 */
#include "base/str.h"
#include "cluster/standalone/wire.h"

static void ask(struct cluster_app *app);

/* Both streams were read as far as they go for now. */
static void read_both(struct cluster_app *app)
{
	struct standalone_app *own = app->own;

	if (own->more)
		app_logged(app, APP_LOG_MORE);
	else
		app_logged(app, app->phase == APP_ENDED ? APP_LOG_WHOLE : APP_LOG_SOME);
}

static void on_page(void *arg, const struct http_call_answer *answer)
{
	struct cluster_app *app = arg;
	struct standalone_app *own = app->own;
	struct standalone_log page;

	own->log = NULL;
	if (answer->status != 200 && !own->by_proxy) { /* the worker may only be reached through the master */
		own->by_proxy = true;
		ask(app);
		return;
	}
	if (answer->error.code != ERR_NONE || answer->status != 200 ||
	    !standalone_read_log(answer->body, answer->body_len, &page)) {
		own->by_proxy = false;
		app_logged(app, APP_LOG_NONE);
		return;
	}
	size_t n = (size_t)(page.end - page.start);
	if (own->stream == 0 && !own->app_id[0] &&
	    standalone_find_app_id(page.bytes, n, own->app_id, sizeof own->app_id))
		app->look = 0; /* the next list tells it, though it has nothing new */
	if (n > 0 && !app_log_add(app, own->stream, page.bytes, n, page.end)) {
		app_logged(app, APP_LOG_NONE);
		return;
	}
	own->more |= page.end < page.total;
	if (++own->stream < APP_LOG_STREAMS)
		ask(app);
	else
		read_both(app);
}

static void ask(struct cluster_app *app)
{
	static const char *const types[APP_LOG_STREAMS] = { "stderr", "stdout" };
	struct standalone_app *own = app->own;
	_sbuf_ struct sbuf url = SBUF_INIT(HTTP_CALL_URL_MAX);

	if (!standalone_log_url(app->of, own->worker, app->handle, "log/", types[own->stream], own->by_proxy, &url)) {
		app_logged(app, APP_LOG_NONE);
		return;
	}
	sbuf_addf(&url, "&offset=%lld&byteLength=%d", (long long)app_log_offset(app, own->stream), CLUSTER_LOG_CHUNK);
	own->log = standalone_get(app->of, sbuf_str(&url), "", 2 * (size_t)CLUSTER_LOG_CHUNK, on_page, app);
}

void standalone_log(struct cluster_app *app)
{
	struct standalone_app *own = app->own;

	own->stream = 0;
	own->more = false;
	ask(app);
}
