#include "cluster/yarn/libs.h"
#include "base/cleanup.h"
#include "base/str.h"
#include "cluster/yarn/confzip.h"
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

/* An archive that is made. It outlives who wanted it, and the cluster. */
struct yarn_libs_work {
	struct yarn_libs *of; /* NULL: closed, or given up, meanwhile */
	yarn_libs_fn *fn;
	void *arg;
	char *dir;          /* of the jars */
	int run_dirfd, fd;  /* where it is made; the archive, whose name is gone */
	struct error error; /* when fd is -1 */
};

/* Other jars, another name: what is there is never replaced, as running jobs read it. */
const char *yarn_libs_name(struct arena *a, const char *dir, const char *version)
{
	unsigned long long bytes = 0, newest = 0, count = 0;
	_sbuf_ struct sbuf name = SBUF_INIT(256);
	const struct dirent *entry;
	struct stat st;
	DIR *d = opendir(dir);

	while (d && (entry = readdir(d)) != NULL) {
		if (!str_ends(entry->d_name, ".jar") || fstatat(dirfd(d), entry->d_name, &st, 0) < 0)
			continue;
		count++;
		bytes += (unsigned long long)st.st_size;
		newest = (unsigned long long)st.st_mtime > newest ? (unsigned long long)st.st_mtime : newest;
	}
	if (d)
		(void)closedir(d);
	sbuf_addf(&name, "spark-%.32s-%llu-%llx-%llx.zip", version ? version : "x", count, bytes, newest);
	return count ? arena_strdup(a, sbuf_str(&name)) : NULL;
}

static void make(void *arg)
{
	struct yarn_libs_work *work = arg;
	_sbuf_ struct sbuf path = SBUF_INIT(96);

	/* The descriptor is this work's alone, and so is the name: another Spark's archive may be made beside it. */
	sbuf_addf(&path, "/proc/self/fd/%d/spark-jars.%d.zip", work->run_dirfd, work->run_dirfd);
	if (!confzip_directory(work->dir, sbuf_str(&path), &work->error))
		return;
	work->fd = open(sbuf_str(&path), O_RDONLY | O_CLOEXEC);
	if (work->fd < 0)
		(void)error_errno(&work->error, errno, "the archive of Spark's jars cannot be read");
	(void)unlink(sbuf_str(&path));
}

static void made(void *arg)
{
	struct yarn_libs_work *work = arg;
	struct stat st = { 0 };

	if (work->fd >= 0 && fstat(work->fd, &st) < 0) {
		(void)error_errno(&work->error, errno, "the archive of Spark's jars cannot be read");
		closep(&work->fd);
	}
	if (work->of) {
		work->of->work = NULL;
		work->fn(work->arg, work->fd, st.st_size, &work->error);
	}
	closep(&work->fd);
	closep(&work->run_dirfd);
	free(work->dir);
	free(work);
}

bool yarn_libs_make(struct yarn_libs *l, const void *bringer, yarn_libs_fn *fn, void *arg)
{
	if (l->bringer)
		return false;
	l->bringer = bringer;
	l->work = xcalloc(1, sizeof *l->work);
	*l->work = (struct yarn_libs_work){ .of = l,
					    .fn = fn,
					    .arg = arg,
					    .dir = xstrdup(l->dir),
					    .run_dirfd = fcntl(l->run_dirfd, F_DUPFD_CLOEXEC, 0),
					    .fd = -1 };
	loop_work(l->loop, make, made, l->work);
	return true;
}

/* The work goes on, for nobody. */
void yarn_libs_close(struct yarn_libs *l)
{
	if (l->work)
		l->work->of = NULL;
	l->work = NULL;
}

void yarn_libs_leave(struct yarn_libs *l, const void *bringer)
{
	if (l->bringer != bringer)
		return;
	l->bringer = NULL;
	yarn_libs_close(l);
}
