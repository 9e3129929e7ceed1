#include "cluster/standalone/create.h"
#include "base/json.h"
#include "base/str.h"
#include "cluster/sparkjvm.h"
#include <string.h>

/*
 * Keys that SparkSubmit takes from its arguments alone, and overwrites (SparkSubmit.scala, prepareSubmitEnvironment).
 */
static const char *const by_argument[] = { "spark.master", "spark.submit.deployMode", "spark.app.name",
					   "spark.submit.pyFiles" };

/* The server of Spark 3 does not add what Java 17 needs, that of 4.0 does (SPARK-45197). */
#define JAVA_OPTIONS_KEY "spark.driver.defaultJavaOptions"

const char *standalone_gate(const struct submission *s)
{
	if (s->proxy_user)
		return "standalone clusters do not impersonate";
	if (s->r)
		return "R programs";
	if (!s->python && !s->class_name)
		return "no className: spark-submit reads it from the jar";
	for (size_t i = 0; i < s->conf_count; i++) {
		const char *value = s->conf[i].value;

		if (str_starts(value, "{{") && str_ends(value, "}}"))
			return "a value in {{ }} would be replaced by the master's environment";
	}
	return NULL;
}

/* "spark.jars" has the program, too. */
static const char *with_program(struct arena *a, const struct submission *s)
{
	const char *jars = submission_conf(s, "spark.jars");
	_sbuf_ struct sbuf all = SBUF_INIT(STANDALONE_CREATE_MAX);

	sbuf_addf(&all, "%s%s%s", s->file, str_empty(jars) ? "" : ",", jars ? jars : "");
	return sbuf_ok(&all) ? arena_strdup(a, sbuf_str(&all)) : NULL;
}

static const char *with_module_options(struct arena *a, const struct submission *s)
{
	const char *own = submission_conf(s, JAVA_OPTIONS_KEY);
	_sbuf_ struct sbuf all = SBUF_INIT(STANDALONE_CREATE_MAX);

	sbuf_addf(&all, SPARKJVM_MODULES_3 "%s%s", own ? " " : "", own ? own : "");
	return sbuf_ok(&all) ? arena_strdup(a, sbuf_str(&all)) : NULL;
}

static bool is_one_of(const char *key, const char *const *keys, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (str_eq(keys[i], key))
			return true;
	return false;
}

static void properties(struct arena *a, struct jw *w, const struct submission *s, const struct standalone_target *to)
{
	bool old = to->version && str_starts(to->version, "3.");

	jw_open(w, "sparkProperties", '{');
	for (size_t i = 0; i < s->conf_count; i++) {
		const char *key = s->conf[i].key;

		if (is_one_of(key, by_argument, ARRAY_LEN(by_argument)) || str_eq(key, "spark.jars") ||
		    (old && str_eq(key, JAVA_OPTIONS_KEY)))
			continue;
		jw_str(w, key, s->conf[i].value);
	}
	jw_str(w, "spark.app.name", s->name);
	jw_str(w, "spark.master", to->masters);
	jw_str(w, STANDALONE_TAG_KEY, to->tag);
	if (old)
		jw_str(w, JAVA_OPTIONS_KEY, with_module_options(a, s));
	if (s->python)
		jw_str(w, "spark.jars", submission_conf(s, "spark.jars") ? submission_conf(s, "spark.jars") : "");
	else
		jw_str(w, "spark.jars", with_program(a, s));
	if (!s->python)
		jw_str(w, "spark.submit.deployMode", "cluster");
	jw_close(w, '}');
}

static void argument(struct jw *w, const char *option, const char *value)
{
	if (str_empty(value))
		return;
	jw_str(w, NULL, option);
	jw_str(w, NULL, value);
}

static void arguments(struct jw *w, const struct submission *s, const struct standalone_target *to)
{
	jw_open(w, "appArgs", '[');
	if (s->python) {
		argument(w, "--master", to->masters);
		argument(w, "--deploy-mode", "client");
		argument(w, "--name", s->name);
		argument(w, "--files", submission_conf(s, "spark.files")); /* else --py-files is all there is of them */
		argument(w, "--py-files", submission_conf(s, "spark.submit.pyFiles"));
		jw_str(w, NULL, s->file);
	}
	for (size_t i = 0; i < s->args.count; i++)
		jw_str(w, NULL, s->args.items[i]);
	jw_close(w, ']');
}

bool standalone_create_body(struct arena *a, const struct submission *s, const struct standalone_target *to,
			    struct sbuf *out)
{
	struct jw w = { .out = out };

	jw_open(&w, NULL, '{');
	jw_str(&w, "action", "CreateSubmissionRequest");
	jw_str(&w, "clientSparkVersion", to->version ? to->version : "3.5.0");
	jw_str(&w, "appResource", s->python ? "" : s->file);
	jw_str(&w, "mainClass", s->python ? "org.apache.spark.deploy.SparkSubmit" : s->class_name);
	jw_open(&w, "environmentVariables", '{');
	jw_close(&w, '}');
	properties(a, &w, s, to);
	arguments(&w, s, to);
	jw_close(&w, '}');
	return sbuf_ok(out) && arena_ok(a);
}
