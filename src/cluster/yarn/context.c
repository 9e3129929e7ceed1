/*
 * The context of an application: XML, as every resource manager reads it, while their JSON differs.
 */
#include "base/str.h"
#include "cluster/sparkjvm.h"
#include "cluster/yarn/spec.h"
#include <stdlib.h>
#include <string.h>

#define CPS "<CPS>"
#define CONF_DIR "{{PWD}}/__spark_conf__"

/* --- XML --- */

void yarn_xml_text(struct sbuf *out, const char *s)
{
	for (const char *p = s; *p; p++) {
		if (*p == '&')
			sbuf_adds(out, "&amp;");
		else if (*p == '<')
			sbuf_adds(out, "&lt;");
		else if (*p == '>')
			sbuf_adds(out, "&gt;");
		else if (*p == '\r')
			sbuf_adds(out, "&#13;"); /* a plain one would be read as a line's end */
		else
			sbuf_addc(out, *p);
	}
}

static void element(struct sbuf *out, const char *name, const char *value)
{
	sbuf_addf(out, "<%s>", name);
	yarn_xml_text(out, value);
	sbuf_addf(out, "</%s>", name);
}

static void number(struct sbuf *out, const char *name, int64_t value)
{
	sbuf_addf(out, "<%s>%lld</%s>", name, (long long)value, name);
}

static void entry(struct sbuf *out, const char *key, const char *value)
{
	sbuf_adds(out, "<entry>");
	element(out, "key", key);
	element(out, "value", value);
	sbuf_adds(out, "</entry>");
}

/* --- files --- */

static void resource(struct sbuf *out, const struct yarn_job *job, const struct yarn_file *f)
{
	sbuf_adds(out, "<entry>");
	element(out, "key", f->link);
	sbuf_adds(out, "<value><resource>");
	yarn_xml_text(out, job->site->fs);
	yarn_xml_text(out, f->path);
	sbuf_adds(out, "</resource>");
	element(out, "type", f->archive ? "ARCHIVE" : "FILE");
	element(out, "visibility", YARN_VISIBILITY);
	number(out, "size", f->size);
	number(out, "timestamp", f->mtime_ms);
	sbuf_adds(out, "</value></entry>");
}

static void resources(struct sbuf *out, const struct yarn_job *job)
{
	sbuf_adds(out, "<local-resources>");
	for (size_t i = 0; i < job->plan->count; i++)
		resource(out, job, &job->plan->files[i]);
	resource(out, job, &job->conf);
	sbuf_adds(out, "</local-resources>");
}

/* --- environment --- */

static const char *conf_or(const struct submission *s, const char *key, const char *otherwise)
{
	const char *value = submission_conf(s, key);

	return str_empty(value) ? otherwise : value;
}

static void class_path(struct sbuf *out, const struct yarn_job *job)
{
	const char *extra = submission_conf(job->s, "spark.driver.extraClassPath");
	const char *own = submission_conf(job->s, "spark.yarn.appMasterEnv.CLASSPATH");
	_sbuf_ struct sbuf path = SBUF_INIT(YARN_CONTEXT_MAX);

	sbuf_addf(&path,
		  "%s%s{{PWD}}" CPS CONF_DIR CPS "{{PWD}}/__spark_libs__/*%s" CPS CONF_DIR "/__hadoop_conf__%s%s",
		  extra ? extra : "", extra ? CPS : "", job->plan->class_path, own ? CPS : "", own ? own : "");
	entry(out, "CLASSPATH", sbuf_str(&path));
}

static bool is_given(const struct yarn_job *job, const char *name)
{
	_sbuf_ struct sbuf key = SBUF_INIT(512);

	sbuf_addf(&key, "spark.yarn.appMasterEnv.%s", name);
	return submission_conf(job->s, sbuf_str(&key)) != NULL;
}

/* What the job sets of a path comes behind ours, as Spark's client does it. */
static bool is_ours(const char *name)
{
	return str_eq(name, "CLASSPATH") || str_eq(name, "PYTHONPATH") || str_eq(name, "SPARK_YARN_STAGING_DIR") ||
	       str_eq(name, "SPARK_USER");
}

static void given(void *arg, const char *name, const char *value)
{
	if (!is_ours(name))
		entry(arg, name, value);
}

