#include "base/sbuf.h"
#include "model/spec.h"
#include "t.h"
#include <string.h>

/* Livy's two; one map for the whole process. */
static const struct map *denied(void)
{
	static struct map *two;

	if (!two) {
		two = map_new();
		map_set(two, "spark.submit.deployMode", two);
		map_set(two, "spark.submit.proxyUser.allowCustomClasspathInClusterMode", two);
	}
	return two;
}

#define CHAIN(rest) " (through reference chain: org.apache.livy.server.batch.CreateBatchRequest" rest ")"
#define FAILED(rest) "Rejected, Reason: requirement failed: " rest

/* A body with one more field beside a good file. */
#define WITH(field) "{\"file\":\"/a.py\"," field "}"

/* Lives to the end of the test's process; the leak checker sees it through here. */
static struct arena *arena;

static struct spec accepted(const char *body)
{
	struct spec spec;
	struct error e = { 0 };

	arena = arena ? arena : arena_new(SPEC_ARENA_MAX);
	CHECK_OK(spec_parse(arena, SPEC_BATCH, body, strlen(body), denied(), &spec, &e), e);
	return spec;
}

static struct error refused(const char *body)
{
	_arena_ struct arena *a = arena_new(SPEC_ARENA_MAX);
	struct spec spec = { .file = "untouched" };
	struct error e = { 0 };

	if (spec_parse(a, SPEC_BATCH, body, strlen(body), denied(), &spec, &e))
		t_fail(__FILE__, __LINE__, "accepted: %s", body);
	CHECK_STR(spec.file, "untouched");
	return e;
}

static void check_malformed(const char *body, const char *msg)
{
	struct error e = refused(body);

	CHECK_STR(e.msg, msg);
	CHECK_STR(error_name(e.code), "malformed");
}

static void check_invalid(const char *body, const char *msg)
{
	struct error e = refused(body);

	CHECK_STR(e.msg, msg);
	CHECK_STR(error_name(e.code), "invalid");
}

TEST(all_sixteen_fields_are_read)
{
	struct spec s = accepted(
		"{\"file\":\"hdfs:///app.jar\",\"proxyUser\":\"bob\",\"args\":[\"a b\",\"\xF0\x9F\x90\x98\"],"
		"\"className\":\"org.x.Main\",\"jars\":[\"/j1\",\"/j2\"],\"pyFiles\":[\"/p\"],\"files\":[\"/f\"],"
		"\"driverMemory\":\"1g\",\"driverCores\":2,\"executorMemory\":\"3g\",\"executorCores\":4,"
		"\"numExecutors\":5,\"archives\":[\"/z.zip#z\"],\"queue\":\"q\",\"name\":\"n1\","
		"\"conf\":{\"spark.b\":\"x\",\"spark.a\":\"y\"}}");

	CHECK_STR(s.file, "hdfs:///app.jar");
	CHECK_STR(s.proxy_user, "bob");
	CHECK_INT(s.args.count, 2);
	CHECK_STR(s.args.items[0], "a b");
	CHECK_STR(s.args.items[1], "\xF0\x9F\x90\x98");
	CHECK_STR(s.class_name, "org.x.Main");
	CHECK_INT(s.jars.count, 2);
	CHECK_STR(s.jars.items[1], "/j2");
	CHECK_STR(s.py_files.items[0], "/p");
	CHECK_STR(s.files.items[0], "/f");
	CHECK_STR(s.driver_memory, "1g");
	CHECK_INT(s.driver_cores, 2);
	CHECK_STR(s.executor_memory, "3g");
	CHECK_INT(s.executor_cores, 4);
	CHECK_INT(s.executor_count, 5);
	CHECK_STR(s.archives.items[0], "/z.zip#z");
	CHECK_STR(s.queue, "q");
	CHECK_STR(s.name, "n1");
	CHECK_INT(s.conf_count, 2);
	CHECK_STR(s.conf[0].key, "spark.b");
	CHECK_STR(s.conf[1].value, "y");
}

TEST(a_file_is_enough)
{
	struct spec s = accepted("{\"file\":\"/a.py\"}");

	CHECK_STR(s.file, "/a.py");
	CHECK(!s.name && !s.class_name && !s.queue && !s.proxy_user && !s.driver_memory && !s.executor_memory);
	CHECK_INT(s.driver_cores, SPEC_UNSET);
	CHECK_INT(s.args.count + s.jars.count + s.py_files.count + s.files.count + s.archives.count + s.conf_count, 0);
}

