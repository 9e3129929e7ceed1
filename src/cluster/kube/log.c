/*
 * A driver's log. The API has no offsets, but times: how far it was read is the time of the last line, in nanoseconds,
 * and how many lines of that very time are here. What is asked for begins with that second; lines that are here already
 * are passed over.
 */
#include "cluster/kube/wire.h"
#include <stdio.h>
#include <time.h>

enum { AT_NS, AT_LINES }; /* what is noted in place of two streams' offsets */

static const int64_t NS_PER_S = 1000000000;

static void ask(struct cluster_app *app);

/* More lines than fit have the same second: ask for more of it. */
static bool wants_more(struct kube_app *own)
{
	if (own->log_limit >= KUBE_LOG_MAX)
		return false;
	own->log_limit *= 2;
	return true;
}

static void take(struct cluster_app *app, const struct http_call_answer *answer)
{
	struct kube_app *own = app->own;
	_sbuf_ struct sbuf text = SBUF_INIT(KUBE_LOG_MAX);
	bool cut = answer->body_len >= own->log_limit, ended = app->phase == APP_ENDED;
	struct kube_log_place at = { app_log_offset(app, AT_NS), app_log_offset(app, AT_LINES) }, from = at;

	kube_read_log(answer->body, answer->body_len, ended && !cut, &at, &text);
	bool moved = at.ns != from.ns || at.lines != from.lines;
	if (moved)
		app_log_mark(app, AT_LINES, at.lines);
	if (moved && !app_log_add(app, AT_NS, sbuf_str(&text), text.len, at.ns)) {
		app_logged(app, APP_LOG_NONE);
		return;
	}
	if (cut && !moved && wants_more(own)) {
		ask(app);
		return;
	}
	if (moved)
		own->log_limit = CLUSTER_LOG_CHUNK;
	app_logged(app, cut && moved ? APP_LOG_MORE : (ended ? APP_LOG_WHOLE : APP_LOG_SOME));
}

static void on_log(void *arg, const struct http_call_answer *answer)
{
	struct cluster_app *app = arg;
	struct kube_app *own = app->own;
	bool gone = answer->error.code == ERR_NONE && (answer->status == 404 || answer->status == 400);

	own->log = NULL;
	if (answer->error.code == ERR_NONE && answer->status == 200)
		take(app, answer);
	else /* 400: its container never started; 404: its pod is gone */
		app_logged(app, gone && app->phase == APP_ENDED ? APP_LOG_WHOLE : APP_LOG_NONE);
}

static void ask(struct cluster_app *app)
{
	struct kube_app *own = app->own;
	_sbuf_ struct sbuf path = SBUF_INIT(1024);
	time_t since = (time_t)(app_log_offset(app, AT_NS) / NS_PER_S);
	char text[32];
	struct tm tm;

	sbuf_addf(&path, "/pods/%s/log?container=%s&timestamps=true&limitBytes=%zu", kube_pod_name(app),
		  own->container[0] ? own->container : KUBE_CONTAINER, own->log_limit);
	if (since > 0 && gmtime_r(&since, &tm) && strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%SZ", &tm))
		sbuf_addf(&path, "&sinceTime=%s", text);
	own->log = kube_call(app->of, "GET", sbuf_str(&path), NULL, 0, own->log_limit + 4096, on_log, app);
}

void kube_log(struct cluster_app *app)
{
	struct kube_app *own = kube_own(app);

	if (own->log_limit == 0)
		own->log_limit = CLUSTER_LOG_CHUNK;
	ask(app);
}
