#include "base/cleanup.h"
#include "model/logview.h"
#include "t.h"
#include <stdint.h>

static void check(struct logview v, int64_t from, int64_t total, bool head, int64_t first, int64_t end, bool tail)
{
	CHECK_INT(v.from, from);
	CHECK_INT(v.total, total);
	CHECK_INT(v.head, head);
	CHECK_INT(v.end_line - v.first_line, end - first);
	if (first < end)
		CHECK_INT(v.first_line, first);
	CHECK_INT(v.end_after - v.first_after, tail);
}

TEST(the_default_slice_is_the_last_hundred)
{
	check(logview_slice(true, 300, 1, LOGVIEW_FROM_DEFAULT, LOGVIEW_SIZE_DEFAULT), 202, 302, false, 201, 300, true);
	check(logview_slice(true, 40, 1, LOGVIEW_FROM_DEFAULT, LOGVIEW_SIZE_DEFAULT), 0, 42, true, 0, 40, true);
}

TEST(an_excerpt_is_at_most_nine_lines_and_the_tail)
{
	check(logview_slice(true, 300, 1, -1, LOGVIEW_EXCERPT), 292, 302, false, 291, 300, true);
	check(logview_slice(true, 8, 1, -1, LOGVIEW_EXCERPT), 0, 10, true, 0, 8, true);
	check(logview_slice(true, 9, 1, -1, LOGVIEW_EXCERPT), 1, 11, false, 0, 9, true);
}

TEST(a_log_without_lines_has_its_two_headers)
{
	check(logview_slice(true, 0, 1, -1, 100), 0, 2, true, 0, 0, true);
	check(logview_slice(true, 0, 1, 0, 1), 0, 2, true, 0, 0, false);
	check(logview_slice(true, 0, 1, 1, 1), 1, 2, false, 0, 0, true);
}

TEST(a_slice_from_the_front_leaves_the_tail_out)
{
	check(logview_slice(true, 40, 1, 0, 3), 0, 42, true, 0, 2, false);
	check(logview_slice(true, 40, 1, 40, 100), 40, 42, false, 39, 40, true);
	check(logview_slice(true, 40, 1, 41, 100), 41, 42, false, 0, 0, true);
}

TEST(past_the_end_from_is_echoed_and_nothing_is_shown)
{
	check(logview_slice(true, 40, 1, 1000, 100), 1000, 42, false, 0, 0, false);
	check(logview_slice(true, 40, 1, 42, 100), 42, 42, false, 0, 0, false);
	check(logview_slice(true, 40, 1, INT32_MAX, INT32_MAX), INT32_MAX, 42, false, 0, 0, false);
	check(logview_slice(true, 40, 1, INT64_MAX, INT64_MAX), INT64_MAX, 42, false, 0, 0, false);
}

TEST(a_negative_size_is_everything_from_there)
{
	check(logview_slice(true, 40, 1, 3, -1), 3, 42, false, 2, 40, true);
	check(logview_slice(true, 40, 1, -1, -1), 0, 42, true, 0, 40, true);
	check(logview_slice(true, 40, 1, INT64_MIN, INT64_MIN), 0, 42, true, 0, 40, true);
}

TEST(size_zero_is_the_empty_slice_at_the_end)
{
	check(logview_slice(true, 40, 1, -1, 0), 42, 42, false, 0, 0, false);
	check(logview_slice(true, 40, 1, 7, 0), 7, 42, false, 0, 0, false);
}

TEST(without_a_process_there_is_no_log)
{
	check(logview_slice(false, 40, 1, -1, 100), 0, 0, false, 0, 0, false);
	check(logview_slice(false, 0, 1, 5, 100), 5, 0, false, 0, 0, false);
}

TEST(the_largest_log_does_not_overflow)
{
	int64_t lines = INT64_MAX - 2;

	check(logview_slice(true, lines, 1, INT64_MAX - 1, INT64_MAX), INT64_MAX - 1, INT64_MAX, false, 0, 0, true);
	check(logview_slice(true, lines, 1, 1, INT64_MAX), 1, INT64_MAX, false, 0, lines, true);
}

/* --- against a model that builds the array and walks it, as livy.md section 3 tells it --- */

enum { HEAD = -1, TAIL = -2, MODEL_LINES_MAX = 130, AFTER_MAX = 5 };

static bool model_has(int64_t i, int64_t from, int64_t size, int64_t total)
{
	if (size < 0)
		return from < 0 || i >= from; /* everything */
	if (from < 0)
		return i + size >= total; /* the last `size` of them */
	return i >= from && i - from < size;
}

static void compare(int64_t lines, int64_t after, int64_t from, int64_t size)
{
	enum { MAX = 1 + MODEL_LINES_MAX + AFTER_MAX };
	int64_t array[MAX], slice[MAX], got[MAX];
	int64_t total = 0, n = 0, m = 0;
	struct logview v = logview_slice(true, lines, after, from, size);

	array[total++] = HEAD;
	for (int64_t i = 0; i < lines; i++)
		array[total++] = i;
	for (int64_t i = 0; i < after; i++)
		array[total++] = TAIL - i;
	for (int64_t i = 0; i < total; i++)
		if (model_has(i, from, size, total))
			slice[n++] = array[i];

	if (v.head)
		got[m++] = HEAD;
	CHECK(v.first_line >= 0 && v.end_line <= lines);
	for (int64_t i = v.first_line; i < v.end_line; i++)
		got[m++] = i;
	CHECK(v.first_after >= 0 && v.end_after <= after);
	for (int64_t i = v.first_after; i < v.end_after; i++)
		got[m++] = TAIL - i;

	CHECK_INT(v.total, total);
	CHECK_INT(v.from, from < 0 ? total - n : from); /* the effective offset, or as asked */
	CHECK_INT(m, n);
	for (int64_t i = 0; i < n; i++)
		CHECK_INT(got[i], slice[i]);
}

TEST(slices_agree_with_the_array_over_a_grid)
{
	static const int64_t lines[] = { 0, 1, 2, 3, 7, 8, 9, 10, 97, 98, 99, 100, 101, 128 };
	static const int64_t edges[] = { INT32_MIN, INT32_MIN + 1,
					 -100,      -2,
					 -1,        0,
					 1,         2,
					 3,         8,
					 9,         10,
					 11,        97,
					 98,        99,
					 100,       101,
					 102,       103,
					 128,       129,
					 130,       131,
					 1000,      INT32_MAX - 1,
					 INT32_MAX };

	for (size_t l = 0; l < ARRAY_LEN(lines); l++)
		for (size_t f = 0; f < ARRAY_LEN(edges); f++)
			for (size_t s = 0; s < ARRAY_LEN(edges); s++)
				compare(lines[l], 1 + (int64_t)(l + s) % AFTER_MAX, edges[f], edges[s]);
	for (int64_t l = 0; l < 6; l++)
		for (int64_t f = -3; f < 10; f++)
			for (int64_t s = -3; s < 10; s++)
				for (int64_t after = 1; after <= AFTER_MAX; after++)
					compare(l, after, f, s);
}