TEST(null_is_absent_in_every_optional_field)
{
	struct spec s = accepted(WITH("\"proxyUser\":null,\"args\":null,\"className\":null,\"jars\":null,"
				      "\"pyFiles\":null,\"files\":null,\"driverMemory\":null,\"driverCores\":null,"
				      "\"executorMemory\":null,\"executorCores\":null,\"numExecutors\":null,"
				      "\"archives\":null,\"queue\":null,\"name\":null,\"conf\":null"));

	CHECK(!s.name && !s.class_name && !s.queue && !s.proxy_user);
	CHECK_INT(s.args.count + s.conf_count + s.jars.count, 0);
	CHECK_INT(s.executor_count, SPEC_UNSET);
}

TEST(an_unknown_field_is_named_with_the_known_ones)
{
	check_malformed(
		WITH("\"bogus\":1"),
		"Unrecognized field \"bogus\" (class org.apache.livy.server.batch.CreateBatchRequest), not marked as "
		"ignorable (16 known properties: \"file\", \"proxyUser\", \"args\", \"className\", \"jars\", "
		"\"pyFiles\", \"files\", \"driverMemory\", \"driverCores\", \"executorMemory\", "
		"\"executorCores\", \"numExecutors\", \"archives\", \"queue\", \"name\", \"conf\"])");
	CHECK(strstr(refused("{\"File\":\"/a\"}").msg, "Unrecognized field \"File\""));
	CHECK(strstr(refused(WITH("\"ttl\":null")).msg, "Unrecognized field \"ttl\""));
}

TEST(a_foreign_name_is_echoed_only_in_part_and_never_in_control_bytes)
{
	struct error e = refused(WITH("\"0123456789012345678901234567890123456789012345678901234567890123456789\":1"));

	CHECK(strstr(e.msg, "\"0123456789012345678901234567890123456789012345678901234567890123\" (class"));
	CHECK(strstr(e.msg, "\"conf\"])")); /* and the rest is still whole */
	/* 63 bytes and then a character of two: it is left out, not torn */
	e = refused(WITH("\"012345678901234567890123456789012345678901234567890123456789012\xC3\xA9\":1"));
	CHECK(strstr(e.msg, "\"012345678901234567890123456789012345678901234567890123456789012\" (class"));
	e = refused(WITH("\"a\\u001b[31mb\\r\\n\":1"));
	CHECK(strstr(e.msg, "\"a?[31mb??\" (class"));
}

TEST(a_body_that_is_no_object_is_malformed)
{
	static const char who[] =
		"Cannot deserialize value of type `org.apache.livy.server.batch.CreateBatchRequest` from ";
	char want[200];

	(void)snprintf(want, sizeof want, "%sArray value", who);
	check_malformed("[]", want);
	(void)snprintf(want, sizeof want, "%sString value", who);
	check_malformed("\"x\"", want);
	(void)snprintf(want, sizeof want, "%sNumber value", who);
	check_malformed("5", want);
	(void)snprintf(want, sizeof want, "%sBoolean value", who);
	check_malformed("true", want);
	(void)snprintf(want, sizeof want, "%snull", who);
	check_malformed("null", want);
}

TEST(what_is_no_json_is_malformed)
{
	static const char *const bodies[] = {
		"",
		" ",
		"{",
		"{\"file\":\"/a\",}",
		"{'file':'/a'}",
		"{\"file\":\"/a\"} x",
		"{\"file\":\"/a\"}{}",
		"{\"file\":\"/a\",\"file\":\"/b\"}",
		"{\"file\":\"/a\",\"\\u0066ile\":\"/b\"}",
		WITH("\"driverCores\":NaN"),
		WITH("\"driverCores\":01"),
		WITH("\"name\":\"\\u0000\""),
		WITH("\"name\":\"\\ud800\""),
		WITH("\"name\":\"\xC0\xAF\""),
		"{\"file\":\"/a\"/**/}",
		"{1 :2}",
		WITH("\"conf\":{1 :\"x\"}"),
		WITH("\"conf\":{-1.5e3\n:\"x\"}"),
	};

	for (size_t i = 0; i < ARRAY_LEN(bodies); i++) {
		struct error e = refused(bodies[i]);

		CHECK_STR(error_name(e.code), "malformed");
		CHECK(e.msg[0]);
	}
}

