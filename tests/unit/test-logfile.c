#include "base/fdio.h"
#include "base/json.h"
#include "base/record.h"
#include "base/str.h"
#include "run/lineends.h"
#include "run/logfile.h"
#include "t.h"
#include <fcntl.h>
#include <malloc.h>
#include <string.h>
#include <sys/stat.h>

enum { ALL = 1 << 30, SMALL_ROOM = LOGFILE_ROOM_MIN, BIG_ROOM = 1 << 20 };

/* --- the log under test: directory `a` in the test's own directory --- */

static struct logfile *make_log(void)
{
	CHECK(mkdir("a", 0700) == 0);
	return logfile_new(AT_FDCWD, "a");
}

static void append(const void *bytes, size_t n)
{
	struct error e;
	_close_ int fd = open("a/log", O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);

	CHECK(fd >= 0);
	CHECK_OK(fdio_write_all(fd, bytes, n, &e), e);
}

static void scan(struct logfile *f, bool ended)
{
	struct error e;

	CHECK_OK(logfile_scan(f, INT64_MAX, ended, &e), e);
}

/* Lines [from, to) read through a buffer of `room` bytes. */
static char *read_lines(struct logfile *f, int64_t from, int64_t to, int64_t line_max, size_t room)
{
	_sbuf_ struct sbuf all = SBUF_INIT(1 << 30), part = SBUF_INIT(room);
	struct logfile_cursor c;
	struct error e;
	bool done = false;

	logfile_seek(f, from, to, line_max, &c);
	while (!done) {
		sbuf_clear(&part);
		CHECK_OK(logfile_next(&c, &part, &done, &e), e);
		CHECK(sbuf_ok(&part));
		CHECK(done || part.len > 0 || c.cut || c.offset_line < c.line || c.in_hole || c.skip_lf || !c.inside);
		CHECK(str_utf8_ok(sbuf_str(&part), part.len));
		sbuf_add(&all, sbuf_str(&part), part.len);
	}
	return sbuf_take(&all);
}

static void check_lines(struct logfile *f, int64_t from, int64_t to, const char *want)
{
	_free_ char *big = read_lines(f, from, to, ALL, BIG_ROOM), *small = read_lines(f, from, to, ALL, SMALL_ROOM);

	CHECK_STR(big, want);
	CHECK_STR(small, want);
}

/* --- the naive reader --- */

/* The JSON of lines [from, to) of a text that is all in memory; *ret_lines: how many there are. */
static char *naive(const char *text, size_t n, bool ended, int64_t from, int64_t to, int64_t *ret_lines)
{
	_sbuf_ struct sbuf out = SBUF_INIT(1 << 30);
	int64_t line = 0;
	size_t start = 0;

	for (size_t i = 0; i <= n; i++) {
		bool at_end = i == n;

		if (at_end ? !ended || start == n : text[i] != '\n' && text[i] != '\r')
			continue;
		if (line >= from && line < to) {
			sbuf_adds(&out, out.len ? ",\"" : "\"");
			json_escape(&out, text + start, i - start);
			sbuf_addc(&out, '"');
		}
		line++;
		if (!at_end && text[i] == '\r' && i + 1 < n && text[i + 1] == '\n')
			i++;
		start = i + 1;
	}
	*ret_lines = line;
	return sbuf_take(&out);
}

static void check_against_naive(struct logfile *f, const char *text, size_t n, bool ended)
{
	int64_t lines;
	_free_ char *want = naive(text, n, ended, 0, INT64_MAX, &lines);

	CHECK_INT(logfile_lines(f), lines);
	check_lines(f, 0, INT64_MAX, want);
	for (int64_t from = 0; from <= lines && lines < 40; from++) {
		int64_t ignored;
		_free_ char *two = naive(text, n, ended, from, from + 2, &ignored);

		check_lines(f, from, from + 2, two);
	}
}

/* Small numbers that are the same in every run. */
static unsigned next_random(unsigned *state)
{
	*state = *state * 1664525u + 1013904223u;
	return *state >> 8;
}

/* --- tests --- */

