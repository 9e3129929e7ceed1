/*
 * remote - jobs that run in clusters: which one a job goes to, by which launcher, and what the cluster says of them.
 *
 * The launcher is chosen when a job is accepted (a pure function of its conf), stored with it, and shown. A cluster
 * that then turns out not to take jobs by its own API moves it to spark-submit, unless the job or the administrator
 * wanted otherwise.
 */
#include "base/log.h"
#include "base/str.h"
#include "service/confdir.h"
#include "service/defaults.h"
#include "service/registry.h"
#include "service/tally.h"
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#define CONF_CLUSTER "florus.cluster"
#define CONF_LAUNCHER "florus.launcher"
#define ASKED_NATIVE CONF_LAUNCHER " is native"
#define SUBMIT_LOG "submit.log" /* what spark-submit said, once the driver's log takes its place */

struct remote {
	struct clusters *clusters;  /* NULL: none is watched */
	struct defaults **defaults; /* of each profile */
};

/* --- life --- */

void batches_tally_clusters(const struct batches *b, clusters_fn *fn, void *arg)
{
	clusters_each(b->remote->clusters, fn, arg);
}

static void pump(void *arg)
{
	supervise_pump(arg);
}

static bool open_file(void *arg, const char *path, int *ret_fd, struct error *e)
{
	const struct batches *b = arg;

	return paths_open(b->paths, path, ret_fd, e);
}

/* Spark gives Kubernetes' drivers the configuration of whoever submits them. */
static void read_confdirs(const struct batches *b, const struct profile *p, const char *defaults, struct defaults *d)
{
	const char *slash = strrchr(defaults, '/'), *hadoop = p->hadoop_conf_dir;
	const char *spark = slash ? arena_strndup(d->arena, defaults, (size_t)(slash - defaults)) : NULL;

	if (!spark || !str_starts(p->master, "k8s://"))
		return;
	for (size_t i = 0; !hadoop && b->job_env[i]; i++)
		if (str_starts(b->job_env[i], "HADOOP_CONF_DIR="))
			hadoop = strchr(b->job_env[i], '=') + 1;
	confdir_read(d->arena, spark, confdir_skips_in_spark, &d->spark_files);
	if (!str_empty(hadoop))
		confdir_read(d->arena, hadoop, NULL, &d->hadoop_files);
}

bool remote_setup(struct batches *b, const struct batches_setup *setup, struct error *e)
{
	const struct config *c = b->config;
	const struct clusters_setup clusters = {
		.loop = b->loop,
		.profiles = c->profiles,
		.count = c->profiles_count,
		.instance = setup->instance,
		.run_dirfd = b->run_dirfd,
		.log_max_bytes = c->florus_log_max_bytes,
		.open_file = str_eq(c->florus_launch_run_as, "self") ? open_file
								     : NULL, /* else we may read more than the job */
		.open_file_arg = b,
		.room = pump,
		.room_arg = b,
	};

	b->remote = xcalloc(1, sizeof *b->remote);
	b->remote->defaults = xcalloc(c->profiles_count, sizeof *b->remote->defaults);
	if (!setup->instance)
		return true;
	for (size_t i = 0; i < c->profiles_count; i++) {
		_free_ char *path = launch_spark_defaults(b, &c->profiles[i]);

		if (!defaults_load(path, &b->remote->defaults[i], e))
			return false;
		read_confdirs(b, &c->profiles[i], path, b->remote->defaults[i]);
	}
	return clusters_new(&clusters, &b->remote->clusters, e);
}

void remote_done(struct batches *b)
{
	if (!b->remote)
		return;
	b->remote->clusters = clusters_free(b->remote->clusters);
	for (size_t i = 0; i < b->config->profiles_count; i++)
		(void)defaults_free(b->remote->defaults[i]);
	free(b->remote->defaults);
	free(b->remote);
}

struct cluster *remote_cluster(const struct batches *b, const char *profile)
{
	return clusters_find(b->remote->clusters, profile);
}

