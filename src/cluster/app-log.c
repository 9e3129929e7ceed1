/* Reading the logs of apps: so many at once and in a second, each so often, in turn; an ended one to its end. */
#include "cluster/app-log.h"
#include "base/clock.h"
#include "base/log.h"
#include "cluster/joblog.h"
#include "cluster/pace.h"

enum { LOG_AGAIN_MS = 500 /* an ended app's log that is not there yet */ };

static bool has_log(const struct cluster_app *app)
{
	return app->phase == APP_ENDED ? !app->log_whole : app->state == APP_RUNNING;
}

static bool open_log(struct cluster_app *app)
{
	const struct clusters_setup *setup = &app->of->of->setup;
	struct error e;

	if (joblog_open(setup->run_dirfd, app->dir, setup->log_max_bytes, &app->log, &e))
		return true;
	log_warn("log of a job not opened; tried again", LOG_INT(app->noun, app->batch_id), LOG_STR("reason", e.msg));
	return false;
}

static void set_logging(struct cluster_app *app, bool logging)
{
	app->of->logging += logging - app->logging;
	app->logging = logging;
}

static void leave_queue(struct cluster_app *app)
{
	if (app->log_queue)
		TAILQ_REMOVE(app->log_queue, app, turn);
	app->log_queue = NULL;
}

void app_log_tick(struct cluster_app *app, int64_t now)
{
	struct app_queue *queue = app->phase == APP_ENDED ? &app->of->logs_ended : &app->of->logs;

	if (app->logging || app->log_queue == queue || !has_log(app) || now < app->log_due_ms)
		return;
	leave_queue(app);
	app->log_queue = queue;
	TAILQ_INSERT_TAIL(queue, app, turn);
}

static struct cluster_app *next_turn(const struct cluster *c)
{
	if (c->logging >= CLUSTER_LOG_CALLS_MAX)
		return NULL;
	if (!TAILQ_EMPTY(&c->logs_ended))
		return TAILQ_FIRST(&c->logs_ended);
	return c->log_turns > 0 ? TAILQ_FIRST(&c->logs) : NULL;
}

static void begin(struct cluster_app *app, int64_t now)
{
	app->of->log_turns -= app->log_queue == &app->of->logs;
	leave_queue(app);
	if (!has_log(app))
		return;
	app->log_due_ms = now + app->of->profile->log_poll_ms;
	if (app->phase == APP_ENDED && !app->log_until_ms)
		app->log_until_ms = now + CLUSTER_LOG_END_MS;
	if (!open_log(app))
		return;
	set_logging(app, true);
	app->of->backend->log(app);
}

void cluster_log_turns(struct cluster *c, int64_t now)
{
	for (struct cluster_app *app = next_turn(c); app; app = next_turn(c))
		begin(app, now);
}

void app_log_close(struct cluster_app *app)
{
	leave_queue(app);
	set_logging(app, false);
	app->log = joblog_free(app->log);
}

int64_t app_log_offset(struct cluster_app *app, int stream)
{
	return joblog_offset(app->log, stream);
}

void app_log_mark(struct cluster_app *app, int stream, int64_t mark)
{
	joblog_mark(app->log, stream, mark);
}

bool app_log_add(struct cluster_app *app, int stream, const char *bytes, size_t n, int64_t offset)
{
	struct error e;

	if (joblog_add(app->log, stream, bytes, n, offset, &e))
		return true;
	log_warn("log of a job not written; tried again", LOG_INT(app->noun, app->batch_id), LOG_STR("reason", e.msg));
	return false;
}

void app_logged(struct cluster_app *app, enum app_log_result result)
{
	int64_t now = clock_now_ms();

	if (result == APP_LOG_MORE) {
		app->of->backend->log(app);
		return;
	}
	app_log_close(app);
	app->log_whole = app->phase == APP_ENDED && result == APP_LOG_WHOLE;
	if (app->phase == APP_ENDED)
		app->log_due_ms = result == APP_LOG_NONE ? now + LOG_AGAIN_MS : now;
	if (app->phase == APP_ENDED && result != APP_LOG_NONE)
		app_soon(app);
	else if (next_turn(app->of))
		cluster_soon(app->of);
}