TEST(lines_end_where_java_ends_them)
{
	static const struct {
		const char *text;
		bool ended;
		int lines;
		const char *json;
	} cases[] = {
		{ "", false, 0, "" },
		{ "", true, 0, "" },
		{ "a", false, 0, "" },
		{ "a", true, 1, "\"a\"" },
		{ "a\n", true, 1, "\"a\"" },
		{ "a\r", false, 1, "\"a\"" },
		{ "a\r\n", true, 1, "\"a\"" },
		{ "a\rb", true, 2, "\"a\",\"b\"" },
		{ "\n", false, 1, "\"\"" },
		{ "\r\r", false, 2, "\"\",\"\"" },
		{ "\n\r\n\r", false, 3, "\"\",\"\",\"\"" },
		{ "\r\r\n\n", false, 3, "\"\",\"\",\"\"" },
		{ "a\r\nb\rc\nd", true, 4, "\"a\",\"b\",\"c\",\"d\"" },
		{ "a\r\nb\rc\nd", false, 3, "\"a\",\"b\",\"c\"" },
		{ "tab\there \"q\" \\ \x1b[0m\n", false, 1, "\"tab\\there \\\"q\\\" \\\\ \\u001B[0m\"" },
		{ "\xff\xc3(\xe2\x82\n\xe2\x82\xac\xf0\x9f\x98\x80\n", false, 2,
		  "\"\xEF\xBF\xBD\xEF\xBF\xBD(\xEF\xBF\xBD\xEF\xBF\xBD\",\"\xe2\x82\xac\xf0\x9f\x98\x80\"" },
		{ "\xe2\x82", true, 1, "\"\xEF\xBF\xBD\xEF\xBF\xBD\"" },
		{ "\x7f</script>\xe2\x80\xa8\n", false, 1, "\"\x7f</script>\xe2\x80\xa8\"" },
	};

	CHECK(mkdir("a", 0700) == 0);
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct logfile *f = logfile_new(AT_FDCWD, "a");

		append(cases[i].text, strlen(cases[i].text));
		scan(f, cases[i].ended);
		CHECK_INT(logfile_lines(f), cases[i].lines);
		check_lines(f, 0, INT64_MAX, cases[i].json);
		(void)logfile_free(f);
		CHECK(unlink("a/log") == 0);
	}
}

TEST(nul_bytes_are_shown_as_escapes)
{
	struct logfile *f = make_log();

	append("a\0b\n", 4);
	scan(f, false);
	check_lines(f, 0, 1, "\"a\\u0000b\"");
	(void)logfile_free(f);
}

TEST(it_does_not_matter_where_the_text_is_cut_between_scans)
{
	static const char text[] = "one\r\ntwo\rthree\n\n\r\r\n\xe2\x82\xac \xf0\x9f\x98\x80\r\n\xff\r\nlast";
	size_t n = sizeof text - 1;

	CHECK(mkdir("a", 0700) == 0);
	for (size_t cut = 0; cut <= n; cut++) {
		struct logfile *f = logfile_new(AT_FDCWD, "a");
		int64_t lines, unseen;
		struct error e;

		append(text, cut);
		scan(f, false);
		free(naive(text, cut, false, 0, 0, &lines));
		CHECK_INT(logfile_lines(f), lines);
		append(text + cut, n - cut);
		CHECK_OK(logfile_unseen(f, &unseen, &e), e);
		CHECK_INT(unseen, n - cut);
		scan(f, false);
		check_against_naive(f, text, n, false);
		scan(f, true);
		check_against_naive(f, text, n, true);
		(void)logfile_free(f);
		CHECK(unlink("a/log") == 0);
	}
}

TEST(a_scan_looks_at_no_more_than_it_may)
{
	struct logfile *f = make_log();
	int64_t unseen;
	struct error e;

	append("a\nb\nc\nd", 7);
	CHECK_OK(logfile_scan(f, 4, true, &e), e);
	CHECK_INT(logfile_lines(f), 2);
	CHECK_OK(logfile_unseen(f, &unseen, &e), e);
	CHECK_INT(unseen, 3);
	CHECK_OK(logfile_scan(f, 4, true, &e), e);
	CHECK_INT(logfile_lines(f), 4);
	(void)logfile_free(f);
}