/* --- which one, and how --- */

static const char *conf_of(const struct spec *spec, const char *key)
{
	for (size_t i = 0; i < spec->conf_count; i++)
		if (str_eq(spec->conf[i].key, key))
			return spec->conf[i].value;
	return NULL;
}

static const struct profile *by_name(const struct config *c, const char *name)
{
	for (size_t i = 0; i < c->profiles_count; i++)
		if (str_eq(c->profiles[i].name, name))
			return &c->profiles[i];
	return NULL;
}

static const struct profile *by_rule(const struct config *c, const char *user, const char *queue)
{
	for (size_t i = 0; i < c->profiles_count; i++)
		if (str_in_list(c->profiles[i].users, user) || str_in_list(c->profiles[i].queues, queue))
			return &c->profiles[i];
	return by_name(c, "default");
}

static bool no_such_cluster(const struct config *c, const char *name, struct error *e)
{
	_sbuf_ struct sbuf names = SBUF_INIT(256);

	for (size_t i = 0; i < c->profiles_count; i++)
		sbuf_addf(&names, "%s%s", i ? ", " : "", c->profiles[i].name);
	return error_set(e, ERR_INVALID, "Rejected, Reason: there is no cluster '%.64s'; there are: %s.", name,
			 sbuf_ok(&names) ? sbuf_str(&names) : "too many to list");
}

bool remote_profile(const struct batches *b, const struct spec *spec, const char *user, const struct profile **ret,
		    struct error *e)
{
	const char *name = conf_of(spec, CONF_CLUSTER);

	*ret = name ? by_name(b->config, name) : by_rule(b->config, user, spec->queue);
	return *ret || no_such_cluster(b->config, name ? name : "default", e);
}

static const struct defaults *defaults_of(const struct batches *b, const struct profile *p)
{
	return b->remote->defaults[p - b->config->profiles];
}

static bool submission(const struct batches *b, struct arena *a, const struct profile *p, const struct spec *spec,
		       const struct spark_settings *settings, const char *owner, struct submission *ret,
		       struct error *e)
{
	const struct defaults *d = defaults_of(b, p);

	if (!submission_build(a, spec, settings, d ? d->pairs : NULL, d ? d->count : 0, owner, ret, e))
		return false;
	templates_read(b, a, p, d, ret);
	if (d) {
		ret->spark_files = d->spark_files;
		ret->hadoop_files = d->hadoop_files;
	}
	return true;
}

/* The job's own wish, else the profile's. */
static bool wished_launcher(const struct spec *spec, const struct profile *p, int *ret, struct error *e)
{
	static const char *const words[] = {
		[LAUNCHER_AUTO] = "auto", [LAUNCHER_NATIVE] = "native", [LAUNCHER_SUBMIT] = "submit"
	};
	const char *wish = conf_of(spec, CONF_LAUNCHER);

	*ret = p->launcher;
	if (!wish)
		return true;
	for (int i = 0; i < (int)ARRAY_LEN(words); i++)
		if (str_eq(words[i], wish)) {
			*ret = i;
			return true;
		}
	return error_set(e, ERR_INVALID, "Rejected, Reason: " CONF_LAUNCHER " is auto, native or submit.");
}

