/*
 * Which files a job's containers get, and what only spark-submit can do.
 */
#include "base/str.h"
#include "cluster/sparkjvm.h"
#include "cluster/yarn/spec.h"
#include "model/localfiles.h"
#include <string.h>

#define LIBS "__spark_libs__"
#define PY_FILES "__pyfiles__"
#define APP_JAR "__app__.jar"
#define CPS "<CPS>"

enum { LIST_MAX = 256 * 1024 /* bytes of what the lists of files become */ };

/* Keys that end with '.' stand for all that begin with them. */
static const struct {
	const char *key, *reason;
} gates[] = {
	{ "spark.jars.packages", "packages, which are looked up before a job is submitted" },
	{ "spark.yarn.driver.resource.", "resources of the driver such as GPUs" },
	{ "spark.driver.resource.", "resources of the driver such as GPUs" },
	{ "spark.yarn.am.tokenConfRegex", "spark.yarn.am.tokenConfRegex" },
	{ "spark.kerberos.", "Kerberos" },
	{ "spark.yarn.keytab", "Kerberos" },
	{ "spark.yarn.principal", "Kerberos" },
	{ "spark.yarn.config.gatewayPath", "paths of a gateway" },
	{ "spark.driver.extraLibraryPath", "native libraries of the driver" },
	{ "spark.driver.userClassPathFirst", "the user's classes before Spark's" },
	{ "spark.yarn.user.classpath.first", "the user's classes before Spark's" },
	{ "spark.yarn.populateHadoopClasspath", "spark.yarn.populateHadoopClasspath" },
	{ "spark.acls.enable", "access lists" },
	{ "spark.yarn.reservation", "reservations" },
};

/* The same where containers need tokens for whatever they read. */
static const struct {
	const char *key, *reason;
} secure_gates[] = {
	{ "spark.yarn.access.", "tokens for other file systems" },
	{ "spark.kafka.clusters.", "tokens for Kafka" },
	{ "spark.hadoop.hive.metastore.", "a token for Hive" },
};

static bool is_gated(const char *key, const char *pattern)
{
	return str_ends(pattern, ".") ? str_starts(key, pattern) : str_eq(key, pattern);
}

static bool passes_gates(const struct submission *s, struct error *e)
{
	for (size_t i = 0; i < s->conf_count; i++)
		for (size_t k = 0; k < ARRAY_LEN(gates); k++)
			if (is_gated(s->conf[i].key, gates[k].key) && !str_eq(s->conf[i].value, "false"))
				return error_set(e, ERR_INVALID, "%s", gates[k].reason);
	return true;
}

static bool needs_only_our_token(const struct submission *s, const struct yarn_site *site, struct error *e)
{
	_sbuf_ struct sbuf key = SBUF_INIT(128);

	if (!site->secure)
		return true;
	for (size_t i = 0; i < s->conf_count; i++)
		for (size_t k = 0; k < ARRAY_LEN(secure_gates); k++)
			if (is_gated(s->conf[i].key, secure_gates[k].key))
				return error_set(e, ERR_INVALID, "%s", secure_gates[k].reason);
	for (size_t i = 0; i < ARRAY_LEN(site->others); i++) {
		if (!site->others[i])
			continue;
		sbuf_clear(&key);
		sbuf_addf(&key, "spark.security.credentials.%s.enabled", site->others[i]);
		if (!str_eq(submission_conf(s, sbuf_str(&key)), "false"))
			return error_set(e, ERR_INVALID,
					 "a token for %s-site.xml's servers (%s = false if it needs none)",
					 site->others[i], sbuf_str(&key));
	}
	return true;
}

/* XML 1.0 has no way to write most control characters. */
static bool is_plain(const char *text)
{
	for (const char *p = text; *p; p++)
		if ((unsigned char)*p < ' ' && *p != '\t' && *p != '\n' && *p != '\r')
			return false;
	return true;
}

static bool is_sound(const struct submission *s, struct error *e)
{
	int64_t mib;

	if (s->r)
		return error_set(e, ERR_INVALID, "R programs");
	if (!s->file)
		return error_set(e, ERR_INVALID, "a job without a file");
	if (!s->python && !s->class_name)
		return error_set(e, ERR_INVALID, "no className: spark-submit reads it from the jar");
	if (!sparkjvm_driver_mib(s, "0.1", &mib))
		return error_set(e, ERR_INVALID, "a size of the driver's memory that is not understood");
	for (size_t i = 0; i < s->args.count; i++)
		if (!is_plain(s->args.items[i]))
			return error_set(e, ERR_INVALID, "an argument with control characters");
	return is_plain(s->name) || error_set(e, ERR_INVALID, "a name with control characters");
}

/* --- one file --- */

struct planner {
	struct arena *a;
	const struct submission *s;
	const struct yarn_site *site;
	struct yarn_plan *plan;
	struct error *e;
};

static const char *base_name(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? slash + 1 : path;
}

