#include "base/str.h"
#include "model/sparkargs.h"
#include "service/registry.h"
#include <errno.h>
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

bool launch_setup(struct batches *b, const char *const *env, struct error *e)
{
	if (!find_spark_submit(b, e))
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
}

bool launch_argv(const struct batches *b, struct arena *a, const char *body, size_t n, struct spec *ret_spec,
		 const char ***ret_argv, struct error *e)
{
	struct spark_settings settings = {
		.spark_submit = b->spark_submit,
		.master = b->config->livy_spark_master,
		.deploy_mode = b->config->livy_spark_deploy_mode,
	};

	return spec_parse(a, body, n, ret_spec, e) && paths_resolve(b->paths, a, ret_spec, e) &&
	       sparkargs_build(a, ret_spec, &settings, ret_argv, e);
}

struct attempt *launch_start(struct entry *en, const char *body, size_t n, attempt_fn *fn, struct error *e)
{
	_arena_ struct arena *a = arena_new(SPEC_ARENA_MAX);
	struct batches *b = en->of;
	struct attempt_spec how = { .batch_id = en->shown.id, .attempt = en->shown.attempt };
	struct spec spec;
	const char **argv;

	if (!launch_argv(b, a, body, n, &spec, &argv, e))
		return NULL;
	memcpy(how.nonce, en->shown.nonce, sizeof how.nonce);
	how.argv = argv;
	how.envp = b->job_env;
	return attempt_launch(b->runner, &how, fn, en);
}
