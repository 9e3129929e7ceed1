#include "cluster/yarn/wire.h"
#include "cluster/hadoop/hdfs-read.h"
#include <string.h>

struct yarn_own *yarn_own(struct cluster_app *app)
{
	if (!app->own)
		app->own = xcalloc(1, sizeof(struct yarn_own));
	return app->own;
}

struct http_call *yarn_ask(struct cluster *c, const struct yarn_question *q, http_call_done_fn *done, void *arg)
{
	const char *const headers[] = { q->xml ? "Content-Type: application/xml" : "Content-Type: application/json",
					"Accept: application/json", "X-XSRF-Header: 1", NULL };
	struct yarn *w = c->wire;
	_sbuf_ struct sbuf url = SBUF_INIT(HTTP_CALL_URL_MAX);

	sbuf_addf(&url, "%s/ws/v1/cluster/%s%s%s", w->managers[w->at], q->path, strchr(q->path, '?') ? "" : "?",
		  w->who);
	if (q->as) {
		sbuf_adds(&url, "&doAs=");
		hdfs_encode(&url, q->as, false);
	}
	return http_call(w->calls,
			 &(struct http_call_request){ .method = q->method,
						      .url = sbuf_str(&url),
						      .headers = headers,
						      .body = q->body,
						      .body_len = q->body ? strlen(q->body) : 0,
						      .timeout_ms = YARN_TIMEOUT_MS,
						      .answer_max = q->answer_max,
						      .redirects_max = YARN_REDIRECTS_MAX },
			 done, arg);
}

void yarn_next_manager(struct cluster *c)
{
	struct yarn *w = c->wire;

	w->at = (w->at + 1) % w->count;
}
