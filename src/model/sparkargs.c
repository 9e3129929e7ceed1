#include "model/sparkargs.h"
#include "base/str.h"
#include "model/javaprops.h"
#include "model/redact.h"
#include <stddef.h>
#include <string.h>

enum {
	ARG_MAX_BYTES = 128 * 1024, /* Linux MAX_ARG_STRLEN: one string with its NUL */
	DERIVED_COUNT = 12,
};

enum source {
	FROM_LIST,    /* the request's list, then what conf has under the same key */
	FROM_TEXT,    /* the request's field beats conf */
	FROM_COUNT,   /* likewise */
	FROM_SETTING, /* the server's word beats all */
};

/* Conf keys that do not come from conf alone, in the order in which they follow the user's own. */
static const struct derived {
	const char *key;
	enum source source;
	size_t offset; /* in struct spec; FROM_SETTING: in struct spark_settings */
} derived[DERIVED_COUNT] = {
	{ "spark.jars", FROM_LIST, offsetof(struct spec, jars) },
	{ "spark.files", FROM_LIST, offsetof(struct spec, files) },
	{ "spark.yarn.dist.archives", FROM_LIST, offsetof(struct spec, archives) },
	{ "spark.archives", FROM_LIST, offsetof(struct spec, archives) },
	{ "spark.submit.pyFiles", FROM_LIST, offsetof(struct spec, py_files) },
	{ "spark.driver.memory", FROM_TEXT, offsetof(struct spec, driver_memory) },
	{ "spark.driver.cores", FROM_COUNT, offsetof(struct spec, driver_cores) },
	{ "spark.executor.memory", FROM_TEXT, offsetof(struct spec, executor_memory) },
	{ "spark.executor.cores", FROM_COUNT, offsetof(struct spec, executor_cores) },
	{ "spark.executor.instances", FROM_COUNT, offsetof(struct spec, executor_count) },
	{ "spark.master", FROM_SETTING, offsetof(struct spark_settings, master) },
	{ "spark.submit.deployMode", FROM_SETTING, offsetof(struct spark_settings, deploy_mode) },
};

struct argv {
	struct arena *arena;
	const char **items; /* NULL once the arena was full */
	size_t count;
};

/* The parts in one string of the arena's, NULL when it is full. */
static char *join(struct arena *a, const char *const *parts, size_t count, const char *separator)
{
	size_t between = strlen(separator), n = 1;

	for (size_t i = 0; i < count; i++)
		n += strlen(parts[i]) + between;

	char *all = arena_alloc(a, n), *end = all;
	for (size_t i = 0; all && i < count; i++) {
		size_t len = strlen(parts[i]);

		if (i > 0) {
			memcpy(end, separator, between);
			end += between;
		}
		memcpy(end, parts[i], len);
		end += len;
	}
	return all;
}

static const char *join_two(struct arena *a, const char *left, const char *separator, const char *right)
{
	return join(a, (const char *const[]){ left, right }, 2, separator);
}

static const char *decimal(struct arena *a, int n)
{
	_sbuf_ struct sbuf text = SBUF_INIT(16);

	sbuf_addi(&text, n);
	return arena_strdup(a, sbuf_str(&text));
}

static void push(struct argv *v, const char *arg)
{
	v->items[v->count++] = arg;
}

static void push_option(struct argv *v, const char *option, const char *value)
{
	if (!value)
		return;
	push(v, option);
	push(v, value);
}

static void push_conf(struct argv *v, const char *key, const char *value)
{
	/* SparkProcessBuilder's exception: this key has an option of its own. */
	if (strcmp(key, "spark.submit.pyFiles") == 0) {
		push_option(v, "--py-files", value);
		return;
	}
	push(v, "--conf");
	push(v, join_two(v->arena, key, "=", value));
}

/* The value that the request's fields or the server give to a key; NULL: none, conf has its way. */
static const char *derived_value(struct arena *a, const struct derived *d, const struct spec *spec,
				 const struct spark_settings *settings)
{
	const char *base = d->source == FROM_SETTING ? (const char *)settings : (const char *)spec;
	const void *at = base + d->offset;

	if (d->source == FROM_LIST) {
		const struct spec_list *list = at;
		return list->count ? join(a, list->items, list->count, ",") : NULL;
	}
	if (d->source == FROM_COUNT) {
		int count = *(const int *)at;
		return count == SPEC_UNSET ? NULL : decimal(a, count);
	}

	const char *text = *(const char *const *)at;
	return d->source == FROM_SETTING && str_empty(text) ? NULL : text;
}

static void derive(struct arena *a, const struct spec *spec, const struct spark_settings *settings,
		   const char *values[DERIVED_COUNT])
{
	bool yarn = str_starts(settings->master, "yarn");

	for (size_t i = 0; i < DERIVED_COUNT; i++) {
		/*
		 * On YARN the archives travel as spark.yarn.dist.archives alone; elsewhere that key does nothing (D25).
		 */
		bool skip = yarn && strcmp(derived[i].key, "spark.archives") == 0;

		values[i] = skip ? NULL : derived_value(a, &derived[i], spec, settings);
	}
}

static const struct derived *find_derived(const char *key)
{
	for (size_t i = 0; i < DERIVED_COUNT; i++)
		if (strcmp(derived[i].key, key) == 0)
			return &derived[i];
	return NULL;
}

