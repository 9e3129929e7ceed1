/* Spark standalone: what is sent to a master, and what it and its workers answer. */
#include "base/str.h"
#include "cluster/standalone/jws.h"
#include "cluster/standalone/create.h"
#include "cluster/standalone/read.h"
#include "t.h"
#include <string.h>

enum { ARENA = 1 << 20 };

static const struct standalone_target target = { "spark://m1:7077,m2:7077", "3.5.2", "florus-abc-1" };

static const char *body_of(struct arena *a, const struct submission *s, const struct standalone_target *to)
{
	_sbuf_ struct sbuf out = SBUF_INIT(STANDALONE_CREATE_MAX);

	CHECK(standalone_create_body(a, s, to, &out));
	return arena_strdup(a, sbuf_str(&out));
}

TEST(a_jar_is_run_by_its_class_in_cluster_mode)
{
	_arena_ struct arena *a = arena_new(ARENA);
	struct spec_pair conf[] = { { "spark.jars", "http://h/dep.jar" }, { "spark.x", "1" } };
	const char *args[] = { "a", "b c" };
	struct submission s = { .name = "n",
				.file = "http://h/app.jar",
				.class_name = "Main",
				.args = { args, 2 },
				.conf = conf,
				.conf_count = 2 };
	const char *body = body_of(a, &s, &target);

	CHECK(strstr(body, "\"appResource\":\"http://h/app.jar\",\"mainClass\":\"Main\""));
	CHECK(strstr(body, "\"appArgs\":[\"a\",\"b c\"]"));
	CHECK(strstr(body, "\"spark.jars\":\"http://h/app.jar,http://h/dep.jar\""));
	CHECK(strstr(body, "\"spark.submit.deployMode\":\"cluster\""));
	CHECK(strstr(body, "\"spark.florus.tag\":\"florus-abc-1\""));
	CHECK(strstr(body, "\"spark.master\":\"spark://m1:7077,m2:7077\""));
}

TEST(a_python_program_is_run_by_spark_submit_on_the_worker)
{
	_arena_ struct arena *a = arena_new(ARENA);
	const char *args[] = { "x" };
	struct spec_pair conf[] = { { "spark.submit.pyFiles", "http://h/dep.zip" } };
	struct submission s = { .name = "n",
				.file = "http://h/app.py",
				.python = true,
				.args = { args, 1 },
				.conf = conf,
				.conf_count = 1 };
	const char *body = body_of(a, &s, &target);

	CHECK(strstr(body, "\"appResource\":\"\",\"mainClass\":\"org.apache.spark.deploy.SparkSubmit\""));
	CHECK(strstr(
		body,
		"\"appArgs\":[\"--master\",\"spark://m1:7077,m2:7077\",\"--deploy-mode\",\"client\",\"--name\",\"n\","
		"\"--py-files\",\"http://h/dep.zip\",\"http://h/app.py\",\"x\"]"));
	CHECK(!strstr(body, "deployMode"));
}

TEST(only_spark_3_is_told_of_java_modules)
{
	_arena_ struct arena *a = arena_new(ARENA);
	struct submission s = { .name = "n", .file = "http://h/app.jar", .class_name = "Main" };
	struct standalone_target new = target;

	new.version = "4.0.1";
	CHECK(strstr(body_of(a, &s, &target), "--add-opens=java.base/java.nio=ALL-UNNAMED"));
	CHECK(!strstr(body_of(a, &s, &new), "--add-opens"));
}

TEST(what_the_rest_server_cannot_carry_has_a_reason)
{
	struct spec_pair braces = { "spark.x", "{{HOME}}" };
	struct submission fine = { .name = "n", .file = "a.jar", .class_name = "Main" };
	struct submission s = fine;

	CHECK(!standalone_gate(&fine));
	s.class_name = NULL;
	CHECK(standalone_gate(&s));
	s = fine, s.proxy_user = "u";
	CHECK(standalone_gate(&s));
	s = fine, s.r = true;
	CHECK(standalone_gate(&s));
	s = fine, s.conf = &braces, s.conf_count = 1;
	CHECK(standalone_gate(&s));
}