bool remote_choose(const struct batches *b, struct arena *a, const struct profile *p, const struct spec *spec,
		   const struct spark_settings *settings, const char *owner, struct remote_choice *ret, struct error *e)
{
	const struct cluster *c = remote_cluster(b, p->name);
	struct submission s;
	int wish;

	*ret = (struct remote_choice){ .cluster = c ? p->name : NULL };
	if (!wished_launcher(spec, p, &wish, e) || !submission(b, a, p, spec, settings, owner, &s, e))
		return false;
	if (!c)
		return wish != LAUNCHER_NATIVE ||
		       error_set(
			       e, ERR_INVALID,
			       "Rejected, Reason: cluster %s takes no jobs by an API of its own: its master is local, or its "
			       "deploy mode is client.",
			       p->name);
	if (cluster_reads_urls(c) && !share_could(b, a, &s, e))
		return false;
	ret->why = wish == LAUNCHER_SUBMIT ? CONF_LAUNCHER " is submit" : cluster_native_reason(c, a, &s);
	ret->launcher = ret->why ? "submit" : "native";
	if (wish != LAUNCHER_NATIVE)
		return true;
	if (ret->why)
		return error_set(e, ERR_INVALID,
				 "Rejected, Reason: " CONF_LAUNCHER " is native, but this job needs spark-submit: %s.",
				 ret->why);
	ret->why = ASKED_NATIVE;
	return true;
}

/* Adds the pair, or (force) replaces what is there; tags are added to those that are there. */
static void set_conf(struct arena *a, struct spec *spec, const struct spec_pair *pair, bool force)
{
	struct spec_pair *conf = spec->conf;

	for (size_t i = 0; i < spec->conf_count; i++) {
		struct spec_pair *is = &conf[i];

		if (!str_eq(is->key, pair->key))
			continue;
		if (force && str_ends(pair->key, ".tags")) {
			_sbuf_ struct sbuf both = SBUF_INIT(4096);

			sbuf_addf(&both, "%s,%s", is->value, pair->value);
			is->value = sbuf_ok(&both) ? arena_strdup(a, sbuf_str(&both)) : pair->value;
		} else if (force) {
			is->value = pair->value;
		}
		return;
	}
	conf[spec->conf_count++] = *pair;
}

static struct cluster_job job_of(const struct batches *b, const struct batch *job, char dir[ATTEMPT_NAME_MAX])
{
	attempt_name(dir, job->id, job->attempt, job->nonce);
	return (struct cluster_job){
		.noun = b->kind.noun, .batch_id = job->id, .attempt = job->attempt, .nonce = job->nonce, .dir = dir
	};
}

bool remote_add_conf(const struct batches *b, struct arena *a, const struct profile *p, const struct batch *job,
		     bool by_submit, struct spec *spec, struct error *e)
{
	const struct cluster *c = by_submit ? remote_cluster(b, p->name) : NULL;
	const struct spec_pair *forced = NULL;
	char dir[ATTEMPT_NAME_MAX];
	struct cluster_job cj = job_of(b, job, dir);
	size_t forced_count = 0;

	if (c)
		forced = cluster_submit_conf(c, a, &cj, &forced_count);
	struct spec_pair *all = arena_alloc(a, (spec->conf_count + p->conf_count + forced_count + 1) * sizeof *all);
	if (!all)
		return error_set(e, ERR_TOO_LARGE, "the submission is too large");
	if (spec->conf_count)
		memcpy(all, spec->conf, spec->conf_count * sizeof *all);
	spec->conf = all;
	for (size_t i = 0; p->conf && i < p->conf_count; i++)
		set_conf(a, spec, &p->conf[i], false);
	for (size_t i = 0; forced && i < forced_count; i++)
		set_conf(a, spec, &forced[i], true);
	return arena_ok(a) || error_set(e, ERR_TOO_LARGE, "the submission is too large");
}

/* --- the life of one --- */

bool remote_start(struct entry *en, struct arena *a, const struct spec *spec, const struct spark_settings *settings,
		  attempt_fn *fn, struct error *e)
{
	char dir[ATTEMPT_NAME_MAX];
	struct cluster_job job = job_of(en->of, &en->shown, dir);
	struct submission s;

	if (!submission(en->of, a, cluster_profile(en->cluster), spec, settings, en->shown.owner, &s, e) ||
	    (cluster_reads_urls(en->cluster) && !share_files(en->of, &en->shown, a, &s, e)))
		return false;
	en->app = cluster_submit(en->cluster, &job, &s, fn, en);
	return true;
}

