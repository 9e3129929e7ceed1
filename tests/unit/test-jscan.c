#include "base/jscan.h"
#include "base/json.h"
#include "t.h"
#include <string.h>

/* The values of a container, one line each, behind their keys. False: it is bad. */
static bool walk(const char *text, struct sbuf *to)
{
	struct jscan s = jscan_in(text, strlen(text));
	struct jslice key, value;

	sbuf_clear(to);
	while (jscan_next(&s, &key, &value)) {
		sbuf_add(to, key.text ? key.text : "-", key.text ? key.len : 1);
		sbuf_addc(to, ' ');
		sbuf_add(to, value.text, value.len);
		sbuf_addc(to, '\n');
	}
	return !s.bad;
}

TEST(values_are_found_as_they_stand)
{
	static const struct {
		const char *text, *want;
	} cases[] = {
		{ "{}", "" },
		{ " [ ] \n", "" },
		{ "{\"a\":1,\"b\" : {\"c\":[1,{}]} , \"a\":null}", "a 1\nb {\"c\":[1,{}]}\na null\n" },
		{ "[-1.5e3,\"}]\",[],true]", "- -1.5e3\n- \"}]\"\n- []\n- true\n" },
		{ "{\"q\\\"\":\"\\\\\",\"\":\"\\\"\"}", "q\\\" \"\\\\\"\n \"\\\"\"\n" },
	};
	_sbuf_ struct sbuf got = SBUF_INIT(4096);

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		CHECK(walk(cases[i].text, &got));
		CHECK_STR(sbuf_str(&got), cases[i].want);
	}
}

TEST(what_is_cut_or_crooked_is_bad)
{
	static const char *const cases[] = {
		"",        " ",         "1",        "\"{}\"",     "{",         "[",     "{\"a\"",
		"{\"a\":", "{\"a\":}",  "{\"a\":1", "{\"a\":1,}", "{\"a\" 1}", "{a:1}", "{\"a\":1 \"b\":2}",
		"[1 2]",   "[,1]",      "[1,]",     "{\"a\":[}",  "[{]}",      "{} {}", "[]]",
		"[\"a]",   "[\"a\\\"]", "[[1]",     "{]",         "[}",
	};
	_sbuf_ struct sbuf got = SBUF_INIT(4096);

	for (size_t i = 0; i < ARRAY_LEN(cases); i++)
		CHECK(!walk(cases[i], &got));
}

TEST(no_cut_of_a_text_is_read_beyond_its_end)
{
	static const char whole[] = "{\"a\":[1,{\"b\":\"c\\\"d\"}],\"e\":{\"f\":true}}";
	struct jslice value;

	for (size_t n = 0; n < sizeof whole - 1; n++) {
		char *cut = xmalloc(n + 1); /* for the sanitizers */

		memcpy(cut, whole, n);
		CHECK(!jscan_member((struct jslice){ cut, n }, "a", &value));
		free(cut);
	}
	CHECK(jscan_member((struct jslice){ whole, sizeof whole - 1 }, "e", &value));
	CHECK(jscan_is(value, "{\"f\":true}"));
}

TEST(a_member_is_the_last_of_its_name_and_may_be_missing)
{
	static const char text[] = "{\"a\":1,\"b\":2,\"a\":3}", list[] = "[1]";
	struct jslice value;

	CHECK(jscan_member((struct jslice){ text, sizeof text - 1 }, "a", &value));
	CHECK(jscan_is(value, "3"));
	CHECK(jscan_member((struct jslice){ text, sizeof text - 1 }, "c", &value));
	CHECK(!value.text);
	CHECK(!jscan_member((struct jslice){ list, sizeof list - 1 }, "a", &value));
}

TEST(brackets_are_counted_to_a_ceiling)
{
	char text[2 * (JR_DEPTH_MAX + 1) + 3];
	_sbuf_ struct sbuf got = SBUF_INIT(4096);

	for (int depth = JR_DEPTH_MAX; depth <= JR_DEPTH_MAX + 1; depth++) {
		text[0] = '[';
		memset(text + 1, '[', (size_t)depth);
		memset(text + 1 + depth, ']', (size_t)depth + 1);
		text[2 * depth + 2] = '\0';
		CHECK_INT(walk(text, &got), depth == JR_DEPTH_MAX);
	}
}
