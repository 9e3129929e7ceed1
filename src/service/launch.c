#include "base/str.h"
#include "model/sparkargs.h"
#include "service/registry.h"
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { JOB_ENV_MAX = 256 };

static bool find_spark_submit(struct batches *b, struct error *e)
{
	const char *home = b->config->livy_server_spark_home;
	_sbuf_ struct sbuf path = SBUF_INIT(4096);

	if (str_empty(home))
		return error_set(e, ERR_CONFIG,
				 "no Spark: set livy.server.spark-home (or SPARK_HOME) to the directory of "
				 "bin/spark-submit");
	sbuf_addf(&path, "%s/bin/spark-submit", home);
	if (!sbuf_ok(&path) || access(sbuf_str(&path), X_OK) < 0)
		return error_set(e, ERR_CONFIG,
				 "cannot execute %s: %s; set livy.server.spark-home to the directory of "
				 "bin/spark-submit",
				 sbuf_str(&path), strerror(errno));
	b->spark_submit = sbuf_take(&path);
	return true;
}

/* Is NAME of "NAME=value" in the comma-separated list? */
static bool passes(const char *list, const char *variable)
{
	char name[128];
	size_t n = strcspn(variable, "=");

	if (n >= sizeof name)
		return false;
	memcpy(name, variable, n);
	name[n] = '\0';
	return str_in_list(list, name);
}

/* Jobs get the variables of the allow-list (D15), and the Spark home that we use, whatever the daemon's own says. */
static void build_job_env(struct batches *b, const char *const *env)
{
	_sbuf_ struct sbuf home = SBUF_INIT(4096);
	size_t n = 0;

	b->job_env = xcalloc(JOB_ENV_MAX + 2, sizeof *b->job_env);
	for (; env && *env && n < JOB_ENV_MAX; env++)
		if (passes(b->config->florus_job_env_pass, *env) && !str_starts(*env, "SPARK_HOME="))
			b->job_env[n++] = xstrdup(*env);
	sbuf_addf(&home, "SPARK_HOME=%s", b->config->livy_server_spark_home);
	b->job_env[n] = sbuf_take(&home);
}

char *launch_spark_defaults(const struct batches *b, const struct profile *p)
{
	_sbuf_ struct sbuf path = SBUF_INIT(PATH_MAX);
	const char *dir = NULL;

	for (size_t i = 0; b->job_env[i]; i++)
		if (str_starts(b->job_env[i], "SPARK_CONF_DIR="))
			dir = strchr(b->job_env[i], '=') + 1;
	if (str_empty(dir))
		sbuf_addf(&path, "%s/conf/spark-defaults.conf",
			  p->spark_home ? p->spark_home : b->config->livy_server_spark_home);
	else
		sbuf_addf(&path, "%s/spark-defaults.conf", dir);
	return sbuf_ok(&path) ? sbuf_take(&path) : xstrdup("");
}

static bool find_run_path(struct batches *b, struct error *e)
{
	char link[32], path[PATH_MAX];

	(void)snprintf(link, sizeof link, "/proc/self/fd/%d", b->run_dirfd);
	ssize_t n = readlink(link, path, sizeof path - 1);
	if (n < 0)
		return error_errno(e, errno, "find the path of run/");
	path[n] = '\0';
	b->run_path = xstrdup(path);
	return true;
}

bool launch_setup(struct batches *b, const char *const *env, struct error *e)
{
	if (!find_spark_submit(b, e) || !find_run_path(b, e))
		return false;
	build_job_env(b, env);
	return true;
}

void launch_done(struct batches *b)
{
	for (size_t i = 0; b->job_env && b->job_env[i]; i++)
		free((void *)(uintptr_t)b->job_env[i]);
	free(b->job_env);
	free(b->spark_submit);
	free(b->run_path);
	free(b->hidden);
}

/* A submission that was judged, ready to be started. */
struct plan {
	const struct profile *profile;
	struct spark_settings settings;
	const char **argv;      /* of spark-submit */
	const char *properties; /* its file of secrets; NULL: none */
};

static const char *join(struct arena *a, const char *first, const char *second, const char *third)
{
	_sbuf_ struct sbuf text = SBUF_INIT(3 * PATH_MAX);

	sbuf_addf(&text, "%s%s%s", first, second, third);
	return sbuf_ok(&text) ? arena_strdup(a, sbuf_str(&text)) : "";
}

/*
 * `name` is that of the attempt's directory, into which the secrets go. A job that runs under its user's own uid is
 * that user to Spark, too; elsewhere Spark is told.
 */
static struct spark_settings settings_of(const struct batches *b, struct arena *a, const struct profile *p,
					 const char *name, const char *proxy_user)
{
	bool own_home = p->spark_home && !str_eq(p->spark_home, b->config->livy_server_spark_home);

	return (struct spark_settings){
		.spark_submit = own_home ? join(a, p->spark_home, "/bin/spark-submit", "") : b->spark_submit,
		.master = p->master,
		.deploy_mode = p->deploy_mode,
		.proxy_user = str_eq(b->config->florus_launch_run_as, "owner") ? NULL : proxy_user,
		.properties = join(a, b->run_path, "/", join(a, name, "/", RECORD_PROPERTIES)),
	};
}

