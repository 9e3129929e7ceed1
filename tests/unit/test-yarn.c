/* YARN: what its resource manager and its log pages answer. */
#include "base/str.h"
#include "cluster/entities.h"
#include "cluster/yarn/read.h"
#include "t.h"
#include <string.h>

enum { ARENA = 1 << 20 };

static const struct jr *read_json(struct arena *a, const char *text)
{
	const struct jr *ret;
	struct error e;

	CHECK_OK(jr_parse_answer(a, text, strlen(text), &ret, &e), e);
	return ret;
}

static bool read_app(struct arena *a, const char *text, struct yarn_app *ret)
{
	return yarn_read_app(read_json(a, text), ret);
}

TEST(an_app_says_its_state_its_times_and_where_its_log_is)
{
	_arena_ struct arena *a = arena_new(ARENA);
	struct yarn_app app;

	CHECK(read_app(a,
		       "{\"id\":\"application_1_0007\",\"state\":\"RUNNING\",\"finalStatus\":\"UNDEFINED\","
		       "\"trackingUrl\":\"http://rm:8088/proxy/application_1_0007/\",\"diagnostics\":\"\","
		       "\"startedTime\":1764000000001,\"finishedTime\":0,\"applicationTags\":\"florus-aa,florus-bb-1\","
		       "\"amContainerLogs\":\"http://nm:8042/node/containerlogs/container_1_0007_01_000001/etl\","
		       "\"masterNodeId\":\"nm:45454\"}",
		       &app));
	CHECK_STR(app.id, "application_1_0007");
	CHECK_STR(app.status.app_id, "application_1_0007");
	CHECK_INT(app.status.state, APP_RUNNING);
	CHECK_INT(app.status.started_ms, 1764000000001);
	CHECK_STR(app.status.ui_url, "http://rm:8088/proxy/application_1_0007/");
	CHECK_STR(app.logs, "http://nm:8042/node/containerlogs/container_1_0007_01_000001/etl");
	CHECK_STR(app.node, "nm:45454");
	CHECK_STR(app.tags, "florus-aa,florus-bb-1");
	CHECK(!app.status.why);
}

TEST(each_pair_of_states_ends_as_livy_says)
{
	static const struct {
		const char *state, *final_status;
		enum app_state is;
	} rows[] = {
		{ "NEW", "UNDEFINED", APP_PENDING },       { "NEW_SAVING", "UNDEFINED", APP_PENDING },
		{ "SUBMITTED", "UNDEFINED", APP_PENDING }, { "ACCEPTED", "UNDEFINED", APP_PENDING },
		{ "RUNNING", "UNDEFINED", APP_RUNNING },   { "FINISHED", "SUCCEEDED", APP_SUCCEEDED },
		{ "FINISHED", "FAILED", APP_FAILED },      { "FINISHED", "UNDEFINED", APP_FAILED },
		{ "FAILED", "FAILED", APP_FAILED },        { "KILLED", "KILLED", APP_KILLED },
		{ "KILLED", "SUCCEEDED", APP_KILLED },     { "FINISHED", "ENDED", APP_FAILED },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		_arena_ struct arena *a = arena_new(ARENA);
		_sbuf_ struct sbuf text = SBUF_INIT(1024);
		struct yarn_app app;

		sbuf_addf(&text, "{\"id\":\"a\",\"state\":\"%s\",\"finalStatus\":\"%s\"}", rows[i].state,
			  rows[i].final_status);
		CHECK(read_app(a, sbuf_str(&text), &app));
		CHECK_INT(app.status.state, rows[i].is);
	}
}

TEST(a_failed_app_has_yarns_words_or_says_that_there_are_none)
{
	_arena_ struct arena *a = arena_new(ARENA);
	struct yarn_app app;

	CHECK(read_app(a, "{\"id\":\"a\",\"state\":\"FAILED\",\"diagnostics\":\"AM Container exited with 13\"}", &app));
	CHECK_STR(app.status.why, "AM Container exited with 13");
	CHECK(read_app(a, "{\"id\":\"a\",\"state\":\"FAILED\",\"diagnostics\":\"\"}", &app));
	CHECK_STR(app.status.why, "YARN says that it failed, and not why");
}