/* 300 KB of short and long lines, all kinds of ends, broken and whole characters, read back in all ways. */
TEST(random_text_reads_as_the_naive_reader_reads_it)
{
	static const char *const bits[] = { "a",
					    "bc",
					    "\n",
					    "\r",
					    "\r\n",
					    "\xe2\x82\xac",
					    "\xf0\x9f\x98\x80",
					    "\xff",
					    "\xe2\x82",
					    "\x01",
					    "some words of text ",
					    "0123456789abcdef" };
	_sbuf_ struct sbuf text = SBUF_INIT(1 << 20);
	struct logfile *f = make_log();
	unsigned seed = 42;

	for (int round = 0; round < 60; round++) {
		size_t old = text.len;

		for (int i = 0; i < 1000; i++)
			sbuf_adds(&text, bits[next_random(&seed) % (round % 7 ? ARRAY_LEN(bits) : 2)]);
		append(text.data + old, text.len - old);
		scan(f, false);
	}
	int64_t lines;
	_free_ char *want = naive(text.data, text.len, false, 0, INT64_MAX, &lines);
	CHECK_INT(logfile_lines(f), lines);
	check_lines(f, 0, INT64_MAX, want);
	for (int i = 0; i < 300; i++) {
		int64_t from = next_random(&seed) % (unsigned)lines, ignored;
		_free_ char *some = naive(text.data, text.len, false, from, from + 5, &ignored);

		check_lines(f, from, from + 5, some);
	}
	(void)logfile_free(f);
}

TEST(ranges_are_clamped)
{
	struct logfile *f = make_log();

	append("a\nb\nc\n", 6);
	scan(f, false);
	check_lines(f, -5, 1, "\"a\"");
	check_lines(f, 2, 99, "\"c\"");
	check_lines(f, 3, 99, "");
	check_lines(f, 99, 100, "");
	check_lines(f, 2, 1, "");
	(void)logfile_free(f);
}

TEST(a_long_line_is_cut_at_a_character_and_says_how_long_it_is)
{
	static const struct {
		int64_t max;
		const char *want;
	} cases[] = {
		{ 100, "\"ab\xe2\x82\xac\xe2\x82\xac\",\"x\"" },
		{ 8, "\"ab\xe2\x82\xac\xe2\x82\xac\",\"x\"" },
		{ 7, "\"ab\xe2\x82\xac … [florus: line cut, 8 bytes in all]\",\"x\"" },
		{ 6, "\"ab\xe2\x82\xac … [florus: line cut, 8 bytes in all]\",\"x\"" },
		{ 5, "\"ab\xe2\x82\xac … [florus: line cut, 8 bytes in all]\",\"x\"" },
		{ 4, "\"ab … [florus: line cut, 8 bytes in all]\",\"x\"" },
		{ 2, "\"ab … [florus: line cut, 8 bytes in all]\",\"x\"" },
		{ 1, "\"a … [florus: line cut, 8 bytes in all]\",\"x\"" },
	};
	struct logfile *f = make_log();

	append("ab\xe2\x82\xac\xe2\x82\xac\r\nx\n", 12);
	scan(f, false);
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		_free_ char *got = read_lines(f, 0, 2, cases[i].max, BIG_ROOM);

		CHECK_STR(got, cases[i].want);
	}
	(void)logfile_free(f);
}

TEST(a_line_of_fifty_megabytes_takes_no_memory)
{
	static char block[1 << 20];
	struct logfile *f = make_log();

	memset(block, 'x', sizeof block);
	append("before\n", 7);
	for (int i = 0; i < 50; i++)
		append(block, sizeof block);
	append("\nafter\n", 7);

	size_t held = mallinfo2().uordblks;
	scan(f, false);
	CHECK_INT(logfile_lines(f), 3);
	_free_ char *got = read_lines(f, 0, 3, LOGFILE_LINE_MAX, BIG_ROOM);
	CHECK(str_starts(got, "\"before\",\"xxxx"));
	CHECK(str_ends(got, "xxxx … [florus: line cut, 52428800 bytes in all]\",\"after\""));
	CHECK_INT(strlen(got),
		  strlen("\"before\",\"\",\"after\" … [florus: line cut, 52428800 bytes in all]") + LOGFILE_LINE_MAX);
	_free_ char *after = read_lines(f, 2, 3, LOGFILE_LINE_MAX, SMALL_ROOM);
	CHECK_STR(after, "\"after\"");
	free(TAKE(got));
	CHECK(mallinfo2().uordblks <= held + LOGFILE_CHECKPOINTS * 16 + 4096);
	(void)logfile_free(f);
}

