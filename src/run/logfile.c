#include "run/logfile-priv.h"
#include "run/lineends.h"
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

enum {
	STRIDE_FIRST = 4096, /* bytes */
	CHECKPOINT_FIRST_CAP = 4,
};

struct logfile *logfile_new(int run_dirfd, const char *name)
{
	struct logfile *f = xcalloc(1, sizeof *f);

	f->run_dirfd = run_dirfd;
	f->fd = -1;
	f->name = xstrdup(name);
	f->stride = STRIDE_FIRST;
	return f;
}

struct logfile *logfile_free(struct logfile *f)
{
	if (!f)
		return NULL;
	closep(&f->fd);
	free(f->checkpoints);
	free(f->name);
	free(f);
	return NULL;
}

/* Not there yet is no error: fd stays -1. */
static bool open_log(struct logfile *f, struct error *e)
{
	char path[PATH_MAX];

	if (snprintf(path, sizeof path, "%s/%s", f->name, RECORD_LOG) >= (int)sizeof path)
		return error_set(e, ERR_INTERNAL, "the name of the log is too long");
	/* NONBLOCK and the look at the type: a job may put anything in its place. */
	f->fd = openat(f->run_dirfd, path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NOFOLLOW | O_NONBLOCK);
	if (f->fd < 0 && errno != ENOENT)
		return error_errno(e, errno, "open the log");
	return true;
}

static bool size_now(struct logfile *f, int64_t *ret, struct error *e)
{
	struct stat st;

	*ret = 0;
	if (f->fd < 0 && !open_log(f, e))
		return false;
	if (f->fd < 0)
		return true;
	if (fstat(f->fd, &st) < 0)
		return error_errno(e, errno, "look at the log");
	if (!S_ISREG(st.st_mode))
		return error_set(e, ERR_INTERNAL, "the log is not a regular file");
	if (st.st_size < f->scanned)
		return error_set(e, ERR_INTERNAL, "the log was made shorter by somebody");
	*ret = st.st_size;
	return true;
}

bool logfile_unseen(struct logfile *f, int64_t *ret_bytes, struct error *e)
{
	int64_t size;

	if (!size_now(f, &size, e))
		return false;
	*ret_bytes = size - f->scanned;
	return true;
}

int64_t logfile_lines(const struct logfile *f)
{
	return f->ends + f->rest;
}

/* --- reading, and the hole --- */

static bool read_some(const struct logfile *f, int64_t offset, void *to, size_t n, size_t *ret_n, struct error *e)
{
	ssize_t got;

	do
		got = pread(f->fd, to, n, offset);
	while (got < 0 && errno == EINTR);
	if (got < 0)
		return error_errno(e, errno, "read the log");
	if (got == 0)
		return error_set(e, ERR_INTERNAL, "the log was made shorter by somebody");
	*ret_n = (size_t)got;
	return true;
}

/* Line ends before `offset`, which is scanned and not behind the hole. */
static bool count_before(const struct logfile *f, int64_t offset, int64_t *ret, struct error *e)
{
	struct logfile_checkpoint at = { 0 };
	_uninit_ unsigned char buf[1 + LOGFILE_CHUNK];

	for (int i = 0; i < f->checkpoint_count && f->checkpoints[i].offset <= offset; i++)
		at = f->checkpoints[i];
	int64_t ends = (int64_t)at.line;
	buf[0] = at.after_cr ? '\r' : 0;
	for (size_t n; at.offset < offset; at.offset += (int64_t)n) {
		int64_t left = offset - at.offset;

		if (!read_some(f, at.offset, buf + 1, left < LOGFILE_CHUNK ? (size_t)left : LOGFILE_CHUNK, &n, e))
			return false;
		ends += (int64_t)lineends_count(buf + 1, n);
		buf[0] = buf[n];
	}
	*ret = ends;
	return true;
}

static void drop_checkpoints_in_hole(struct logfile *f)
{
	int kept = 0;

	for (int i = 0; i < f->checkpoint_count; i++)
		if (f->checkpoints[i].offset <= f->hole.start || f->checkpoints[i].offset > f->hole.end)
			f->checkpoints[kept++] = f->checkpoints[i];
	f->checkpoint_count = kept;
}

/* When everything up to the hole was looked at, what is behind it comes next. */
static void step_over_hole(struct logfile *f)
{
	if (!logfile_has_hole(f) || f->scanned < f->hole.start || f->scanned >= f->hole.end)
		return;
	f->scanned = f->hole.end;
	f->ends = f->hole_line + f->hole.lines;
	f->inside = f->hole.end_inside;
	f->after_cr = false;
}

