#include "service/spares.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/str.h"
#include "model/session.h"
#include "service/registry.h"
#include "service/sessions-priv.h"
#include <string.h>

enum { BODY_MAX = 64 };

/* Sessions of one kind. */
struct stock {
	const char *kind;
	int wanted, had; /* the second while counting */
};

struct spares {
	struct sessions *of;
	struct stock stocks[SPARES_KINDS_MAX];
	int count;
	int64_t not_before_ms;
	int failures; /* in a row */
	bool making;  /* one is on its way to the disk */
};

/* --- the option: pyspark:2, spark:1 --- */

static bool take_entry(struct spares *p, const char *entry, size_t n, struct error *e)
{
	char kind[BODY_MAX] = "";
	const char *colon = memchr(entry, ':', n);
	struct stock *s = &p->stocks[p->count];
	int total = 0;

	if (!colon || n >= sizeof kind || p->count == SPARES_KINDS_MAX)
		return error_set(e, ERR_CONFIG,
				 "florus.session.warm: expected KIND:NUMBER, by commas, such as pyspark:2");
	memcpy(kind, entry, n);
	kind[colon - entry] = '\0';
	*s = (struct stock){ .kind = session_kind(kind) };
	if (!s->kind || !str_to_i32(colon - entry + kind + 1, &s->wanted) || s->wanted < 1)
		return error_set(e, ERR_CONFIG, "florus.session.warm: %.64s is no KIND:NUMBER such as pyspark:2", kind);
	p->count++;
	for (int i = 0; i < p->count; i++)
		total += p->stocks[i].wanted;
	return total <= SPARES_WANTED_MAX ||
	       error_set(e, ERR_CONFIG, "florus.session.warm asks for more than %d sessions", SPARES_WANTED_MAX);
}

static bool take_option(struct spares *p, const char *text, struct error *e)
{
	while (*text) {
		size_t n = strcspn(text, ", ");

		if (n > 0 && !take_entry(p, text, n, e))
			return false;
		text += n;
		text += strspn(text, ", ");
	}
	return true;
}

/* They run as florusd does, and for whoever comes. */
static bool check_others(const struct config *c, struct error *e)
{
	const char *key = !str_eq(c->florus_launch_run_as, "self") ? "florus.launch.run-as"
			  : c->livy_impersonation_enabled          ? "livy.impersonation.enabled"
			  : c->profiles_count > 1                  ? "florus.cluster.NAME.*"
								   : NULL;

	return !key ||
	       error_set(e, ERR_CONFIG,
			 "florus.session.warm does not go with %s: nobody knows beforehand whom, or where, a session "
			 "will be for; unset one of them",
			 key);
}

static bool read_option(struct spares *p, const struct config *c, struct error *e)
{
	return str_empty(c->florus_session_warm) || (check_others(c, e) && take_option(p, c->florus_session_warm, e));
}

bool spares_check(const struct config *c, struct error *e)
{
	struct spares unused = { 0 };

	return read_option(&unused, c, e);
}

bool spares_new(struct sessions *s, struct spares **ret, struct error *e)
{
	*ret = xcalloc(1, sizeof **ret);
	(*ret)->of = s;
	return read_option(*ret, s->config, e);
}

struct spares *spares_free(struct spares *p)
{
	free(p);
	return NULL;
}

/* --- what becomes of them --- */

/* The first failure of a row is told, since the others say the same. */
static void failed(struct spares *p, int64_t id, const char *why)
{
	int64_t wait_ms = SPARES_BACKOFF_MIN_MS;

	for (int i = 0; i < p->failures && wait_ms < SPARES_BACKOFF_MAX_MS; i++)
		wait_ms *= 2;
	p->not_before_ms = clock_now_ms() + (wait_ms < SPARES_BACKOFF_MAX_MS ? wait_ms : SPARES_BACKOFF_MAX_MS);
	if (p->failures++ == 0)
		log_warn("a session could not be kept ready; tried again, ever less often", LOG_INT("session", id),
			 LOG_STR("reason", why));
}

void spares_changed(struct spares *p, const struct batch *job)
{
	if (state_is_final(job->state) && job->state != STATE_KILLED)
		failed(p, job->id, "it has ended; its log is in run/ of the sessions' directory");
}

void spares_ready(struct spares *p, int64_t id)
{
	p->failures = 0;
	log_info("session kept ready", LOG_INT("session", id));
}

/* --- keeping as many as are wanted --- */