TEST(two_million_lines_are_found_at_once_and_cost_a_fixed_index)
{
	enum { LINES = 2000000, SEEKS = 2000 };
	_sbuf_ struct sbuf text = SBUF_INIT(1 << 20);
	struct logfile *f = make_log();
	unsigned seed = 7;

	for (int i = 0; i < LINES; i++) {
		sbuf_addf(&text, "%d %.*s%s", i, (int)(next_random(&seed) % 20), "....................",
			  i % 3 ? "\n" : "\r\n");
		if (text.len > (1 << 20) - 100 || i == LINES - 1) {
			append(text.data, text.len);
			sbuf_clear(&text);
		}
	}
	size_t held = mallinfo2().uordblks;
	scan(f, false);
	CHECK(mallinfo2().uordblks <= held + LOGFILE_CHECKPOINTS * 16 + 1024);
	CHECK_INT(logfile_lines(f), LINES);
	for (int i = 0; i < SEEKS; i++) {
		int line = (int)(next_random(&seed) % LINES);
		_free_ char *got = read_lines(f, line, line + 1, ALL, SMALL_ROOM);
		char want[16];

		(void)snprintf(want, sizeof want, "\"%d ", line);
		CHECK(str_starts(got, want));
	}
	(void)logfile_free(f);
}

TEST(ten_thousand_idle_logs_are_small)
{
	enum { LOGS = 10000 };
	static struct logfile *logs[LOGS];
	size_t held = mallinfo2().uordblks;
	struct error e;

	for (int i = 0; i < LOGS; i++) {
		logs[i] = logfile_new(AT_FDCWD, "17.1.0123456789abcdef0123456789abcdef");
		CHECK_OK(logfile_scan(logs[i], INT64_MAX, false, &e), e);
	}
	CHECK((mallinfo2().uordblks - held) / LOGS < 300);
	for (int i = 0; i < LOGS; i++)
		(void)logfile_free(logs[i]);
}

static long long reads_so_far(void)
{
	_sbuf_ struct sbuf text = SBUF_INIT(4096);
	struct error e;
	long long n;

	CHECK_OK(fdio_read_file(AT_FDCWD, "/proc/self/io", &text, &e), e);
	CHECK(sscanf(strstr(text.data, "syscr:"), "syscr: %lld", &n) == 1);
	return n;
}

TEST(a_log_that_did_not_grow_is_not_read_again)
{
	struct logfile *f = make_log();
	struct error e;
	int64_t unseen;

	append("a\nb\n", 4);
	scan(f, false);
	long long first = reads_so_far(), second = reads_so_far(); /* what the counting itself costs */
	for (int i = 0; i < 100; i++) {
		CHECK_OK(logfile_unseen(f, &unseen, &e), e);
		scan(f, false);
	}
	CHECK_INT(reads_so_far() - second, second - first);
	(void)logfile_free(f);
}

TEST(a_log_may_come_later)
{
	struct logfile *f = make_log();
	struct error e;
	int64_t unseen = -1;

	CHECK_OK(logfile_unseen(f, &unseen, &e), e);
	CHECK_INT(unseen, 0);
	scan(f, true);
	CHECK_INT(logfile_lines(f), 0);
	check_lines(f, 0, 10, "");
	append("a\n", 2);
	scan(f, true);
	check_lines(f, 0, 10, "\"a\"");
	(void)logfile_free(f);
}

TEST(a_log_made_shorter_is_an_error)
{
	_sbuf_ struct sbuf out = SBUF_INIT(BIG_ROOM);
	struct logfile *f = make_log();
	struct logfile_cursor c;
	struct error e;
	int64_t unseen;
	bool done;

	append("one\ntwo\nthree\n", 14);
	scan(f, false);
	CHECK(truncate("a/log", 2) == 0);
	CHECK(!logfile_unseen(f, &unseen, &e));
	CHECK(!logfile_scan(f, INT64_MAX, false, &e));
	logfile_seek(f, 1, 3, ALL, &c);
	CHECK(!logfile_next(&c, &out, &done, &e));
	(void)logfile_free(f);
}

TEST(a_log_that_went_away_can_still_be_read)
{
	struct logfile *f = make_log();

	append("one\n", 4);
	scan(f, false);
	CHECK(unlink("a/log") == 0 && rmdir("a") == 0);
	scan(f, true);
	check_lines(f, 0, 1, "\"one\"");
	(void)logfile_free(f);
}

TEST(what_is_no_file_is_refused)
{
	struct logfile *f = make_log();
	struct error e;

	CHECK(mkfifo("a/log", 0600) == 0);
	CHECK(!logfile_scan(f, INT64_MAX, false, &e));
	CHECK(unlink("a/log") == 0 && symlink("/etc/passwd", "a/log") == 0);
	(void)logfile_free(f);
	f = logfile_new(AT_FDCWD, "a");
	CHECK(!logfile_scan(f, INT64_MAX, false, &e));
	(void)logfile_free(f);
}

