/*
 * An app's log: stderr, then stdout, each from where it was read to. From the node manager's pages; once the app has
 * ended and these do not have it, from those of MapReduce's history server, which shows what node managers gathered in
 * HDFS: the same bytes, so that offsets go on. Both look the same. A node manager that no longer has it also sends us
 * there by itself.
 */
#include "cluster/yarn/log.h"
#include "base/str.h"
#include "cluster/entities.h"
#include "cluster/hadoop/conf.h"
#include "cluster/yarn/read.h"
#include "http/call.h"
#include <string.h>

enum {
	GATHERED_CHUNK = 64 * 1024, /* of an ended app's log, read at once here and, if it was gathered, there */
	/* Bytes of a page: it has as many characters as it was asked for bytes, and each may be an entity. */
	PAGE_MAX = ENTITY_MAX * CLUSTER_LOG_CHUNK + 64 * 1024,
};

#define HISTORY_PATH "/jobhistory/logs"

static const char *const streams[APP_LOG_STREAMS] = { "stderr", "stdout" };

static void ask_page(struct cluster_app *app);

/* Of "http://host:19888", or with the path of its logs. NULL: it is no such URL. */
static char *history_of(const char *web)
{
	_sbuf_ struct sbuf url = SBUF_INIT(HTTP_CALL_URL_MAX / 2);

	sbuf_add(&url, web, strcspn(web, ", "));
	const char *host = strstr(sbuf_str(&url), "://");
	if (!sbuf_ok(&url) || !host || (!str_starts(web, "http://") && !str_starts(web, "https://")))
		return NULL;
	while (str_ends(sbuf_str(&url), "/"))
		url.data[--url.len] = '\0';
	if (!strchr(host + strlen("://"), '/'))
		sbuf_adds(&url, HISTORY_PATH);
	return sbuf_take(&url);
}

bool yarn_log_find_history(struct yarn *w, const struct profile *p, struct error *e)
{
	_arena_ struct arena *a = arena_new(HTTP_CALL_URL_MAX);

	if (p->web)
		w->history = history_of(p->web);
	else if (w->conf)
		w->history = xstrdup(hadoop_history_url(w->conf, a));
	return !p->web || w->history ||
	       error_set(e, ERR_CONFIG, "florus.cluster.%s.web is not a URL that begins with http:// or https://",
			 p->name);
}

/* It is not where it was looked for. */
static void look_elsewhere(struct cluster_app *app)
{
	const struct yarn *w = app->of->wire;
	struct yarn_own *own = yarn_own(app);

	own->by_history = app->phase == APP_ENDED && w->history && own->node && !own->by_history;
	if (own->by_history)
		ask_page(app);
	else
		app_logged(app, APP_LOG_NONE);
}

/*
 * Only up to a line's end, so that no character is cut in two: the page would show what is not one as something longer.
 */
static size_t whole_lines(const struct sbuf *text)
{
	const char *last = text->len ? memrchr(text->data, '\n', text->len) : NULL;

	return last ? (size_t)(last - text->data) + 1 : 0;
}

/* Copies what is whole of a page. False: it cannot be written. */
static bool copy(struct cluster_app *app, const struct sbuf *text, int64_t length)
{
	struct yarn_own *own = yarn_own(app);
	bool full = (int64_t)text->len >= own->to - own->from;
	size_t n = whole_lines(text);

	if (n == 0 && (full || own->seen_end))
		n = text->len; /* one line that is longer than that, or the last one without an end */
	own->more |= full || (n < text->len && app->phase == APP_ENDED);
	return n == 0 ||
	       app_log_add(app, own->stream, text->data, n, yarn_log_offset(text, n, own->from, own->to, length));
}

static void on_page(void *arg, const struct http_call_answer *answer)
{
	struct cluster_app *app = arg;
	struct yarn_own *own = yarn_own(app);
	_sbuf_ struct sbuf text = SBUF_INIT(PAGE_MAX);
	int64_t length;

	own->log = NULL;
	if (answer->error.code != ERR_NONE || answer->status != 200 ||
	    !yarn_read_log(answer->body, answer->body_len, &text, &length)) {
		look_elsewhere(app);
		return;
	}
	if (!copy(app, &text, length)) {
		app_logged(app, APP_LOG_NONE);
		return;
	}
	if (++own->stream < APP_LOG_STREAMS) {
		ask_page(app);
		return;
	}
	own->seen_end = app->phase == APP_ENDED;
	app_logged(app, own->more ? APP_LOG_MORE : own->seen_end ? APP_LOG_WHOLE : APP_LOG_SOME);
}

/* A node's "…/containerlogs/CONTAINER/USER", or the history server's "…/NODE/CONTAINER/CONTAINER/USER". */
static void add_place(struct sbuf *url, const struct yarn *w, const struct yarn_own *own)
{
	const char *user = strrchr(own->logs, '/'),
		   *container = user ? memrchr(own->logs, '/', (size_t)(user - own->logs)) : NULL;

	if (own->by_history && container)
		sbuf_addf(url, "%s/%s%.*s%s", w->history, own->node, (int)(user - container), container, container);
	else
		sbuf_adds(url, own->logs);
}

/* YARN started the app again, in another container. False: that cannot be noted. */
static bool begin_anew(struct cluster_app *app)
{
	struct yarn_own *own = yarn_own(app);

	for (int stream = 0; own->anew && stream < APP_LOG_STREAMS; stream++)
		if (!app_log_add(app, stream, "", 0, 0))
			return false;
	if (own->anew)
		own->stream = 0;
	own->anew = false;
	return true;
}

static void ask_page(struct cluster_app *app)
{
	const struct yarn *w = app->of->wire;
	struct yarn_own *own = yarn_own(app);
	_sbuf_ struct sbuf url = SBUF_INIT(HTTP_CALL_URL_MAX);

	if (!begin_anew(app)) {
		app_logged(app, APP_LOG_NONE);
		return;
	}
	own->from = app_log_offset(app, own->stream);
	own->to = own->from + (app->phase == APP_ENDED ? GATHERED_CHUNK : CLUSTER_LOG_CHUNK);
	add_place(&url, w, own);
	sbuf_addf(&url, "/%s/?start=%lld&end=%lld%s", streams[own->stream], (long long)own->from, (long long)own->to,
		  w->who);
	own->log = http_call(w->calls,
			     &(struct http_call_request){ .method = "GET",
							  .url = sbuf_str(&url),
							  .timeout_ms = YARN_TIMEOUT_MS,
							  .answer_max = PAGE_MAX,
							  .ticket = true, /* its node manager may be any host's */
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
