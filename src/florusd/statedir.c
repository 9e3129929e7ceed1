#include "florusd/statedir.h"
#include "base/fdio.h"
#include "base/id.h"
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>

static bool check_owner(int fd, const char *path, struct error *e)
{
	struct stat st;

	if (fstat(fd, &st) < 0)
		return error_errno(e, errno, "stat %s", path);
	if (st.st_uid != geteuid())
		return error_set(
			e, ERR_CONFIG,
			"state directory %s belongs to uid %u, and Florus runs as uid %u: run it as that user, "
			"or set florus.state-dir to a directory of its own",
			path, st.st_uid, geteuid());
	if (st.st_mode & S_IWOTH)
		return error_set(e, ERR_CONFIG,
				 "state directory %s is writable by everybody: chmod o-w it, or set florus.state-dir "
				 "to a directory of its own",
				 path);
	return true;
}

static bool take_lock(struct statedir *d, const char *path, struct error *e)
{
	char pid[32] = "";

	d->lock_fd = openat(d->fd, "lock", O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (d->lock_fd < 0)
		return error_set(e, ERR_CONFIG,
				 "cannot write in state directory %s: %s; make it writable for uid %u, or set "
				 "florus.state-dir",
				 path, strerror(errno), geteuid());
	if (flock(d->lock_fd, LOCK_EX | LOCK_NB) < 0) {
		ssize_t n = pread(d->lock_fd, pid, sizeof pid - 1, 0);

		pid[n > 0 ? strcspn(pid, "\n") : 0] = '\0';
		return error_set(e, ERR_CONFIG,
				 "state directory %s is in use by another florusd (pid %s): stop it, or set "
				 "florus.state-dir to another directory",
				 path, pid);
	}
	(void)snprintf(pid, sizeof pid, "%d\n", (int)getpid());
	if (ftruncate(d->lock_fd, 0) < 0 || pwrite(d->lock_fd, pid, strlen(pid), 0) < 0)
		return true; /* the lock counts, the number is a courtesy */
	return true;
}

static bool fill(struct statedir *d, const char *path, struct error *e)
{
	if (!fdio_open_dir(path, &d->fd, e)) {
		char why[sizeof e->msg];

		memcpy(why, e->msg, sizeof why);
		return error_set(e, ERR_CONFIG, "state directory: %.300s; set florus.state-dir to a writable place",
				 why);
	}
	if (!check_owner(d->fd, path, e) || !take_lock(d, path, e))
		return false;
	if (mkdirat(d->fd, "run", 0700) < 0 && errno != EEXIST)
		return error_set(e, ERR_CONFIG, "cannot make %s/run: %s", path, strerror(errno));
	d->run_fd = openat(d->fd, "run", O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
	return d->run_fd >= 0 || error_set(e, ERR_CONFIG, "cannot open %s/run: %s", path, strerror(errno));
}

bool statedir_open(const char *path, struct statedir *ret, struct error *e)
{
	struct statedir d = { -1, -1, -1 };

	if (!fill(&d, path, e)) {
		closep(&d.run_fd);
		closep(&d.lock_fd);
		closep(&d.fd);
		return false;
	}
	*ret = d;
	return true;
}

/* Cuts the path shorter and shorter. */
static bool check_parents(char *path, struct error *e)
{
	struct stat st;

	for (char *end = strrchr(path, '/'); end && end > path; end = strrchr(path, '/')) {
		*end = '\0';
		if (stat(path, &st) < 0)
			return error_errno(e, errno, "stat %s", path);
		if (!(st.st_mode & S_IXOTH))
			return error_set(e, ERR_CONFIG,
					 "florus.launch.run-as: other users cannot pass through %s to their jobs' "
					 "directories; chmod o+x it, or set florus.state-dir to another place",
					 path);
	}
	return true;
}

bool statedir_let_pass(const struct statedir *d, struct error *e)
{
	char link[32], path[PATH_MAX];

	(void)snprintf(link, sizeof link, "/proc/self/fd/%d", d->fd);
	ssize_t n = readlink(link, path, sizeof path - 1);
	if (n < 0 || fchmod(d->fd, 0711) < 0 || fchmod(d->run_fd, 0711) < 0)
		return error_errno(e, errno, "open the way through the state directory");
	path[n] = '\0';
	return check_parents(path, e);
}

bool statedir_publish(const struct statedir *d, const char *scheme, const char *host, int port, const char *base_path,
		      struct error *e)
{
	_sbuf_ struct sbuf url = SBUF_INIT(8192);
	bool v6 = strchr(host, ':') != NULL, any = strcmp(host, "0.0.0.0") == 0 || strcmp(host, "::") == 0;

	sbuf_addf(&url, "%s://%s%s%s:%d%s\n", scheme, v6 && !any ? "[" : "", any ? "127.0.0.1" : host,
		  v6 && !any ? "]" : "", port, base_path ? base_path : "");
	return fdio_replace_file(d->fd, "url", url.data, url.len, e);
}

/* n random digits that stay the same: those of the file, which is made when it is not there yet. */
static bool keep_random(const struct statedir *d, const char *file, size_t n, char *to, const char *cure,
			struct error *e)
{
	_sbuf_ struct sbuf text = SBUF_INIT(n + 1);

	if (fdio_read_file(d->fd, file, &text, e)) {
		if (text.len != n)
			return error_set(e, ERR_CONFIG, "the file %s of the state directory is damaged; %s", file,
					 cure);
	} else if (e->code != ERR_NOT_FOUND) {
		return error_wrap(e, "read the file %s of the state directory", file);
	} else {
		id_random_hex(sbuf_reserve(&text, n), n);
		sbuf_grew(&text, n);
		if (!fdio_replace_file(d->fd, file, text.data, text.len, e))
			return false;
	}
	memcpy(to, text.data, n + 1);
	return true;
}

bool statedir_key(const struct statedir *d, char to[STATEDIR_KEY_HEX + 1], struct error *e)
{
	return keep_random(d, "key", STATEDIR_KEY_HEX, to, "remove it when no job runs", e);
}

bool statedir_instance(const struct statedir *d, char to[STATEDIR_INSTANCE_HEX + 1], struct error *e)
{
	return keep_random(d, "instance", STATEDIR_INSTANCE_HEX, to, "remove it when no job runs in a cluster", e);
}

void statedir_close(struct statedir *d)
{
	(void)unlinkat(d->fd, "url", 0);
	(void)close(d->run_fd);
	(void)close(d->lock_fd);
	(void)close(d->fd);
}
