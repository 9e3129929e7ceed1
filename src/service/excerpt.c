#include "service/excerpt.h"
#include "base/record.h"
#include "model/logview.h"
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/stat.h>

enum { EXCERPT_LINES = LOGVIEW_EXCERPT - 1 }; /* the last element is always the stderr header */

bool excerpt_changed(struct excerpt *x, int run_dirfd, const char *attempt_name)
{
	char path[NAME_MAX + sizeof RECORD_LOG + 1];
	struct stat st;

	if (x->fd < 0) {
		(void)snprintf(path, sizeof path, "%s/" RECORD_LOG, attempt_name);
		x->fd = openat(run_dirfd, path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
		x->size = -1;
	}
	return x->fd < 0 ? x->size != 0 : fstat(x->fd, &st) == 0 && st.st_size != x->size;
}

void excerpt_close(struct excerpt *x)
{
	closep(&x->fd);
	x->fd = -1;
}

static void write_line(struct jw *w, const char *line, size_t n)
{
	_sbuf_ struct sbuf shown = SBUF_INIT(EXCERPT_LINE_MAX + 64);
	size_t keep = n;

	if (n > EXCERPT_LINE_MAX) {
		keep = EXCERPT_LINE_MAX;
		while (keep > 0 && ((unsigned char)line[keep] & 0xC0) == 0x80)
			keep--;
	}
	sbuf_add(&shown, line, keep);
	if (keep < n)
		sbuf_adds(&shown, " … [florus: line cut]");

	/* jw_str stops at NUL, a log line may hold one: escape by hand. */
	_sbuf_ struct sbuf quoted = SBUF_INIT(8 * EXCERPT_LINE_MAX);
	sbuf_addc(&quoted, '"');
	json_escape(&quoted, sbuf_str(&shown), shown.len);
	sbuf_addc(&quoted, '"');
	jw_raw(w, NULL, sbuf_str(&quoted), quoted.len);
}

struct window {
	const char *start[EXCERPT_LINES]; /* ring of the last lines */
	size_t len[EXCERPT_LINES];
	int64_t count;
};

static void push(struct window *v, const char *start, size_t len)
{
	v->start[v->count % EXCERPT_LINES] = start;
	v->len[v->count % EXCERPT_LINES] = len;
	v->count++;
}

/* Splits as Java's BufferedReader does: \n, \r\n, \r. */
static void split(const char *bytes, size_t n, bool ended, struct window *v)
{
	size_t start = 0;

	for (size_t i = 0; i < n; i++) {
		if (bytes[i] != '\n' && bytes[i] != '\r')
			continue;
		push(v, bytes + start, i - start);
		if (bytes[i] == '\r' && i + 1 < n && bytes[i + 1] == '\n')
			i++;
		start = i + 1;
	}
	if (ended && start < n)
		push(v, bytes + start, n - start);
}

static size_t read_end(struct excerpt *x, char *to, bool *ret_whole)
{
	struct stat st;

	*ret_whole = true;
	if (x->fd < 0 || fstat(x->fd, &st) < 0) {
		x->size = 0;
		return 0;
	}
	x->size = st.st_size;
	off_t from = st.st_size > EXCERPT_WINDOW ? st.st_size - EXCERPT_WINDOW : 0;
	*ret_whole = from == 0;
	ssize_t n = pread(x->fd, to, EXCERPT_WINDOW, from);
	return n > 0 ? (size_t)n : 0;
}

void excerpt_write(struct excerpt *x, bool ended, struct jw *w)
{
	static char bytes[EXCERPT_WINDOW]; /* loop thread only */
	struct window v = { .count = 0 };
	bool whole;
	size_t n = read_end(x, bytes, &whole);

	split(bytes, n, ended, &v);
	int64_t shown = v.count < EXCERPT_LINES ? v.count : EXCERPT_LINES;
	if (whole && v.count < EXCERPT_LINES)
		jw_str(w, NULL, LOGVIEW_HEAD);
	for (int64_t i = v.count - shown; i < v.count; i++)
		write_line(w, v.start[i % EXCERPT_LINES], v.len[i % EXCERPT_LINES]);
	jw_str(w, NULL, LOGVIEW_TAIL);
}
