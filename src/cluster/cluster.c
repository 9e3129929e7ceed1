/*
 * All apps of a cluster: the list that is asked for, who was in it and who was not, and the tick that moves each app on.
 */
#include "base/clock.h"
#include "base/log.h"
#include "base/str.h"
#include "cluster/app.h"
#include <stdio.h>
#include <string.h>

static const struct backend *const backends[] = { &backend_standalone, &backend_yarn, &backend_kubernetes, NULL };

static const struct backend *backend_of(const struct profile *p)
{
	for (size_t i = 0; str_eq(p->deploy_mode, "cluster") && p->master && backends[i]; i++)
		if (backends[i]->mine(p))
			return backends[i];
	return NULL;
}

/* --- life --- */

static bool open_cluster(struct clusters *cs, const struct profile *p, const struct backend *backend, struct error *e)
{
	struct cluster *c = &cs->items[cs->count];

	c->of = cs;
	c->profile = p;
	c->backend = backend;
	if (!backend->open(c, e))
		return error_wrap(e, "cluster %s", p->name);
	cs->count++;
	c->apps.prev = c->apps.next = &c->apps;
	TAILQ_INIT(&c->hurried);
	TAILQ_INIT(&c->logs);
	TAILQ_INIT(&c->logs_ended);
	c->by_handle = map_new();
	c->by_tag = map_new();
	c->tick = loop_timer_new(cs->setup.loop, cluster_tick, c);
	return true;
}

/* Without a backend every job goes by spark-submit; a profile that forbids that would refuse them all, one by one. */
static bool may_be_unwatched(const struct profile *p, struct error *e)
{
	return p->launcher != LAUNCHER_NATIVE ||
	       error_set(
		       e, ERR_CONFIG,
		       "cluster %s: launcher is native, but nothing says where its API is: set florus.cluster.%s.rest or "
		       "hadoop-conf-dir, or launcher = auto",
		       p->name, p->name);
}

bool clusters_new(const struct clusters_setup *setup, struct clusters **ret, struct error *e)
{
	struct clusters *cs = xcalloc(1, sizeof *cs);

	cs->setup = *setup;
	cs->setup.instance = cs->instance = xstrdup(setup->instance);
	cs->items = xcalloc(setup->count, sizeof *cs->items);
	for (size_t i = 0; i < setup->count; i++) {
		const struct profile *p = &setup->profiles[i];
		const struct backend *backend = backend_of(p);

		if (backend ? !open_cluster(cs, p, backend, e) : !may_be_unwatched(p, e)) {
			(void)clusters_free(cs);
			return false;
		}
	}
	*ret = cs;
	return true;
}

static void close_cluster(struct cluster *c)
{
	while (c->apps.next != &c->apps)
		(void)cluster_forget(c->apps.next); /* NOLINT(clang-analyzer-unix.Malloc): it unlinks itself */
	c->backend->close(c);
	c->tick = loop_timer_free(c->tick);
	c->by_handle = map_free(c->by_handle);
	c->by_tag = map_free(c->by_tag);
}

struct clusters *clusters_free(struct clusters *cs)
{
	if (!cs)
		return NULL;
	for (size_t i = 0; i < cs->count; i++)
		close_cluster(&cs->items[i]);
	free(cs->instance);
	free(cs->items);
	free(cs);
	return NULL;
}

struct cluster *clusters_find(const struct clusters *cs, const char *name)
{
	for (size_t i = 0; cs && i < cs->count; i++)
		if (str_eq(cs->items[i].profile->name, name))
			return &cs->items[i];
	return NULL;
}

/* --- what is known of it --- */

const struct profile *cluster_profile(const struct cluster *c)
{
	return c->profile;
}

const char *cluster_diagnostics_head(const struct cluster *c)
{
	return c->backend->diagnostics_head;
}

const char *cluster_native_reason(const struct cluster *c, struct arena *a, const struct submission *s)
{
	if (c->profile->launcher == LAUNCHER_SUBMIT)
		return "florus.cluster.*.launcher says submit";
	return c->backend->gate(c, a, s);
}

const struct spec_pair *cluster_submit_conf(const struct cluster *c, struct arena *a, const struct cluster_job *job,
					    size_t *ret_count)
{
	char tag[CLUSTER_TAG_MAX];

	cluster_tag(tag, job->nonce, job->attempt);
	return c->backend->submit_conf(c, a, job, tag, ret_count);
}

bool cluster_reads_urls(const struct cluster *c)
{
	return c->backend->reads_urls;
}

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

void cluster_tag(char to[CLUSTER_TAG_MAX], const char *nonce, int attempt)
{
	(void)snprintf(to, CLUSTER_TAG_MAX, "florus-%s-%d", nonce, attempt);
}

struct loop *cluster_loop(const struct cluster *c)
{
	return c->of->setup.loop;
}

const char *cluster_instance(const struct cluster *c)
{
	return c->of->setup.instance;
}

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

int64_t cluster_back_off(int failures)
{
	int64_t ms = (int64_t)CLUSTER_RETRY_MIN_MS << (failures < 10 ? failures : 10);

	return ms < CLUSTER_RETRY_MAX_MS ? ms : CLUSTER_RETRY_MAX_MS;
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

const char *cluster_handle(const struct cluster_app *app)
{
	return app->handle;
}
