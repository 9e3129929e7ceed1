/*
 * One app: prepared, its handle committed, submitted, watched, its log read to the end, reported.
 *
 * Answers of backends are noted here and acted upon in app_tick(), so that no report is made from inside a call of
 * the service's or of a backend's that goes on using the app.
 */
#include "cluster/app.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/str.h"
#include "cluster/app-log.h"
#include "cluster/pace.h"
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static void set_phase(struct cluster_app *app, enum app_phase phase)
{
	bool on_way = phase == APP_PREPARING || phase == APP_PREPARED || phase == APP_NOTING || phase == APP_SUBMITTING;

	cluster_count_on_way(app->of, on_way - app->on_way);
	app->on_way = on_way;
	app->phase = phase;
	app->asking = false;
	app->failures = app->answers = 0;
	app->since_ms = clock_now_ms();
	app->due_ms = 0;
	if (phase == APP_WATCHED)
		app->seen_round = app->of->round;
}

static void report(struct cluster_app *app, const struct attempt_report *r)
{
	app->fn(app->arg, r);
}

static void report_last(struct cluster_app *app)
{
	struct attempt_report r = app->last;

	set_phase(app, APP_OVER);
	report(app, &r); /* it is forgotten in there */
}

static void know_handle(struct cluster_app *app, const char *handle)
{
	if (app->handle[0])
		map_del(app->of->by_handle, app->handle);
	(void)snprintf(app->handle, sizeof app->handle, "%s", handle);
	map_set(app->of->by_handle, app->handle, app);
}

/* --- life --- */

void cluster_tag(char to[CLUSTER_TAG_MAX], const char *nonce, int attempt)
{
	(void)snprintf(to, CLUSTER_TAG_MAX, "florus-%s-%d", nonce, attempt);
}

static struct cluster_app *app_new(struct cluster *c, const struct cluster_job *job, attempt_fn *fn, void *arg)
{
	struct cluster_app *app = xcalloc(1, sizeof *app);

	app->of = c;
	app->noun = job->noun;
	app->batch_id = job->batch_id;
	app->attempt = job->attempt;
	cluster_tag(app->tag, job->nonce, job->attempt);
	(void)snprintf(app->dir, sizeof app->dir, "%s", job->dir);
	app->fn = fn;
	app->arg = arg;
	app->prev = c->apps.prev;
	app->next = &c->apps;
	app->prev->next = app->next->prev = app;
	map_set(c->by_tag, app->tag, app);
	app_soon(app);
	return app;
}

struct cluster_app *cluster_submit(struct cluster *c, const struct cluster_job *job, const struct submission *s,
				   attempt_fn *fn, void *arg)
{
	struct cluster_app *app = app_new(c, job, fn, arg);

	set_phase(app, APP_PREPARING);
	c->backend->prepare(app, s);
	return app;
}

struct cluster_app *cluster_adopt(struct cluster *c, const struct cluster_job *job, const char *handle, bool started,
				  attempt_fn *fn, void *arg)
{
	struct cluster_app *app = app_new(c, job, fn, arg);

	if (!str_empty(handle))
		know_handle(app, handle);
	app->started = started;
	set_phase(app, started && app->handle[0] ? APP_WATCHED : APP_FINDING);
	return app;
}

struct cluster_app *cluster_forget(struct cluster_app *app)
{
	if (!app)
		return NULL;
	set_phase(app, APP_OVER);
	app_calm(app);
	app_log_close(app);
	app->of->backend->cancel(app);
	map_del(app->of->by_tag, app->tag);
	if (app->handle[0])
		map_del(app->of->by_handle, app->handle);
	app->prev->next = app->next;
	app->next->prev = app->prev;
	free(app->app_id);
	free(app->log_url);
	free(app->ui_url);
	free(app->diagnostics);
	free(app);
	return NULL;
}

const char *cluster_handle(const struct cluster_app *app)
{
	return app->handle;
}

void cluster_expect_none(struct cluster_app *app)
{
	app->find_until_ms = clock_now_ms() + CLUSTER_FIND_FAILED_MS;
}

void cluster_kill(struct cluster_app *app)
{
	app->kill = true;
	app_soon(app);
}

/* --- on the way there --- */

void app_prepared(struct cluster_app *app, const char *handle)
{
	if (handle)
		know_handle(app, handle);
	set_phase(app, APP_PREPARED);
	app_soon(app);
}

