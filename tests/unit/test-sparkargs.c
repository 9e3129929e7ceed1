#include "base/sbuf.h"
#include "model/sparkargs.h"
#include "t.h"
#include <string.h>

static const struct spark_settings local = { .spark_submit = "/opt/spark/bin/spark-submit", .master = "local[2]" };

/* The command line for a body, its strings one after the other with " | " between them. */
static const char *command(const char *body, const struct spark_settings *settings)
{
	static char line[8192];
	_arena_ struct arena *a = arena_new(SPEC_ARENA_MAX);
	_sbuf_ struct sbuf all = SBUF_INIT(sizeof line - 1);
	const char **argv;
	struct error e = { 0 };
	struct spec spec;

	CHECK_OK(spec_parse(a, SPEC_BATCH, body, strlen(body), NULL, &spec, &e), e);
	CHECK_OK(sparkargs_build(a, &spec, settings, &argv, &e), e);
	for (size_t i = 0; argv[i]; i++)
		sbuf_addf(&all, "%s%s", i ? " | " : "", argv[i]);
	CHECK(sbuf_ok(&all));
	memcpy(line, all.data, all.len + 1);
	return line;
}

TEST(the_least_submission)
{
	CHECK_STR(command("{\"file\":\"/a.py\"}", &local),
		  "/opt/spark/bin/spark-submit | --conf | spark.master=local[2] | /a.py");
}

TEST(everything_at_once_in_livys_order)
{
	struct spark_settings yarn = local;

	yarn.master = "yarn";
	yarn.deploy_mode = "cluster";
	yarn.proxy_user = "bob";
	CHECK_STR(
		command("{\"file\":\"hdfs:///app.jar\",\"proxyUser\":\"ignored\",\"args\":[\"--master\",\"a b\",\"\"],"
			"\"className\":\"org.x.Main\",\"jars\":[\"/j1\",\"/j2\"],\"pyFiles\":[\"/p1\",\"/p2\"],"
			"\"files\":[\"/f\"],\"driverMemory\":\"1g\",\"driverCores\":2,\"executorMemory\":\"3g\","
			"\"executorCores\":4,\"numExecutors\":5,\"archives\":[\"/z#z\"],\"queue\":\"q\","
			"\"name\":\"my job\",\"conf\":{\"spark.z\":\"1 2\",\"spark.a\":\"\"}}",
			&yarn),
		"/opt/spark/bin/spark-submit | --name | my job | --class | org.x.Main"
		" | --conf | spark.z=1 2 | --conf | spark.a="
		" | --conf | spark.jars=/j1,/j2 | --conf | spark.files=/f | --conf | spark.yarn.dist.archives=/z#z"
		" | --py-files | /p1,/p2"
		" | --conf | spark.driver.memory=1g | --conf | spark.driver.cores=2"
		" | --conf | spark.executor.memory=3g | --conf | spark.executor.cores=4"
		" | --conf | spark.executor.instances=5"
		" | --conf | spark.master=yarn | --conf | spark.submit.deployMode=cluster"
		" | --proxy-user | bob | --queue | q | hdfs:///app.jar | --master | a b | ");
}

TEST(request_fields_beat_conf_in_the_place_of_the_users_key)
{
	CHECK_STR(command("{\"file\":\"/a\",\"driverMemory\":\"8g\",\"numExecutors\":7,\"conf\":{"
			  "\"spark.executor.instances\":1,\"spark.x\":\"y\",\"spark.driver.memory\":\"1g\","
			  "\"spark.executor.cores\":3}}",
			  &local),
		  "/opt/spark/bin/spark-submit | --conf | spark.executor.instances=7 | --conf | spark.x=y"
		  " | --conf | spark.driver.memory=8g | --conf | spark.executor.cores=3"
		  " | --conf | spark.master=local[2] | /a");
}

TEST(the_servers_master_beats_the_users)
{
	CHECK_STR(command("{\"file\":\"/a\",\"conf\":{\"spark.master\":\"yarn\",\"spark.b\":1}}", &local),
		  "/opt/spark/bin/spark-submit | --conf | spark.master=local[2] | --conf | spark.b=1 | /a");
}

TEST(an_empty_deploy_mode_is_not_set)
{
	struct spark_settings settings = local;

	settings.deploy_mode = "";
	CHECK_STR(command("{\"file\":\"/a\"}", &settings),
		  "/opt/spark/bin/spark-submit | --conf | spark.master=local[2] | /a");
}

