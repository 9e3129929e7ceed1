/*
 * An app's log, from the node manager's pages: stderr, then stdout, each from where it was read to.
 */
#include "cluster/entities.h"
#include "cluster/yarn-read.h"
#include "cluster/yarn-wire.h"
#include "http/call.h"
#include <string.h>

/* Bytes of a log page: it has as many characters as it was asked for bytes, and each may be an entity. */
enum { PAGE_MAX = ENTITY_MAX * CLUSTER_LOG_CHUNK + 64 * 1024 };

static const char *const streams[APP_LOG_STREAMS] = { "stderr", "stdout" };

static void ask_page(struct cluster_app *app);

/* Only up to a line's end, so that no character is cut in two: the page would show what is not one as something longer. */
static size_t whole_lines(const struct sbuf *text)
{
	const char *last = text->len ? memrchr(text->data, '\n', text->len) : NULL;

	return last ? (size_t)(last - text->data) + 1 : 0;
}

static void on_page(void *arg, const struct http_call_answer *answer)
{
	struct cluster_app *app = arg;
	struct yarn_own *own = yarn_own(app);
	_sbuf_ struct sbuf text = SBUF_INIT(PAGE_MAX);

	own->log = NULL;
	if (answer->error.code != ERR_NONE || answer->status != 200 ||
	    !yarn_read_log(answer->body, answer->body_len, &text)) {
		app_logged(app, APP_LOG_NONE);
		return;
	}
	bool full = text.len >= CLUSTER_LOG_CHUNK;
	size_t n = whole_lines(&text);
	if (n == 0 && (full || own->seen_end))
		n = text.len; /* one line that is longer than that, or the last one without an end */
	if (n > 0 && !app_log_add(app, own->stream, text.data, n, app_log_offset(app, own->stream) + (int64_t)n)) {
		app_logged(app, APP_LOG_NONE);
		return;
	}
	own->more |= full || (n < text.len && app->phase == APP_ENDED);
	if (++own->stream < APP_LOG_STREAMS) {
		ask_page(app);
		return;
	}
	own->seen_end = app->phase == APP_ENDED;
	app_logged(app, own->more ? APP_LOG_MORE : own->seen_end ? APP_LOG_WHOLE : APP_LOG_SOME);
}

static void ask_page(struct cluster_app *app)
{
	struct yarn *w = app->of->wire;
	struct yarn_own *own = yarn_own(app);
	_sbuf_ struct sbuf url = SBUF_INIT(HTTP_CALL_URL_MAX);
	int64_t from = app_log_offset(app, own->stream);

	sbuf_addf(&url, "%s/%s/?start=%lld&end=%lld%s", own->logs, streams[own->stream], (long long)from,
		  (long long)from + CLUSTER_LOG_CHUNK, w->who);
	own->log = http_call(w->calls,
			     &(struct http_call_request){ .method = "GET",
							  .url = sbuf_str(&url),
							  .timeout_ms = YARN_TIMEOUT_MS,
							  .answer_max = PAGE_MAX,
							  .redirects_max = YARN_REDIRECTS_MAX },
			     on_page, app);
}

void yarn_log(struct cluster_app *app)
{
	struct yarn_own *own = yarn_own(app);

	own->stream = 0;
	own->more = false;
	if (own->logs)
		ask_page(app);
	else
		app_logged(app, APP_LOG_NONE);
}