static void submit(struct cluster_app *app)
{
	set_phase(app, APP_SUBMITTING);
	app->of->backend->submit(app);
}

/* A handle that was chosen before the request is on the disk before it, too (P4). */
static void go_on_prepared(struct cluster_app *app)
{
	struct attempt_report r = { .event = ATTEMPT_KNOWN, .handle = app->handle };

	if (!app->handle[0]) {
		submit(app);
		return;
	}
	set_phase(app, APP_NOTING);
	report(app, &r);
}

void cluster_noted(struct cluster_app *app)
{
	if (app->phase == APP_NOTING && app->kill)
		app_refused(app, ATTEMPT_TRY_AGAIN, 0, "killed before it was submitted");
	else if (app->phase == APP_NOTING)
		submit(app);
}

void app_refused(struct cluster_app *app, enum attempt_again again, int64_t retry_ms, const char *why, ...)
{
	va_list ap;

	app->last = (struct attempt_report){ .event = ATTEMPT_NEVER_STARTED, .again = again, .retry_ms = retry_ms };
	va_start(ap, why);
	(void)vsnprintf(app->last.why, sizeof app->last.why, why, ap);
	va_end(ap);
	set_phase(app, APP_REFUSED);
	app_soon(app);
}

static void watch(struct cluster_app *app, const char *handle)
{
	struct attempt_report r = { .event = ATTEMPT_KNOWN, .there = true };
	bool new = !str_eq(app->handle, handle);

	if (new)
		know_handle(app, handle);
	set_phase(app, APP_WATCHED);
	r.handle = new ? app->handle : NULL;
	report(app, &r);
	app_soon(app);
}

void app_submitted(struct cluster_app *app, const char *handle)
{
	watch(app, handle);
}

void app_doubtful(struct cluster_app *app, const char *why)
{
	log_warn("submission in doubt: looking for it", LOG_INT(app->noun, app->batch_id),
		 LOG_STR("cluster", app->of->profile->name), LOG_STR("why", why));
	set_phase(app, APP_FINDING);
	app->due_ms = clock_now_ms() + CLUSTER_RETRY_MIN_MS;
}

void app_found(struct cluster_app *app, const char *handle, const struct error *e)
{
	int64_t now = clock_now_ms();

	app->asking = false;
	if (handle) {
		watch(app, handle);
		return;
	}
	app->due_ms = now + (e ? cluster_back_off(app->failures) : CLUSTER_SETTLE_MS / 2);
	if (e) {
		app->failures += app->failures < 100;
		return;
	}
	app->failures = 0;
	/* A create that was sent before we looked may still arrive. */
	if (++app->answers >= 2 && now - app->since_ms >= CLUSTER_SETTLE_MS)
		app_refused(app, ATTEMPT_TRY_AGAIN, 0, "the cluster does not have it");
}

/* --- watched --- */

/* Takes what is new of a text; does not touch *ret otherwise. */
static bool is_news(char **known, const char *now, const char **ret)
{
	if (!now || str_eq(now, *known) || (!*now && !*known))
		return false;
	free(*known);
	*known = xstrdup(now);
	*ret = *known;
	return true;
}

static void tell_links(struct cluster_app *app, const struct app_status *s)
{
	struct attempt_report r = { .event = ATTEMPT_KNOWN };
	bool id = is_news(&app->app_id, s->app_id, &r.app_id), log = is_news(&app->log_url, s->log_url, &r.log_url),
	     ui = is_news(&app->ui_url, s->ui_url, &r.ui_url),
	     said = app->of->backend->diagnostics_head && is_news(&app->diagnostics, s->diagnostics, &r.diagnostics);

	if (id || log || ui || said)
		report(app, &r);
}

static void tell_started(struct cluster_app *app, const struct app_status *s)
{
	struct attempt_report r = { .event = ATTEMPT_STARTED, .started_wall_ms = s->started_ms };

	app->started = true;
	report(app, &r);
}

