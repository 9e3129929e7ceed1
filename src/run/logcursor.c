#include "base/json.h"
#include "base/str.h"
#include "run/lineends.h"
#include "run/logfile-priv.h"
#include <assert.h>
#include <inttypes.h>

enum {
	ESCAPED_MAX = 6,  /* bytes that json_escape makes of one */
	RESERVE = 192,    /* room kept for a comma, quotes and both markers */
	READ_MIN = 4096,  /* bytes: less is not worth a system call */
	SEQUENCE_MAX = 4, /* bytes of a UTF-8 sequence */
};

static int64_t clamp(int64_t v, int64_t low, int64_t high)
{
	return v < low ? low : v > high ? high : v;
}

static size_t room(const struct sbuf *out)
{
	return out->failed ? 0 : out->limit - out->len;
}

/* The first line that is not before the end of the hole: what follows there belongs to it. */
static int64_t line_after_hole(const struct logfile *f)
{
	return f->hole_line + f->hole.lines;
}

void logfile_seek(struct logfile *f, int64_t from, int64_t to, int64_t line_max, struct logfile_cursor *c)
{
	int64_t lines = logfile_lines(f);

	from = clamp(from, 0, lines);
	struct logfile_checkpoint at = logfile_checkpoint_before(f, from);
	*c = (struct logfile_cursor){
		.file = f,
		.line = from,
		.end = clamp(to, from, lines),
		.line_max = line_max,
		.first = true,
		.offset = at.offset,
		.offset_line = (int64_t)at.line,
		.skip_lf = at.after_cr,
	};
}

static bool inconsistent(struct error *e)
{
	return error_set(e, ERR_INTERNAL, "the log ends before its last line");
}

/* From the end of the hole on there is text again. */
static void leave_hole(struct logfile_cursor *c)
{
	c->in_hole = false;
	c->offset = c->file->hole.end;
	c->offset_line = line_after_hole(c->file);
	c->skip_lf = false;
	if (c->inside)
		c->line_bytes += c->file->hole.end - c->file->hole.start;
}

/* One step towards the beginning of line c->line. */
static bool walk(struct logfile_cursor *c, struct error *e)
{
	_uninit_ unsigned char buf[1 + LOGFILE_CHUNK];
	int64_t left = c->file->scanned - c->offset;
	size_t n, ends;

	if (left <= 0)
		return inconsistent(e);
	if (!logfile_fetch(c->file, c->offset, buf + 1, left < LOGFILE_CHUNK ? (size_t)left : LOGFILE_CHUNK, &n, e))
		return false;
	if (n == 0 && c->line < line_after_hole(c->file)) {
		c->in_hole = true;
		c->offset_line = c->line;
		return true;
	}
	if (n == 0) {
		leave_hole(c);
		return true;
	}
	buf[0] = c->skip_lf ? '\r' : 0;
	ends = lineends_count(buf + 1, n);
	if (c->offset_line + (int64_t)ends >= c->line) {
		n = lineends_skip(buf + 1, n, (size_t)(c->line - c->offset_line));
		c->offset_line = c->line;
	} else {
		c->offset_line += (int64_t)ends;
	}
	c->offset += (int64_t)n;
	c->skip_lf = buf[n] == '\r';
	return true;
}

static void open_line(struct logfile_cursor *c, struct sbuf *out)
{
	if (c->inside)
		return;
	sbuf_adds(out, c->first ? "\"" : ",\"");
	c->first = false;
	c->inside = true;
	c->cut = false;
	c->line_bytes = 0;
}

static void close_line(struct logfile_cursor *c, struct sbuf *out)
{
	if (c->cut)
		sbuf_addf(out, " … [florus: line cut, %" PRId64 " bytes in all]", c->line_bytes);
	sbuf_addc(out, '"');
	c->inside = false;
	c->line++;
	c->offset_line = c->line;
}

/* The hole is in the way: the line that it begins in says so, once. */
static void enter_hole(struct logfile_cursor *c, struct sbuf *out)
{
	const struct record_hole *h = &c->file->hole;

	open_line(c, out);
	sbuf_addf(out,
		  "%s[florus: %" PRId64 " line%s (%" PRId64 " bytes) were dropped here: the log passed florus.log.max]",
		  c->line_bytes ? " … " : "", h->lines, h->lines == 1 ? "" : "s", h->end - h->start);
	if (h->lines > 0)
		c->cut = false; /* how long the line was is lost */
	c->in_hole = true;
}

