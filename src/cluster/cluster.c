/*
 * Clusters as others see them: which kinds there are, opening those that the configuration names, what is known of one.
 */
#include "base/str.h"
#include "cluster/tick.h"

static const struct backend *const backends[] = { &backend_standalone, &backend_yarn, &backend_kubernetes, NULL };

static const struct backend *backend_of(const struct profile *p)
{
	for (size_t i = 0; str_eq(p->deploy_mode, "cluster") && p->master && backends[i]; i++)
		if (backends[i]->mine(p))
			return backends[i];
	return NULL;
}

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

void clusters_each(const struct clusters *cs, clusters_fn *fn, void *arg)
{
	for (size_t i = 0; cs && i < cs->count; i++) {
		const struct cluster *c = &cs->items[i];
		int64_t jobs = 0;

		for (const struct cluster_app *app = c->apps.next; app != &c->apps; app = app->next)
			jobs++;
		fn(arg, c->profile->name, c->failures == 0, jobs);
	}
}

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