static void python_path(struct sbuf *out, const struct yarn_job *job)
{
	const char *own = submission_conf(job->s, "spark.yarn.appMasterEnv.PYTHONPATH");
	_sbuf_ struct sbuf path = SBUF_INIT(YARN_CONTEXT_MAX);

	if (!job->plan->python_path && !own)
		return;
	sbuf_addf(&path, "%s%s%s", own ? own : "", own && job->plan->python_path ? CPS : "",
		  job->plan->python_path ? job->plan->python_path : "");
	entry(out, "PYTHONPATH", sbuf_str(&path));
}

static void environment(struct sbuf *out, const struct yarn_job *job)
{
	_sbuf_ struct sbuf staging = SBUF_INIT(YARN_CONTEXT_MAX);

	sbuf_addf(&staging, "%s%s", job->site->fs, job->staging);
	sbuf_adds(out, "<environment>");
	class_path(out, job);
	python_path(out, job);
	entry(out, "SPARK_YARN_STAGING_DIR", sbuf_str(&staging));
	entry(out, "SPARK_USER", job->user);
	entry(out, "SPARK_PREFER_IPV6", "false");
	for (size_t i = 0; i < ARRAY_LEN(job->site->env); i++)
		if (job->site->env[i].key && !is_given(job, job->site->env[i].key))
			entry(out, job->site->env[i].key, job->site->env[i].value);
	submission_each(job->s, "spark.yarn.appMasterEnv.", given, out);
	sbuf_adds(out, "</environment>");
}

/* --- the command --- */

static void argument(struct sbuf *out, const char *option, const char *value)
{
	sbuf_addf(out, " %s ", option);
	yarn_shell_argument(out, value);
}

/* "{{APP_ID}}" and its like, which Spark's client replaces here. */
static void java_options(struct sbuf *out, const struct yarn_job *job, const char *options)
{
	_sbuf_ struct sbuf plain = SBUF_INIT(YARN_ARGUMENT_MAX);
	const char *p = options, *at;

	while ((at = strstr(p, "{{APP_ID}}")) != NULL) {
		sbuf_add(&plain, p, (size_t)(at - p));
		sbuf_adds(&plain, job->app_id);
		p = at + strlen("{{APP_ID}}");
	}
	sbuf_adds(&plain, p);
	yarn_shell_options(out, sbuf_str(&plain));
}

static void jvm(struct sbuf *out, const struct yarn_job *job, int64_t heap_mib)
{
	bool third = job->site->version && str_starts(job->site->version, "3.");

	sbuf_adds(out, "{{JAVA_HOME}}/bin/java -server ");
	sbuf_adds(out, third ? SPARKJVM_MODULES_3 : "-Djava.net.preferIPv6Addresses=false " SPARKJVM_MODULES_4);
	sbuf_addf(out, " -Xmx%lldm -Djava.io.tmpdir={{PWD}}/tmp", (long long)heap_mib);
	java_options(out, job, conf_or(job->s, "spark.driver.defaultJavaOptions", ""));
	java_options(out, job, conf_or(job->s, "spark.driver.extraJavaOptions", ""));
	sbuf_adds(out, " -Dspark.yarn.app.container.log.dir=<LOG_DIR>");
}

static void command(struct sbuf *out, const struct yarn_job *job, int64_t heap_mib)
{
	const struct submission *s = job->s;

	jvm(out, job, heap_mib);
	sbuf_adds(out, " org.apache.spark.deploy.yarn.ApplicationMaster");
	argument(out, "--class", s->python ? "org.apache.spark.deploy.PythonRunner" : s->class_name);
	if (job->plan->jar)
		argument(out, "--jar", job->plan->jar);
	if (job->plan->python)
		argument(out, "--primary-py-file", job->plan->python);
	for (size_t i = 0; i < s->args.count; i++)
		argument(out, "--arg", s->args.items[i]);
	sbuf_adds(out, " --properties-file " CONF_DIR "/__spark_conf__.properties"
		       " --dist-cache-conf " CONF_DIR "/__spark_dist_cache__.properties"
		       " 1> <LOG_DIR>/stdout 2> <LOG_DIR>/stderr");
}

static void commands(struct sbuf *out, const struct yarn_job *job, int64_t heap_mib)
{
	_sbuf_ struct sbuf line = SBUF_INIT(YARN_CONTEXT_MAX);

	command(&line, job, heap_mib);
	sbuf_adds(out, "<commands>");
	element(out, "command", sbuf_str(&line));
	sbuf_adds(out, "</commands>");
	if (!sbuf_ok(&line))
		out->failed = true;
}