TEST(the_request_lists_come_before_confs_own)
{
	CHECK_STR(
		command("{\"file\":\"/a\",\"jars\":[\"/j1\",\"/j2\"],\"files\":[\"/f\"],\"pyFiles\":[\"/p\"],\"conf\":{"
			"\"spark.submit.pyFiles\":\"/q\",\"spark.jars\":\"/j3,/j4\",\"spark.files\":\"\"}}",
			&local),
		"/opt/spark/bin/spark-submit | --py-files | /p,/q | --conf | spark.jars=/j1,/j2,/j3,/j4"
		" | --conf | spark.files=/f | --conf | spark.master=local[2] | /a");
}

TEST(conf_lists_without_a_request_list_stay_as_they_are)
{
	CHECK_STR(
		command("{\"file\":\"/a\",\"jars\":[\"\"],\"conf\":{\"spark.jars\":\"/j\",\"spark.submit.pyFiles\":\"/q\"}}",
			&local),
		"/opt/spark/bin/spark-submit | --conf | spark.jars=/j | --py-files | /q"
		" | --conf | spark.master=local[2] | /a");
}

TEST(archives_reach_spark_off_yarn_too)
{
	static const char body[] =
		"{\"file\":\"/a\",\"archives\":[\"/z1\",\"/z2#d\"],\"conf\":{\"spark.archives\":\"/u\"}}";
	struct spark_settings yarn = local;

	CHECK_STR(command(body, &local),
		  "/opt/spark/bin/spark-submit | --conf | spark.archives=/z1,/z2#d,/u"
		  " | --conf | spark.yarn.dist.archives=/z1,/z2#d | --conf | spark.master=local[2] | /a");
	yarn.master = "yarn-client";
	CHECK_STR(command(body, &yarn),
		  "/opt/spark/bin/spark-submit | --conf | spark.archives=/u"
		  " | --conf | spark.yarn.dist.archives=/z1,/z2#d | --conf | spark.master=yarn-client | /a");
}

TEST(a_queue_alone_makes_no_proxy_user)
{
	CHECK_STR(command("{\"file\":\"/a\",\"queue\":\"q\",\"proxyUser\":\"root\"}", &local),
		  "/opt/spark/bin/spark-submit | --conf | spark.master=local[2] | --queue | q | /a");
}

TEST(what_looks_like_shell_is_only_text)
{
	CHECK_STR(
		command("{\"file\":\"/a\",\"name\":\"$(x)\",\"args\":[\"`y`\",\";\",\"'\\\"\\\\\",\"\xF0\x9F\x90\x98\"],"
			"\"conf\":{\"spark.x\":\"${jndi:x} %n%s\\n2\"}}",
			&local),
		"/opt/spark/bin/spark-submit | --name | $(x) | --conf | spark.x=${jndi:x} %n%s\n2"
		" | --conf | spark.master=local[2] | /a | `y` | ; | '\"\\ | \xF0\x9F\x90\x98");
}

static struct spec with_args(struct arena *a, const char *arg, size_t count)
{
	const char **items = arena_alloc(a, count * sizeof *items);

	CHECK(items);
	for (size_t i = 0; i < count; i++)
		items[i] = arg;
	return (struct spec){ .file = "/a", .args = { items, count } };
}

static bool builds(const char *arg, size_t count, struct error *e)
{
	_arena_ struct arena *a = arena_new(SPEC_ARENA_MAX);
	struct spec spec = with_args(a, arg, count);
	const char **argv;

	return sparkargs_build(a, &spec, &local, &argv, e);
}

static char *text_of(size_t n)
{
	char *s = xmalloc(n + 1);

	memset(s, 'x', n);
	s[n] = '\0';
	return s;
}

TEST(one_argument_has_the_kernels_ceiling)
{
	_free_ char *most = text_of(128 * 1024 - 1), *more = text_of(128 * 1024);
	struct error e = { 0 };

	CHECK_OK(builds(most, 1, &e), e);
	CHECK(!builds(more, 1, &e));
	CHECK_STR(error_name(e.code), "invalid");
	CHECK_STR(e.msg, "Rejected, Reason: an argument or configuration entry is longer than 131071 bytes.");
}

