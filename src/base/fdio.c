#include "base/fdio.h"
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

enum { READ_CHUNK = 64 * 1024 };

bool fdio_write_all(int fd, const void *bytes, size_t n, struct error *e)
{
	const char *p = bytes;

	while (n > 0) {
		ssize_t done = write(fd, p, n);

		if (done < 0 && errno == EINTR)
			continue;
		if (done < 0)
			return error_errno(e, errno, "write");
		p += done;
		n -= (size_t)done;
	}
	return true;
}

static bool cannot_open(const char *name, struct error *e)
{
	return errno == ENOENT ? error_set(e, ERR_NOT_FOUND, "%s does not exist", name)
			       : error_errno(e, errno, "open %s", name);
}

static bool read_all(int fd, const char *name, struct sbuf *to, struct error *e)
{
	for (;;) {
		size_t room = to->limit - to->len;
		char *into = sbuf_reserve(to, room < READ_CHUNK ? room : READ_CHUNK);
		char probe;
		ssize_t n = into && room ? read(fd, into, room < READ_CHUNK ? room : READ_CHUNK) : read(fd, &probe, 1);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return error_errno(e, errno, "read %s", name);
		if (n == 0)
			return true;
		if (!room)
			return error_set(e, ERR_TOO_LARGE, "%s is larger than %zu bytes", name, to->limit);
		sbuf_grew(to, (size_t)n);
	}
}

bool fdio_read_file(int dirfd, const char *name, struct sbuf *to, struct error *e)
{
	_close_ int fd = openat(dirfd, name, O_RDONLY | O_CLOEXEC | O_NOCTTY);

	return fd < 0 ? cannot_open(name, e) : read_all(fd, name, to, e);
}

bool fdio_read_plain_fd(int fd, const char *name, struct sbuf *to, struct error *e)
{
	struct stat st;

	if (fstat(fd, &st) < 0)
		return cannot_open(name, e);
	if (!S_ISREG(st.st_mode))
		return error_set(e, ERR_MALFORMED, "%s is not a plain file", name);
	return read_all(fd, name, to, e);
}

bool fdio_read_plain_file(int dirfd, const char *name, struct sbuf *to, struct error *e)
{
	_close_ int fd = openat(dirfd, name, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);

	return fd < 0 ? cannot_open(name, e) : fdio_read_plain_fd(fd, name, to, e);
}

bool fdio_replace_file(int dirfd, const char *name, const void *bytes, size_t n, struct error *e)
{
	char tmp[NAME_MAX + 1];

	if (snprintf(tmp, sizeof tmp, ".%s.tmp", name) >= (int)sizeof tmp)
		return error_set(e, ERR_INVALID, "file name too long");

	_close_ int fd = openat(dirfd, tmp, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK, 0600);
	if (fd < 0)
		return error_errno(e, errno, "create %s", name);
	if (!fdio_write_all(fd, bytes, n, e))
		return error_wrap(e, "%s", name);
	if (fsync(fd) < 0)
		return error_errno(e, errno, "fsync %s", name);
	if (renameat(dirfd, tmp, dirfd, name) < 0)
		return error_errno(e, errno, "rename %s", name);
	if (dirfd != AT_FDCWD && fsync(dirfd) < 0)
		return error_errno(e, errno, "fsync the directory of %s", name);
	return true;
}

static bool make_parents(const char *path, struct error *e)
{
	char part[PATH_MAX];

	if (strlen(path) >= sizeof part)
		return error_set(e, ERR_INVALID, "path too long");
	for (size_t i = 1; path[i]; i++) {
		if (path[i] != '/')
			continue;
		memcpy(part, path, i);
		part[i] = '\0';
		if (mkdir(part, 0755) < 0 && errno != EEXIST)
			return error_errno(e, errno, "mkdir %s", part);
	}
	return true;
}

bool fdio_open_dir(const char *path, int *ret_fd, struct error *e)
{
	if (mkdir(path, 0700) < 0 && errno == ENOENT) {
		if (!make_parents(path, e))
			return false;
		if (mkdir(path, 0700) < 0 && errno != EEXIST)
			return error_errno(e, errno, "mkdir %s", path);
	}
	int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return error_errno(e, errno, "open %s", path);
	*ret_fd = fd;
	return true;
}