static struct stock *stock_of(struct spares *p, const char *kind)
{
	for (int i = 0; i < p->count; i++)
		if (str_eq(p->stocks[i].kind, kind))
			return &p->stocks[i];
	return NULL;
}

static void ended(void *arg, const struct error *e)
{
	(void)arg, (void)e; /* not yet: the next tick tries again */
}

struct census {
	struct spares *of;
	int64_t surplus, newest; /* -1: none */
	bool ending;             /* one makes room already */
};

static void count_one(void *arg, const struct batch *job)
{
	struct census *c = arg;
	const struct session *en = session_by_id(c->of->of, job->id);
	struct stock *s = en ? stock_of(c->of, en->kind) : NULL;

	c->ending = c->ending || job->state == STATE_KILLING;
	if (!en || state_is_final(job->state) || job->state == STATE_KILLING || entry_of(job)->claiming)
		return;
	c->newest = job->id;
	if (s && s->had < s->wanted)
		s->had++;
	else
		c->surplus = job->id;
}

/* What is made is told of by spares_changed(). */
static void made(void *arg, const struct batch *job, const struct error *e)
{
	struct spares *p = arg;

	p->making = false;
	if (!job)
		failed(p, -1, e->msg);
}

static void make_one(struct spares *p, const char *kind)
{
	_sbuf_ struct sbuf body = SBUF_INIT(BODY_MAX);

	sbuf_addf(&body, "{\"kind\":\"%s\"}", kind);
	const struct batch_request rq = {
		.request_id = "warm", .spare = true, .body = sbuf_str(&body), .body_len = body.len
	};
	p->making = true;
	batches_create(p->of->jobs, &rq, made, p);
}

/* Whoever is there goes before whoever may come. */
static bool somebody_waits(const struct batches *jobs)
{
	for (const struct entry *en = jobs->queue.queue_next; en != &jobs->queue; en = en->queue_next)
		if (!en->shown.spare)
			return true;
	return false;
}

void spares_tick(struct spares *p)
{
	struct census census = { .of = p, .surplus = -1, .newest = -1 };
	struct batches *jobs = p->of->jobs;
	bool full = jobs->slots >= jobs->kind.max_running;

	for (int i = 0; i < p->count; i++)
		p->stocks[i].had = 0;
	batches_each_spare(jobs, count_one, &census);
	if (census.surplus < 0 && full && !census.ending && somebody_waits(jobs))
		census.surplus = census.newest;
	if (census.surplus >= 0) {
		batches_kill(jobs, census.surplus, ended, NULL);
		return;
	}
	if (p->making || clock_now_ms() < p->not_before_ms || full || jobs->stopping)
		return;
	for (int i = 0; i < p->count; i++)
		if (p->stocks[i].had < p->stocks[i].wanted) {
			make_one(p, p->stocks[i].kind);
			return; /* one at a time: a host has better to do than to start all at once */
		}
}

/* --- giving one away --- */

struct search {
	const struct spares *of;
	const char *kind;
	int64_t found;
};

/* The oldest comes first, so that ids rise as far as they can. */
static void look_at(void *arg, const struct batch *job)
{
	struct search *s = arg;
	const struct session *en = session_by_id(s->of->of, job->id);

	if (s->found >= 0 || !en || job->state != STATE_RUNNING || entry_of(job)->claiming || entry_of(job)->failing)
		return;
	if (en->driver == DRIVER_IDLE && en->channel && en->loaded &&
	    (str_eq(s->kind, en->kind) || str_eq(s->kind, "shared")))
		s->found = job->id;
}

/* Does it ask for nothing that its driver would have to be started with? */
static bool is_plain(const struct batch *wanted, const struct spec *spec)
{
	const struct spec_list *const lists[] = { &spec->jars, &spec->py_files, &spec->files, &spec->archives };

	for (size_t i = 0; i < ARRAY_LEN(lists); i++)
		if (lists[i]->count)
			return false;
	return !wanted->proxy_user && !spec->conf_count && !spec->queue && !spec->driver_memory &&
	       !spec->executor_memory && spec->driver_cores == SPEC_UNSET && spec->executor_cores == SPEC_UNSET &&
	       spec->executor_count == SPEC_UNSET;
}

int64_t spares_find(struct spares *p, const struct batch *wanted, const struct spec *spec)
{
	struct search search = { .of = p, .kind = spec->kind, .found = -1 };

	if (is_plain(wanted, spec))
		batches_each_spare(p->of->jobs, look_at, &search);
	return search.found;
}
