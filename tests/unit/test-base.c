#include "base/arena.h"
#include "base/json.h"
#include "base/map.h"
#include "base/sbuf.h"
#include "base/str.h"
#include "t.h"
#include <string.h>

TEST(a_star_stands_for_any_text)
{
	static const struct {
		const char *pattern, *text;
		bool fits;
	} cases[] = {
		{ "", "", true },
		{ "", "a", false },
		{ "a", "a", true },
		{ "a", "", false },
		{ "a", "ab", false },
		{ "*", "", true },
		{ "*", "abc", true },
		{ "a*", "a", true },
		{ "a*c", "abbc", true },
		{ "a*c", "abcd", false },
		{ "a*c", "acbc", true },
		{ "*b*", "abc", true },
		{ "*b*", "ac", false },
		{ "a*b*c", "axbxbxc", true },
		{ "a*b*c", "acb", false },
		{ "**a", "ba", true },
		{ "a*a", "a", false },
		{ "x.*.y", "x.y", false },
		{ "x.*.y", "x.a.b.y", true },
		{ "a?c", "abc", false },
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++)
		if (str_glob(cases[i].pattern, cases[i].text) != cases[i].fits)
			t_fail(__FILE__, __LINE__, "%s on %s", cases[i].pattern, cases[i].text);
}

TEST(a_builder_stops_at_its_limit)
{
	_sbuf_ struct sbuf b = SBUF_INIT(8);

	sbuf_adds(&b, "1234567");
	CHECK(sbuf_ok(&b));
	sbuf_adds(&b, "89");
	CHECK(!sbuf_ok(&b));
	CHECK_STR(b.data, "1234567");
}

/* An empty file: room was made for it, nothing came. */
TEST(a_builder_that_only_made_room_holds_an_empty_text)
{
	_sbuf_ struct sbuf b = SBUF_INIT(100);
	char *used = xmalloc(101);

	memset(used, 'x', 101);
	free(used); /* the next block of that size is this one */
	CHECK(sbuf_reserve(&b, 100) != NULL);
	CHECK_STR(sbuf_str(&b), "");
}

TEST(a_builder_writes_every_integer)
{
	_sbuf_ struct sbuf b = SBUF_INIT(100);

	sbuf_addi(&b, INT64_MIN);
	sbuf_addc(&b, ' ');
	sbuf_addi(&b, INT64_MAX);
	sbuf_addc(&b, ' ');
	sbuf_addi(&b, 0);
	CHECK_STR(b.data, "-9223372036854775808 9223372036854775807 0");
}

TEST(an_arena_refuses_past_its_limit_and_says_so)
{
	_arena_ struct arena *a = arena_new(100);

	CHECK(arena_alloc(a, 64));
	CHECK(arena_ok(a));
	CHECK(!arena_alloc(a, 64));
	CHECK(!arena_ok(a));
}

TEST(a_map_keeps_what_remains_when_others_go)
{
	static char keys[1000][8];
	struct map *m = map_new();

	for (int i = 0; i < 1000; i++) {
		(void)snprintf(keys[i], sizeof keys[i], "k%d", i);
		map_set(m, keys[i], keys[i]);
	}
	for (int i = 0; i < 1000; i += 3)
		map_del(m, keys[i]);
	for (int i = 0; i < 1000; i++)
		CHECK(map_get(m, keys[i]) == (i % 3 ? keys[i] : NULL));
	CHECK_INT(map_count(m), 666);
	(void)map_free(m);
}

TEST(numbers_are_read_whole_or_not_at_all)
{
	int32_t i32 = 7;
	int64_t i64 = 7;

	CHECK(str_to_i32("-2147483648", &i32) && i32 == INT32_MIN);
	CHECK(!str_to_i32("2147483648", &i32));
	CHECK(!str_to_i32("", &i32) && !str_to_i32("-", &i32) && !str_to_i32("1x", &i32) && !str_to_i32(" 1", &i32));
	CHECK(str_to_i32("007", &i32) && i32 == 7);
	CHECK(str_to_i64("-9223372036854775808", &i64) && i64 == INT64_MIN);
	CHECK(!str_to_i64("9223372036854775808", &i64));
}

TEST(sizes_and_durations_have_units)
{
	int64_t v = 0;

	CHECK(str_to_bytes("10", &v) && v == 10);
	CHECK(str_to_bytes("1g", &v) && v == 1 << 30);
	CHECK(str_to_bytes("2KB", &v) && v == 2048);
	CHECK(!str_to_bytes("g", &v) && !str_to_bytes("-1", &v) && !str_to_bytes("9999999999g", &v));
	CHECK(str_to_ms("600s", 1, &v) && v == 600000);
	CHECK(str_to_ms("5", 1000, &v) && v == 5000);
	CHECK(str_to_ms("30d", 1, &v) && v == 2592000000);
	CHECK(!str_to_ms("5x", 1, &v) && !str_to_ms("", 1, &v) && !str_to_ms("-5s", 1, &v));
}

