/*
 * Spark's own jars in HDFS, when no job and no administrator says where they are: an archive of spark-home's, made on a thread of the
 * pool (some 400 MB, a few seconds) when it is not there, and brought once. spark-submit brings it with every job.
 */
#include "base/log.h"
#include "base/str.h"
#include "cluster/yarn/confzip.h"
#include "cluster/yarn/making.h"
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>

/* An archive that is made. It outlives who wanted it, and the cluster. */
struct yarn_libs_work {
	struct yarn_here *here;    /* NULL: closed, or given up, meanwhile */
	struct yarn_upload *wants; /* NULL: given up meanwhile */
	char *dir;                 /* of the jars */
	int run_dirfd, fd;         /* where it is made; the archive, whose name is gone */
	struct error error;        /* when fd is -1 */
};

/* --- at the start --- */

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

/* --- making it --- */

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
	struct yarn_upload *u = work->wants;
	struct stat st;

	if (work->here)
		work->here->libs_work = NULL;
	if (u && (work->fd < 0 || fstat(work->fd, &st) < 0))
		yarn_refuse(u->app, ATTEMPT_BY_SUBMIT, 0, "%s", work->error.msg);
	else if (u)
		yarn_put(u, work->fd, st.st_size);
	if (work->fd >= 0)
		(void)close(work->fd);
	(void)close(work->run_dirfd);
	free(work->dir);
	free(work);
}

void yarn_libs_bring(struct yarn_upload *u)
{
	struct yarn_here *h = yarn_here(u->app);
	struct clusters *cs = u->app->of->of;

	if (h->libs_bringer) {
		yarn_refuse(u->app, ATTEMPT_WAIT, YARN_LIBS_WAIT_MS, "another job brings Spark's jars there");
		return;
	}
	log_info("bringing Spark's jars to the cluster, once; set spark.yarn.archive to do without",
		 LOG_STR("cluster", u->app->of->profile->name), LOG_STR("from", h->libs_dir),
		 LOG_STR("to", u->file->path));
	struct yarn_libs_work *work = xcalloc(1, sizeof *work);
	*work = (struct yarn_libs_work){ .here = h,
					 .wants = u,
					 .dir = xstrdup(h->libs_dir),
					 .run_dirfd = fcntl(cs->setup.run_dirfd, F_DUPFD_CLOEXEC, 0),
					 .fd = -1 };
	h->libs_bringer = u->app;
	h->libs_work = work;
	loop_work(cs->setup.loop, make, made, work);
}

/* It goes on for nobody. */
static void let_go(struct yarn_here *h)
{
	if (!h->libs_work)
		return;
	h->libs_work->here = NULL;
	h->libs_work->wants = NULL;
	h->libs_work = NULL;
}

void yarn_libs_give_up(struct cluster_app *app)
{
	struct yarn_here *h = yarn_here(app);

	if (!h || h->libs_bringer != app)
		return;
	h->libs_bringer = NULL;
	let_go(h);
}

void yarn_libs_close(struct yarn_here *h)
{
	let_go(h);
}