void remote_adopt(struct entry *en, const char *handle, attempt_fn *fn)
{
	char dir[ATTEMPT_NAME_MAX];
	struct cluster_job job = job_of(en->of, &en->shown, dir);

	en->app = cluster_adopt(en->cluster, &job, handle, en->shown.started_ms != 0, fn, en);
}

/* Of one that was killed or lost nobody knows how far it came. */
static bool said_that_it_failed(const struct attempt_report *submit)
{
	return submit->end == ATTEMPT_END_EXEC || (submit->end == ATTEMPT_END_EXIT && submit->code != 0);
}

void remote_hand_over(struct entry *en, const struct attempt_report *submit, attempt_fn *fn)
{
	en->submitted = xmalloc(sizeof *en->submitted);
	*en->submitted = *submit;
	remote_adopt(en, NULL, fn);
	if (said_that_it_failed(submit))
		cluster_expect_none(en->app);
	if (en->killed)
		cluster_kill(en->app);
	supervise_count_slot(en);
	supervise_pump(en->of);
}

/* From here on the log is the driver's; what the submitter said is kept beside it. */
static void put_submit_log_aside(struct entry *en)
{
	char dir[ATTEMPT_NAME_MAX], from[ATTEMPT_NAME_MAX + 16], to[ATTEMPT_NAME_MAX + 16];

	attempt_name(dir, en->shown.id, en->shown.attempt, en->shown.nonce);
	(void)snprintf(from, sizeof from, "%s/" RECORD_LOG, dir);
	(void)snprintf(to, sizeof to, "%s/" SUBMIT_LOG, dir);
	if (renameat(en->of->run_dirfd, from, en->of->run_dirfd, to) < 0)
		return; /* there is none */
	excerpt_close(&en->excerpt);
	logs_forget(en->of->logs, dir);
}

static void show(const char **shown, const char *now)
{
	if (!now)
		return;
	free((void *)(uintptr_t)*shown);
	*shown = xstrdup(*now ? now : NULL);
}

static void show_diagnostics(struct entry *en, const char *text)
{
	char dir[ATTEMPT_NAME_MAX];

	attempt_name(dir, en->shown.id, en->shown.attempt, en->shown.nonce);
	diagnostics_set(en->of->run_dirfd, dir, text);
	registry_forget_view(en);
}

void remote_known(struct entry *en, const struct attempt_report *report)
{
	struct store_update up = {
		.handle = report->handle, .app_id = report->app_id, .log_url = report->log_url, .ui_url = report->ui_url
	};

	if (report->handle && en->submitted) {
		put_submit_log_aside(en);
		free(TAKE(en->submitted));
	}
	if (report->there)
		log_info("job is in its cluster", LOG_INT(en->of->kind.noun, en->shown.id),
			 LOG_STR("cluster", en->shown.cluster), LOG_STR("launcher", en->shown.launcher),
			 LOG_STR("handle", cluster_handle(en->app)));
	if (report->diagnostics)
		show_diagnostics(en, report->diagnostics);
	if (!report->handle && !report->app_id && !report->log_url && !report->ui_url)
		return;
	show(&en->shown.app_id, report->app_id);
	show(&en->shown.log_url, report->log_url);
	show(&en->shown.ui_url, report->ui_url);
	registry_forget_view(en);
	supervise_store(en, &up);
}

bool remote_fall_back(struct entry *en, const char *why)
{
	struct store_update up = { .launcher = "submit", .launcher_why = why };

	if (!en->native || str_eq(en->shown.launcher_why, ASKED_NATIVE))
		return false;
	log_warn("cluster does not take the job by its API: spark-submit does it",
		 LOG_INT(en->of->kind.noun, en->shown.id), LOG_STR("cluster", en->shown.cluster), LOG_STR("why", why));
	en->native = false;
	show(&en->shown.launcher, up.launcher);
	show(&en->shown.launcher_why, why);
	supervise_store(en, &up);
	return true;
}