TEST(a_wrong_type_is_named_with_the_way_to_it)
{
	check_malformed("{\"file\":[\"/a\"]}",
			"Cannot deserialize value of type `java.lang.String` from Array value" CHAIN("[\"file\"]"));
	check_malformed(WITH("\"name\":{}"),
			"Cannot deserialize value of type `java.lang.String` from Object value" CHAIN("[\"name\"]"));
	check_malformed(WITH("\"args\":\"a b\""),
			"Cannot deserialize value of type `scala.collection.immutable.List<java.lang.String>` "
			"from String value" CHAIN("[\"args\"]"));
	check_malformed(WITH("\"jars\":{}"),
			"Cannot deserialize value of type `scala.collection.immutable.List<java.lang.String>` "
			"from Object value" CHAIN("[\"jars\"]"));
	check_malformed(WITH("\"args\":[\"x\",[\"y\"]]"),
			"Cannot deserialize value of type `java.lang.String` from Array value" CHAIN("[\"args\"][1]"));
	check_malformed(WITH("\"conf\":[]"), "Cannot deserialize value of type "
					     "`scala.collection.immutable.Map<java.lang.String,java.lang.String>` "
					     "from Array value" CHAIN("[\"conf\"]"));
	check_malformed(WITH("\"conf\":{\"spark.a\":{\"b\":1}}"),
			"Cannot deserialize value of type `java.lang.String` from Object value" CHAIN(
				"[\"conf\"][\"spark.a\"]"));
	check_malformed(WITH("\"driverCores\":[1]"),
			"Cannot deserialize value of type `int` from Array value" CHAIN("[\"driverCores\"]"));
	check_malformed(WITH("\"driverCores\":true"),
			"Cannot deserialize value of type `int` from Boolean value" CHAIN("[\"driverCores\"]"));
}

TEST(null_in_a_list_is_malformed)
{
	check_malformed(WITH("\"args\":[\"a\",null]"),
			"Cannot deserialize value of type `java.lang.String` from null" CHAIN("[\"args\"][1]"));
	check_malformed(WITH("\"files\":[null]"),
			"Cannot deserialize value of type `java.lang.String` from null" CHAIN("[\"files\"][0]"));
}

TEST(every_scalar_becomes_its_exact_text)
{
	struct spec s = accepted(WITH("\"name\":true,\"driverMemory\":2.50,\"args\":[1,true,2.50,1e3,-0,\"\"],"
				      "\"conf\":{\"spark.i\":4,\"spark.f\":1.50,\"spark.t\":false,\"spark.n\":null,"
				      "\"spark.e\":\"\",\"spark.big\":123456789012345678901234567890}"));

	CHECK_STR(s.name, "true");
	CHECK_STR(s.driver_memory, "2.50");
	CHECK_INT(s.args.count, 6);
	CHECK_STR(s.args.items[0], "1");
	CHECK_STR(s.args.items[1], "true");
	CHECK_STR(s.args.items[2], "2.50");
	CHECK_STR(s.args.items[3], "1e3");
	CHECK_STR(s.args.items[4], "-0");
	CHECK_STR(s.args.items[5], "");
	CHECK_STR(s.conf[0].value, "4");
	CHECK_STR(s.conf[1].value, "1.50");
	CHECK_STR(s.conf[2].value, "false");
	CHECK_STR(s.conf[3].value, "null");
	CHECK_STR(s.conf[4].value, "");
	CHECK_STR(s.conf[5].value, "123456789012345678901234567890");
}

TEST(counts_may_be_written_as_strings)
{
	struct spec s = accepted(WITH("\"driverCores\":\"2\",\"executorCores\":1,\"numExecutors\":\"2147483647\""));

	CHECK_INT(s.driver_cores, 2);
	CHECK_INT(s.executor_cores, 1);
	CHECK_INT(s.executor_count, 2147483647);
}

TEST(a_count_that_is_no_whole_number_from_one_up_is_malformed)
{
	static const char *const values[] = { "0",       "-1",         "2.0",
					      "1e1",     "2147483648", "99999999999999999999",
					      "\"0\"",   "\"\"",       "\"-\"",
					      "\" 2\"",  "\"2 \"",     "\"+2\"",
					      "\"0x2\"", "\"two\"",    "\"1.5\"" };

	for (size_t i = 0; i < ARRAY_LEN(values); i++) {
		char body[100], want[300];

		(void)snprintf(body, sizeof body, WITH("\"numExecutors\":%s"), values[i]);
		(void)snprintf(want, sizeof want,
			       "Cannot deserialize value of type `int` from %s value: not a whole number from 1 to "
			       "2147483647" CHAIN("[\"numExecutors\"]"),
			       values[i][0] == '"' ? "String" : "Number");
		check_malformed(body, want);
	}
}

