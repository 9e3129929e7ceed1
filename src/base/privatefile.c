#include "base/privatefile.h"
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

enum { READ_CHUNK = 16 * 1024 };

static bool check_file(const char *path, const struct stat *st, enum privatefile_use use, struct error *e)
{
	if (!S_ISREG(st->st_mode))
		return error_set(e, ERR_CONFIG, "%s is not a plain file", path);
	if (use == PRIVATEFILE_TRUST && st->st_uid != 0 && st->st_uid != geteuid())
		return error_set(e, ERR_CONFIG,
				 "%s belongs to user %u; it must belong to root or to the user who runs this", path,
				 (unsigned)st->st_uid);
	if (st->st_mode & S_IRWXO)
		return error_set(e, ERR_CONFIG, "%s is open to other users (mode %04o); chmod o= %s", path,
				 (unsigned)(st->st_mode & 07777), path);
	if (st->st_mode & S_IWGRP)
		return error_set(e, ERR_CONFIG, "%s may be changed by its group (mode %04o); chmod g-w %s", path,
				 (unsigned)(st->st_mode & 07777), path);
	return true;
}

static bool read_all(int fd, const char *path, struct sbuf *to, struct error *e)
{
	for (;;) {
		char *into = sbuf_reserve(to, READ_CHUNK);
		ssize_t n = into ? read(fd, into, READ_CHUNK) : 0;

		if (!into)
			return error_set(e, ERR_TOO_LARGE, "%s is larger than %zu bytes", path, to->limit - READ_CHUNK);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return error_errno(e, errno, "read %s", path);
		sbuf_grew(to, (size_t)n); /* also by nothing: an empty text ends too */
		if (n == 0)
			break;
	}
	if (to->len && memchr(to->data, '\0', to->len))
		return error_set(e, ERR_CONFIG, "%s holds a NUL byte", path);
	return true;
}

bool privatefile_open(const char *path, enum privatefile_use use, int *ret_fd, struct stat *ret_st, struct error *e)
{
	/* O_NONBLOCK: a pipe of that name must not hold us up */
	_close_ int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);

	if (fd < 0 && errno == ENOENT)
		return error_set(e, ERR_NOT_FOUND, "%s does not exist", path);
	if (fd < 0 || fstat(fd, ret_st) < 0)
		return error_errno(e, errno, "open %s", path);
	if (!check_file(path, ret_st, use, e))
		return false;
	*ret_fd = take_fd(&fd);
	return true;
}

bool privatefile_read(const char *path, enum privatefile_use use, struct sbuf *to, struct stat *ret_st, struct error *e)
{
	_close_ int fd = -1;

	return privatefile_open(path, use, &fd, ret_st, e) && read_all(fd, path, to, e);
}
