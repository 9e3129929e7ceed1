/*
 * logcap - keeps head and tail of a log that grew over its cap.
 *
 * What is dropped is first counted and written down (log.hole), durably, and only then given
 * back to the file system: a reader never meets zeros that are not accounted for. Between two
 * looks a driver may write what it can; the disk is over its share by no more than that.
 */
#include "shim/shim.h"
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
	WAIT_MIN_MS = 200,         /* between looks while the log grows */
	WAIT_MAX_MS = 2000,        /* while it does not */
	LINE_SEARCH_BYTES = 65536, /* how far from the ideal place a line's end is looked for */
	READ_BYTES = 32768,
	STEP_BYTES = 1024 * 1024, /* not for less: each step costs two syncs */
	BLOCK_BYTES = 4096,
};

static int64_t least(int64_t a, int64_t b)
{
	return a < b ? a : b;
}

static char byte_at(int fd, int64_t at)
{
	char c = 0;

	return pread(fd, &c, 1, at) == 1 ? c : '\0';
}

/* The place behind the line end whose first byte is at `at`. */
static int64_t behind_line_end(int fd, int64_t at, char c)
{
	return at + (c == '\r' && byte_at(fd, at + 1) == '\n' ? 2 : 1);
}

/* The first place in (from, from + max] where a line begins; -1 if there is none. */
static int64_t line_start_after(int fd, int64_t from, int64_t max)
{
	char buf[READ_BYTES];

	for (int64_t at = from; at < from + max;) {
		ssize_t n = pread(fd, buf, (size_t)least(sizeof buf, from + max - at), at);

		if (n <= 0)
			return -1;
		for (ssize_t i = 0; i < n; i++)
			if (buf[i] == '\n' || buf[i] == '\r')
				return behind_line_end(fd, at + i, buf[i]);
		at += n;
	}
	return -1;
}

/* The last place at or before `to` (one more for a \r\n) where a line begins, no further back than max. */
static int64_t line_start_before(int fd, int64_t to, int64_t max)
{
	char buf[READ_BYTES];

	for (int64_t end = to; end > to - max;) {
		int64_t begin = end - least(sizeof buf, end - (to - max));
		ssize_t n = pread(fd, buf, (size_t)(end - begin), begin);

		if (n != end - begin)
			return -1;
		for (ssize_t i = n - 1; i >= 0; i--)
			if (buf[i] == '\n' || buf[i] == '\r')
				return behind_line_end(fd, begin + i, buf[i]);
		end = begin;
	}
	return -1;
}

/* Counts line ends in [from, to), both at places that cut no \r\n. */
static bool count_lines(int fd, int64_t from, int64_t to, int64_t *ret)
{
	char buf[READ_BYTES], before = '\0';
	int64_t lines = 0;

	while (from < to) {
		ssize_t n = pread(fd, buf, (size_t)least(sizeof buf, to - from), from);

		if (n <= 0)
			return false;
		for (ssize_t i = 0; i < n; i++) {
			lines += buf[i] == '\r' || (buf[i] == '\n' && before != '\r');
			before = buf[i];
		}
		from += n;
	}
	*ret = lines;
	return true;
}

/* The hole as it will be with its end near `end`. */
static bool plan(const struct logcap *c, int64_t end, struct record_hole *ret)
{
	struct record_hole h = c->hole;
	int64_t search = least(LINE_SEARCH_BYTES, c->max_bytes / 8), at, lines;

	if (h.end == 0) {
		at = line_start_before(c->log_fd, c->max_bytes / 2, search);
		h.start_inside = at < 0;
		h.start = h.end = at < 0 ? c->max_bytes / 2 : at;
	}
	at = line_start_after(c->log_fd, end, search);
	h.end_inside = at < 0;
	end = at < 0 ? end : at;
	if (end <= h.end || !count_lines(c->log_fd, h.end, end, &lines))
		return false;
	h.end = end;
	h.lines += lines;
	*ret = h;
	return true;
}

static void give_back(struct logcap *c, int64_t size)
{
	struct record_hole next = { 0 };
	struct error e;

	if (!plan(c, size - c->max_bytes / 2, &next) || !record_write_hole(c->dir_fd, &next, &e))
		return; /* the next look tries again; on a full disk the log does not grow either */
	/* The block in which the hole ended so far was only partly in it. */
	int64_t from = c->hole.end ? c->hole.end & ~(int64_t)(BLOCK_BYTES - 1) : next.start;
	if (from < next.start)
		from = next.start;
	(void)fallocate(c->log_fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, from, next.end - from);
	c->hole = next;
}

int64_t logcap_look(struct logcap *c)
{
	struct stat st;

	if (c->max_bytes <= 0)
		return -1;
	if (fstat(c->log_fd, &st) < 0)
		return WAIT_MAX_MS;
	int64_t kept = st.st_size - (c->hole.end - c->hole.start);
	if (kept > c->max_bytes + least(STEP_BYTES, c->max_bytes / 8))
		give_back(c, st.st_size);
	bool grows = st.st_size > c->seen_bytes || c->wait_ms == 0;
	c->wait_ms = grows ? WAIT_MIN_MS : least(c->wait_ms * 2, WAIT_MAX_MS);
	c->seen_bytes = st.st_size;
	return c->wait_ms;
}
