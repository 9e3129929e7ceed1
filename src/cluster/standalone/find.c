/*
 * Is it there? A driver with a known id is asked for. One whose create went unanswered has no name of ours that a
 * master would show, but the command line at the head of its stderr has our tag: drivers that nobody knows are looked
 * at, one after the other. One that waits for a worker has no stderr yet: until it has, the answer is "not known".
 */
#include "base/str.h"
#include "cluster/standalone/wire.h"
#include <stdio.h>

static void found(struct cluster_app *app, const char *handle, const struct error *e)
{
	struct standalone_app *own = app->own;
	_free_ char *kept = xstrdup(handle); /* it may be one of the candidates */

	own->call = NULL;
	free(TAKE(own->candidates));
	free(TAKE(own->candidate_workers));
	app_found(app, kept, e);
}

static void no_answer(struct cluster_app *app, const char *why)
{
	struct error e;

	(void)error_set(&e, ERR_UNAVAILABLE, "%s", why);
	found(app, NULL, &e);
}

/* --- by its id --- */

static void on_status(void *arg, const struct http_call_answer *answer)
{
	_arena_ struct arena *a = arena_new(1 << 20);
	struct cluster_app *app = arg;
	struct standalone *w = app->of->wire;
	struct standalone_reply reply;

	if (answer->error.code != ERR_NONE || !standalone_read_reply(a, answer->body, answer->body_len, &reply) ||
	    reply.standby) {
		standalone_next_rest(w);
		no_answer(app, answer->error.msg);
		return;
	}
	found(app, reply.success ? app->handle : NULL, NULL);
}

/* --- by its tag --- */

static void ask_next(struct cluster_app *app);

static void on_head(void *arg, const struct http_call_answer *answer)
{
	struct cluster_app *app = arg;
	struct standalone_app *own = app->own;
	bool read = answer->error.code == ERR_NONE && answer->status == 200;
	bool over = own->candidate_at >= own->candidate_active_count;
	enum standalone_head head =
		read ? standalone_read_head(answer->body, answer->body_len, app->tag) : STANDALONE_HEAD_CUT;

	if (head == STANDALONE_HEAD_OURS) {
		found(app, own->candidates[own->candidate_at], NULL);
		return;
	}
	/* One that is over without a command line never ran, or so long ago that its worker has tidied up. */
	own->unsure |= head == STANDALONE_HEAD_CUT || (head == STANDALONE_HEAD_NONE && !over);
	own->candidate_at++;
	ask_next(app);
}

static void ask_next(struct cluster_app *app)
{
	struct standalone_app *own = app->own;
	_sbuf_ struct sbuf url = SBUF_INIT(HTTP_CALL_URL_MAX);
	int i = own->candidate_at;

	if (i == own->candidate_count && own->unsure)
		no_answer(app, "a driver that may be it has no log yet");
	else if (i == own->candidate_count)
		found(app, NULL, NULL);
	else if (!standalone_log_url(app->of, own->candidate_workers[i], own->candidates[i], "log/", "stderr", false,
				     &url)) {
		own->unsure = true;
		own->candidate_at++;
		ask_next(app);
	} else {
		sbuf_addf(&url, "&offset=0&byteLength=%d", STANDALONE_HEAD);
		own->call = standalone_get(app->of, sbuf_str(&url), "", 2 * (size_t)STANDALONE_HEAD, on_head, app);
	}
}

static void add_candidates(struct cluster_app *app, const struct jr *drivers)
{
	struct standalone_app *own = app->own;

	for (size_t i = 0; drivers && drivers->type == JR_ARRAY && i < drivers->count; i++) {
		const char *id = jr_text(&drivers->items[i], "id", JR_STRING);
		const char *worker = jr_text(&drivers->items[i], "worker", JR_STRING);

		if (!id || map_get(app->of->by_handle, id) || own->candidate_count == STANDALONE_CANDIDATES_MAX)
			continue;
		(void)snprintf(own->candidates[own->candidate_count], CLUSTER_HANDLE_MAX, "%s", id);
		(void)snprintf(own->candidate_workers[own->candidate_count++], sizeof own->candidate_workers[0], "%s",
			       worker ? worker : "");
	}
}

static void on_list(void *arg, const struct http_call_answer *answer)
{
	_arena_ struct arena *a = arena_new(2 * (size_t)STANDALONE_LIST_MAX);
	struct cluster_app *app = arg;
	struct standalone *w = app->of->wire;
	struct standalone_app *own = app->own;
	const struct jr *top;

	if (!standalone_read_list(app->of, a, answer, &top)) {
		w->web_at = (w->web_at + 1) % w->count;
		no_answer(app, answer->error.code ? answer->error.msg : "no active master");
		return;
	}
	own->candidates = xcalloc(STANDALONE_CANDIDATES_MAX, sizeof *own->candidates);
	own->candidate_workers = xcalloc(STANDALONE_CANDIDATES_MAX, sizeof *own->candidate_workers);
	own->candidate_count = own->candidate_at = 0;
	own->unsure = false;
	add_candidates(app, jr_get(top, "activedrivers"));
	own->candidate_active_count = own->candidate_count;
	add_candidates(app, jr_get(top, "completeddrivers"));
	ask_next(app);
}

void standalone_find(struct cluster_app *app)
{
	struct standalone *w = app->of->wire;
	struct standalone_app *own = standalone_own(app);

	if (app->handle[0])
		standalone_ask_status(app, on_status);
	else
		own->call = standalone_get(app->of, w->web[w->web_at], "/json/", STANDALONE_LIST_MAX, on_list, app);
}
