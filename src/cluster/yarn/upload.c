/*
 * The files of a job, into HDFS. Those of the user go into the directory of the job; those that many jobs share, such
 * as the Python libraries of our Spark, are brought once and kept beside it; those that are in HDFS stay where they
 * are.
 */
#include "cluster/yarn/upload.h"
#include "base/log.h"
#include "base/str.h"
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

enum { LIBS_WAIT_MS = 2000 }; /* for another job that brings them */

#define KEPT "florus-kept" /* beside the directories of jobs */

static void go_on(struct cluster_app *app);

static void file_is_there(struct yarn_upload *u, const struct hdfs_status *status)
{
	u->file->size = status->length;
	u->file->mtime_ms = status->modified_ms;
	u->file = NULL;
	go_on(u->app);
}

static void put_file(struct yarn_upload *u);
static void bring_libs(struct yarn_upload *u);
static void on_stat(void *arg, const struct hdfs_answer *answer);

static void stat_file(struct yarn_upload *u)
{
	u->call = hdfs_stat(yarn_here(u->app)->hdfs, u->file->path, yarn_as(u->app), on_stat, u);
}

static void on_stat(void *arg, const struct hdfs_answer *answer)
{
	struct yarn_upload *u = arg;

	u->call = NULL;
	if (answer->error.code)
		yarn_refuse_files(u->app, &answer->error);
	else if (answer->yes && !answer->status.dir)
		file_is_there(u, &answer->status);
	else if (u->file->kept && !u->put && !u->file->local)
		bring_libs(u);
	else if (u->file->kept && !u->put)
		put_file(u);
	else
		yarn_refuse(u->app, ATTEMPT_NEVER_AGAIN, 0, "%s in HDFS: %.200s",
			    answer->yes ? "a directory" : "no such file", u->file->path);
}

/* Whoever was faster put the same there. */
static void on_renamed(void *arg, const struct hdfs_answer *answer)
{
	struct yarn_upload *u = arg;

	u->call = NULL;
	if (answer->error.code && answer->error.code != ERR_CONFLICT)
		yarn_refuse_files(u->app, &answer->error);
	else
		stat_file(u);
}

static void on_put(void *arg, const struct hdfs_answer *answer)
{
	struct yarn_upload *u = arg;

	u->call = NULL;
	u->put = true;
	if (answer->error.code)
		yarn_refuse_files(u->app, &answer->error);
	else if (u->file->kept)
		u->call = hdfs_rename(yarn_here(u->app)->hdfs, u->part, u->file->path, yarn_as(u->app), on_renamed, u);
	else
		stat_file(u);
}

static void put(struct yarn_upload *u, int fd, int64_t size)
{
	u->call = hdfs_put(yarn_here(u->app)->hdfs,
			   &(struct hdfs_put){ .path = u->file->kept ? u->part : u->file->path,
					       .mode = YARN_FILE_MODE,
					       .bytes = "",
					       .fd = fd,
					       .fd_len = size },
			   yarn_as(u->app), on_put, u);
}

/* The user's files only as far as he may name them; those of our Spark are the administrator's. */
static bool open_local(const struct cluster_app *app, const struct yarn_file *f, int *ret_fd, struct error *e)
{
	const struct clusters_setup *setup = &app->of->of->setup;

	if (!f->kept)
		return setup->open_file(setup->open_file_arg, f->local, ret_fd, e) || error_wrap(e, "%.150s", f->local);
	*ret_fd = open(f->local, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	return *ret_fd >= 0 || error_errno(e, errno, "%.200s cannot be opened", f->local);
}

static void put_file(struct yarn_upload *u)
{
	struct error e;
	struct stat st;
	_close_ int fd = -1;

	if (!open_local(u->app, u->file, &fd, &e)) {
		/* Forbidden is what the administrator names in defaults: spark-submit reads it. */
		yarn_refuse(u->app, e.code == ERR_FORBIDDEN ? ATTEMPT_BY_SUBMIT : ATTEMPT_NEVER_AGAIN, 0, "%s", e.msg);
		return;
	}
	if (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode)) {
		yarn_refuse(u->app, ATTEMPT_NEVER_AGAIN, 0, "%.200s is not a file", u->file->local);
		return;
	}
	put(u, fd, st.st_size);
}