/* --- what surrounds it --- */

static void credentials(struct sbuf *out, const struct yarn_job *job)
{
	if (!job->token)
		return;
	sbuf_adds(out, "<credentials><tokens>");
	entry(out, job->token_service, job->token);
	sbuf_adds(out, "</tokens></credentials>");
}

/* Ours, too: who kills it may not be whose it is. */
static void access_lists(struct sbuf *out, const struct yarn_job *job)
{
	_sbuf_ struct sbuf who = SBUF_INIT(1024);

	sbuf_adds(&who, job->user);
	if (!str_eq(job->user, job->us))
		sbuf_addf(&who, ",%s", job->us);
	sbuf_adds(out, "<application-acls>");
	entry(out, "VIEW_APP", sbuf_str(&who));
	entry(out, "MODIFY_APP", sbuf_str(&who));
	sbuf_adds(out, "</application-acls>");
}

static void tags(struct sbuf *out, const struct yarn_job *job)
{
	sbuf_adds(out, "<application-tags>");
	for (const char *p = job->tags; *p; p += strspn(p, ",")) {
		_sbuf_ struct sbuf tag = SBUF_INIT(YARN_CONTEXT_MAX);
		size_t n = strcspn(p, ",");

		sbuf_add(&tag, p, n);
		element(out, "tag", sbuf_str(&tag));
		p += n;
	}
	sbuf_adds(out, "</application-tags>");
}

/* Elements that are a value of the conf as it is. */
static const struct {
	const char *key, *element;
} values[] = {
	{ "spark.yarn.priority", "priority" },
	{ "spark.yarn.maxAppAttempts", "max-app-attempts" },
	{ "spark.yarn.am.nodeLabelExpression", "am-container-node-label-expression" },
};

static void log_patterns(struct sbuf *out, const struct submission *s)
{
	const char *in = submission_conf(s, "spark.yarn.rolledLog.includePattern"),
		   *without = submission_conf(s, "spark.yarn.rolledLog.excludePattern");

	if (!in)
		return;
	sbuf_adds(out, "<log-aggregation-context>");
	element(out, "rolled-log-include-pattern", in);
	if (without)
		element(out, "rolled-log-exclude-pattern", without);
	sbuf_adds(out, "</log-aggregation-context>");
}

/* A time is milliseconds there; one that is none is left to the cluster's own. */
static void failures_interval(struct sbuf *out, const struct submission *s)
{
	int64_t ms;

	if (str_to_ms(conf_or(s, "spark.yarn.am.attemptFailuresValidityInterval", "-"), 1, &ms))
		number(out, "attempt-failures-validity-interval", ms);
}

bool yarn_context(const struct yarn_job *job, struct sbuf *out)
{
	const struct submission *s = job->s;
	int64_t mib, heap, cores;

	if (!sparkjvm_driver_mib(s, "0.10", &mib) || !sparkjvm_heap_mib(s, &heap) ||
	    !str_to_i64(conf_or(s, "spark.driver.cores", "1"), &cores))
		return false;
	sbuf_adds(out, "<application-submission-context>");
	element(out, "application-id", job->app_id);
	element(out, "application-name", s->name);
	element(out, "queue", s->queue ? s->queue : conf_or(s, "spark.yarn.queue", "default"));
	sbuf_adds(out, "<am-container-spec>");
	resources(out, job);
	environment(out, job);
	commands(out, job, heap);
	credentials(out, job);
	access_lists(out, job);
	sbuf_adds(out, "</am-container-spec><unmanaged-AM>false</unmanaged-AM><resource>");
	number(out, "memory", mib);
	number(out, "vCores", cores);
	sbuf_adds(out, "</resource>");
	element(out, "application-type", conf_or(s, "spark.yarn.applicationType", "SPARK"));
	tags(out, job);
	for (size_t i = 0; i < ARRAY_LEN(values); i++)
		if (submission_conf(s, values[i].key))
			element(out, values[i].element, submission_conf(s, values[i].key));
	log_patterns(out, s);
	failures_interval(out, s);
	sbuf_adds(out, "</application-submission-context>");
	return sbuf_ok(out);
}
