#include "base/str.h"
#include "model/sparkargs.h"
#include "service/registry.h"
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { JOB_ENV_MAX = 256, OWN_VARIABLES = 3 };

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
	size_t n = strcspn(variable, "=");

	for (const char *p = list; *p; p += strspn(p, ", ")) {
		size_t len = strcspn(p, ", ");

		if (len == n && memcmp(p, variable, n) == 0)
			return true;
		p += len;
	}
	return false;
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

/* Spark up to 3.5 reads it only when it is given no other properties file: then we put it before ours. */
static void find_spark_defaults(struct batches *b)
{
	_sbuf_ struct sbuf path = SBUF_INIT(PATH_MAX);
	const char *dir = NULL;

	for (size_t i = 0; b->job_env[i]; i++)
		if (str_starts(b->job_env[i], "SPARK_CONF_DIR="))
			dir = strchr(b->job_env[i], '=') + 1;
	if (str_empty(dir))
		sbuf_addf(&path, "%s/conf/spark-defaults.conf", b->config->livy_server_spark_home);
	else
		sbuf_addf(&path, "%s/spark-defaults.conf", dir);
	b->spark_defaults = sbuf_ok(&path) ? sbuf_take(&path) : xstrdup("");
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
	find_spark_defaults(b);
	return true;
}

void launch_done(struct batches *b)
{
	for (size_t i = 0; b->job_env && b->job_env[i]; i++)
		free((void *)(uintptr_t)b->job_env[i]);
	free(b->job_env);
	free(b->spark_submit);
	free(b->spark_defaults);
	free(b->run_path);
	free(b->hidden);
}

/*
 * `name` is that of the attempt's directory, into which the secrets go. A job that runs under its user's own uid is that
 * user to Spark, too; elsewhere Spark is told.
 */
static bool plan(const struct batches *b, struct arena *a, const char *name, struct spec *spec, const struct batch *job,
		 const char *proxy_user, const char ***ret_argv, const char **ret_properties, struct error *e)
{
	_sbuf_ struct sbuf path = SBUF_INIT(2 * PATH_MAX);

	sbuf_addf(&path, "%s/%s/%s", b->run_path, name, RECORD_PROPERTIES);
	struct spark_settings settings = {
		.spark_submit = b->spark_submit,
		.master = b->config->livy_spark_master,
		.deploy_mode = b->config->livy_spark_deploy_mode,
		.proxy_user = str_eq(b->config->florus_launch_run_as, "owner") ? NULL : proxy_user,
		.properties = arena_strdup(a, sbuf_str(&path)),
	};

	bool cluster = sparkargs_in_cluster(spec, &settings);

	return policy_check(b->policy, spec, cluster, e) && paths_resolve(b->paths, b->policy, cluster, a, spec, e) &&
	       (!b->kind.complete || b->kind.complete(b->kind.arg, a, job, spec, e)) &&
	       sparkargs_properties(a, spec, ret_properties, e) && sparkargs_build(a, spec, &settings, ret_argv, e);
}

bool launch_argv(const struct batches *b, struct arena *a, struct spec *spec, const struct batch *job,
		 const char *proxy_user, const char ***ret_argv, struct error *e)
{
	char longest[ATTEMPT_NAME_MAX];
	const char *properties;

	(void)memset(longest, 'x', sizeof longest - 1);
	longest[sizeof longest - 1] = '\0';
	return plan(b, a, longest, spec, job, proxy_user, ret_argv, &properties, e);
}

/* What a login would set. */
static const char *const *account_env(const struct batches *b, struct arena *a, const struct account *account)
{
	const char *const own[OWN_VARIABLES][2] = { { "HOME=", account->home },
						    { "USER=", account->name },
						    { "LOGNAME=", account->name } };
	size_t n = 0;

	while (b->job_env[n])
		n++;
	const char **env = arena_alloc(a, (n + OWN_VARIABLES + 1) * sizeof *env);
	if (!env)
		return NULL;
	n = 0;
	for (size_t i = 0; b->job_env[i]; i++) {
		bool theirs = false;

		for (size_t k = 0; k < OWN_VARIABLES; k++)
			theirs = theirs || str_starts(b->job_env[i], own[k][0]);
		if (!theirs)
			env[n++] = b->job_env[i];
	}
	for (size_t k = 0; k < OWN_VARIABLES; k++) {
		_sbuf_ struct sbuf text = SBUF_INIT(PATH_MAX + 16);

		sbuf_addf(&text, "%s%s", own[k][0], own[k][1]);
		env[n++] = arena_strdup(a, sbuf_str(&text));
	}
	env[n] = NULL;
	return arena_ok(a) ? env : NULL;
}

struct attempt *launch_start(struct entry *en, const char *body, size_t n, const struct account *account,
			     attempt_fn *fn, struct error *e)
{
	_arena_ struct arena *a = arena_new(SPEC_ARENA_MAX);
	struct batches *b = en->of;
	struct attempt_spec how = { .batch_id = en->shown.id, .attempt = en->shown.attempt };
	char name[ATTEMPT_NAME_MAX];
	struct spec spec;
	const char **argv;

	attempt_name(name, en->shown.id, en->shown.attempt, en->shown.nonce);
	/* As the user who was allowed when the batch was accepted, whatever the configuration has become since. */
	if (!spec_parse(a, b->kind.type, body, n, policy_denied(b->policy), &spec, e) ||
	    !plan(b, a, name, &spec, &en->shown, en->shown.proxy_user, &argv, &how.properties, e))
		return NULL;
	memcpy(how.nonce, en->shown.nonce, sizeof how.nonce);
	how.argv = argv;
	how.envp = account ? account_env(b, a, account) : b->job_env;
	how.account = account;
	how.defaults = b->spark_defaults;
	how.hidden = b->hidden;
	if (!how.envp) {
		(void)error_set(e, ERR_TOO_LARGE, "the submission is too large");
		return NULL;
	}
	return attempt_launch(b->runner, &how, fn, en);
}