TEST(percent_escapes_are_decoded_or_refused)
{
	char good[] = "a%2Fb%20c", nul[] = "a%00", cut[] = "a%2", junk[] = "%zz";

	CHECK_INT(str_percent_decode(good), 5);
	CHECK_STR(good, "a/b c");
	CHECK_INT(str_percent_decode(nul), -1);
	CHECK_INT(str_percent_decode(cut), -1);
	CHECK_INT(str_percent_decode(junk), -1);
}

TEST(the_writer_escapes_what_json_must)
{
	_sbuf_ struct sbuf b = SBUF_INIT(1000);
	struct jw w = { .out = &b };

	jw_open(&w, NULL, '{');
	jw_str(&w, "a", "q\" b\\ n\n e\x1b /");
	jw_str(&w, "none", NULL);
	jw_open(&w, "list", '[');
	jw_int(&w, NULL, -1);
	jw_str(&w, NULL, "\xC3\xA9 \xC3 \xED\xA0\x80");
	jw_close(&w, ']');
	jw_close(&w, '}');
	CHECK_STR(b.data, "{\"a\":\"q\\\" b\\\\ n\\n e\\u001B /\",\"none\":null,\"list\":[-1,\"\xC3\xA9 \xEF\xBF\xBD "
			  "\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD\"]}");
}

static const struct jr *parse(struct arena *a, const char *text, struct error *e)
{
	const struct jr *v = NULL;

	return jr_parse(a, text, strlen(text), &v, e) ? v : NULL;
}

TEST(the_reader_keeps_the_text_of_numbers)
{
	_arena_ struct arena *a = arena_new(10000);
	struct error e = { 0 };
	const struct jr *v = parse(a, "{\"a\":[2.50,-1e5,99999999999999999999,true,\"x\",null]}", &e);

	CHECK(v && v->type == JR_OBJECT);
	const struct jr *list = jr_get(v, "a");
	CHECK_INT(list->count, 6);
	CHECK_INT(list->items[0].type, JR_NUMBER);
	CHECK_STR(list->items[0].text, "2.50");
	CHECK_STR(list->items[1].text, "-1e5");
	CHECK_STR(list->items[2].text, "99999999999999999999");
	CHECK_STR(list->items[3].text, "true");
	CHECK_INT(list->items[4].type, JR_STRING);
	CHECK_INT(list->items[5].type, JR_NULL);
}

TEST(the_reader_skips_the_mark_that_windows_begins_texts_with)
{
	_arena_ struct arena *a = arena_new(10000);
	struct error e = { 0 };

	CHECK(parse(a, "\xEF\xBB\xBF{\"a\":1}", &e));
	CHECK(!parse(a, "\xEF\xBB\xBF", &e));
	CHECK(strstr(e.msg, "No content"));
	CHECK(!parse(a, "\xEF\xBB\xBF\xEF\xBB\xBF{}", &e));
}

TEST(a_string_cannot_pose_as_a_number)
{
	_arena_ struct arena *a = arena_new(10000);
	struct error e = { 0 };
	const struct jr *v = parse(a, "[\"\\u00015\", \"\\\\u0001\"]", &e);

	CHECK(v);
	CHECK_INT(v->items[0].type, JR_STRING);
	CHECK_STR(v->items[0].text, "\0015");
	CHECK_STR(v->items[1].text, "\\u0001");
}

TEST(the_reader_refuses_what_is_not_one_strict_value)
{
	static const char *const bad[] = { "",
					   "  ",
					   "{",
					   "{} {}",
					   "{}x",
					   "[1,]",
					   "{'a':1}",
					   "[01]",
					   "[+1]",
					   "[1.]",
					   "[-]",
					   "NaN",
					   "[NaN]",
					   "{\"a\":1,\"a\":2}",
					   "{\"a\":1,\"\\u0061\":2}",
					   "[\"\\u0000\"]",
					   "[\"\\ud800\"]",
					   "[\"\xff\"]",
					   "// x\n{}",
					   "[1 2]",
					   "[1e]",
					   "[-01]" };

	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		_arena_ struct arena *a = arena_new(10000);
		struct error e = { 0 };

		if (parse(a, bad[i], &e))
			t_fail(__FILE__, __LINE__, "accepted %s", bad[i]);
		CHECK_INT(e.code, ERR_MALFORMED);
		CHECK(e.msg[0]);
	}
}

TEST(deep_nesting_is_refused_flat)
{
	static char text[200001];
	_arena_ struct arena *a = arena_new(1000000);
	struct error e = { 0 };

	memset(text, '[', 100000);
	CHECK(!parse(a, text, &e));
	memset(text + 100000, ']', 100000);
	CHECK(!parse(a, text, &e));
	CHECK_INT(e.code, ERR_MALFORMED);
}