TEST(the_command_line_has_a_ceiling_pointers_included)
{
	/* 1 MiB less what the four other strings take, in arguments of 64 KiB with NUL and pointer */
	_free_ char *part = text_of(65536 - 9);
	struct error e = { 0 };

	CHECK_OK(builds(part, 15, &e), e);
	CHECK(!builds(part, 16, &e));
	CHECK_STR(error_name(e.code), "invalid");
	CHECK_STR(e.msg, "Rejected, Reason: the command line would be longer than 1048576 bytes.");
}

TEST(the_number_of_arguments_has_a_ceiling)
{
	struct error e = { 0 };

	CHECK_OK(builds("", SPARK_ARGV_MAX_COUNT - 4, &e), e);
	CHECK(!builds("", SPARK_ARGV_MAX_COUNT - 3, &e));
	CHECK_STR(error_name(e.code), "invalid");
	CHECK_STR(e.msg, "Rejected, Reason: the command line would have more than 65536 arguments.");
	CHECK(!builds("x", 100000, &e)); /* S40 */
}

TEST(a_full_arena_is_a_refusal_at_every_size)
{
	static const char body[] = "{\"file\":\"/a\",\"name\":\"n\",\"jars\":[\"/j1\",\"/j2\"],\"driverCores\":2,"
				   "\"conf\":{\"spark.jars\":\"/j3\",\"spark.x\":\"y\"}}";
	bool fitted = false;

	for (size_t limit = 0; limit < 8192; limit += 16) {
		_arena_ struct arena *a = arena_new(SPEC_ARENA_MAX), *b = arena_new(limit);
		const char **argv;
		struct error e = { 0 };
		struct spec spec;

		CHECK_OK(spec_parse(a, SPEC_BATCH, body, sizeof body - 1, NULL, &spec, &e), e);
		bool ok = sparkargs_build(b, &spec, &local, &argv, &e);
		CHECK(ok || e.code == ERR_TOO_LARGE);
		CHECK(ok || !fitted);
		fitted = ok;
	}
	CHECK(fitted);
}

TEST(the_driver_runs_in_a_cluster_when_the_deploy_mode_says_so)
{
	static struct spec_pair conf[] = { { "spark.a", "cluster" }, { "spark.submit.deployMode", "cluster" } };
	static const struct {
		const char *setting;
		size_t conf_count;
		bool cluster;
	} cases[] = { { NULL, 1, false },     { "", 1, false },        { "cluster", 1, true },
		      { "client", 2, false }, { "CLUSTER", 1, false }, { NULL, 2, true } };

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		const struct spec spec = { .file = "/a", .conf = conf, .conf_count = cases[i].conf_count };
		struct spark_settings settings = local;

		settings.deploy_mode = cases[i].setting;
		CHECK_INT(sparkargs_in_cluster(&spec, &settings), cases[i].cluster);
	}
}

#define WITH_SECRETS                                                                                                    \
	"{\"file\":\"/a\",\"conf\":{\"spark.a\":\"1\",\"spark.hadoop.fs.s3a.Secret.Key\":\" two\\nlines\",\"b\":\"2\"," \
	"\"x.accessKey\":\"k\"}}"

TEST(secrets_are_in_no_argument)
{
	struct spark_settings settings = local;

	settings.properties = "/run/spark.conf";
	CHECK_STR(command(WITH_SECRETS, &settings),
		  "/opt/spark/bin/spark-submit | --conf | spark.a=1 | --conf | b=2 | --conf | spark.master=local[2]"
		  " | --properties-file | /run/spark.conf | /a");
	/* Nowhere at all is better than there. */
	CHECK_STR(command(WITH_SECRETS, &local), "/opt/spark/bin/spark-submit | --conf | spark.a=1 | --conf | b=2"
						 " | --conf | spark.master=local[2] | /a");
}

TEST(secrets_are_in_the_properties)
{
	_arena_ struct arena *a = arena_new(SPEC_ARENA_MAX);
	struct error e = { 0 };
	struct spec spec;
	const char *text;

	CHECK_OK(spec_parse(a, SPEC_BATCH, WITH_SECRETS, strlen(WITH_SECRETS), NULL, &spec, &e), e);
	CHECK_OK(sparkargs_properties(a, &spec, &text, &e), e);
	CHECK_STR(text, "spark.hadoop.fs.s3a.Secret.Key=\\u0020two\\u000alines\nx.accessKey=k\n");
	CHECK_OK(spec_parse(a, SPEC_BATCH, "{\"file\":\"/a\"}", 13, NULL, &spec, &e), e);
	CHECK_OK(sparkargs_properties(a, &spec, &text, &e), e);
	CHECK(!text);
}
