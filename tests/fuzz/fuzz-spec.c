/*
 * fuzz-spec - any bytes as the body of POST /batches, and on to spark-submit's argv.
 *
 * Must hold: a refusal says why and what kind it is; of an accepted body all that spec.h
 * promises is true; in argv the file and the args stand last, in order and unchanged.
 */
#include "base/str.h"
#include "model/sparkargs.h"
#include <stdint.h>
#include <string.h>

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

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	_arena_ struct arena *a = arena_new(SPEC_ARENA_MAX);
	struct error e = { 0 };
	struct spec s;

	if (!spec_parse(a, n ? (const char *)data : "", n, &s, &e)) {
		must_be_refusal(&e);
		return 0;
	}
	check_promises(&s);
	check_argv(a, &s);
	return 0;
}