static bool refresh_hole(struct logfile *f, struct error *e)
{
	struct record_hole now;
	const struct record_hole *was = &f->hole;

	if (!record_read_hole(f->run_dirfd, f->name, &now, e))
		return error_wrap(e, "the gap in the log");
	if (now.end == was->end || now.end == now.start)
		return true;
	if (logfile_has_hole(f) && (now.start != was->start || now.end < was->end || now.lines < was->lines))
		return error_set(e, ERR_INTERNAL, "the record of the gap in the log contradicts an earlier one");
	if (!logfile_has_hole(f) && f->scanned >= now.start && !count_before(f, now.start, &f->hole_line, e))
		return false;
	f->hole = now;
	drop_checkpoints_in_hole(f);
	step_over_hole(f);
	return true;
}

bool logfile_fetch(struct logfile *f, int64_t offset, void *to, size_t n, size_t *ret_n, struct error *e)
{
	size_t got;

	if (!read_some(f, offset, to, n, &got, e) || !refresh_hole(f, e))
		return false;
	*ret_n = got;
	if (!logfile_has_hole(f) || offset >= f->hole.end)
		return true;
	if (offset >= f->hole.start)
		*ret_n = 0;
	else if ((int64_t)got > f->hole.start - offset)
		*ret_n = (size_t)(f->hole.start - offset);
	return true;
}

/* --- the index --- */

static void thin_checkpoints(struct logfile *f)
{
	int kept = 0;

	f->stride *= 2;
	for (int i = 0; i < f->checkpoint_count; i++)
		if (f->checkpoints[i].offset % f->stride == 0)
			f->checkpoints[kept++] = f->checkpoints[i];
	f->checkpoint_count = kept;
}

static void add_checkpoint(struct logfile *f)
{
	while (f->checkpoint_count == LOGFILE_CHECKPOINTS)
		thin_checkpoints(f);
	if (f->scanned % f->stride != 0)
		return;
	if (f->checkpoint_count == f->checkpoint_cap) {
		f->checkpoint_cap = f->checkpoint_cap ? 2 * f->checkpoint_cap : CHECKPOINT_FIRST_CAP;
		f->checkpoints = xrealloc(f->checkpoints, (size_t)f->checkpoint_cap * sizeof *f->checkpoints);
	}
	f->checkpoints[f->checkpoint_count++] = (struct logfile_checkpoint){ .offset = f->scanned,
									     .line = (uint64_t)f->ends & INT64_MAX,
									     .after_cr = f->after_cr };
}

struct logfile_checkpoint logfile_checkpoint_before(const struct logfile *f, int64_t line)
{
	int low = 0, high = f->checkpoint_count; /* all below low have fewer ends, none from high on */

	while (low < high) {
		int mid = low + (high - low) / 2;

		if ((int64_t)f->checkpoints[mid].line < line)
			low = mid + 1;
		else
			high = mid;
	}
	return low ? f->checkpoints[low - 1] : (struct logfile_checkpoint){ 0 };
}

/* Counts n bytes, and leaves checkpoints on the way. bytes[-1] may be written. */
static void take_bytes(struct logfile *f, unsigned char *bytes, size_t n)
{
	bytes[-1] = f->after_cr ? '\r' : 0;
	while (n > 0) {
		int64_t to_next = f->stride - f->scanned % f->stride;
		size_t part = (int64_t)n < to_next ? n : (size_t)to_next;

		f->ends += (int64_t)lineends_count(bytes, part);
		f->scanned += (int64_t)part;
		f->after_cr = bytes[part - 1] == '\r';
		f->inside = !f->after_cr && bytes[part - 1] != '\n';
		if ((int64_t)part == to_next)
			add_checkpoint(f);
		bytes += part;
		n -= part;
	}
}

static bool scan_bytes(struct logfile *f, int64_t size, int64_t max_bytes, struct error *e)
{
	_uninit_ unsigned char buf[1 + LOGFILE_CHUNK];

	if (!refresh_hole(f, e))
		return false;
	while (f->scanned < size && max_bytes > 0) {
		int64_t at = f->scanned, most = size - at < max_bytes ? size - at : max_bytes;
		size_t n;

		if (!logfile_fetch(f, at, buf + 1, most < LOGFILE_CHUNK ? (size_t)most : LOGFILE_CHUNK, &n, e))
			return false;
		if (f->scanned != at) /* overtaken by the hole */
			continue;
		take_bytes(f, buf + 1, n);
		max_bytes -= (int64_t)n;
		if (f->scanned == f->hole.start)
			f->hole_line = f->ends;
		step_over_hole(f);
	}
	return true;
}

bool logfile_scan(struct logfile *f, int64_t max_bytes, bool ended, struct error *e)
{
	int64_t size;

	if (!size_now(f, &size, e))
		return false;
	if (f->scanned < size && !scan_bytes(f, size, max_bytes, e))
		return false;
	f->rest = ended && f->inside && f->scanned >= size;
	return true;
}