TEST(the_file_is_required)
{
	check_invalid("{}", FAILED("File is required."));
	check_invalid("{\"file\":null,\"name\":\"x\"}", FAILED("File is required."));
}

TEST(a_file_that_cannot_be_a_path_is_refused)
{
	check_invalid("{\"file\":\"\"}", FAILED("Path '' is not absolute."));
	check_invalid("{\"file\":\"  \"}", FAILED("Path '  ' is not absolute."));
	check_invalid("{\"file\":\"--conf\"}", FAILED("Path '--conf' is not absolute."));
	check_invalid("{\"file\":\"-c\"}", FAILED("Path '-c' is not absolute."));
}

TEST(a_name_of_digits_or_nothing_is_refused)
{
	check_invalid(WITH("\"name\":\"123\""), "Rejected, Reason: Invalid session name: 123");
	check_invalid(WITH("\"name\":123"), "Rejected, Reason: Invalid session name: 123");
	check_invalid(WITH("\"name\":\"\""), "Rejected, Reason: Invalid session name: ");
	CHECK_STR(accepted(WITH("\"name\":\"12a\"")).name, "12a");
	CHECK_STR(accepted(WITH("\"name\":\"-1\"")).name, "-1");
	CHECK_STR(accepted(WITH("\"name\":\"--master\"")).name, "--master");
	CHECK_STR(accepted(WITH("\"name\":\"$(touch /tmp/x); `a` \\\"'\\\\\"")).name, "$(touch /tmp/x); `a` \"'\\");
}

TEST(names_have_a_ceiling_in_bytes)
{
	static const char *const fields[] = { "name",      "queue",        "className",
					      "proxyUser", "driverMemory", "executorMemory" };
	char text[SPEC_NAME_MAX + 2] = { 0 }, body[SPEC_NAME_MAX + 100], want[200];

	for (size_t i = 0; i < ARRAY_LEN(fields); i++) {
		memset(text, 'n', SPEC_NAME_MAX + 1);
		(void)snprintf(body, sizeof body, "{\"file\":\"/a\",\"%s\":\"%s\"}", fields[i], text);
		(void)snprintf(want, sizeof want, FAILED("%s must not be longer than 255 bytes."), fields[i]);
		check_invalid(body, want);

		text[SPEC_NAME_MAX] = '\0';
		(void)snprintf(body, sizeof body, "{\"file\":\"/a\",\"%s\":\"%s\"}", fields[i], text);
		(void)accepted(body);
	}
}

TEST(control_characters_are_refused_and_not_repeated)
{
	static const char *const fields[] = { "file",           "proxyUser", "className", "driverMemory",
					      "executorMemory", "queue",     "name" };
	static const char *const lists[] = { "jars", "pyFiles", "files", "archives" };
	static const char *const controls[] = { "\\n",     "\\r",     "\\t",     "\\u001b",
						"\\u0001", "\\u007f", "\\u0085", "\\u009b" };
	char body[200], want[200];

	for (size_t c = 0; c < ARRAY_LEN(controls); c++) {
		for (size_t i = 0; i < ARRAY_LEN(fields); i++) {
			bool file = strcmp(fields[i], "file") == 0;

			(void)snprintf(body, sizeof body,
				       file ? "{\"%s\":\"/a%sb\"}" : "{\"%s\":\"a%sb\",\"file\":\"/a\"}", fields[i],
				       controls[c]);
			(void)snprintf(want, sizeof want, FAILED("%s must not contain control characters."), fields[i]);
			check_invalid(body, want);
		}
		for (size_t i = 0; i < ARRAY_LEN(lists); i++) {
			(void)snprintf(body, sizeof body, WITH("\"%s\":[\"/ok\",\"/a%s\"]"), lists[i], controls[c]);
			(void)snprintf(want, sizeof want, FAILED("%s must not contain control characters."), lists[i]);
			check_invalid(body, want);
		}
	}
}

TEST(what_only_resembles_a_control_character_passes)
{
	CHECK_STR(accepted(WITH("\"name\":\"\\u00a0\\u00e9\\u2028\"")).name, "\xC2\xA0\xC3\xA9\xE2\x80\xA8");
}

