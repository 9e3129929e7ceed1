/*
 * All apps of a cluster: the list that is asked for, who was in it and who was not, and the tick that moves each app
 * on.
 */
#include "cluster/tick.h"
#include "base/clock.h"
#include "base/log.h"
#include "cluster/app.h"
#include "cluster/app-log.h"
#include "cluster/pace.h"

/* --- the list --- */

static struct cluster_app *find_app(const struct cluster *c, const char *handle, const char *tag)
{
	struct cluster_app *app = handle ? map_get(c->by_handle, handle) : NULL;

	return app || !tag ? app : map_get(c->by_tag, tag);
}

void cluster_saw(struct cluster *c, const char *handle, const char *tag, const struct app_status *s)
{
	struct cluster_app *app = find_app(c, handle, tag);

	if (!app || app->phase != APP_WATCHED)
		return;
	app->seen_round = c->round;
	app->misses = 0;
	app->look = 0;
	app_saw(app, s);
}

bool cluster_saw_same(struct cluster *c, const char *handle, uint64_t look)
{
	struct cluster_app *app = map_get(c->by_handle, handle);

	if (!app || app->phase != APP_WATCHED || app->look != look)
		return false;
	app->seen_round = c->round;
	app->misses = 0;
	return true;
}

void cluster_looks(struct cluster *c, const char *handle, uint64_t look)
{
	struct cluster_app *app = map_get(c->by_handle, handle);

	if (app && app->phase == APP_WATCHED && app->seen_round == c->round)
		app->look = look;
}

static void count_misses(struct cluster *c)
{
	for (struct cluster_app *app = c->apps.next; app != &c->apps; app = app->next)
		if (app->phase == APP_WATCHED && app->seen_round != c->round && app->misses < CLUSTER_MISSES_MAX)
			app->misses++;
}

/* One line when it goes away and one when it is back, however long that takes. */
static void tell_reachable(const struct cluster *c, const struct error *e)
{
	if (e && c->failures == 0)
		log_warn("cluster does not answer; jobs stay as they are", LOG_STR("cluster", c->profile->name),
			 LOG_STR("reason", e->msg));
	else if (!e && c->failures > 0)
		log_info("cluster answers again", LOG_STR("cluster", c->profile->name));
}

void cluster_polled(struct cluster *c, const struct error *e)
{
	tell_reachable(c, e);
	c->polling = false;
	if (e) {
		c->poll_due_ms = clock_now_ms() + cluster_back_off(c->failures);
		c->failures += c->failures < 100;
		return;
	}
	c->failures = 0;
	count_misses(c);
}

void cluster_still(struct cluster *c)
{
	c->polling = false;
}

static void poll_when_due(struct cluster *c, int64_t now)
{
	if (c->polling || now < c->poll_due_ms)
		return;
	c->polling = true;
	c->poll_due_ms = now + c->profile->poll_ms;
	c->round++;
	for (struct cluster_app *app = c->apps.next; app != &c->apps; app = app->next)
		if (app->phase != APP_WATCHED)
			app->seen_round = c->round; /* it is not missed in a list that began before it was there */
	c->backend->poll(c);
}

/* --- the tick --- */

static void tell_room(struct cluster *c)
{
	if (!c->full || !cluster_has_room(c))
		return;
	c->full = false;
	if (c->of->setup.room)
		c->of->setup.room(c->of->setup.room_arg);
}

/* All of them, for what is due by the clock. */
static void walk(struct cluster *c, int64_t now)
{
	c->walk_due_ms = now + CLUSTER_TICK_MS;
	c->log_turns = CLUSTER_LOGS_PER_S * CLUSTER_TICK_MS / 1000;
	for (struct cluster_app *app = c->apps.next, *next; app != &c->apps; app = next) {
		next = app->next;
		app_tick(app, now);
	}
}

/* Only as many as there are now: who is in a hurry again waits for the next turn of the loop. */
static void tick_hurried(struct cluster *c, int64_t now)
{
	for (int n = c->hurried_count; n > 0 && !TAILQ_EMPTY(&c->hurried); n--) {
		struct cluster_app *app = TAILQ_FIRST(&c->hurried);

		app_calm(app);
		app_tick(app, now);
	}
}

static void set_tick(struct cluster *c)
{
	bool asks_before = !c->polling && c->poll_due_ms < c->walk_due_ms;
	int64_t due_ms = asks_before ? c->poll_due_ms : c->walk_due_ms;

	loop_timer_set(c->tick, TAILQ_EMPTY(&c->hurried) ? due_ms - clock_now_ms() : 0, 0);
}

void cluster_tick(void *arg)
{
	struct cluster *c = arg;
	int64_t now = clock_now_ms();

	if (c->apps.next != &c->apps)
		poll_when_due(c, now);
	tick_hurried(c, now);
	if (now >= c->walk_due_ms)
		walk(c, now);
	cluster_log_turns(c, now);
	tell_room(c);
	if (c->apps.next != &c->apps) /* else not until there is an app again */
		set_tick(c);
}
