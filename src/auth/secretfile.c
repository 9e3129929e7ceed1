#include "auth/secretfile.h"
#include "base/fdio.h"
#include "base/id.h"
#include "base/privatefile.h"
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/file.h>

enum { TMP_DIGITS = 16 };

bool secretfile_check(const char *path, struct error *e)
{
	_close_ int fd = -1;
	struct stat st;

	return privatefile_open(path, PRIVATEFILE_TRUST, &fd, &st, e);
}

bool secretfile_read(const char *path, struct sbuf *to, struct error *e)
{
	struct stat st;

	return privatefile_read(path, PRIVATEFILE_TRUST, to, &st, e);
}

bool secretfile_each_line(const char *path, char *text, secretfile_line_fn *fn, void *arg, struct error *e)
{
	int number = 0;

	for (char *line = text, *next; line && *line; line = next) {
		number++;
		next = strchr(line, '\n');
		if (next)
			*next++ = '\0';
		size_t n = strlen(line);
		if (n && line[n - 1] == '\r')
			line[--n] = '\0';
		if (n == 0 || line[0] == '#')
			continue;
		if (n > SECRETFILE_LINE_MAX)
			return error_set(e, ERR_CONFIG, "%s:%d: longer than %d bytes", path, number,
					 SECRETFILE_LINE_MAX);
		if (!fn(arg, line, e))
			return error_wrap(e, "%s:%d", path, number);
	}
	return true;
}

/* --- changing --- */

/* The new file beside the old one, complete on the disk under `tmp`. */
static bool write_tmp(int dirfd, const char *tmp, const struct stat *old, const struct sbuf *text, struct error *e)
{
	_close_ int fd = openat(dirfd, tmp, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);

	if (fd < 0)
		return error_errno(e, errno, "create a file");
	if (!fdio_write_all(fd, sbuf_str(text), text->len, e))
		return false;
	if (old && (old->st_uid != geteuid() || old->st_gid != getegid()) && fchown(fd, old->st_uid, old->st_gid) < 0)
		return error_errno(e, errno, "keep its owner");
	if (old && fchmod(fd, old->st_mode & 0777) < 0)
		return error_errno(e, errno, "keep its mode");
	return fsync(fd) == 0 || error_errno(e, errno, "fsync");
}

static bool replace(int dirfd, const char *name, const struct stat *old, const struct sbuf *text, struct error *e)
{
	char tmp[NAME_MAX + 1], random[TMP_DIGITS + 1];

	id_random_hex(random, TMP_DIGITS);
	if (snprintf(tmp, sizeof tmp, ".%s.%s", name, random) >= (int)sizeof tmp)
		return error_set(e, ERR_INVALID, "file name too long");
	if (!write_tmp(dirfd, tmp, old, text, e)) {
		(void)unlinkat(dirfd, tmp, 0);
		return false;
	}
	if (renameat(dirfd, tmp, dirfd, name) < 0) {
		(void)error_errno(e, errno, "rename");
		(void)unlinkat(dirfd, tmp, 0);
		return false;
	}
	return fsync(dirfd) == 0 || error_errno(e, errno, "fsync the directory");
}

/* The path without links, so that the file is replaced and not the link to it; as given when there is none yet. */
static char *resolve(const char *path)
{
	char *real = realpath(path, NULL);

	return real ? real : xstrdup(path);
}

static bool open_dir_of(const char *path, int *ret_fd, const char **ret_name, struct error *e)
{
	const char *slash = strrchr(path, '/');
	char dir[PATH_MAX];

	if (snprintf(dir, sizeof dir, "%.*s", slash ? (int)(slash - path) + 1 : 1, slash ? path : ".") >=
	    (int)sizeof dir)
		return error_set(e, ERR_INVALID, "path too long");
	_close_ int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	*ret_name = slash ? slash + 1 : path;
	if (fd < 0)
		return error_errno(e, errno, "open the directory of %s", path);
	if (flock(fd, LOCK_EX) < 0)
		return error_errno(e, errno, "lock the directory of %s", path);
	*ret_fd = take_fd(&fd);
	return true;
}

bool secretfile_change(const char *path, secretfile_edit_fn *edit, void *arg, struct error *e)
{
	_sbuf_ struct sbuf old = SBUF_INIT(SECRETFILE_BYTES_MAX), text = SBUF_INIT(SECRETFILE_BYTES_MAX);
	_free_ char *real = resolve(path);
	_close_ int dirfd = -1;
	const char *name;
	struct stat st;

	if (!open_dir_of(real, &dirfd, &name, e))
		return false;
	bool exists = privatefile_read(real, PRIVATEFILE_CHANGE, &old, &st, e);
	if (!exists && e->code != ERR_NOT_FOUND)
		return false;
	_free_ char *old_text = sbuf_take(&old);
	if (!edit(arg, old_text, &text, e))
		return false;
	if (!sbuf_ok(&text))
		return error_set(e, ERR_TOO_LARGE, "%s would be larger than %d bytes", path, SECRETFILE_BYTES_MAX);
	return replace(dirfd, name, exists ? &st : NULL, &text, e) || error_wrap(e, "%s", path);
}
