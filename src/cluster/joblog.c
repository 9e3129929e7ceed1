#include "cluster/joblog.h"
#include "base/record.h"
#include "base/sbuf.h"
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* One sector, written at once: whole or not at all. */
#define FROM_FORMAT "%20" PRId64 " %20" PRId64 " %20" PRId64 "\n"
enum { FROM_BYTES = 63 };

#define CAPPED "\nflorus: the log is longer than florus.log.max; the rest is not kept here\n"

struct joblog {
	int fd, from_fd;
	int64_t size, max_bytes;
	int64_t offsets[JOBLOG_STREAMS];
};

static bool open_in(int run_dirfd, const char *dir, const char *file, int *ret, struct error *e)
{
	_sbuf_ struct sbuf path = SBUF_INIT(256);

	sbuf_addf(&path, "%s/%s", dir, file);
	*ret = openat(run_dirfd, sbuf_str(&path), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	return *ret >= 0 || error_errno(e, errno, "open the log of a job");
}

/* Where we were; nothing readable: at the beginning. */
static void read_from(struct joblog *l)
{
	char text[FROM_BYTES + 1] = "";
	int64_t size, a, b;

	if (pread(l->from_fd, text, FROM_BYTES, 0) != FROM_BYTES ||
	    sscanf(text, "%" SCNd64 " %" SCNd64 " %" SCNd64, &size, &a, &b) != 3 || size < 0 || a < 0 || b < 0)
		return;
	l->size = size;
	l->offsets[0] = a;
	l->offsets[1] = b;
}

/* A log that is shorter than was noted lost its end in a power cut: it is read anew. */
static bool agree(struct joblog *l, struct error *e)
{
	struct stat st;

	if (fstat(l->fd, &st) < 0)
		return error_errno(e, errno, "look at the log of a job");
	if (st.st_size < l->size) {
		l->size = 0;
		memset(l->offsets, 0, sizeof l->offsets);
	}
	return st.st_size == l->size || ftruncate(l->fd, l->size) == 0 ||
	       error_errno(e, errno, "cut the log of a job to what is known of it");
}

bool joblog_open(int run_dirfd, const char *dir, int64_t max_bytes, struct joblog **ret, struct error *e)
{
	struct joblog *l = xcalloc(1, sizeof *l);

	l->fd = l->from_fd = -1;
	l->max_bytes = max_bytes;
	(void)mkdirat(run_dirfd, dir, 0700);
	if (!open_in(run_dirfd, dir, RECORD_LOG, &l->fd, e) || !open_in(run_dirfd, dir, "log.from", &l->from_fd, e)) {
		(void)joblog_free(l);
		return false;
	}
	read_from(l);
	if (!agree(l, e)) {
		(void)joblog_free(l);
		return false;
	}
	*ret = l;
	return true;
}

struct joblog *joblog_free(struct joblog *l)
{
	if (!l)
		return NULL;
	if (l->fd >= 0)
		(void)close(l->fd);
	if (l->from_fd >= 0)
		(void)close(l->from_fd);
	free(l);
	return NULL;
}

int64_t joblog_offset(const struct joblog *l, int stream)
{
	return l->offsets[stream];
}

void joblog_mark(struct joblog *l, int stream, int64_t mark)
{
	l->offsets[stream] = mark;
}

static bool append(struct joblog *l, const char *bytes, size_t n, struct error *e)
{
	size_t done = 0;

	while (done < n) {
		ssize_t w = pwrite(l->fd, bytes + done, n - done, l->size + (int64_t)done);

		if (w < 0)
			return error_errno(e, errno, "write the log of a job");
		done += (size_t)w;
	}
	l->size += (int64_t)n;
	return true;
}

static bool note(struct joblog *l, struct error *e)
{
	char text[FROM_BYTES + 1];

	(void)snprintf(text, sizeof text, FROM_FORMAT, l->size, l->offsets[0], l->offsets[1]);
	return pwrite(l->from_fd, text, FROM_BYTES, 0) == FROM_BYTES ||
	       error_errno(e, errno, "note how far the log of a job was read");
}

/* The note that the ceiling was reached takes the log over it, so it is said once. */
static bool append_capped(struct joblog *l, const char *bytes, size_t n, struct error *e)
{
	if (!l->max_bytes || l->size + (int64_t)n <= l->max_bytes)
		return append(l, bytes, n, e);
	if (l->size > l->max_bytes)
		return true;
	return append(l, bytes, (size_t)(l->max_bytes - l->size), e) && append(l, CAPPED, sizeof CAPPED - 1, e);
}

bool joblog_add(struct joblog *l, int stream, const char *bytes, size_t n, int64_t offset, struct error *e)
{
	struct joblog before = *l;

	if (append_capped(l, bytes, n, e)) {
		l->offsets[stream] = offset;
		if (note(l, e))
			return true;
	}
	*l = before; /* what is behind that is cut off at the next opening, or overwritten */
	return false;
}
