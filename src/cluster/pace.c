#include "cluster/pace.h"

/* --- the next tick --- */

void cluster_soon(struct cluster *c)
{
	loop_timer_set(c->tick, 0, 0);
}

void app_soon(struct cluster_app *app)
{
	struct cluster *c = app->of;

	if (!app->hurried) {
		app->hurried = true;
		c->hurried_count++;
		TAILQ_INSERT_TAIL(&c->hurried, app, hurry);
	}
	cluster_soon(c);
}

void app_calm(struct cluster_app *app)
{
	struct cluster *c = app->of;

	if (!app->hurried)
		return;
	app->hurried = false;
	c->hurried_count--;
	TAILQ_REMOVE(&c->hurried, app, hurry);
}

int64_t cluster_back_off(int failures)
{
	int64_t ms = (int64_t)CLUSTER_RETRY_MIN_MS << (failures < 10 ? failures : 10);

	return ms < CLUSTER_RETRY_MAX_MS ? ms : CLUSTER_RETRY_MAX_MS;
}

/* --- room --- */

bool cluster_has_room(const struct cluster *c)
{
	return c->on_way < c->profile->submissions_max;
}

void cluster_count_on_way(struct cluster *c, int more)
{
	c->on_way += more;
	c->full |= !cluster_has_room(c);
	if (c->full && more < 0)
		cluster_soon(c);
}

void cluster_reserve(struct cluster *c)
{
	cluster_count_on_way(c, 1);
}

void cluster_release(struct cluster *c)
{
	cluster_count_on_way(c, -1);
}