/* --- the hole --- */

/* Writes the record of a hole at [start, end) into directory `dirname`. */
static void record_hole(const char *dirname, const char *text, size_t start, size_t end)
{
	struct record_hole h = { .start = (int64_t)start, .end = (int64_t)end };
	struct error e;

	free(naive(text + start, end - start, false, 0, 0, &h.lines));
	h.start_inside = start > 0 && text[start - 1] != '\n' && text[start - 1] != '\r';
	h.end_inside = text[end - 1] != '\n' && text[end - 1] != '\r';
	_close_ int dir = open(dirname, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	CHECK_OK(record_write_hole(dir, &h, &e), e);
}

static void zero_bytes(size_t start, size_t end)
{
	static const char zeros[1 << 16];
	_close_ int fd = open("a/log", O_WRONLY | O_CLOEXEC);

	for (size_t n; start < end; start += n) {
		n = end - start < sizeof zeros ? end - start : sizeof zeros;
		CHECK(pwrite(fd, zeros, n, (off_t)start) == (ssize_t)n);
	}
}

/* As the shim does: first the record, then the bytes. */
static void dig(const char *text, size_t start, size_t end)
{
	record_hole("a", text, start, end);
	zero_bytes(start, end);
}

/* What the log reads as with [start, end) gone: the marker and as many line ends as were lost. */
static void pretend(struct sbuf *to, const char *text, size_t n, size_t start, size_t end)
{
	int64_t lines;

	free(naive(text + start, end - start, false, 0, 0, &lines));
	bool inside = start > 0 && text[start - 1] != '\n' && text[start - 1] != '\r';
	sbuf_clear(to);
	sbuf_add(to, text, start);
	sbuf_addf(to, "%s[florus: %lld line%s (%zu bytes) were dropped here: the log passed florus.log.max]",
		  inside ? " … " : "", (long long)lines, lines == 1 ? "" : "s", end - start);
	for (int64_t i = 0; i < lines; i++)
		sbuf_addc(to, '\n');
	sbuf_add(to, text + end, n - end);
}

/* The shim cuts anywhere but within \r\n. */
static bool may_cut(const char *text, size_t n, size_t at)
{
	return !(at > 0 && at < n && text[at - 1] == '\r' && text[at] == '\n');
}

/* The hole [start, end) in a text of n bytes, found after `seen` bytes were scanned. */
static void check_hole(const char *text, size_t n, size_t start, size_t end, size_t seen)
{
	_sbuf_ struct sbuf want = SBUF_INIT(1 << 16);
	struct logfile *f = logfile_new(AT_FDCWD, "a");
	struct error e;

	append(text, n);
	CHECK_OK(logfile_scan(f, (int64_t)seen, false, &e), e);
	CHECK(link("b/log.hole", "a/log.hole") == 0);
	zero_bytes(start, end);
	pretend(&want, text, n, start, end);
	/* With seen = n nothing is new for this scan: the reader must find the hole by himself. */
	scan(f, false);
	check_against_naive(f, want.data, want.len, false);
	scan(f, true);
	if (end < n) /* a rest that is lost altogether is an empty line, where the pretended text has none */
		check_against_naive(f, want.data, want.len, true);
	(void)logfile_free(f);
	CHECK(unlink("a/log") == 0 && unlink("a/log.hole") == 0);
}

TEST(a_hole_anywhere_keeps_the_numbers_of_the_lines)
{
	static const char text[] = "a\r\nb\rc\n\nd\xe2\x82\xac e\r\nf";
	const size_t n = sizeof text - 1;

	CHECK(mkdir("a", 0700) == 0 && mkdir("b", 0700) == 0);
	for (size_t start = 0; start < n; start++) {
		for (size_t end = start + 1; end <= n; end++) {
			if (!may_cut(text, n, start) || !may_cut(text, n, end))
				continue;
			record_hole("b", text, start, end);
			check_hole(text, n, start, end, 0);
			check_hole(text, n, start, end, start);
			check_hole(text, n, start, end, (start + end) / 2);
			check_hole(text, n, start, end, end);
			check_hole(text, n, start, end, n);
		}
	}
}

TEST(a_hole_may_grow_under_a_reader)
{
	_sbuf_ struct sbuf text = SBUF_INIT(1 << 20), want = SBUF_INIT(1 << 20);
	struct logfile *f = make_log();
	size_t start = 0, line_10000 = 0, line_20000 = 0;
	struct error e;

	for (int i = 0; i < 30000; i++) {
		if (i == 1000)
			start = text.len;
		if (i == 10000)
			line_10000 = text.len;
		if (i == 20000)
			line_20000 = text.len;
		sbuf_addf(&text, "line %d\n", i);
	}
	append(text.data, text.len);
	scan(f, false);
	check_against_naive(f, text.data, text.len, false);

	/* A reader stands at line 5000 while the hole comes, then in the middle of it while it grows. */
	_sbuf_ struct sbuf part = SBUF_INIT(2 * SMALL_ROOM);
	struct logfile_cursor c;
	bool done;
	logfile_seek(f, 5000, INT64_MAX, ALL, &c);
	CHECK_OK(logfile_next(&c, &part, &done, &e), e);
	CHECK(str_starts(part.data, "\"line 5000\",\"line 5001\","));
	dig(text.data, start, line_10000);
	while (c.line < 9000) {
		sbuf_clear(&part);
		CHECK_OK(logfile_next(&c, &part, &done, &e), e);
		CHECK(!strstr(part.data, "\\u0000"));
	}
	pretend(&want, text.data, text.len, start, line_10000);
	check_against_naive(f, want.data, want.len, false);

	dig(text.data, start, line_20000);
	pretend(&want, text.data, text.len, start, line_20000);
	check_against_naive(f, want.data, want.len, false);
	sbuf_done(&part);
	part.limit = 1 << 20;
	CHECK_OK(logfile_next(&c, &part, &done, &e), e);
	CHECK(done && c.line == 30000);
	CHECK(!strstr(part.data, "\\u0000"));
	CHECK(str_ends(part.data, "\"line 29999\""));

	/* A new reader of the file, and one that goes on, agree. */
	append("more\n", 5);
	sbuf_adds(&want, "more\n");
	scan(f, false);
	check_against_naive(f, want.data, want.len, false);
	struct logfile *fresh = logfile_new(AT_FDCWD, "a");
	scan(fresh, false);
	check_against_naive(fresh, want.data, want.len, false);
	check_lines(fresh, 19999, 20002, "\"\",\"line 20000\",\"line 20001\"");
	(void)logfile_free(fresh);
	(void)logfile_free(f);
}

TEST(a_hole_in_one_line_and_a_cut_line_agree)
{
	static const char text[] = "0123456789ABCDEFGHIJ\nx\n";
	struct logfile *f = make_log();

	append(text, sizeof text - 1);
	dig(text, 5, 15);
	scan(f, false);
	_free_ char *got = read_lines(f, 0, 2, 3, BIG_ROOM);
	CHECK_STR(got, "\"012 … [florus: 0 lines (10 bytes) were dropped here: the log passed florus.log.max]"
		       " … [florus: line cut, 20 bytes in all]\",\"x\"");
	(void)logfile_free(f);
}

TEST(a_damaged_record_of_the_hole_is_an_error)
{
	struct logfile *f = make_log();
	struct error e;

	append("a\nb\n", 4);
	_close_ int fd = open("a/log.hole", O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	CHECK_OK(fdio_write_all(fd, "start=1\n", 8, &e), e);
	CHECK(!logfile_scan(f, INT64_MAX, false, &e));
	(void)logfile_free(f);
}

TEST(line_ends_are_counted_and_found_in_any_position)
{
	unsigned char bytes[1 + 600];
	unsigned seed = 3;

	for (int round = 0; round < 2000; round++) {
		size_t n = next_random(&seed) % 600, ends = 0, place[601], first = n;

		bytes[0] = "\r\nx"[next_random(&seed) % 3];
		for (size_t i = 1; i <= n; i++) {
			bytes[i] = (unsigned char)"\r\nxy"[next_random(&seed) % (round % 2 ? 4 : 3)];
			if (round % 3 == 0 && next_random(&seed) % 20)
				bytes[i] = 'z';
			if (bytes[i] <= '\r' && first == n)
				first = i - 1;
			if (bytes[i] == '\r' || (bytes[i] == '\n' && bytes[i - 1] != '\r'))
				place[ends++] = i;
		}
		CHECK_INT(lineends_count(bytes + 1, n), ends);
		CHECK_INT(lineends_find(bytes + 1, n), first);
		for (size_t i = 0; i < ends; i++)
			CHECK_INT(lineends_skip(bytes + 1, n, i + 1), place[i]);
	}
}