TEST(args_and_conf_values_keep_every_byte)
{
	struct spec s = accepted(WITH("\"args\":[\"a\\r\\nb\\u0001\",\"$(x)`;'\\\"\\\\%n%s${jndi:x}\"],"
				      "\"conf\":{\"spark.x\":\"l1\\nl2\\t\"}"));

	CHECK_STR(s.args.items[0], "a\r\nb\x01");
	CHECK_STR(s.args.items[1], "$(x)`;'\"\\%n%s${jndi:x}");
	CHECK_STR(s.conf[0].value, "l1\nl2\t");
}

TEST(empty_paths_are_dropped_and_empty_args_are_not)
{
	struct spec s = accepted(WITH("\"jars\":[\"\",\"/a\",\"\"],\"files\":[\"\"],\"args\":[\"\",\"x\",\"\"]"));

	CHECK_INT(s.jars.count, 1);
	CHECK_STR(s.jars.items[0], "/a");
	CHECK_INT(s.files.count, 0);
	CHECK_INT(s.args.count, 3);
}

TEST(a_class_name_that_spark_submit_could_misread_is_refused)
{
	static const char want[] = FAILED("className is not the name of a class.");

	check_invalid(WITH("\"className\":\"--proxy-user\""), want);
	check_invalid(WITH("\"className\":\"a b\""), want);
	check_invalid(WITH("\"className\":\"a;b\""), want);
	CHECK_STR(accepted(WITH("\"className\":\"a.B$C_d\"")).class_name, "a.B$C_d");
}

TEST(a_conf_key_is_made_of_letters_digits_dots_dashes_and_underscores)
{
#define BAD(shown)                                             \
	"Rejected, Reason: Invalid configuration key \"" shown \
	"\": a key consists of letters, digits, '.', '_' and '-', at most 1024."
	check_invalid(WITH("\"conf\":{\"\":\"x\"}"), BAD(""));
	check_invalid(WITH("\"conf\":{\"spark.files=/etc/shadow,x\":\"y\"}"), BAD("spark.files=/etc/shadow,x"));
	check_invalid(WITH("\"conf\":{\" spark.master\":\"y\"}"), BAD(" spark.master"));
	check_invalid(WITH("\"conf\":{\"spark.master\\t\":\"y\"}"), BAD("spark.master?"));
	check_invalid(WITH("\"conf\":{\"spark.m\xC3\xA1ster\":\"y\"}"), BAD("spark.m\xC3\xA1ster"));
	check_invalid(WITH("\"conf\":{\"livy.a b\":\"y\"}"), BAD("livy.a b"));
	CHECK_INT(accepted(WITH("\"conf\":{\"emr-serverless.session.executionRoleArn\":\"x\",\"A_1\":2}")).conf_count,
		  2);
}

TEST(keys_of_livy_are_accepted_and_dropped)
{
	struct spec s =
		accepted(WITH("\"conf\":{\"livy.uri\":\"http://u:p@h\",\"spark.a\":\"1\",\"livy.x\":2,\"livyx\":3}"));

	CHECK_INT(s.conf_count, 2);
	CHECK_STR(s.conf[0].key, "spark.a");
	CHECK_STR(s.conf[1].key, "livyx");
}

TEST(denied_conf_keys_are_all_listed)
{
	check_invalid(WITH("\"conf\":{\"spark.submit.deployMode\":\"cluster\"}"),
		      "Rejected, Reason: Blacklisted configuration values in session config: spark.submit.deployMode");
	check_invalid(WITH("\"conf\":{\"spark.submit.proxyUser.allowCustomClasspathInClusterMode\":true,\"spark.a\":1,"
			   "\"spark.submit.deployMode\":\"client\"}"),
		      "Rejected, Reason: Blacklisted configuration values in session config: "
		      "spark.submit.proxyUser.allowCustomClasspathInClusterMode, spark.submit.deployMode");
	CHECK_INT(accepted(WITH("\"conf\":{\"spark.submit.deployModes\":1,\"spark.master\":\"local\"}")).conf_count, 2);
}