static void give_lost_lines(struct logfile_cursor *c, struct sbuf *out)
{
	while (c->line < c->end && c->line < line_after_hole(c->file) && room(out) >= LOGFILE_ROOM_MIN) {
		open_line(c, out);
		close_line(c, out);
	}
	if (c->line >= line_after_hole(c->file))
		leave_hole(c);
}

/*
 * The largest part of [p, p+want) that does not end within a sequence; `have` bytes are there to be looked at, and
 * `more` of the line may follow them.
 */
static size_t whole_characters(const unsigned char *p, size_t want, size_t have, bool more)
{
	size_t lead = want;

	while (lead > 0 && want - lead < SEQUENCE_MAX - 1 && (p[lead - 1] & 0xC0) == 0x80)
		lead--;
	if (lead == 0 || p[lead - 1] < 0xC2 || p[lead - 1] > 0xF4)
		return want;
	lead--;
	size_t length = p[lead] < 0xE0 ? 2 : p[lead] < 0xF0 ? 3 : 4;
	if (lead + length <= want)
		return want;
	if (lead + length <= have ? str_utf8_len(p + lead, have - lead) > 0 : more)
		return lead;
	return want;
}

/*
 * Gives of n bytes of the current line what there is room for; returns how many are done with. 0 (for n > 0): they
 * are the beginning of a character whose rest must be read first.
 */
static size_t give_text(struct logfile_cursor *c, struct sbuf *out, const unsigned char *p, size_t n, bool more)
{
	size_t left = (size_t)clamp(c->line_max - c->line_bytes, 0, (int64_t)n);
	size_t fits = (room(out) - RESERVE) / ESCAPED_MAX;
	size_t part = c->cut ? 0 : whole_characters(p, left < fits ? left : fits, n, more);

	if (part == 0 && n > 0 && left > 0 && !c->cut && n < SEQUENCE_MAX && more)
		return 0;
	if (part == 0 && n > 0) { /* not one character more */
		c->cut = true;
		part = n;
	} else {
		json_escape(out, (const char *)p, part);
	}
	c->line_bytes += (int64_t)part;
	return part;
}

/* Gives lines out of n bytes at c->offset. `more`: the text goes on behind them. Returns how many bytes were used. */
static size_t give_bytes(struct logfile_cursor *c, struct sbuf *out, const unsigned char *p, size_t n, bool more)
{
	size_t i = 0;

	while (i < n && c->line < c->end && room(out) >= LOGFILE_ROOM_MIN) {
		if (c->skip_lf) {
			c->skip_lf = false;
			i += p[i] == '\n';
			continue;
		}
		open_line(c, out);
		size_t text = lineends_find(p + i, n - i);
		bool ends_here = i + text < n;
		size_t used = give_text(c, out, p + i, text, !ends_here && more);
		i += used;
		if (used == 0 && text > 0)
			break;
		if (used == text && ends_here) {
			close_line(c, out);
			c->skip_lf = p[i++] == '\r';
		}
	}
	return i;
}

/* One read's worth. */
static bool give(struct logfile_cursor *c, struct sbuf *out, struct error *e)
{
	struct logfile *f = c->file;
	_uninit_ unsigned char buf[LOGFILE_CHUNK];
	int64_t left = f->scanned - c->offset;
	int64_t most = c->cut ? LOGFILE_CHUNK : clamp((int64_t)room(out), READ_MIN, LOGFILE_CHUNK);
	size_t n;

	if (left == 0 && f->rest) { /* the unterminated rest */
		open_line(c, out);
		close_line(c, out);
		return true;
	}
	if (left <= 0)
		return inconsistent(e);
	if (!logfile_fetch(f, c->offset, buf, (size_t)clamp(left, 0, most), &n, e))
		return false;
	if (n == 0) {
		enter_hole(c, out);
		return true;
	}
	int64_t end = c->offset + (int64_t)n;
	bool more = end < f->scanned && !(logfile_has_hole(f) && end == f->hole.start);
	c->offset += (int64_t)give_bytes(c, out, buf, n, more);
	return true;
}

bool logfile_next(struct logfile_cursor *c, struct sbuf *out, bool *ret_done, struct error *e)
{
	assert(room(out) >= LOGFILE_ROOM_MIN);
	while (c->line < c->end && room(out) >= LOGFILE_ROOM_MIN) {
		if (c->in_hole)
			give_lost_lines(c, out);
		else if (!(c->offset_line < c->line ? walk(c, e) : give(c, out, e)))
			return false;
	}
	*ret_done = c->line >= c->end;
	return true;
}
