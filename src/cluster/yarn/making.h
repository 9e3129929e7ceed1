/*
 * yarn-making - one job on its way to YARN, for submit.c (its steps) and upload.c (its files), and how it ends when it
 * is not submitted. Private to the YARN backend.
 */
#pragma once
#include "cluster/yarn/here.h"

enum {
	YARN_FILE_MODE = 0644, /* as Spark has them; the directory above is the user's alone */
	YARN_UPLOADS_MAX = 8,  /* files of a job that are on their way at once */
	YARN_WAIT_MS = 5000,   /* something is away: tried again after it */
};

typedef void yarn_making_fn(struct cluster_app *app);

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
	size_t next;              /* file that is to go next */
	yarn_making_fn *uploaded; /* when all are there */
	int asked, asked_at;      /* how many resource managers gave no id, and who was asked last */
	unsigned unbelieved;      /* those whose certificate was the reason, a bit each */
};

/* NULL: it is not on its way (any more). */
static inline struct yarn_making *yarn_making(const struct cluster_app *app)
{
	return ((struct yarn_own *)app->own)->making;
}

/* A path below the job's directory, of its arena; NULL: too long. */
const char *yarn_in_staging(struct yarn_making *m, const char *name);

/* It is there, or given up: requests are cancelled, and what was made for it goes. */
void yarn_making_end(struct cluster_app *app);

/* It is not submitted, and was not: yarn_making_end(), and what is in HDFS may go. */
void yarn_refuse(struct cluster_app *app, enum attempt_again again, int64_t retry_ms, const char *fmt, ...)
	PRINTF(4, 5);
void yarn_refuse_files(struct cluster_app *app, const struct error *e); /* because of what HDFS, or a file, says */