TEST(answers_are_read)
{
	static const char made[] =
		"{\"action\":\"CreateSubmissionResponse\",\"submissionId\":\"driver-1\",\"success\":true}";
	static const char idle[] = "{\"action\":\"CreateSubmissionResponse\",\"success\":false,\"message\":"
				   "\"Exception from the cluster:\\nCurrent state is not alive: STANDBY\"}";
	_arena_ struct arena *a = arena_new(ARENA);
	struct standalone_reply r;

	CHECK(standalone_read_reply(a, made, sizeof made - 1, &r));
	CHECK(r.success && !r.standby);
	CHECK_STR(r.id, "driver-1");
	CHECK(standalone_read_reply(a, idle, sizeof idle - 1, &r));
	CHECK(!r.success && r.standby);
	CHECK(!standalone_read_reply(a, "<html>", 6, &r));
	CHECK(!standalone_read_reply(a, "{}", 2, &r));
}

TEST(a_state_that_nobody_knows_says_nothing)
{
	enum app_state s = APP_PENDING;

	CHECK(standalone_state("KILLED", &s) && s == APP_KILLED);
	CHECK(standalone_state("RELAUNCHING", &s) && s == APP_RUNNING);
	CHECK(!standalone_state("UNKNOWN", &s));
	CHECK(!standalone_state(NULL, &s));
}

TEST(a_log_page_that_says_more_than_it_has_is_refused)
{
	static const char page[] = "==== Bytes 3-6 of 9 of /w/stderr ====\nabc";
	static const char lies[] = "==== Bytes 3-9 of 9 of /w/stderr ====\nabc";
	struct standalone_log log;

	CHECK(standalone_read_log(page, sizeof page - 1, &log));
	CHECK_INT(log.start, 3);
	CHECK_INT(log.end, 6);
	CHECK_INT(log.total, 9);
	CHECK(memcmp(log.bytes, "abc", 3) == 0);
	CHECK(!standalone_read_log(lies, sizeof lies - 1, &log));
	CHECK(!standalone_read_log("Error: invalid log directory", 28, &log));
}

TEST(a_command_line_says_whose_driver_it_is)
{
	static const struct {
		const char *text;
		enum standalone_head head;
	} rows[] = {
		{ "Launch Command: \"java\" \"-Dspark.florus.tag=florus-abc-1\"\n====\n", STANDALONE_HEAD_OURS },
		{ "Launch Command: \"java\" \"-Dspark.florus.tag=florus-abc-12\"\n", STANDALONE_HEAD_OTHER },
		{ "Launch Command: \"java\"\n\"-Dspark.florus.tag=florus-abc-1\"\n", STANDALONE_HEAD_OTHER },
		{ "Launch Command: \"java\" \"-Dspark.flo", STANDALONE_HEAD_CUT },
		{ "==== Bytes 0-0 of 0 of /w/stderr ====\n", STANDALONE_HEAD_NONE },
		{ "Error: invalid log directory /w", STANDALONE_HEAD_NONE },
		{ "", STANDALONE_HEAD_NONE },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		CHECK_INT(standalone_read_head(rows[i].text, strlen(rows[i].text), "florus-abc-1"), rows[i].head);
}

TEST(an_application_id_is_taken_only_whole)
{
	static const char line[] = "INFO Connected to Spark cluster with app ID app-2026-0001\nmore";
	char id[64];

	CHECK(standalone_find_app_id(line, sizeof line - 1, id, sizeof id));
	CHECK_STR(id, "app-2026-0001");
	CHECK(!standalone_find_app_id(line, sizeof line - 10, id, sizeof id));
}

TEST(a_jws_is_signed_as_its_standard_says)
{
	/* HMAC-SHA-256 of the first two parts with 32 bytes 'k', worked out with Python's hmac. */
	_sbuf_ struct sbuf token = SBUF_INIT(1024);
	struct error e;

	CHECK_OK(jws_token("a2tra2tra2tra2tra2tra2tra2tra2tra2tra2tra2s", &token, &e), e);
	CHECK_STR(sbuf_str(&token),
		  "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.e30.EXKom5pFvHXxUp5Kp4pzKdOJesWovbvQ9o4aM10qUzg");
	CHECK(!jws_token("c2hvcnQ", &token, &e));
	CHECK(!jws_token("not base64!", &token, &e));
}
