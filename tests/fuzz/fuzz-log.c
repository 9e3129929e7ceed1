/*
 * fuzz-log - any bytes as a driver's log: counted in pieces, read page by page, and as the excerpt of a batch.
 *
 * The first byte says how large the pieces are. Must hold: what comes out is UTF-8 and, as long as there is no NUL,
 * JSON that our own strict reader takes; the lines are those that a reader finds who goes byte by byte.
 */
#include "base/fdio.h"
#include "base/json.h"
#include "base/str.h"
#include "run/logfile.h"
#include "service/excerpt.h"
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

enum { INPUT_MAX_BYTES = 64 * 1024, OUT_MAX_BYTES = 8 * INPUT_MAX_BYTES, ARENA_MAX_BYTES = 64 * 1024 * 1024 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static void must(bool holds)
{
	if (!holds)
		abort();
}

/* The next line of [*at, end): its length; moves *at behind its end. */
static size_t take_line(const char **at, const char *end)
{
	const char *begin = *at, *p = begin;

	while (p < end && *p != '\n' && *p != '\r')
		p++;
	*at = p + (p < end) + (p + 1 < end && p[0] == '\r' && p[1] == '\n');
	return (size_t)(p - begin);
}

static int64_t count_lines(const char *bytes, size_t n)
{
	const char *at = bytes, *end = bytes + n;
	int64_t lines = 0;

	for (; at < end; lines++)
		(void)take_line(&at, end);
	return lines;
}

static void check_lines(const struct jr *lines, const char *bytes, size_t n)
{
	const char *at = bytes, *end = bytes + n;

	for (size_t i = 0; i < lines->count; i++) {
		const char *begin = at;
		size_t len = take_line(&at, end);

		must(lines->items[i].type == JR_STRING);
		if (str_utf8_ok(begin, len))
			must(strlen(lines->items[i].text) == len && memcmp(lines->items[i].text, begin, len) == 0);
	}
	must(at == end);
}

/* The array in `json`, which is none of ours to judge when the log has NULs: our reader refuses them. */
static void check_array(struct arena *a, const struct sbuf *json, const char *bytes, size_t n, const struct jr **ret)
{
	struct error e = { 0 };

	must(sbuf_ok(json) && str_utf8_ok(json->data, json->len));
	*ret = NULL;
	if (!memchr(bytes, '\0', n))
		must(jr_parse(a, json->data, json->len, ret, &e) && (*ret)->type == JR_ARRAY);
}

static void read_all(struct logfile *f, size_t page, struct sbuf *json)
{
	struct logfile_cursor c;
	struct error e = { 0 };

	logfile_seek(f, 0, logfile_lines(f), LOGFILE_LINE_MAX, &c);
	sbuf_addc(json, '[');
	for (bool done = false; !done;) {
		_sbuf_ struct sbuf out = SBUF_INIT(page);

		must(logfile_next(&c, &out, &done, &e));
		must(done || out.len > 0);
		sbuf_add(json, sbuf_str(&out), out.len);
	}
	sbuf_addc(json, ']');
}

static void check_file(size_t piece, int dirfd, const char *bytes, size_t n)
{
	_arena_ struct arena *a = arena_new(ARENA_MAX_BYTES);
	_sbuf_ struct sbuf json = SBUF_INIT(OUT_MAX_BYTES);
	struct logfile *f = logfile_new(dirfd, ".");
	struct error e = { 0 };
	const struct jr *lines;
	int64_t unseen;

	do
		must(logfile_scan(f, (int64_t)piece, false, &e) && logfile_unseen(f, &unseen, &e));
	while (unseen > 0);
	must(logfile_scan(f, (int64_t)piece, true, &e));
	must(logfile_lines(f) == count_lines(bytes, n));
	read_all(f, LOGFILE_ROOM_MIN + piece, &json);
	check_array(a, &json, bytes, n, &lines);
	if (lines)
		check_lines(lines, bytes, n);
	(void)logfile_free(f);
}

static void check_excerpt(bool ended, int dirfd, const char *bytes, size_t n)
{
	_arena_ struct arena *a = arena_new(ARENA_MAX_BYTES);
	_sbuf_ struct sbuf json = SBUF_INIT(OUT_MAX_BYTES);
	struct jw w = { .out = &json };
	struct excerpt x = { .fd = -1 };
	static const struct diagnostics none;
	const struct jr *lines;

	must(excerpt_changed(&x, dirfd, "."));
	jw_open(&w, NULL, '[');
	excerpt_write(&x, ended, &none, &w);
	jw_close(&w, ']');
	excerpt_close(&x);
	check_array(a, &json, bytes, n, &lines);
	must(!lines || lines->count <= 10);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	char dir[] = "/tmp/florus-fuzz.XXXXXX";
	struct error e = { 0 };

	if (n < 2 || n > INPUT_MAX_BYTES)
		return 0;
	const char *bytes = (const char *)data + 1;
	must(mkdtemp(dir) != NULL);
	_close_ int dirfd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	must(dirfd >= 0);
	_close_ int fd = openat(dirfd, "log", O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	must(fd >= 0 && fdio_write_all(fd, bytes, n - 1, &e));
	check_file(1U + data[0], dirfd, bytes, n - 1);
	check_excerpt(data[0] % 2, dirfd, bytes, n - 1);
	must(unlinkat(dirfd, "log", 0) == 0 && rmdir(dir) == 0);
	return 0;
}