static void on_libs(void *arg, int fd, int64_t size, const struct error *e)
{
	struct yarn_upload *u = arg;

	if (fd < 0)
		yarn_refuse(u->app, ATTEMPT_BY_SUBMIT, 0, "%s", e->msg);
	else
		put(u, fd, size);
}

static void bring_libs(struct yarn_upload *u)
{
	struct yarn_libs *l = &yarn_here(u->app)->libs;

	if (!yarn_libs_make(l, u->app, on_libs, u)) {
		yarn_refuse(u->app, ATTEMPT_WAIT, LIBS_WAIT_MS, "another job brings Spark's jars there");
		return;
	}
	log_info("bringing Spark's jars to the cluster, once; set spark.yarn.archive to do without",
		 LOG_STR("cluster", u->app->of->profile->name), LOG_STR("from", l->dir), LOG_STR("to", u->file->path));
}

static const char *kept_path(const struct yarn_making *m, const struct yarn_file *f)
{
	_sbuf_ struct sbuf path = SBUF_INIT(YARN_PATH_MAX);

	sbuf_addf(&path, "%s/" KEPT "/%s", m->base, f->kept);
	return sbuf_ok(&path) ? arena_strdup(m->arena, sbuf_str(&path)) : NULL;
}

/* Beside it: directories above a new file are made, those above a new name are not. */
static const char *part_of(const struct yarn_making *m, const char *path)
{
	_sbuf_ struct sbuf part = SBUF_INIT(YARN_PATH_MAX);

	sbuf_addf(&part, "%s.%s", path, m->job.app_id);
	return sbuf_ok(&part) ? arena_strdup(m->arena, sbuf_str(&part)) : NULL;
}

static void begin(struct yarn_upload *u)
{
	struct yarn_making *m = yarn_making(u->app);
	struct yarn_file *f = u->file;
	_sbuf_ struct sbuf name = SBUF_INIT(4096);
	const char *slash = f->local ? strrchr(f->local, '/') : NULL;
	const struct error e = { .code = ERR_TOO_LARGE, .msg = "its files have too long names" };

	/* Its own name, as nodes tell by that how an archive is packed. */
	sbuf_addf(&name, "%zu-%s", (size_t)(f - m->plan.files), slash ? slash + 1 : f->link);
	if (f->kept)
		f->path = kept_path(m, f);
	else if (f->local)
		f->path = yarn_in_staging(m, sbuf_str(&name));
	if (f->path && f->kept)
		u->part = part_of(m, f->path);
	if (!f->path || (f->kept && !u->part))
		yarn_refuse_files(u->app, &e);
	else if (f->local && !f->kept)
		put_file(u);
	else
		stat_file(u);
}

/* As many at once as may be; then what comes after them. It ends with the app refused when one fails. */
static void go_on(struct cluster_app *app)
{
	struct yarn_making *m = yarn_making(app);
	bool busy = false;

	for (size_t i = 0; i < YARN_UPLOADS_MAX; i++) {
		struct yarn_upload *u = &m->uploads[i];

		if (!u->file && m->next < m->plan.count) {
			*u = (struct yarn_upload){ .app = app, .file = &m->plan.files[m->next++] };
			begin(u);
			if (!yarn_making(app))
				return;
		}
		busy |= u->file != NULL;
	}
	if (!busy)
		m->uploaded(app);
}

void yarn_upload(struct cluster_app *app, yarn_making_fn *done)
{
	yarn_making(app)->uploaded = done;
	go_on(app);
}
