/*
 * What clusters are sent and what they answer: the pure part of the backends, and the submission that they are given.
 */
#include "base/str.h"
#include "cluster/standalone/jws.h"
#include "cluster/standalone/create.h"
#include "cluster/standalone/read.h"
#include "cluster/yarn/read.h"
#include "t.h"
#include <string.h>

enum { ARENA_MAX = 1 << 20 };

/* --- submission --- */

static struct submission must_build(struct arena *a, const char *body, const struct spec_pair *defaults, size_t n)
{
	const struct spark_settings settings = { .master = "spark://m:7077", .deploy_mode = "cluster" };
	struct submission s = { 0 };
	struct spec spec;
	struct error e;

	CHECK_OK(spec_parse(a, SPEC_BATCH, body, strlen(body), NULL, &spec, &e), e);
	CHECK_OK(submission_build(a, &spec, &settings, defaults, n, "ann", &s, &e), e);
	return s;
}

TEST(a_submission_has_each_key_once_with_the_value_that_wins)
{
	_arena_ struct arena *a = arena_new(ARENA_MAX);
	const struct spec_pair defaults[] = { { "spark.z", "default" }, { "spark.executor.memory", "1g" },
					      { "spark.b", "1" },       { "spark.b", "2" },
					      { "florus.x", "1" },      { "java.security.manager", "1" } };
	struct submission s = must_build(
		a,
		"{\"file\":\"hdfs:/a.jar\",\"className\":\"C\",\"executorMemory\":\"3g\",\"numExecutors\":2,\"jars\":[\"x\"],"
		"\"conf\":{\"spark.z\":\"own\",\"spark.executor.memory\":\"2g\",\"florus.cluster\":\"c\",\"log4j.x\":\"1\",\"spark.jars\":\"y\"}}",
		defaults, ARRAY_LEN(defaults));

	CHECK_STR(submission_conf(&s, "spark.z"), "own");
	CHECK_STR(submission_conf(&s, "spark.executor.memory"), "3g");
	CHECK_STR(submission_conf(&s, "spark.executor.instances"), "2");
	CHECK_STR(submission_conf(&s, "spark.jars"), "x,y");
	CHECK_STR(submission_conf(&s, "spark.b"), "2");
	CHECK_STR(submission_conf(&s, "spark.master"), "spark://m:7077");
	CHECK(!submission_conf(&s, "spark.absent"));
	for (size_t i = 0; i < s.conf_count; i++) {
		CHECK(str_starts(s.conf[i].key, "spark."));
		CHECK(i == 0 || strcmp(s.conf[i - 1].key, s.conf[i].key) < 0);
	}
	CHECK_STR(s.name, "C");
	CHECK_STR(s.user, "ann");
	CHECK(!s.python && !s.r);
}

TEST(a_submission_is_named_as_spark_would_name_it)
{
	static const struct {
		const char *body, *want;
	} cases[] = {
		{ "{\"file\":\"f.py\",\"name\":\"n\",\"conf\":{\"spark.app.name\":\"c\"}}", "n" },
		{ "{\"file\":\"f.py\",\"conf\":{\"spark.app.name\":\"c\"}}", "c" },
		{ "{\"file\":\"f.jar\",\"className\":\"C\"}", "C" },
		{ "{\"file\":\"hdfs:/d/f.py\"}", "f.py" },
		{ "{\"file\":\"f.py\"}", "f.py" },
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		_arena_ struct arena *a = arena_new(ARENA_MAX);

		CHECK_STR(must_build(a, cases[i].body, NULL, 0).name, cases[i].want);
	}
}

/* --- standalone --- */

static const struct jr *created(struct arena *a, const char *body, const char *version)
{
	const struct standalone_target to = { "spark://m:7077,n:7077", version, "florus-aa-1" };
	struct submission s = must_build(a, body, NULL, 0);
	_sbuf_ struct sbuf out = SBUF_INIT(STANDALONE_CREATE_MAX);
	const struct jr *top;
	struct error e;

	CHECK(standalone_create_body(a, &s, &to, &out));
	CHECK_OK(jr_parse(a, out.data, out.len, &top, &e), e);
	return top;
}