TEST(what_is_no_app_or_in_no_known_state_is_not_read)
{
	_arena_ struct arena *a = arena_new(ARENA);
	struct yarn_app app;

	CHECK(!read_app(a, "[]", &app));
	CHECK(!read_app(a, "{}", &app));
	CHECK(!read_app(a, "{\"state\":\"RUNNING\"}", &app));
	CHECK(!read_app(a, "{\"id\":\"a\",\"state\":\"DREAMING\"}", &app));
	CHECK(!read_app(a, "{\"id\":7,\"state\":\"RUNNING\"}", &app));
}

TEST(only_an_empty_list_says_that_an_app_is_not_there)
{
	static const struct {
		const char *answer;
		enum yarn_found is;
	} rows[] = {
		{ "{\"apps\":null}", YARN_NOT_THERE },
		{ "{\"apps\":{}}", YARN_NOT_THERE },
		{ "{\"apps\":{\"app\":[]}}", YARN_NOT_THERE },
		{ "{\"apps\":{\"app\":[{\"id\":\"a\",\"state\":\"ACCEPTED\"}]}}", YARN_THERE },
		{ "{\"apps\":{\"app\":{\"id\":\"a\",\"state\":\"ACCEPTED\"}}}", YARN_THERE },
		{ "{\"app\":{\"id\":\"a\",\"state\":\"ACCEPTED\"}}", YARN_THERE },
		{ "{\"apps\":{\"app\":[{\"id\":\"a\",\"state\":\"DREAMING\"}]}}", YARN_UNREADABLE },
		{ "{\"apps\":\"none\"}", YARN_UNREADABLE },
		{ "{\"apps\":[]}", YARN_UNREADABLE },
		{ "{\"error\":\"the proxy is tired\"}", YARN_UNREADABLE },
		{ "{}", YARN_UNREADABLE },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		_arena_ struct arena *a = arena_new(ARENA);
		struct yarn_app app = { .id = NULL };

		CHECK_INT(yarn_read_found(read_json(a, rows[i].answer), &app), rows[i].is);
		if (rows[i].is == YARN_THERE)
			CHECK_STR(app.id, "a");
	}
}

TEST(only_yarns_own_word_says_that_an_app_is_forgotten)
{
	_arena_ struct arena *a = arena_new(ARENA);

	CHECK(yarn_read_unknown(read_json(
		a,
		"{\"RemoteException\":{\"exception\":\"NotFoundException\",\"message\":\"java.lang.Exception: app with id: "
		"application_1_0001 not found\",\"javaClassName\":\"org.apache.hadoop.yarn.webapp.NotFoundException\"}}")));
	CHECK(!yarn_read_unknown(read_json(a, "{\"RemoteException\":{\"exception\":\"StandbyException\"}}")));
	CHECK(!yarn_read_unknown(read_json(a, "{\"RemoteException\":\"NotFoundException\"}")));
	CHECK(!yarn_read_unknown(read_json(a, "{\"msg\":\"no such page\"}")));
	CHECK(!yarn_read_unknown(read_json(a, "{\"RemoteException\":[1]}")));
	CHECK(!yarn_read_unknown(read_json(a, "[1]")));
}

TEST(the_tag_of_a_job_is_told_from_that_of_the_server)
{
	_arena_ struct arena *a = arena_new(ARENA);

	CHECK_STR(yarn_own_tag(a, "etl,florus-aa11,florus-bb22-1", "florus-"), "florus-bb22-1");
	CHECK_STR(yarn_own_tag(a, "florus-bb22-1", "florus-"), "florus-bb22-1");
	CHECK(!yarn_own_tag(a, "florus-aa11,x-florus-bb-1,florus-", "florus-"));
	CHECK(!yarn_own_tag(a, "", "florus-"));
	CHECK(!yarn_own_tag(a, NULL, "florus-"));
}

TEST(a_log_page_gives_its_text_back_unescaped)
{
	static const char page[] =
		"<html><h1>x</h1><pre>a &lt;b&gt; &amp;amp; &quot;c&quot; &#39;d&#39; &nope; &\n</pre></html>";
	_sbuf_ struct sbuf text = SBUF_INIT(1024);
	int64_t length;

	CHECK(yarn_read_log(page, sizeof page - 1, &text, &length));
	CHECK_STR(sbuf_str(&text), "a <b> &amp; \"c\" 'd' &nope; &\n");
}

static void check_decoded(const char *html, const char *want)
{
	_sbuf_ struct sbuf text = SBUF_INIT(1024);

	entities_decode(&text, html, html + strlen(html));
	CHECK_STR(sbuf_str(&text), want);
}

