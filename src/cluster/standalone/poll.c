/*
 * The list: one GET of /json/ per interval tells the states of all drivers. The masters are tried in turn until one is
 * active.
 */
#include "base/str.h"
#include "cluster/list.h"
#include "cluster/standalone/wire.h"
#include <stdio.h>

bool standalone_read_list(struct cluster *c, struct arena *a, const struct http_call_answer *answer,
			  const struct jr **ret)
{
	struct error e;

	if (answer->error.code != ERR_NONE || answer->status != 200 ||
	    !jr_parse(a, answer->body, answer->body_len, ret, &e) || (*ret)->type != JR_OBJECT ||
	    !str_eq(jr_text(*ret, "status", JR_STRING), "ALIVE"))
		return false;
	standalone_know_workers(c->wire, jr_get(*ret, "workers"));
	return true;
}

static void on_why(void *arg, const struct http_call_answer *answer);

/* The list says that a driver could not be started; why, only its status says. */
static void ask_why(struct cluster_app *app)
{
	struct standalone_app *own = app->own;

	if (!own->call)
		standalone_ask_status(app, on_why);
}

static void on_why(void *arg, const struct http_call_answer *answer)
{
	_arena_ struct arena *a = arena_new(1 << 20);
	_sbuf_ struct sbuf why = SBUF_INIT(1 << 20);
	struct cluster_app *app = arg;
	struct standalone_app *own = app->own;
	struct standalone_reply reply = { .message = "" };

	own->call = NULL;
	if (answer->error.code != ERR_NONE)
		return; /* asked again with the next list */
	if (!standalone_read_reply(a, answer->body, answer->body_len, &reply))
		reply.message = "the master does not say why";
	sbuf_adds(&why, "the driver could not be started: ");
	standalone_read_why(reply.message, &why);
	cluster_saw(app->of, app->handle, NULL,
		    &(struct app_status){ .state = APP_FAILED, .exit_code = -1, .why = sbuf_str(&why) });
}

static const char *ui_url_of(const struct standalone *w, const char *app_id, struct sbuf *to)
{
	sbuf_addf(to, "%s/app/?appId=%s", w->web[w->web_at], app_id);
	return sbuf_str(to);
}

static bool see(struct cluster *c, struct arena *a, const struct jr *driver)
{
	struct app_status s = { .exit_code = -1, .started_ms = jr_int(driver, "starttime", 0) };
	const char *id = jr_text(driver, "id", JR_STRING), *word = jr_text(driver, "state", JR_STRING);
	const char *worker = jr_text(driver, "worker", JR_STRING);
	_sbuf_ struct sbuf log_url = SBUF_INIT(4096), ui_url = SBUF_INIT(4096);
	struct cluster_app *app = id ? map_get(c->by_handle, id) : NULL;

	(void)a;
	if (!app || app->phase != APP_WATCHED || !standalone_state(word, &s.state))
		return false;
	struct standalone_app *own = standalone_own(app);
	if (worker)
		(void)snprintf(own->worker, sizeof own->worker, "%s", worker);
	if (own->app_id[0]) {
		s.app_id = own->app_id;
		s.ui_url = ui_url_of(c->wire, own->app_id, &ui_url);
	}
	if (standalone_log_url(c, own->worker, id, "logPage/", "stderr", false, &log_url))
		s.log_url = sbuf_str(&log_url);
	if (str_eq(word, "ERROR")) {
		app->seen_round = c->round;
		ask_why(app);
		return false;
	}
	if (s.state == APP_FAILED)
		s.why = "the driver failed; its log says why";
	cluster_saw(c, id, NULL, &s);
	return s.log_url || !worker;
}

/*
 * {"status":"ALIVE","workers":[…],"activedrivers":[…],"completeddrivers":[…],…}: the workers first, as drivers are on
 * them.
 */
static bool see_all(struct cluster *c, const struct http_call_answer *answer)
{
	static const char *const members[] = { "id", "state", "worker", "starttime", NULL };
	static const struct list_kind drivers = {
		.members = members, .ours_by_handle = true, .parse = jr_parse, .see = see
	};
	const struct jslice top = { answer->body, answer->body_len };
	struct standalone *w = c->wire;
	struct jslice status, workers, active, over;

	return jscan_member(top, "status", &status) && jscan_is(status, "\"ALIVE\"") &&
	       jscan_member(top, "workers", &workers) && jscan_member(top, "activedrivers", &active) &&
	       jscan_member(top, "completeddrivers", &over) && (!workers.text || standalone_meet_workers(w, workers)) &&
	       (!active.text || list_see_all(c, &drivers, (uint64_t)w->web_at, active)) &&
	       (!over.text || list_see_all(c, &drivers, (uint64_t)w->web_at, over));
}

static void ask_list(struct cluster *c);

static void on_list(void *arg, const struct http_call_answer *answer)
{
	struct cluster *c = arg;
	struct standalone *w = c->wire;
	struct error e;

	w->list = NULL;
	if (answer->error.code == ERR_NONE && answer->status == 200 && see_all(c, answer)) {
		w->web_answers = true;
		cluster_polled(c, NULL);
		return;
	}
	w->web_at = (w->web_at + 1) % w->count;
	if (++w->list_tries < w->count) {
		ask_list(c);
		return;
	}
	w->web_answers = false;
	(void)error_set(&e, ERR_UNAVAILABLE, "%s",
			answer->error.code ? answer->error.msg
					   : "no master is active, or its web page is not at `web`");
	cluster_polled(c, &e);
}

static void ask_list(struct cluster *c)
{
	struct standalone *w = c->wire;

	w->list = standalone_get(c, w->web[w->web_at], "/json/", STANDALONE_LIST_MAX, on_list, c);
}

void standalone_poll(struct cluster *c)
{
	struct standalone *w = c->wire;

	w->list_tries = 0;
	ask_list(c);
}
