#include "base/fdio.h"
#include "base/str.h"
#include "model/logview.h"
#include "service/excerpt.h"
#include "t.h"
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

enum { OUT_MAX = 16 * 1024 * 1024, BLOCK = 16 * 1024 };

#define CUT " … [florus: line cut]"

static void write_log(const char *bytes, size_t n)
{
	struct error e;
	_close_ int fd = open("a/log", O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	CHECK(fd >= 0);
	CHECK_OK(fdio_write_all(fd, bytes, n, &e), e);
}

static void append_log(const char *text)
{
	struct error e;
	_close_ int fd = open("a/log", O_WRONLY | O_APPEND | O_CLOEXEC);

	CHECK(fd >= 0);
	CHECK_OK(fdio_write_all(fd, text, strlen(text), &e), e);
}

static struct diagnostics after;

/* The excerpt as a JSON array; the caller frees. */
static char *write_excerpt(struct excerpt *x, bool ended)
{
	_sbuf_ struct sbuf out = SBUF_INIT(OUT_MAX);
	struct jw w = { .out = &out };

	jw_open(&w, NULL, '[');
	excerpt_write(x, ended, &after, &w);
	jw_close(&w, ']');
	CHECK(sbuf_ok(&out));
	return sbuf_take(&out);
}

static char *excerpt_of_log(bool ended)
{
	struct excerpt x = { .fd = -1 };

	CHECK(excerpt_changed(&x, AT_FDCWD, "a"));
	char *text = write_excerpt(&x, ended);
	CHECK(!excerpt_changed(&x, AT_FDCWD, "a"));
	excerpt_close(&x);
	return text;
}

static char *excerpt_of(const char *bytes, size_t n, bool ended)
{
	write_log(bytes, n);
	return excerpt_of_log(ended);
}

/* --- the naive reader: all lines, then the last ten of the array --- */

struct lines {
	struct {
		const char *text;
		size_t len;
	} items[64 * 1024];
	int count;
};

static void add_line(struct lines *l, const char *from, const char *to)
{
	CHECK(l->count < (int)ARRAY_LEN(l->items));
	l->items[l->count].text = from;
	l->items[l->count++].len = (size_t)(to - from);
}

static void split_lines(const char *text, size_t n, bool ended, struct lines *l)
{
	const char *line = text, *end = text + n;

	l->count = 0;
	for (const char *p = text; p < end; p++) {
		if (*p != '\n' && *p != '\r')
			continue;
		add_line(l, line, p);
		if (*p == '\r' && p + 1 < end && p[1] == '\n')
			p++;
		line = p + 1;
	}
	if (ended && line < end)
		add_line(l, line, end);
}

static void add_json(struct jw *w, const char *text, size_t n)
{
	_sbuf_ struct sbuf quoted = SBUF_INIT(OUT_MAX);
	bool cut = n > EXCERPT_LINE_MAX;

	sbuf_addc(&quoted, '"');
	json_escape(&quoted, text, cut ? EXCERPT_LINE_MAX : n);
	sbuf_adds(&quoted, cut ? CUT "\"" : "\"");
	jw_raw(w, NULL, quoted.data, quoted.len);
}

static char *naive(const char *text, size_t n, bool ended)
{
	_sbuf_ struct sbuf out = SBUF_INIT(OUT_MAX);
	_free_ struct lines *l = xmalloc(sizeof *l);
	struct jw w = { .out = &out };

	split_lines(text, n, ended, l);
	struct logview v = logview_slice(true, l->count, 1, LOGVIEW_FROM_DEFAULT, LOGVIEW_EXCERPT);
	jw_open(&w, NULL, '[');
	if (v.head)
		jw_str(&w, NULL, LOGVIEW_HEAD);
	for (int64_t i = v.first_line; i < v.end_line; i++)
		add_json(&w, l->items[i].text, l->items[i].len);
	if (v.end_after > v.first_after)
		jw_str(&w, NULL, LOGVIEW_TAIL);
	jw_close(&w, ']');
	return sbuf_take(&out);
}

static void check_like_naive(const char *text, size_t n)
{
	for (int ended = 0; ended < 2; ended++) {
		_free_ char *got = excerpt_of(text, n, ended), *want = naive(text, n, ended);

		CHECK_STR(got, want);
	}
}

/* --- tests --- */

TEST(known_logs_have_their_excerpt)
{
	static const struct {
		const char *log, *running, *ended;
	} known[] = {
		{ "", "[\"stdout: \",\"\\nstderr: \"]", "[\"stdout: \",\"\\nstderr: \"]" },
		{ "a", "[\"stdout: \",\"\\nstderr: \"]", "[\"stdout: \",\"a\",\"\\nstderr: \"]" },
		{ "a\n", "[\"stdout: \",\"a\",\"\\nstderr: \"]", "[\"stdout: \",\"a\",\"\\nstderr: \"]" },
		{ "\n\n", "[\"stdout: \",\"\",\"\",\"\\nstderr: \"]", "[\"stdout: \",\"\",\"\",\"\\nstderr: \"]" },
		{ "a\r\nb\rc", "[\"stdout: \",\"a\",\"b\",\"\\nstderr: \"]",
		  "[\"stdout: \",\"a\",\"b\",\"c\",\"\\nstderr: \"]" },
		{ "1\n2\n3\n4\n5\n6\n7\n8\n",
		  "[\"stdout: \",\"1\",\"2\",\"3\",\"4\",\"5\",\"6\",\"7\",\"8\",\"\\nstderr: \"]",
		  "[\"stdout: \",\"1\",\"2\",\"3\",\"4\",\"5\",\"6\",\"7\",\"8\",\"\\nstderr: \"]" },
		{ "1\n2\n3\n4\n5\n6\n7\n8\n9\n",
		  "[\"1\",\"2\",\"3\",\"4\",\"5\",\"6\",\"7\",\"8\",\"9\",\"\\nstderr: \"]",
		  "[\"1\",\"2\",\"3\",\"4\",\"5\",\"6\",\"7\",\"8\",\"9\",\"\\nstderr: \"]" },
		{ "1\n2\n3\n4\n5\n6\n7\n8\n9\nx",
		  "[\"1\",\"2\",\"3\",\"4\",\"5\",\"6\",\"7\",\"8\",\"9\",\"\\nstderr: \"]",
		  "[\"2\",\"3\",\"4\",\"5\",\"6\",\"7\",\"8\",\"9\",\"x\",\"\\nstderr: \"]" },
	};

	CHECK(mkdir("a", 0700) == 0);
	for (size_t i = 0; i < ARRAY_LEN(known); i++) {
		_free_ char *running = excerpt_of(known[i].log, strlen(known[i].log), false);
		_free_ char *ended = excerpt_of(known[i].log, strlen(known[i].log), true);

		CHECK_STR(running, known[i].running);
		CHECK_STR(ended, known[i].ended);
	}
}

TEST(short_random_logs_read_as_a_naive_reader_does)
{
	static const char letters[] = "ab\n\n\r\r\n\xC3\xA4\"\\\t\xff";
	char text[64];
	unsigned seed = 7;

	CHECK(mkdir("a", 0700) == 0);
	for (int round = 0; round < 5000; round++) {
		size_t n = (size_t)rand_r(&seed) % sizeof text;

		for (size_t i = 0; i < n; i++)
			text[i] = letters[(size_t)rand_r(&seed) % (sizeof letters - 1)];
		check_like_naive(text, n);
	}
}

/* Lines of all lengths, and line ends on both sides of where the reader's blocks meet. */
TEST(long_random_logs_read_as_a_naive_reader_does)
{
	static const char *const ends[] = { "\n", "\r", "\r\n", "\n\r", "\r\r\n", "\n\n" };
	_free_ char *text = xmalloc(8 * BLOCK);
	unsigned seed = 8;

	CHECK(mkdir("a", 0700) == 0);
	for (int round = 0; round < 400; round++) {
		size_t n = (size_t)BLOCK * (1 + (size_t)rand_r(&seed) % 7) + (size_t)rand_r(&seed) % 7 - 3;
		size_t longest = 1U << (6 + rand_r(&seed) % 9);

		memset(text, 'x', n);
		for (size_t at = 0; at < n;) {
			const char *end = ends[(size_t)rand_r(&seed) % ARRAY_LEN(ends)];

			at += (size_t)rand_r(&seed) % longest;
			for (; *end && at < n; end++)
				text[at++] = *end;
		}
		for (size_t block = BLOCK; block < n; block += BLOCK)
			text[n - block - (size_t)rand_r(&seed) % 2] = "\r\n"[rand_r(&seed) % 2];
		check_like_naive(text, n);
	}
}

TEST(a_long_line_is_cut_between_characters)
{
	CHECK(mkdir("a", 0700) == 0);
	for (size_t before = EXCERPT_LINE_MAX - 8; before <= EXCERPT_LINE_MAX; before++) {
		_sbuf_ struct sbuf log = SBUF_INIT(64 * 1024);

		for (size_t i = 0; i < before; i++)
			sbuf_addc(&log, 'x');
		sbuf_adds(&log, "\xF0\x9F\x98\x80\xE2\x82\xAC\xC3\xA4 and more\n");
		_free_ char *got = excerpt_of(log.data, log.len, false);
		CHECK(str_utf8_ok(got, strlen(got)));
		CHECK(!strstr(got, "\xEF\xBF\xBD"));
		char *cut = strstr(got, CUT);
		CHECK((cut != NULL) == (log.len - 1 > EXCERPT_LINE_MAX));
		if (!cut)
			continue;
		/* No more is lost than the character that is cut, or one that just fits. */
		size_t shown = (size_t)(cut - got) - strlen("[\"stdout: \",\"");
		CHECK(shown <= EXCERPT_LINE_MAX && shown > EXCERPT_LINE_MAX - 8);
		CHECK(strncmp(got + strlen("[\"stdout: \",\""), log.data, shown) == 0);
	}
}

TEST(a_line_longer_than_the_window_is_shown_from_its_middle)
{
	enum { LONG = EXCERPT_WINDOW + 1024 * 1024 };
	_free_ char *text = xmalloc(LONG + 64);
	int head = snprintf(text, 64, "first\n");

	CHECK(mkdir("a", 0700) == 0);
	memset(text + head, 'y', LONG);
	int tail = snprintf(text + head + LONG, 32, "\nlast\r\n");
	_free_ char *got = excerpt_of(text, (size_t)head + LONG + (size_t)tail, false);

	CHECK(strncmp(got, "[\"yyyy", 6) == 0);
	CHECK(!strstr(got, "first"));
	CHECK_INT(strspn(got + 2, "y"), EXCERPT_LINE_MAX);
	CHECK_STR(got + 2 + EXCERPT_LINE_MAX, CUT "\",\"last\",\"\\nstderr: \"]");
}

TEST(lines_within_the_window_are_all_seen)
{
	enum { EACH = EXCERPT_WINDOW / 8 };
	_free_ char *text = xmalloc((size_t)EXCERPT_WINDOW + 1);
	_sbuf_ struct sbuf want = SBUF_INIT(OUT_MAX);

	CHECK(mkdir("a", 0700) == 0);
	memset(text, 'z', EXCERPT_WINDOW);
	sbuf_adds(&want, "[\"stdout: \"");
	for (int i = 0; i < 8; i++) {
		text[(i + 1) * EACH - 1] = '\n';
		sbuf_adds(&want, ",\"");
		for (int n = 0; n < EXCERPT_LINE_MAX; n++)
			sbuf_addc(&want, 'z');
		sbuf_adds(&want, CUT "\"");
	}
	sbuf_adds(&want, ",\"\\nstderr: \"]");
	_free_ char *got = excerpt_of(text, EXCERPT_WINDOW, false);
	CHECK_STR(got, want.data);
}

TEST(growth_is_noticed)
{
	struct excerpt x = { .fd = -1 };

	CHECK(mkdir("a", 0700) == 0);
	(void)excerpt_changed(&x, AT_FDCWD, "a");
	_free_ char *none = write_excerpt(&x, false);
	CHECK_STR(none, "[\"stdout: \",\"\\nstderr: \"]");

	write_log("1\n", 2);
	CHECK(excerpt_changed(&x, AT_FDCWD, "a"));
	_free_ char *one = write_excerpt(&x, false);
	CHECK_STR(one, "[\"stdout: \",\"1\",\"\\nstderr: \"]");
	CHECK(!excerpt_changed(&x, AT_FDCWD, "a"));

	append_log("2\n");
	CHECK(excerpt_changed(&x, AT_FDCWD, "a"));
	_free_ char *two = write_excerpt(&x, false);
	CHECK_STR(two, "[\"stdout: \",\"1\",\"2\",\"\\nstderr: \"]");
	CHECK(!excerpt_changed(&x, AT_FDCWD, "a"));
	excerpt_close(&x);
	CHECK_INT(x.fd, -1);
	excerpt_close(&x);
}

TEST(a_log_that_is_a_link_is_not_followed)
{
	struct excerpt x = { .fd = -1 };

	CHECK(mkdir("a", 0700) == 0);
	CHECK(symlink("/etc/hostname", "a/log") == 0);
	(void)excerpt_changed(&x, AT_FDCWD, "a");
	_free_ char *got = write_excerpt(&x, true);
	CHECK_STR(got, "[\"stdout: \",\"\\nstderr: \"]");
}

/* --- what comes after the lines --- */

static void check_excerpt(const char *log, const char *want)
{
	_free_ char *got = excerpt_of(log, strlen(log), true);

	CHECK_STR(got, want);
}

TEST(diagnostics_are_the_last_of_the_ten)
{
	CHECK(mkdir("a", 0700) == 0);
	diagnostics_set(AT_FDCWD, "a", "one\n\nthree\n");
	diagnostics_read(AT_FDCWD, "a", LOGVIEW_YARN, &after);
	CHECK_INT(diagnostics_elements(&after), 5);
	check_excerpt("", "[\"stdout: \",\"\\nstderr: \",\"\\nYARN Diagnostics: \",\"one\",\"\",\"three\"]");
	check_excerpt("1\n2\n3\n4\n", "[\"stdout: \",\"1\",\"2\",\"3\",\"4\",\"\\nstderr: \","
				      "\"\\nYARN Diagnostics: \",\"one\",\"\",\"three\"]");
	check_excerpt("1\n2\n3\n4\n5\n", "[\"1\",\"2\",\"3\",\"4\",\"5\",\"\\nstderr: \","
					 "\"\\nYARN Diagnostics: \",\"one\",\"\",\"three\"]");
	diagnostics_set(AT_FDCWD, "a", "1\n2\n3\n4\n5\n6\n7\n8\n9");
	diagnostics_read(AT_FDCWD, "a", LOGVIEW_YARN, &after);
	check_excerpt("x\n", "[\"\\nYARN Diagnostics: \",\"1\",\"2\",\"3\",\"4\",\"5\",\"6\",\"7\",\"8\",\"9\"]");
}

TEST(diagnostics_are_replaced_added_to_once_and_cut_between_characters)
{
	_sbuf_ struct sbuf long_one = SBUF_INIT(2 * DIAGNOSTICS_MAX), json = SBUF_INIT(OUT_MAX);
	struct jw w = { .out = &json };

	diagnostics_set(AT_FDCWD, "new", "the first of what is said");
	diagnostics_set(AT_FDCWD, "new", "said");
	diagnostics_add(AT_FDCWD, "new", "sai");
	diagnostics_add(AT_FDCWD, "new", "more");
	diagnostics_read(AT_FDCWD, "new", NULL, &after);
	CHECK_INT(diagnostics_elements(&after), 3);
	diagnostics_write_elements(&after, 1, 3, &w);
	CHECK_STR(sbuf_str(&json), "\"said\",\"more\"");

	sbuf_addc(&long_one, 'x');
	while (sbuf_ok(&long_one) && long_one.len < DIAGNOSTICS_MAX + 2)
		sbuf_adds(&long_one, "é");
	diagnostics_set(AT_FDCWD, "new", sbuf_str(&long_one));
	diagnostics_read(AT_FDCWD, "new", NULL, &after);
	CHECK_INT(strlen(after.text), DIAGNOSTICS_MAX - 1);
	CHECK_INT(after.lines, 1);
	diagnostics_set(AT_FDCWD, "new", "");
	diagnostics_read(AT_FDCWD, "new", NULL, &after);
	CHECK_INT(diagnostics_elements(&after), 1);
}
