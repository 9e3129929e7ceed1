#include "http/spool.h"
#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

bool spool_open(int dirfd, int64_t max, struct spool *ret, struct error *e)
{
	*ret = (struct spool){ .fd = openat(dirfd, ".", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600), .max = max };
	return ret->fd >= 0 || error_errno(e, errno, "make room for the upload");
}

bool spool_add(struct spool *s, const void *bytes, size_t n, struct error *e)
{
	const char *at = bytes;

	if (s->len + (int64_t)n > s->max)
		return error_set(e, ERR_TOO_LARGE, "the upload is too large");
	while (n > 0) {
		ssize_t w = write(s->fd, at, n);

		if (w < 0)
			return error_errno(e, errno, "keep the upload");
		at += w;
		n -= (size_t)w;
		s->len += w;
	}
	return true;
}

void spool_close(struct spool *s)
{
	if (s->fd >= 0)
		(void)close(s->fd);
	s->fd = -1;
}
