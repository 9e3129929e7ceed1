/*
 * fuzz-spec - any bytes as the body of POST /batches, and on through the policy to spark-submit's argv.
 *
 * Must hold: a refusal says why and what kind it is; of an accepted body all that spec.h
 * promises is true; in argv the file and the args stand last, in order and unchanged. What the policy lets
 * through has nothing that it exists to stop.
 */
#include "base/str.h"
#include "model/policy.h"
#include "model/sparkargs.h"
#include <stdint.h>
#include <string.h>
#include <strings.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static void must(bool holds)
{
	if (!holds)
		abort();
}

static void must_be_one_line(const char *s)
{
	for (; s && *s; s++)
		must((unsigned char)*s >= ' ' && *s != 127);
}

static void must_be_name(const char *s)
{
	must_be_one_line(s);
	must(!s || strlen(s) <= SPEC_NAME_MAX);
}

static void must_be_paths(const struct spec_list *list)
{
	for (size_t i = 0; i < list->count; i++) {
		must(list->items[i][0]);
		must_be_one_line(list->items[i]);
	}
}

static void check_promises(const struct spec *s)
{
	must(s->file && s->file[0] && s->file[0] != '-');
	must_be_one_line(s->file);
	must_be_name(s->class_name);
	must_be_name(s->queue);
	must_be_name(s->proxy_user);
	must_be_name(s->driver_memory);
	must_be_name(s->executor_memory);
	must_be_name(s->name);
	must(!s->name || (s->name[0] && !str_all_digits(s->name)));
	must(!s->class_name || (s->class_name[0] != '-' && !strpbrk(s->class_name, " ;")));
	must(s->driver_cores >= 0 && s->executor_cores >= 0 && s->executor_count >= 0);
	must_be_paths(&s->jars);
	must_be_paths(&s->py_files);
	must_be_paths(&s->files);
	must_be_paths(&s->archives);
	for (size_t i = 0; i < s->args.count; i++)
		must(s->args.items[i] != NULL);
	for (size_t i = 0; i < s->conf_count; i++) {
		const char *key = s->conf[i].key;

		must(key[0] && !str_starts(key, "livy.") && strcmp(key, "spark.submit.deployMode") != 0);
		must(!strpbrk(key, "=, \t\r\n"));
		must(s->conf[i].value != NULL);
	}
}

static void must_be_refusal(const struct error *e)
{
	must(e->msg[0] != '\0');
	must(e->code == ERR_MALFORMED || e->code == ERR_INVALID || e->code == ERR_TOO_LARGE);
}

static void check_argv(struct arena *a, const struct spec *s)
{
	static const struct spark_settings settings = { .spark_submit = "/s", .master = "local", .proxy_user = "bob" };
	const char **argv;
	struct error e = { 0 };
	size_t n = 0;

	if (!sparkargs_build(a, s, &settings, &argv, &e)) {
		must_be_refusal(&e);
		return;
	}
	while (argv[n])
		n++;
	must(n <= SPARK_ARGV_MAX_COUNT && n >= 4 + s->args.count);
	must(argv[0] && strcmp(argv[0], "/s") == 0);

	const char **last = argv + n - s->args.count;
	must(last[-1] == s->file);
	for (size_t i = 0; i < s->args.count; i++)
		must(last[i] == s->args.items[i]);
}

static const struct policy *standard_policy(void)
{
	static const struct policy_config how = { .url_hosts = "github.com" };
	static struct policy *policy;
	struct error e = { 0 };

	must(policy || policy_new(&how, &policy, &e));
	return policy;
}

static void check_policy(const struct spec *s)
{
	const struct policy *p = standard_policy();
	struct error e = { 0 };

	if (!policy_check(p, s, false, &e)) {
		must_be_refusal(&e);
		return;
	}
	for (size_t i = 0; i < s->conf_count; i++) {
		const char *key = s->conf[i].key, *value = s->conf[i].value;

		must(strcmp(key, "spark.jars.packages") != 0 || !*value);
		must(strcmp(key, "spark.driver.extraJavaOptions") != 0 ||
		     (!strstr(value, " -javaagent:") && !str_starts(value, "-javaagent:")));
		if (policy_path(p, key, false) != POLICY_NO_PATH && policy_check_uri(p, value, &e))
			must(!str_starts(value, "http:") && !str_starts(value, "https://127."));
	}
	if (policy_check_uri(p, s->file, &e))
		must(!str_starts(s->file, "https://") || strncasecmp(s->file + 8, "github.com", 10) == 0);
	else
		must_be_refusal(&e);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	_arena_ struct arena *a = arena_new(SPEC_ARENA_MAX);
	struct error e = { 0 };
	struct spec s;

	if (!spec_parse(a, SPEC_BATCH, n ? (const char *)data : "", n, policy_denied(standard_policy()), &s, &e)) {
		must_be_refusal(&e);
		return 0;
	}
	check_promises(&s);
	check_policy(&s);
	check_argv(a, &s);
	return 0;
}