/* What follows "hdfs://" of the default file system, or "hdfs:/"; NULL: it is another. */
static const char *path_in_hdfs(const struct yarn_site *site, const char *uri)
{
	size_t n = strlen(site->fs);

	if (strncmp(uri, site->fs, n) == 0 && uri[n] == '/')
		return uri + n;
	if (str_starts(uri, "hdfs:///"))
		return uri + strlen("hdfs://");
	return str_starts(uri, "hdfs:/") && !str_starts(uri, "hdfs://") ? uri + strlen("hdfs:") : NULL;
}

/* Of "local:/a", "local:///a". */
static const char *path_on_nodes(const char *uri)
{
	uri += strlen("local:");
	return str_starts(uri, "//") ? uri + 2 : uri;
}

static bool is_known(const struct yarn_plan *plan, const char *link)
{
	for (size_t i = 0; i < plan->count; i++)
		if (str_eq(plan->files[i].link, link))
			return true;
	return false;
}

/*
 * `file` says what is known already: link (NULL: by its URI), archive, am_only, kept. twice: a second one of that name
 * is passed over.
 */
static bool add(struct planner *p, const char *uri, const char *folder, struct yarn_file file, bool twice)
{
	struct yarn_plan *plan = p->plan;
	const char *hash = strchr(uri, '#'), *name = hash ? hash + 1 : base_name(uri);
	const char *plain = arena_strndup(p->a, uri, hash ? (size_t)(hash - uri) : strlen(uri));
	_sbuf_ struct sbuf link = SBUF_INIT(4096);

	if (!plain)
		return error_set(p->e, ERR_TOO_LARGE, "the submission is too large");
	if (strpbrk(plain, "*?[{"))
		return error_set(p->e, ERR_INVALID, "a pattern of files: %.100s", plain);
	sbuf_addf(&link, "%s%s%s", folder ? folder : "", folder ? "/" : "", name);
	if (!file.link)
		file.link = sbuf_ok(&link) ? arena_strdup(p->a, sbuf_str(&link)) : NULL;
	if (localfiles_is_local(plain))
		file.local = localfiles_path(p->a, plain);
	else
		file.path = path_in_hdfs(p->site, plain);
	if (!file.local && !file.path)
		return error_set(p->e, ERR_INVALID, "a file that is not in the cluster's file system: %.100s", plain);
	if (!*name || !file.link || !is_plain(file.link) || strpbrk(file.link, ",#"))
		return error_set(p->e, ERR_INVALID, "a file of that name: %.100s", uri);
	if (is_known(plan, file.link))
		return twice || error_set(p->e, ERR_INVALID, "two files called %.100s", file.link);
	if (plan->count == YARN_FILES_MAX)
		return error_set(p->e, ERR_INVALID, "more than %d files", YARN_FILES_MAX);
	plan->files[plan->count++] = file;
	return true;
}

/* --- lists --- */

typedef bool each_fn(struct planner *p, const char *uri);

static bool each(struct planner *p, const char *list, each_fn *fn)
{
	for (; list && *list; list += strspn(list, ", ")) {
		size_t n = strcspn(list, ","), end = n;

		while (end > 0 && list[end - 1] == ' ')
			end--;
		const char *uri = arena_strndup(p->a, list, end);
		if (!uri)
			return error_set(p->e, ERR_TOO_LARGE, "the submission is too large");
		if (*uri && !fn(p, uri))
			return false;
		list += n;
	}
	return true;
}

static bool each_conf(struct planner *p, const char *key, each_fn *fn)
{
	return each(p, submission_conf(p->s, key), fn);
}

/* Grows a text of the plan's: `*text` is "" or what was there. */
static void grow(struct planner *p, const char **text, const char *between, const char *more)
{
	_sbuf_ struct sbuf all = SBUF_INIT(LIST_MAX);

	sbuf_addf(&all, "%s%s%s", *text, between, more);
	*text = sbuf_ok(&all) ? arena_strdup(p->a, sbuf_str(&all)) : NULL;
	if (!*text)
		*text = ""; /* the arena is full, or it is nonsense: told at the end, by the arena or by the job */
}

static bool add_library(struct planner *p, const char *uri)
{
	if (!str_starts(uri, "local:"))
		return add(p, uri, LIBS, (struct yarn_file){ 0 }, true);
	grow(p, &p->plan->own_jars, *p->plan->own_jars ? "," : "", uri);
	grow(p, &p->plan->class_path, CPS, path_on_nodes(uri));
	return true;
}

static bool add_jar(struct planner *p, const char *uri)
{
	const char *link = strchr(uri, '#') ? strchr(uri, '#') + 1 : base_name(uri);

	grow(p, &p->plan->secondary, *p->plan->secondary ? "," : "", str_starts(uri, "local:") ? uri : link);
	return str_starts(uri, "local:") || add(p, uri, NULL, (struct yarn_file){ 0 }, true);
}