TEST(a_jar_is_created_with_its_class_and_strings_alone)
{
	_arena_ struct arena *a = arena_new(ARENA_MAX);
	const struct jr *top =
		created(a, "{\"file\":\"hdfs:/a.jar\",\"className\":\"C\",\"args\":[\"x\",\"y z\"],\"driverCores\":2}",
			"4.0.1");
	const struct jr *properties = jr_get(top, "sparkProperties"), *args = jr_get(top, "appArgs");

	CHECK_STR(jr_text(top, "action", JR_STRING), "CreateSubmissionRequest");
	CHECK_STR(jr_text(top, "appResource", JR_STRING), "hdfs:/a.jar");
	CHECK_STR(jr_text(top, "mainClass", JR_STRING), "C");
	CHECK_STR(jr_text(top, "clientSparkVersion", JR_STRING), "4.0.1");
	CHECK_INT(args->count, 2);
	CHECK_STR(args->items[1].text, "y z");
	CHECK_STR(jr_text(properties, "spark.jars", JR_STRING), "hdfs:/a.jar");
	CHECK_STR(jr_text(properties, "spark.driver.cores", JR_STRING), "2");
	CHECK_STR(jr_text(properties, "spark.submit.deployMode", JR_STRING), "cluster");
	CHECK_STR(jr_text(properties, STANDALONE_TAG_KEY, JR_STRING), "florus-aa-1");
	CHECK(!jr_get(properties, "spark.driver.defaultJavaOptions"));
	CHECK(jr_get(top, "environmentVariables"));
}

TEST(a_python_program_is_run_by_sparksubmit_on_a_worker)
{
	_arena_ struct arena *a = arena_new(ARENA_MAX);
	const struct jr *top = created(
		a,
		"{\"file\":\"http://h/a.py\",\"name\":\"n\",\"pyFiles\":[\"b.zip\"],\"files\":[\"c\"],\"args\":[\"x\"]}",
		"3.5.1");
	const struct jr *properties = jr_get(top, "sparkProperties"), *args = jr_get(top, "appArgs");
	static const char *const want[] = { "--master",      "spark://m:7077,n:7077",
					    "--deploy-mode", "client",
					    "--name",        "n",
					    "--files",       "c",
					    "--py-files",    "b.zip",
					    "http://h/a.py", "x" };

	CHECK_STR(jr_text(top, "appResource", JR_STRING), "");
	CHECK_STR(jr_text(top, "mainClass", JR_STRING), "org.apache.spark.deploy.SparkSubmit");
	CHECK_INT(args->count, ARRAY_LEN(want));
	for (size_t i = 0; i < ARRAY_LEN(want) && i < args->count; i++)
		CHECK_STR(args->items[i].text, want[i]);
	CHECK(!jr_get(properties, "spark.submit.deployMode") && !jr_get(properties, "spark.submit.pyFiles"));
	CHECK(strstr(jr_text(properties, "spark.driver.defaultJavaOptions", JR_STRING),
		     "--add-opens=java.base/java.nio=ALL-UNNAMED"));
}

TEST(what_standalone_cannot_carry_has_a_reason)
{
	static const struct {
		const char *body;
		bool native;
	} cases[] = {
		{ "{\"file\":\"a.jar\",\"className\":\"C\"}", true },
		{ "{\"file\":\"a.py\"}", true },
		{ "{\"file\":\"a.jar\"}", false },
		{ "{\"file\":\"a.R\"}", false },
		{ "{\"file\":\"a.py\",\"conf\":{\"spark.x\":\"{{HOME}}\"}}", false },
		{ "{\"file\":\"a.py\",\"conf\":{\"spark.x\":\"a {{HOME}}\"}}", true },
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		_arena_ struct arena *a = arena_new(ARENA_MAX);
		struct submission s = must_build(a, cases[i].body, NULL, 0);

		CHECK_INT(standalone_gate(&s) == NULL, cases[i].native);
	}
}