static bool plan(const struct batches *b, struct arena *a, const char *name, struct spec *spec, const struct batch *job,
		 bool by_submit, struct plan *ret, struct error *e)
{
	const char *user = job->proxy_user ? job->proxy_user : job->owner;

	if (!remote_profile(b, spec, user, &ret->profile, e))
		return false;
	ret->settings = settings_of(b, a, ret->profile, name, job->proxy_user);
	bool cluster = sparkargs_in_cluster(spec, &ret->settings);

	return policy_check(b->policy, spec, cluster, e) && paths_resolve(b->paths, b->policy, cluster, a, spec, e) &&
	       (!b->kind.complete || b->kind.complete(b->kind.arg, a, job, cluster, spec, e)) &&
	       remote_add_conf(b, a, ret->profile, job, by_submit, spec, e) &&
	       sparkargs_properties(a, spec, &ret->properties, e) &&
	       sparkargs_build(a, spec, &ret->settings, &ret->argv, e);
}

bool launch_judge(const struct batches *b, struct arena *a, struct spec *spec, const char *owner,
		  const char *proxy_user, struct remote_choice *ret, struct error *e)
{
	const struct batch job = { .id = -1, .owner = owner, .proxy_user = proxy_user };
	char longest[ATTEMPT_NAME_MAX];
	struct plan p;

	(void)memset(longest, 'x', sizeof longest - 1);
	longest[sizeof longest - 1] = '\0';
	return plan(b, a, longest, spec, &job, true, &p, e) &&
	       remote_choose(b, a, p.profile, spec, &p.settings, owner, ret, e);
}

/* The job's environment with variables of its own: what a login would set, and where its cluster's Spark is. */
static const char *const *job_env(const struct batches *b, struct arena *a, const struct account *account,
				  const struct profile *p)
{
	const char *const own[][2] = {
		{ "HOME=", account ? account->home : NULL },    { "USER=", account ? account->name : NULL },
		{ "LOGNAME=", account ? account->name : NULL }, { "SPARK_HOME=", p->spark_home },
		{ "HADOOP_CONF_DIR=", p->hadoop_conf_dir },     { "YARN_CONF_DIR=", p->hadoop_conf_dir },
	};
	size_t n = 0;

	while (b->job_env[n])
		n++;
	const char **env = arena_alloc(a, (n + ARRAY_LEN(own) + 1) * sizeof *env);
	if (!env)
		return NULL;
	n = 0;
	for (size_t i = 0; b->job_env[i]; i++) {
		bool replaced = false;

		for (size_t k = 0; k < ARRAY_LEN(own); k++)
			replaced = replaced || (own[k][1] && str_starts(b->job_env[i], own[k][0]));
		if (!replaced)
			env[n++] = b->job_env[i];
	}
	for (size_t k = 0; k < ARRAY_LEN(own); k++)
		if (own[k][1])
			env[n++] = join(a, own[k][0], own[k][1], "");
	return arena_ok(a) ? env : NULL;
}

static bool start_here(struct entry *en, struct arena *a, const struct plan *p, const struct account *account,
		       attempt_fn *fn, struct error *e)
{
	const struct batches *b = en->of;
	_free_ char *defaults = launch_spark_defaults(b, p->profile);
	struct attempt_spec how = {
		.batch_id = en->shown.id,
		.attempt = en->shown.attempt,
		.argv = p->argv,
		.envp = job_env(b, a, account, p->profile),
		.account = account,
		.properties = p->properties,
		.defaults = defaults,
		.hidden = b->hidden,
	};

	if (!how.envp)
		return error_set(e, ERR_TOO_LARGE, "the submission is too large");
	memcpy(how.nonce, en->shown.nonce, sizeof how.nonce);
	en->run = attempt_launch(b->runner, &how, fn, en);
	return true;
}

bool launch_start(struct entry *en, const char *body, size_t n, const struct account *account, attempt_fn *fn,
		  struct error *e)
{
	_arena_ struct arena *a = arena_new(SPEC_ARENA_MAX);
	struct batches *b = en->of;
	char name[ATTEMPT_NAME_MAX];
	struct spec spec;
	struct plan p;

	attempt_name(name, en->shown.id, en->shown.attempt, en->shown.nonce);
	/* As the user who was allowed when the batch was accepted, whatever the configuration has become since. */
	if (!spec_parse(a, b->kind.type, body, n, policy_denied(b->policy), &spec, e) ||
	    !plan(b, a, name, &spec, &en->shown, !en->native, &p, e))
		return false;
	return en->native ? remote_start(en, a, &spec, &p.settings, fn, e) : start_here(en, a, &p, account, fn, e);
}