TEST(a_page_writes_characters_by_their_names_and_numbers)
{
	check_decoded("&uuml;&Uuml;&nbsp;&AElig;&zwnj;&thetasym;&euro;",
		      "\xc3\xbc\xc3\x9c\xc2\xa0\xc3\x86\xe2\x80\x8c\xcf\x91\xe2\x82\xac");
	check_decoded("&#65;&#252;&#xFC;&#Xfc;&#8364;&#128512;",
		      "A\xc3\xbc\xc3\xbc\xc3\xbc\xe2\x82\xac\xf0\x9f\x98\x80");
	check_decoded("&amp;uuml; &amp;#65;", "&uuml; &#65;");
	check_decoded("&apos; &; &#; &#x; &#0; &#x110000; &#xD800; &#-1; &#1a; &# 1; &uum;",
		      "&apos; &; &#; &#x; &#0; &#x110000; &#xD800; &#-1; &#1a; &# 1; &uum;");
	check_decoded("&", "&");
	check_decoded("&&amp", "&&amp");
	check_decoded("&thetasymthetasym;&lt;", "&thetasymthetasym;<");
}

TEST(a_page_of_a_gathered_log_says_how_long_that_is)
{
	static const struct {
		const char *page;
		int64_t length;
	} rows[] = {
		{ "<p>Log Upload Time: now</p><p>Log Length: 123</p><pre>a</pre>", 123 },
		{ "<p>Log Length: 123</p><pre>a</pre>", -1 },
		{ "<p>Log Upload Time: now</p><pre>Log Length: 123</pre>", -1 },
		{ "<p>Log Upload Time: now</p><p>Log Length: </p><pre></pre>", -1 },
		{ "<p>Log Upload Time: now</p><p>Log Length: 99999999999999999999999999</p><pre></pre>", -1 },
		{ "<p>Log Upload Time: now</p>Log Length: 7<pre></pre>", 7 },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		_sbuf_ struct sbuf text = SBUF_INIT(1024);
		int64_t length;

		CHECK(yarn_read_log(rows[i].page, strlen(rows[i].page), &text, &length));
		CHECK_INT(length, rows[i].length);
	}
}

static int64_t offset_of(const char *lines, const char *rest, int64_t to, int64_t length)
{
	_sbuf_ struct sbuf text = SBUF_INIT(1024);

	sbuf_addf(&text, "%s%s", lines, rest);
	return yarn_log_offset(&text, strlen(lines), 1000, to, length);
}

#define LOST "\xef\xbf\xbd"

TEST(where_a_log_goes_on_is_counted_from_the_side_that_is_whole)
{
	CHECK_INT(offset_of("abc\n", "de", 1006, 5000), 1004);
	CHECK_INT(offset_of("abc\n", "d" LOST, 1006, 5000), 1004);
	CHECK_INT(offset_of("abc\n", "de", 1006, -1), 1004);
	/* one byte too many was shown as three: the page has six bytes, or what the log has left */
	CHECK_INT(offset_of("a" LOST "c\n", "de", 1006, 5000), 1004);
	CHECK_INT(offset_of("a" LOST "c\n", "de", 1064, 1006), 1004);
	CHECK_INT(offset_of("a" LOST "c\n", "", 1004, 1004), 1004);
	/* nobody knows: as it is shown */
	CHECK_INT(offset_of("a" LOST "c\n", "d" LOST, 1006, 5000), 1006);
	CHECK_INT(offset_of("a" LOST "c\n", "de", 1006, -1), 1006);
	/* what cannot be is not believed: a log never goes back */
	CHECK_INT(offset_of("a" LOST "c\n", "de", 1006, 10), 1006);
	CHECK_INT(offset_of("a" LOST "c\n", "de", 1002, 5000), 1006);
}

TEST(a_page_without_a_log_or_cut_off_is_not_read)
{
	_sbuf_ struct sbuf text = SBUF_INIT(1024), small = SBUF_INIT(2);
	int64_t length;

	CHECK(!yarn_read_log("<html>No logs available</html>", 30, &text, &length));
	CHECK(!yarn_read_log("<pre>half", 9, &text, &length));
	CHECK(!yarn_read_log("", 0, &text, &length));
	CHECK(!yarn_read_log("<pre>abc</pre>", 14, &small, &length));
}
