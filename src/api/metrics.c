/*
 * metrics - GET /metrics: how things stand, as Prometheus reads it (text format 0.0.4; D19).
 *
 * Names and units are Prometheus' own: `_total` only grows while the process lives, seconds and bytes are unscaled.
 * Nothing tells of one job or one user, so that there are as many lines with a million jobs as with none.
 */
#include "api/api.h"
#include "base/proc.h"
#include "service/tally.h"
#include <inttypes.h>

#define PROMETHEUS "text/plain; version=0.0.4; charset=utf-8"

enum { METRICS_MAX = 256 * 1024 };

/* The two kinds of jobs, each with a store of its own. */
struct kind {
	const char *name;
	const struct batches *jobs;
	struct store *store;
	struct tally tally;
};

enum { KINDS = 2 };

struct page {
	struct sbuf out;
	struct kind kinds[KINDS];
	const struct kind *kind; /* whose clusters are gone through */
	bool jobs_wanted;        /* of a cluster; else whether it answers */
};

static void head(struct page *p, const char *name, const char *type, const char *help)
{
	sbuf_addf(&p->out, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, type);
}

static void one(struct page *p, const char *name, const char *type, const char *help, double value)
{
	head(p, name, type, help);
	sbuf_addf(&p->out, "%s %.15g\n", name, value);
}

/* --- jobs --- */

static void by_state(struct page *p, const char *name, bool ended)
{
	for (const struct kind *k = p->kinds; k < p->kinds + KINDS; k++)
		for (int s = 0; s < STATE_COUNT; s++)
			if (!ended || state_is_final((enum state)s))
				sbuf_addf(&p->out, "%s{kind=\"%s\",state=\"%s\"} %" PRId64 "\n", name, k->name,
					  state_name((enum state)s), ended ? k->tally.ended[s] : k->tally.now[s]);
}

static void by_kind(struct page *p, const char *name, int64_t (*value)(const struct kind *k))
{
	for (const struct kind *k = p->kinds; k < p->kinds + KINDS; k++)
		sbuf_addf(&p->out, "%s{kind=\"%s\"} %" PRId64 "\n", name, k->name, value(k));
}

static int64_t accepted(const struct kind *k)
{
	return k->tally.accepted;
}

static int64_t slots(const struct kind *k)
{
	return k->tally.slots;
}

static int64_t slots_max(const struct kind *k)
{
	return k->tally.slots_max;
}

static int64_t store_well(const struct kind *k)
{
	return store_healthy(k->store);
}

static int64_t store_keeps_up(const struct kind *k)
{
	return !store_full(k->store);
}

static void jobs(struct page *p)
{
	static const struct {
		const char *name, *type, *help;
		int64_t (*value)(const struct kind *k);
	} rows[] = {
		{ "florus_jobs_accepted_total", "counter", "Jobs that were accepted.", accepted },
		{ "florus_slots_used", "gauge", "Places for processes of this host that are taken.", slots },
		{ "florus_slots_max", "gauge", "Places for processes of this host.", slots_max },
		{ "florus_store_healthy", "gauge", "0: the store has failed.", store_well },
		{ "florus_store_keeps_up", "gauge", "0: the store's disk does not keep up, and jobs are refused.",
		  store_keeps_up },
	};

	head(p, "florus_jobs", "gauge", "Jobs in memory: all that are not over, and those that ended lately.");
	by_state(p, "florus_jobs", false);
	head(p, "florus_jobs_ended_total", "counter", "Jobs that ended.");
	by_state(p, "florus_jobs_ended_total", true);
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		head(p, rows[i].name, rows[i].type, rows[i].help);
		by_kind(p, rows[i].name, rows[i].value);
	}
}

/* --- clusters --- */

/* Names of clusters are a-z, 0-9 and - (config/profiles.c): nothing to escape. */
static void cluster(void *arg, const char *name, bool answers, int64_t count)
{
	struct page *p = arg;

	sbuf_addf(&p->out, "%s{kind=\"%s\",cluster=\"%s\"} %" PRId64 "\n",
		  p->jobs_wanted ? "florus_cluster_jobs" : "florus_cluster_up", p->kind->name, name,
		  p->jobs_wanted ? count : answers);
}

static void clusters(struct page *p, bool jobs_wanted)
{
	p->jobs_wanted = jobs_wanted;
	for (p->kind = p->kinds; p->kind < p->kinds + KINDS; p->kind++)
		batches_tally_clusters(p->kind->jobs, cluster, p);
}

static void process(struct page *p)
{
	struct proc_usage use;

	if (!proc_usage(&use))
		return;
	one(p, "process_cpu_seconds_total", "counter", "Processor time of florusd.", use.cpu_s);
	one(p, "process_resident_memory_bytes", "gauge", "Memory of florusd.", (double)use.resident_bytes);
	one(p, "process_open_fds", "gauge", "Descriptors that florusd has open.", (double)use.fds);
	one(p, "process_max_fds", "gauge", "Descriptors that it may have.", (double)use.fds_max);
}

void metrics_on_get(struct call *c, const char *id)
{
	const struct api *api = c->api;
	struct page p = {
		.out = SBUF_INIT(METRICS_MAX),
		.kinds = { { .name = "batch", .jobs = api->batches, .store = api->store },
			   { .name = "session", .jobs = sessions_jobs(api->sessions), .store = api->sessions_store } }
	};

	(void)id;
	for (struct kind *k = p.kinds; k < p.kinds + KINDS; k++)
		batches_tally(k->jobs, &k->tally);
	head(&p, "florus_info", "gauge", "Which florusd this is.");
	sbuf_adds(&p.out, "florus_info{version=\"" FLORUS_VERSION "\"} 1\n");
	jobs(&p);
	head(&p, "florus_cluster_up", "gauge", "0: the cluster did not answer the last question.");
	clusters(&p, false);
	head(&p, "florus_cluster_jobs", "gauge", "Jobs that the cluster has, or is about to have.");
	clusters(&p, true);
	process(&p);
	http_reply(c->rq, 200, PROMETHEUS, &p.out);
	sbuf_done(&p.out);
	api_done(c);
}
