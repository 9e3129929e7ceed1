#include "service/excerpt.h"
#include "base/record.h"
#include "model/logview.h"
#include <fcntl.h>
#include <limits.h>
#include <sys/stat.h>

enum {
	EXCERPT_LINES = LOGVIEW_EXCERPT - 1, /* one element at least comes after the lines */
	EXCERPT_BLOCK = 16 * 1024,
};

bool excerpt_changed(struct excerpt *x, int run_dirfd, const char *attempt_name)
{
	char path[NAME_MAX + sizeof RECORD_LOG + 1];
	struct stat st;

	if (x->fd < 0) {
		(void)snprintf(path, sizeof path, "%s/" RECORD_LOG, attempt_name);
		x->fd = openat(run_dirfd, path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NOFOLLOW | O_NONBLOCK);
		x->size = -1;
	}
	return x->fd < 0 ? x->size != 0 : fstat(x->fd, &st) == 0 && st.st_size != x->size;
}

void excerpt_close(struct excerpt *x)
{
	closep(&x->fd);
	x->fd = -1;
}

/* Looking for the last lines, from the end backwards. Lines end at \n, \r\n or \r (livy.md section 3). */
struct backwards {
	int64_t start[EXCERPT_LINES], end[EXCERPT_LINES]; /* the last line first; end: of its text */
	int count, room;
	int64_t end_of_line; /* where the text of the line being looked at ends; -1: that is unterminated and not shown */
	bool lf_follows;     /* the byte looked at before was \n */
	bool whole;          /* it shows the log from its beginning on */
};

static void line_begins(struct backwards *b, int64_t at)
{
	if (b->end_of_line >= 0 && b->count < b->room) {
		b->start[b->count] = at;
		b->end[b->count++] = b->end_of_line;
	}
}

static void look_at(struct backwards *b, char c, int64_t at)
{
	bool pair = c == '\r' && b->lf_follows; /* the \r of a \r\n that was taken already */

	if (pair)
		b->end_of_line = b->end_of_line == at + 1 ? at : b->end_of_line;
	else if (c == '\n' || c == '\r') {
		line_begins(b, at + 1);
		b->end_of_line = at;
	}
	b->lf_follows = c == '\n';
}

static void find_lines(int fd, int64_t size, bool ended, struct backwards *b)
{
	char block[EXCERPT_BLOCK];
	int64_t at = size;

	*b = (struct backwards){ .end_of_line = -1, .room = b->room };
	if (ended && size > 0 && pread(fd, block, 1, size - 1) == 1 && block[0] != '\n' && block[0] != '\r')
		b->end_of_line = size;
	while (at > 0 && b->count < b->room && size - at < EXCERPT_WINDOW) {
		int64_t n = at < EXCERPT_BLOCK ? at : EXCERPT_BLOCK;

		if (pread(fd, block, (size_t)n, at - n) != n)
			return;
		for (int64_t i = n; i-- > 0 && b->count < b->room;)
			look_at(b, block[i], at - n + i);
		at -= n;
	}
	if (at == 0 && b->count < b->room) {
		line_begins(b, 0);
		b->whole = b->count < b->room; /* with room left for the header of the beginning */
	} else if (b->count < b->room) {
		line_begins(b, at); /* longer than the window: shown from its middle */
	}
}

static void write_line(int fd, int64_t start, int64_t end, struct jw *w)
{
	_sbuf_ struct sbuf quoted = SBUF_INIT(8 * EXCERPT_LINE_MAX);
	char text[EXCERPT_LINE_MAX];
	int64_t want = end - start;
	bool cut = want > EXCERPT_LINE_MAX;
	ssize_t n = pread(fd, text, (size_t)(cut ? EXCERPT_LINE_MAX : want), start);

	/* Cut between characters. */
	while (cut && n > 0 && ((unsigned char)text[n - 1] & 0xC0) == 0x80)
		n--;
	if (cut && n > 0 && (unsigned char)text[n - 1] >= 0xC0)
		n--;
	sbuf_addc(&quoted, '"');
	json_escape(&quoted, text, n > 0 ? (size_t)n : 0);
	if (cut)
		sbuf_adds(&quoted, " … [florus: line cut]");
	sbuf_addc(&quoted, '"');
	jw_raw(w, NULL, sbuf_str(&quoted), quoted.len);
}

void excerpt_write(struct excerpt *x, bool ended, const struct diagnostics *after, struct jw *w)
{
	int64_t behind = diagnostics_elements(after), room = LOGVIEW_EXCERPT - behind;
	struct backwards b = { .room = room > 0 ? (int)room : 0, .whole = room > 0 };
	struct stat st;

	/* A job may put anything in its place. */
	x->size = x->fd >= 0 && fstat(x->fd, &st) == 0 && S_ISREG(st.st_mode) ? st.st_size : 0;
	if (x->size > 0)
		find_lines(x->fd, x->size, ended, &b);
	if (b.whole)
		jw_str(w, NULL, LOGVIEW_HEAD);
	for (int i = b.count; i-- > 0;)
		write_line(x->fd, b.start[i], b.end[i], w);
	diagnostics_write_elements(after, room < 0 ? -room : 0, behind, w);
}