TEST(conf_has_a_ceiling_of_entries_and_of_bytes_in_a_key)
{
	_sbuf_ struct sbuf body = SBUF_INIT(256 * 1024);
	char key[SPEC_KEY_MAX + 2];

	for (int more = 0; more < 2; more++) {
		sbuf_adds(&body, "{\"file\":\"/a\",\"conf\":{\"livy.x\":1");
		for (int i = 1; i < SPEC_CONF_MAX + more; i++)
			sbuf_addf(&body, ",\"spark.k%d\":1", i);
		sbuf_adds(&body, "}}");
		if (more)
			check_invalid(body.data, "Rejected, Reason: conf has more than 4096 entries.");
		else
			CHECK_INT(accepted(body.data).conf_count, SPEC_CONF_MAX - 1);
		sbuf_clear(&body);
	}
	for (size_t n = SPEC_KEY_MAX; n <= SPEC_KEY_MAX + 1; n++) {
		memset(key, 'k', n);
		key[n] = '\0';
		sbuf_addf(&body, "{\"file\":\"/a\",\"conf\":{\"%s\":1}}", key);
		if (n > SPEC_KEY_MAX)
			CHECK_STR(error_name(refused(body.data).code), "invalid");
		else
			CHECK_INT(accepted(body.data).conf_count, 1);
		sbuf_clear(&body);
	}
}

TEST(the_first_thing_livy_would_notice_is_reported)
{
	check_invalid("{\"name\":\"1\",\"conf\":{\"spark.submit.deployMode\":1}}",
		      "Rejected, Reason: Invalid session name: 1");
	check_invalid("{\"conf\":{\"spark.submit.deployMode\":1}}",
		      "Rejected, Reason: Blacklisted configuration values in session config: spark.submit.deployMode");
	CHECK_STR(error_name(refused("{\"name\":\"1\",\"args\":5}").code), "malformed");
}

TEST(deep_nesting_is_refused)
{
	static char body[200001];

	memset(body, '[', sizeof body - 1);
	CHECK_STR(error_name(refused(body).code), "malformed");
	for (size_t i = 0; i < sizeof body - 1; i += 5)
		memcpy(body + i, "{\"a\":", 5);
	CHECK_STR(error_name(refused(body).code), "malformed");
}

TEST(a_body_is_not_read_past_its_length)
{
	_arena_ struct arena *a = arena_new(SPEC_ARENA_MAX);
	struct error e = { 0 };
	struct spec s;
	/* exactly its size, no NUL behind it: the address sanitizer watches the rest */
	static const char text[] = "{\"file\":\"/a.py\",\"driverCores\":2}";
	_free_ char *body = xmalloc(sizeof text - 1);

	memcpy(body, text, sizeof text - 1);
	CHECK_OK(spec_parse(a, SPEC_BATCH, body, sizeof text - 1, denied(), &s, &e), e);
	CHECK(!spec_parse(a, SPEC_BATCH, body, sizeof text - 2, denied(), &s, &e));
}

TEST(a_key_is_not_lost_when_the_arena_is_full)
{
	static const char body[] = "{\"args\":[],\"conf\":{},\"jars\":[],\"files\":[]}";

	for (size_t limit = 0; limit < 1024; limit += 16) {
		_arena_ struct arena *a = arena_new(limit);
		struct error e = { 0 };
		struct spec s;

		CHECK(!spec_parse(a, SPEC_BATCH, body, sizeof body - 1, denied(), &s, &e));
		CHECK(e.code == ERR_TOO_LARGE || e.code == ERR_INVALID);
	}
}

TEST(an_arena_of_any_size_gives_the_spec_or_a_refusal)
{
	static const char body[] = WITH("\"conf\":{\"spark.a\":\"b\",\"spark.c\":{},\"spark.d\":[]}");
	static const char good[] = WITH("\"args\":[\"a\"],\"conf\":{\"spark.a\":\"b\"},\"jars\":[\"/x\",\"/y\"]");
	bool fitted = false;

	for (size_t limit = 0; limit < 4096; limit += 16) {
		_arena_ struct arena *a = arena_new(limit), *b = arena_new(limit);
		struct error e = { 0 };
		struct spec s;

		CHECK(!spec_parse(a, SPEC_BATCH, body, sizeof body - 1, denied(), &s, &e));
		CHECK(e.code == ERR_TOO_LARGE || e.code == ERR_MALFORMED);
		bool ok = spec_parse(b, SPEC_BATCH, good, sizeof good - 1, denied(), &s, &e);
		CHECK(ok || e.code == ERR_TOO_LARGE);
		CHECK(ok || !fitted); /* what fitted once fits from there on */
		fitted = ok;
	}
	CHECK(fitted);
}