static bool add_file(struct planner *p, const char *uri)
{
	return str_starts(uri, "local:") || add(p, uri, NULL, (struct yarn_file){ 0 }, false);
}

static bool add_archive(struct planner *p, const char *uri)
{
	return str_starts(uri, "local:") || add(p, uri, NULL, (struct yarn_file){ .archive = true }, false);
}

static bool add_py_file(struct planner *p, const char *uri)
{
	bool module = str_ends(uri, ".py");

	if (str_starts(uri, "local:"))
		return error_set(p->e, ERR_INVALID, "Python files that lie on the nodes");
	return add(p, uri, module ? PY_FILES : NULL, (struct yarn_file){ 0 }, true);
}

/* --- the parts --- */

static bool add_own_libs(struct planner *p)
{
	if (!p->site->libs)
		return error_set(p->e, ERR_INVALID,
				 "neither spark.yarn.archive nor spark.yarn.jars says where Spark's jars are");
	p->plan->files[p->plan->count++] = (struct yarn_file){ .kept = p->site->libs, .link = LIBS, .archive = true };
	return true;
}

static bool plan_spark(struct planner *p)
{
	const char *archive = submission_conf(p->s, "spark.yarn.archive");
	const char *jars = submission_conf(p->s, "spark.yarn.jars");

	if (!str_empty(archive) && localfiles_is_local(archive))
		return error_set(p->e, ERR_INVALID, "spark.yarn.archive is a file of this host");
	if (!str_empty(archive))
		return add(p, archive, NULL, (struct yarn_file){ .link = LIBS, .archive = true }, false);
	return str_empty(jars) ? add_own_libs(p) : each(p, jars, add_library);
}

static bool plan_program(struct planner *p)
{
	const char *file = p->s->file;

	if (p->s->python) {
		p->plan->python = base_name(file);
		return add(p, file, NULL, (struct yarn_file){ .am_only = true }, false);
	}
	p->plan->jar = file;
	if (!str_starts(file, "local:"))
		return add(p, file, NULL, (struct yarn_file){ .link = APP_JAR }, false);
	p->plan->app_jar = file;
	return true;
}

static bool add_python_library(struct planner *p, const char *name, const char *kept)
{
	_sbuf_ struct sbuf path = SBUF_INIT(4096);

	sbuf_addf(&path, "%s/%s", p->site->python_dir, name);
	grow(p, &p->plan->python_path, *p->plan->python_path ? CPS : "", "{{PWD}}/");
	grow(p, &p->plan->python_path, "", name);
	return add(p, sbuf_str(&path), NULL, (struct yarn_file){ .kept = kept }, true);
}

static bool on_python_path(struct planner *p, const char *uri)
{
	if (str_ends(uri, ".py"))
		return true;
	grow(p, &p->plan->python_path, CPS "{{PWD}}/", strchr(uri, '#') ? strchr(uri, '#') + 1 : base_name(uri));
	return true;
}

static bool plan_python(struct planner *p)
{
	static const char key[] = "spark.submit.pyFiles";
	bool modules = false;

	if (!p->s->python)
		return each_conf(p, key, add_py_file);
	if (!p->site->pyspark_kept || !p->site->py4j_kept)
		return error_set(p->e, ERR_INVALID, "no pyspark.zip below florus.cluster.*.spark-home");
	p->plan->python_path = "";
	if (!each_conf(p, key, add_py_file))
		return false;
	for (size_t i = 0; i < p->plan->count; i++)
		modules |= str_starts(p->plan->files[i].link, PY_FILES "/");
	if (modules)
		p->plan->python_path = "{{PWD}}/" PY_FILES;
	return add_python_library(p, "pyspark.zip", p->site->pyspark_kept) &&
	       add_python_library(p, p->site->py4j, p->site->py4j_kept) && each_conf(p, key, on_python_path);
}

bool yarn_plan(struct arena *a, const struct submission *s, const struct yarn_site *site, struct yarn_plan *ret,
	       struct error *e)
{
	struct planner p = { a, s, site, ret, e };

	*ret = (struct yarn_plan){ .class_path = "", .own_jars = "", .secondary = "" };
	ret->files = arena_alloc(a, YARN_FILES_MAX * sizeof *ret->files);
	if (!ret->files)
		return error_set(e, ERR_TOO_LARGE, "the submission is too large");
	bool ok = passes_gates(s, e) && needs_only_our_token(s, site, e) && is_sound(s, e) && plan_spark(&p) &&
		  plan_program(&p) && each_conf(&p, "spark.yarn.dist.jars", add_jar) &&
		  each_conf(&p, "spark.jars", add_jar) && each_conf(&p, "spark.yarn.dist.files", add_file) &&
		  each_conf(&p, "spark.files", add_file) && each_conf(&p, "spark.yarn.dist.archives", add_archive) &&
		  each_conf(&p, "spark.archives", add_archive) && plan_python(&p);
	return ok && (arena_ok(a) || error_set(e, ERR_TOO_LARGE, "the submission is too large"));
}
