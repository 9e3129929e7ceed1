/*
 * The configuration of a job, as the two property files that the driver's container reads.
 */
#include "base/str.h"
#include "cluster/yarn/spec.h"
#include "model/javaprops.h"

/* By the container's files, or by us. */
static bool is_said_elsewhere(const char *key)
{
	static const char *const keys[] = { "spark.jars",
					    "spark.files",
					    "spark.archives",
					    "spark.driver.host",
					    "spark.master",
					    "spark.submit.deployMode",
					    "spark.app.name",
					    "spark.yarn.jars",
					    "spark.yarn.archive",
					    "spark.yarn.isPython",
					    "spark.yarn.user.jar",
					    "spark.yarn.secondary.jars",
					    "spark.executorEnv.PYTHONPATH" };

	for (size_t i = 0; i < ARRAY_LEN(keys); i++)
		if (str_eq(keys[i], key))
			return true;
	return false;
}

static void add_set(struct sbuf *out, const char *key, const char *value)
{
	if (!str_empty(value))
		javaprops_add(out, key, value);
}

/* The executors' path: what the job itself puts there, then ours. */
static void add_python_path(struct arena *a, const struct yarn_job *job, struct sbuf *out)
{
	const char *own = submission_conf(job->s, "spark.executorEnv.PYTHONPATH");
	_sbuf_ struct sbuf path = SBUF_INIT(YARN_CONTEXT_MAX);

	if (!job->plan->python_path)
		return;
	sbuf_addf(&path, "%s%s%s", own ? own : "", own ? "<CPS>" : "", job->plan->python_path);
	add_set(out, "spark.executorEnv.PYTHONPATH", arena_strdup(a, sbuf_str(&path)));
}

void yarn_properties(struct arena *a, const struct yarn_job *job, struct sbuf *out)
{
	const struct submission *s = job->s;

	for (size_t i = 0; i < s->conf_count; i++)
		if (!is_said_elsewhere(s->conf[i].key))
			javaprops_add(out, s->conf[i].key, s->conf[i].value);
	javaprops_add(out, "spark.master", "yarn");
	javaprops_add(out, "spark.submit.deployMode", "cluster");
	javaprops_add(out, "spark.app.name", s->name);
	add_set(out, "spark.yarn.isPython", s->python ? "true" : NULL);
	add_set(out, "spark.yarn.user.jar", job->plan->app_jar);
	add_set(out, "spark.yarn.secondary.jars", job->plan->secondary);
	add_set(out, "spark.yarn.jars", job->plan->own_jars);
	add_python_path(a, job, out);
}

/* --- the files of the executors --- */

typedef void column_fn(const struct yarn_job *job, const struct yarn_file *f, struct sbuf *out);

static void column_name(const struct yarn_job *job, const struct yarn_file *f, struct sbuf *out)
{
	sbuf_addf(out, "%s%s#%s", job->site->fs, f->path, f->link);
}

static void column_size(const struct yarn_job *job, const struct yarn_file *f, struct sbuf *out)
{
	(void)job;
	sbuf_addi(out, f->size);
}

static void column_time(const struct yarn_job *job, const struct yarn_file *f, struct sbuf *out)
{
	(void)job;
	sbuf_addi(out, f->mtime_ms);
}

static void column_visibility(const struct yarn_job *job, const struct yarn_file *f, struct sbuf *out)
{
	(void)job, (void)f;
	sbuf_adds(out, YARN_VISIBILITY);
}

static void column_type(const struct yarn_job *job, const struct yarn_file *f, struct sbuf *out)
{
	(void)job;
	sbuf_adds(out, f->archive ? "ARCHIVE" : "FILE");
}

static const struct {
	const char *key;
	column_fn *column;
} columns[] = {
	{ "spark.yarn.cache.filenames", column_name },  { "spark.yarn.cache.sizes", column_size },
	{ "spark.yarn.cache.timestamps", column_time }, { "spark.yarn.cache.visibilities", column_visibility },
	{ "spark.yarn.cache.types", column_type },
};

void yarn_dist_cache(const struct yarn_job *job, struct sbuf *out)
{
	const struct yarn_plan *plan = job->plan;
	_sbuf_ struct sbuf list = SBUF_INIT(YARN_CONF_MAX);

	for (size_t c = 0; c < ARRAY_LEN(columns); c++) {
		sbuf_clear(&list);
		for (size_t i = 0; i < plan->count; i++) {
			if (plan->files[i].am_only)
				continue;
			if (list.len)
				sbuf_addc(&list, ',');
			columns[c].column(job, &plan->files[i], &list);
		}
		add_set(out, columns[c].key, sbuf_str(&list));
	}
	sbuf_clear(&list);
	sbuf_addf(&list, "%s%s", job->site->fs, job->conf.path);
	javaprops_add(out, "spark.yarn.cache.confArchive", sbuf_str(&list));
}