TEST(replies_of_a_master_are_read)
{
	_arena_ struct arena *a = arena_new(ARENA_MAX);
	static const char good[] =
		"{\"action\":\"CreateSubmissionResponse\",\"submissionId\":\"driver-1\",\"success\":true}";
	static const char standby[] =
		"{\"action\":\"E\",\"success\":false,\"message\":\"Exception from the cluster:\\nx: Current state is not alive: STANDBY\"}";
	struct standalone_reply r;

	CHECK(standalone_read_reply(a, good, sizeof good - 1, &r));
	CHECK(r.success && !r.standby);
	CHECK_STR(r.id, "driver-1");
	CHECK(standalone_read_reply(a, standby, sizeof standby - 1, &r));
	CHECK(!r.success && r.standby);
	CHECK(!standalone_read_reply(a, "<html>", 6, &r));
	CHECK(!standalone_read_reply(a, "[1]", 3, &r));
	CHECK(!standalone_read_reply(a, "{}", 2, &r));
}

TEST(log_pages_of_a_worker_are_read)
{
	static const struct {
		const char *page;
		bool ok;
		long long start, end, total;
	} cases[] = {
		{ "==== Bytes 0-3 of 9 of /w/driver-1/stderr ====\nabc", true, 0, 3, 9 },
		{ "==== Bytes 9-9 of 9 of /w/stdout ====\n", true, 9, 9, 9 },
		{ "==== Bytes 0-3 of 9 of /w ====\nab", false, 0, 0, 0 },
		{ "==== Bytes 3-0 of 9 of /w ====\n", false, 0, 0, 0 },
		{ "==== Bytes 0-3 of 2 of /w ====\nabc", false, 0, 0, 0 },
		{ "==== Bytes 0-3 of 9 of /w ====", false, 0, 0, 0 },
		{ "Error: invalid log directory", false, 0, 0, 0 },
		{ "", false, 0, 0, 0 },
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct standalone_log log;
		bool ok = standalone_read_log(cases[i].page, strlen(cases[i].page), &log);

		CHECK_INT(ok, cases[i].ok);
		if (!ok || !cases[i].ok)
			continue;
		CHECK_INT(log.start, cases[i].start);
		CHECK_INT(log.end, cases[i].end);
		CHECK_INT(log.total, cases[i].total);
	}
}

TEST(traces_in_a_drivers_stderr_are_found)
{
	static const char head[] = "Launch Command: \"java\" \"-Dspark.florus.tag=florus-ab-1\" \"C\"\n";
	static const char app[] =
		"INFO StandaloneSchedulerBackend: Connected to Spark cluster with app ID app-20261125-0001\nmore";
	char id[64];

	CHECK_INT(standalone_read_head(head, sizeof head - 1, "florus-ab-1"), STANDALONE_HEAD_OURS);
	CHECK(standalone_read_head(head, sizeof head - 1, "florus-ab-11") != STANDALONE_HEAD_OURS);
	CHECK(standalone_read_head(head, sizeof head - 1, "florus-ab") != STANDALONE_HEAD_OURS);
	CHECK(standalone_find_app_id(app, sizeof app - 1, id, sizeof id));
	CHECK_STR(id, "app-20261125-0001");
	CHECK(!standalone_find_app_id(app, sizeof app - 10, id, sizeof id)); /* cut in the middle of it */
}