static void push_pair(struct sparkargs_conf *to, const char *key, const char *value)
{
	if (value) /* else the arena is full; said at the end */
		to->pairs[to->count++] = (struct spec_pair){ key, value };
}

bool sparkargs_conf(struct arena *a, const struct spec *spec, const struct spark_settings *settings,
		    struct sparkargs_conf *ret, struct error *e)
{
	const char *values[DERIVED_COUNT];

	ret->count = 0;
	ret->pairs = arena_alloc(a, (spec->conf_count + DERIVED_COUNT) * sizeof *ret->pairs);
	if (!ret->pairs)
		return error_set(e, ERR_TOO_LARGE, "the submission is too large");
	derive(a, spec, settings, values);
	for (size_t i = 0; i < spec->conf_count; i++) {
		const char *key = spec->conf[i].key, *value = spec->conf[i].value;
		const struct derived *d = find_derived(key);
		size_t at = d ? (size_t)(d - derived) : 0;

		if (str_starts(key, "florus."))
			continue;
		if (d && values[at]) {
			bool both = d->source == FROM_LIST && *value;

			value = both ? join_two(a, values[at], ",", value) : values[at];
			values[at] = NULL;
		}
		push_pair(ret, key, value);
	}
	for (size_t i = 0; i < DERIVED_COUNT; i++)
		push_pair(ret, derived[i].key, values[i]);
	return arena_ok(a) || error_set(e, ERR_TOO_LARGE, "the submission is too large");
}

static bool has_secrets(const struct spec *spec)
{
	for (size_t i = 0; i < spec->conf_count; i++)
		if (redact_is_secret(spec->conf[i].key))
			return true;
	return false;
}

static bool check_size(const struct argv *v, struct error *e)
{
	size_t total = 0;

	if (v->count > SPARK_ARGV_MAX_COUNT)
		return error_set(e, ERR_INVALID,
				 "Rejected, Reason: the command line would have more than %d arguments.",
				 SPARK_ARGV_MAX_COUNT);
	for (size_t i = 0; i < v->count; i++) {
		size_t bytes = strlen(v->items[i]) + 1;

		if (bytes > ARG_MAX_BYTES)
			return error_set(
				e, ERR_INVALID,
				"Rejected, Reason: an argument or configuration entry is longer than %d bytes.",
				ARG_MAX_BYTES - 1);
		total += bytes + sizeof v->items[i]; /* the kernel counts the pointers too */
	}
	if (total > SPARK_ARGV_MAX_BYTES)
		return error_set(e, ERR_INVALID, "Rejected, Reason: the command line would be longer than %d bytes.",
				 SPARK_ARGV_MAX_BYTES);
	return true;
}

bool sparkargs_build(struct arena *a, const struct spec *spec, const struct spark_settings *settings,
		     const char ***ret_argv, struct error *e)
{
	/* spark-submit, file, the final NULL, five options of two strings each, all conf, all args */
	size_t room = 3 + 2 * 5 + 2 * (spec->conf_count + DERIVED_COUNT) + spec->args.count;
	struct argv v = { .arena = a, .items = arena_alloc(a, room * sizeof *v.items) };
	struct sparkargs_conf conf;

	if (!v.items)
		return error_set(e, ERR_TOO_LARGE, "the submission is too large");
	if (!sparkargs_conf(a, spec, settings, &conf, e))
		return false;

	push(&v, settings->spark_submit);
	push_option(&v, "--name", spec->name);
	push_option(&v, "--class", spec->class_name);
	for (size_t i = 0; i < conf.count; i++)
		if (!redact_is_secret(conf.pairs[i].key))
			push_conf(&v, conf.pairs[i].key, conf.pairs[i].value);
	push_option(&v, "--proxy-user", settings->proxy_user);
	push_option(&v, "--queue", spec->queue);
	if (has_secrets(spec))
		push_option(&v, "--properties-file", settings->properties);
	push(&v, spec->file);
	for (size_t i = 0; i < spec->args.count; i++)
		push(&v, spec->args.items[i]);

	if (!arena_ok(a))
		return error_set(e, ERR_TOO_LARGE, "the submission is too large");
	if (!check_size(&v, e))
		return false;
	*ret_argv = v.items;
	return true;
}

bool sparkargs_properties(struct arena *a, const struct spec *spec, const char **ret, struct error *e)
{
	_sbuf_ struct sbuf text = SBUF_INIT(SPARK_PROPERTIES_MAX_BYTES);

	for (size_t i = 0; i < spec->conf_count; i++)
		if (redact_is_secret(spec->conf[i].key))
			javaprops_add(&text, spec->conf[i].key, spec->conf[i].value);
	if (!sbuf_ok(&text))
		return error_set(
			e, ERR_INVALID,
			"Rejected, Reason: the configuration entries that hold secrets are longer than %d bytes.",
			SPARK_PROPERTIES_MAX_BYTES);
	*ret = text.len ? arena_strdup(a, text.data) : NULL;
	return arena_ok(a) || error_set(e, ERR_TOO_LARGE, "the submission is too large");
}

bool sparkargs_in_cluster(const struct spec *spec, const struct spark_settings *settings)
{
	if (!str_empty(settings->deploy_mode))
		return str_eq(settings->deploy_mode, "cluster");
	for (size_t i = 0; i < spec->conf_count; i++)
		if (str_eq(spec->conf[i].key, "spark.submit.deployMode"))
			return str_eq(spec->conf[i].value, "cluster");
	return false;
}
