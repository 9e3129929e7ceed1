#include "run/rundir.h"
#include "run/attempt.h"
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>

enum { REMOVE_DEPTH_MAX = 64, REMOVE_WALKS_MAX = 256 };

/* Held by others? A shared lock taken for an instant tells; the file need not exist. */
static bool probe_lock(int dir_fd, const char *file, bool *ret, struct error *e)
{
	_close_ int fd = openat(dir_fd, file, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);

	if (fd < 0 && errno != ENOENT)
		return error_errno(e, errno, "open %s", file);
	int rc = fd < 0 ? 0 : flock(fd, LOCK_SH | LOCK_NB);
	if (rc < 0 && errno != EWOULDBLOCK)
		return error_errno(e, errno, "probe %s", file);
	*ret = rc < 0;
	return true;
}

static bool look_at_started(int dir_fd, struct rundir *d, struct error *e)
{
	struct stat st;

	if (fstatat(dir_fd, RECORD_STARTED, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return errno == ENOENT || error_errno(e, errno, "look for %s", RECORD_STARTED);
	d->started = true;
	d->started_wall_ms = (int64_t)st.st_mtim.tv_sec * 1000 + st.st_mtim.tv_nsec / 1000000;
	return true;
}

/* A record that is half written or damaged counts as absent: that can make an end lost, never wrong. */
static bool absent(const struct error *e)
{
	return e->code == ERR_NOT_FOUND || e->code == ERR_MALFORMED;
}

bool rundir_look(int run_dirfd, const char *name, struct rundir *ret, struct error *e)
{
	struct rundir d = { 0 };
	_close_ int dir_fd = openat(run_dirfd, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);

	*ret = d;
	if (dir_fd < 0)
		return errno == ENOENT || error_errno(e, errno, "open the directory of %s", name);
	d.exists = true;
	if (!probe_lock(dir_fd, RECORD_SHIM_LOCK, &d.shim_lives, e) ||
	    !probe_lock(dir_fd, RECORD_TREE_LOCK, &d.tree_lives, e) || !look_at_started(dir_fd, &d, e))
		return false;
	d.has_exit = record_read_exit(dir_fd, &d.exit, e);
	if (!d.has_exit && !absent(e))
		return false;
	d.has_shim = record_read_process(dir_fd, RECORD_SHIM, &d.shim, e);
	if (!d.has_shim && !absent(e))
		return false;
	d.has_driver = record_read_process(dir_fd, RECORD_DRIVER, &d.driver, e);
	if (!d.has_driver && !absent(e))
		return false;
	*ret = d;
	return true;
}

enum rundir_verdict rundir_verdict(const struct rundir *d, bool same_boot)
{
	/* Nothing in run/ is synced before a driver starts: after a crash of the host its traces may be missing. */
	if (!same_boot)
		return d->has_exit ? RUNDIR_ENDED : RUNDIR_LOST_BOOT;
	if (!d->exists)
		return RUNDIR_NEVER;
	/* A shim writes `exit` when the tree is gone; the launcher, for a killed shim, when the driver is. */
	if (d->has_exit && (d->shim_lives || !d->tree_lives))
		return RUNDIR_ENDED;
	if (d->shim_lives)
		return d->started ? RUNDIR_RUNNING : RUNDIR_STARTING;
	if (d->tree_lives)
		return RUNDIR_ORPHAN;
	return d->started ? RUNDIR_LOST : RUNDIR_NEVER;
}

/* --- removal --- */

/* What a job left may be as deep as it likes: what lies too deep for one walk is moved up, for the next. */
struct removal {
	int top_fd; /* the attempt's directory */
	unsigned moved;
};

static bool remove_in(struct removal *r, int dir_fd, const char *name, int depth, struct error *e);

/* Empties the directory; takes the descriptor. */
static bool empty_dir(struct removal *r, int fd, int depth, struct error *e)
{
	DIR *dir = fdopendir(fd);
	const struct dirent *entry;
	bool ok = true;

	if (!dir) {
		error_errno(e, errno, "list a directory");
		(void)close(fd);
		return false;
	}
	(void)fchmod(fd, S_IRWXU); /* its entries go only from one that may be changed */
	while (ok && (entry = readdir(dir)))
		if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0)
			ok = remove_in(r, dirfd(dir), entry->d_name, depth, e);
	(void)closedir(dir);
	return ok;
}

/* Also one that its owner may not read, if it is ours. */
static int open_dir(int dir_fd, const char *name)
{
	const int flags = O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW;
	int fd = openat(dir_fd, name, flags);

	if (fd >= 0 || errno != EACCES || fchmodat(dir_fd, name, S_IRWXU, 0) < 0)
		return fd;
	return openat(dir_fd, name, flags);
}

static bool move_up(struct removal *r, int dir_fd, const char *name, struct error *e)
{
	char to[32];

	(void)snprintf(to, sizeof to, ".deep-%u", r->moved++);
	return renameat(dir_fd, name, r->top_fd, to) == 0 || errno == ENOENT ||
	       error_errno(e, errno, "move a directory");
}

/* A symbolic link is removed, never followed. */
static bool remove_in(struct removal *r, int dir_fd, const char *name, int depth, struct error *e)
{
	if (unlinkat(dir_fd, name, 0) == 0 || errno == ENOENT)
		return true;
	if (errno != EISDIR && errno != EPERM)
		return error_errno(e, errno, "remove a file");
	if (depth == REMOVE_DEPTH_MAX)
		return move_up(r, dir_fd, name, e);
	int fd = open_dir(dir_fd, name);
	if (fd < 0)
		return errno == ENOENT || error_errno(e, errno, "open a directory");
	if (!empty_dir(r, fd, depth + 1, e))
		return false;
	if (unlinkat(dir_fd, name, AT_REMOVEDIR) == 0 || errno == ENOENT || errno == ENOTEMPTY)
		return true; /* not empty: something was moved up into it, or somebody still writes there */
	return error_errno(e, errno, "remove a directory");
}

bool attempt_remove_dir(int run_dirfd, const char *name, struct error *e)
{
	struct removal r = { 0 };
	struct stat st;

	if (!*name || *name == '.' || strchr(name, '/'))
		return error_set(e, ERR_INVALID, "not the name of an attempt's directory");
	_close_ int top_fd = open_dir(run_dirfd, name);
	r.top_fd = top_fd;
	for (int i = 0; i < REMOVE_WALKS_MAX; i++) {
		if (!remove_in(&r, run_dirfd, name, 0, e))
			return error_wrap(e, "remove %s", name);
		if (fstatat(run_dirfd, name, &st, AT_SYMLINK_NOFOLLOW) < 0 && errno == ENOENT)
			return true;
	}
	return error_set(e, ERR_TOO_LARGE, "remove %s: its directories are nested too deeply", name);
}
