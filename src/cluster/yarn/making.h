/*
 * yarn-making - one job on its way to YARN, for submit.c (its steps) and upload.c (its files). Private to them.
 */
#pragma once
#include "cluster/hadoop/hdfs.h"
#include "cluster/yarn/submit.h"

enum {
	YARN_PATH_MAX = HDFS_PATH_MAX,
	YARN_FILE_MODE = 0644, /* as Spark has them; the directory above is the user's alone */
};

#define YARN_STAGING ".sparkStaging" /* as Spark calls it: who looks for leftovers knows it */

/* A file on its way. */
struct yarn_upload {
	struct cluster_app *app;
	struct yarn_file *file; /* NULL: nothing is on its way here */
	struct hdfs_call *call;
	const char *part; /* of a kept one: its path until it is whole */
	bool put;         /* it was there to be put, and was */
};

struct yarn_making {
	struct arena *arena;
	struct submission s;
	struct yarn_plan plan;
	struct yarn_job job;
	const char *base; /* the directory of staging directories */
	struct hdfs_call *call;
	struct yarn_upload uploads[YARN_UPLOADS_MAX];
	size_t next; /* file that is to go next */
};

static inline struct yarn_making *yarn_making(const struct cluster_app *app)
{
	return ((struct yarn_own *)app->own)->making;
}

static inline struct yarn_here *yarn_here(const struct cluster_app *app)
{
	return ((struct yarn *)app->of->wire)->here;
}

/* Whom it is done for; NULL: ourselves. */
static inline const char *yarn_as(const struct cluster_app *app)
{
	return ((struct yarn_own *)app->own)->as;
}

/* A path below the job's directory, of its arena; NULL: too long. */
const char *yarn_in_staging(struct yarn_making *m, const char *name);

/* Brings the files of the plan there, and learns their sizes and times; then yarn_uploaded(), or it was refused. */
void yarn_upload(struct cluster_app *app);
void yarn_uploaded(struct cluster_app *app);

/* For libs.c: puts what is behind fd into the file's place, and goes on. */
void yarn_put(struct yarn_upload *u, int fd, int64_t size);

/* It is not submitted, and was not. What was made for it goes; app->own->making is gone afterwards. */
void yarn_refuse(struct cluster_app *app, enum attempt_again again, int64_t retry_ms, const char *fmt, ...)
	PRINTF(4, 5);
void yarn_refuse_files(struct cluster_app *app, const struct error *e); /* because of what HDFS, or a file, says */

/* --- libs.c --- */

enum { YARN_LIBS_WAIT_MS = 2000 }; /* for another job that brings them */

const char *yarn_libs_name(struct arena *a, const char *dir, const char *version); /* NULL: there are no jars in dir */
void yarn_libs_bring(struct yarn_upload *u);     /* ends with yarn_put(), or refused */
void yarn_libs_give_up(struct cluster_app *app); /* if it is this one who brings them */
void yarn_libs_close(struct yarn_here *h);