TEST(jws_is_as_an_independent_program_makes_it)
{
	_sbuf_ struct sbuf token = SBUF_INIT(1024);
	struct error e;

	/* openssl dgst -sha256 -hmac 0123456789abcdef0123456789abcdef over the first two parts */
	CHECK_OK(jws_token("MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY", &token, &e), e);
	CHECK_STR(sbuf_str(&token),
		  "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.e30.svo3sQiBr6VRrugrrB1OoHS7Y-c0pzdPFYhCfjX7elM");
	CHECK(!jws_token("c2hvcnQ", &token, &e));
	CHECK_INT(e.code, ERR_CONFIG);
	CHECK(!jws_token("not base64!", &token, &e));
}

/* --- YARN --- */

TEST(yarn_states_are_livys)
{
	static const struct {
		const char *state, *final_status;
		int want; /* -1: unknown */
	} cases[] = {
		{ "NEW", "UNDEFINED", APP_PENDING },
		{ "ACCEPTED", "UNDEFINED", APP_PENDING },
		{ "RUNNING", "UNDEFINED", APP_RUNNING },
		{ "RUNNING", "SUCCEEDED", APP_RUNNING },
		{ "FINISHED", "SUCCEEDED", APP_SUCCEEDED },
		{ "FINISHED", "FAILED", APP_FAILED },
		{ "FINISHED", "UNDEFINED", APP_FAILED },
		{ "FAILED", "FAILED", APP_FAILED },
		{ "KILLED", "KILLED", APP_KILLED },
		{ "FINISHED", "KILLED", APP_KILLED },
		{ "WHATEVER", "FAILED", -1 },
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		_arena_ struct arena *a = arena_new(ARENA_MAX);
		_sbuf_ struct sbuf text = SBUF_INIT(4096);
		const struct jr *top;
		struct yarn_app app;
		struct error e;

		sbuf_addf(
			&text,
			"{\"id\":\"application_1_1\",\"state\":\"%s\",\"finalStatus\":\"%s\",\"x\":{\"e\":1,\"e\":2}}",
			cases[i].state, cases[i].final_status);
		CHECK_OK(jr_parse_answer(a, text.data, text.len, &top, &e), e);
		CHECK_INT(yarn_read_app(top, &app), cases[i].want >= 0);
		if (cases[i].want >= 0)
			CHECK_INT(app.status.state, cases[i].want);
	}
}

TEST(a_key_that_comes_twice_is_a_clusters_alone)
{
	_arena_ struct arena *a = arena_new(ARENA_MAX);
	static const char twice[] = "{\"a\":1,\"a\":2}";
	const struct jr *top;
	struct error e;

	CHECK(!jr_parse(a, twice, sizeof twice - 1, &top, &e));
	CHECK_OK(jr_parse_answer(a, twice, sizeof twice - 1, &top, &e), e);
	CHECK_INT(jr_int(top, "a", 0), 2);
	CHECK(!jr_parse_answer(a, "{\"a\":1} x", 9, &top, &e));
}

TEST(our_tag_is_told_from_that_of_the_server_and_those_of_others)
{
	_arena_ struct arena *a = arena_new(ARENA_MAX);

	CHECK_STR(yarn_own_tag(a, "florus-0011,florus-aabb-1", "florus-"), "florus-aabb-1");
	CHECK_STR(yarn_own_tag(a, "x, florus-aabb-2 ,y", "florus-"), "florus-aabb-2");
	CHECK(!yarn_own_tag(a, "florus-0011", "florus-"));
	CHECK(!yarn_own_tag(a, "", "florus-"));
	CHECK(!yarn_own_tag(a, NULL, "florus-"));
}

TEST(log_pages_of_hadoop_are_read)
{
	_sbuf_ struct sbuf text = SBUF_INIT(1024);
	int64_t length;
	static const char page[] = "<html><td><pre>a &lt;b&gt; &amp;amp; &quot;c&#39; & d\n</pre></td>";

	CHECK(yarn_read_log(page, sizeof page - 1, &text, &length));
	CHECK_STR(sbuf_str(&text), "a <b> &amp; \"c' & d\n");
	CHECK(!yarn_read_log("<pre>cut", 8, &text, &length));
	CHECK(!yarn_read_log("", 0, &text, &length));
}