static void note_end(struct cluster_app *app, const struct app_status *s)
{
	static const enum attempt_app_end ends[] = { [APP_SUCCEEDED] = ATTEMPT_APP_SUCCEEDED,
						     [APP_FAILED] = ATTEMPT_APP_FAILED,
						     [APP_KILLED] = ATTEMPT_APP_KILLED };
	bool exited = s->exit_code >= 0 && s->state != APP_KILLED;

	app->last = (struct attempt_report){ .event = ATTEMPT_ENDED,
					     .end = exited ? ATTEMPT_END_EXIT : ATTEMPT_END_APP,
					     .code = exited ? s->exit_code : (int)ends[s->state],
					     .started_wall_ms = s->started_ms,
					     .ended_wall_ms = s->ended_ms };
	(void)snprintf(app->last.why, sizeof app->last.why, "%s", s->why ? s->why : "");
	set_phase(app, APP_ENDED);
	app->log_due_ms = 0;
	app_soon(app);
}

void app_saw(struct cluster_app *app, const struct app_status *s)
{
	app->state = s->state;
	tell_links(app, s);
	if (s->state == APP_RUNNING && !app->started)
		tell_started(app, s);
	else if (s->state >= APP_SUCCEEDED)
		note_end(app, s);
}

void app_looked(struct cluster_app *app, const struct app_status *s, const struct error *e)
{
	app->asking = false;
	if (app->phase != APP_WATCHED) /* a list was faster */
		return;
	if (e) {
		app->due_ms = clock_now_ms() + cluster_back_off(app->failures);
		app->failures += app->failures < 100;
		return;
	}
	app->misses = 0;
	app->failures = 0;
	if (s) {
		app_saw(app, s);
		return;
	}
	note_end(app,
		 &(struct app_status){ .state = APP_FAILED,
				       .exit_code = -1,
				       .why = "the cluster has forgotten the application; how it ended is not known" });
	app->last.end = ATTEMPT_END_LOST;
}

void app_killed(struct cluster_app *app)
{
	app->killing = false;
	app->kill_tries = 0;
	app->kill_due_ms = clock_now_ms() + CLUSTER_KILL_AGAIN_MS;
}

void app_not_killed(struct cluster_app *app, int servers)
{
	if (++app->kill_tries < servers)
		app->of->backend->kill(app);
	else
		app_killed(app);
}

static void kill_when_due(struct cluster_app *app, int64_t now)
{
	if (!app->kill || app->killing || now < app->kill_due_ms)
		return;
	app->killing = true;
	app->of->backend->kill(app);
}

static void look_when_missed(struct cluster_app *app, int64_t now)
{
	if (app->misses < CLUSTER_MISSES_MAX || app->asking || now < app->due_ms)
		return;
	app->asking = true;
	app->of->backend->look(app);
}

/* Only while it is the cluster that says nothing: what it says goes before what its submitter said. */
static bool is_looked_for_in_vain(const struct cluster_app *app, int64_t now)
{
	return app->find_until_ms && now >= app->find_until_ms && app->failures > 0 && !app->kill;
}

static void find_when_due(struct cluster_app *app, int64_t now)
{
	if (app->asking)
		return;
	if (is_looked_for_in_vain(app, now)) {
		app_refused(app, ATTEMPT_NEVER_AGAIN, 0,
			    "the cluster does not say whether it has the application: look there for the tag %s",
			    app->tag);
		return;
	}
	if (now < app->due_ms)
		return;
	app->asking = true;
	app->of->backend->find(app);
}

static void end_when_log_is_here(struct cluster_app *app, int64_t now)
{
	bool waits = !app->log_until_ms || now < app->log_until_ms;

	if (app->logging || (!app->log_whole && waits))
		return;
	if (app->of->backend->clean)
		app->of->backend->clean(app);
	report_last(app);
}

void app_tick(struct cluster_app *app, int64_t now)
{
	switch (app->phase) {
	case APP_PREPARED:
		if (app->kill)
			app_refused(app, ATTEMPT_TRY_AGAIN, 0, "killed before it was submitted");
		else
			go_on_prepared(app);
		return;
	case APP_FINDING:
		find_when_due(app, now);
		return;
	case APP_WATCHED:
		kill_when_due(app, now);
		look_when_missed(app, now);
		app_log_tick(app, now);
		return;
	case APP_ENDED:
		app_log_tick(app, now);
		end_when_log_is_here(app, now);
		return;
	case APP_REFUSED:
		report_last(app);
		return;
	case APP_PREPARING:
	case APP_NOTING:
	case APP_SUBMITTING:
	case APP_OVER:
		return;
	}
}
