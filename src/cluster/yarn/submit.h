/*
 * yarn-submit - giving a job to YARN by its own API: an id, the files into HDFS, the archive of the configuration, the context.
 *
 * Nothing can run before the last request, so that whatever fails earlier is simply not submitted. That last one is sent with
 * an id that is on the disk already; the resource manager takes one id once. Private to the YARN backend.
 */
#pragma once
#include "cluster/yarn/spec.h"
#include "cluster/yarn/wire.h"

enum {
	YARN_UPLOADS_MAX = 8,     /* files of a job that are on their way at once */
	YARN_SWEEPS_MAX = 16,     /* directories that are removed at once; over it they stay */
	YARN_WAIT_MS = 5000,      /* something is away: tried again after it */
	YARN_CONF_FILES_MAX = 64, /* of the Hadoop configuration's directory */
	YARN_CONF_FILE_MAX = 4 * 1024 * 1024,
};

/* What submitting needs besides the resource manager; read once, at the start. */
struct yarn_here {
	struct arena *arena;
	struct hdfs *hdfs;
	struct yarn_site site;
	const char *user;          /* who we are there */
	const char *renewer;       /* of the token for HDFS: the resource manager's principal; NULL: jobs need none */
	const char *token_service; /* hdfs_token()'s */
	const char *staging_root;  /* path of florus.cluster.*.staging-dir; NULL: the user's home */
	struct yarn_conf_file {
		const char *name, *bytes;
		size_t n;
	} files[YARN_CONF_FILES_MAX]; /* for the archive of the configuration, by their names in there */
	size_t count;
	char *libs_dir;                   /* Spark's jars on this host; of the arena */
	struct cluster_app *libs_bringer; /* NULL: nobody brings them now */
	struct yarn_libs_work *libs_work; /* while their archive is made */
	struct yarn_sweep {
		struct cluster *of; /* NULL: free */
		struct hdfs_call *call;
		char app_id[CLUSTER_HANDLE_MAX];
		char as[256]; /* "": ourselves */
	} sweeps[YARN_SWEEPS_MAX];
};

/* Of a profile. ret_why: why jobs of this cluster need spark-submit, static; then *ret is NULL. */
struct yarn_here *yarn_here_open(struct cluster *c, const char **ret_why);
const char *yarn_user(const struct profile *p);         /* who we are there; NULL: nobody said it */
struct yarn_here *yarn_here_close(struct yarn_here *h); /* takes NULL; returns NULL */

/* The archive of a job's configuration: its own, Hadoop's, Spark's loggers'. ERR_TOO_LARGE over out's limit. */
MUST_CHECK bool yarn_conf_archive(struct arena *a, const struct cluster *c, const struct yarn_job *job,
				  struct sbuf *out, struct error *e);

const char *yarn_gate(const struct cluster *c, struct arena *a, const struct submission *s);
void yarn_prepare(struct cluster_app *app, const struct submission *s);
void yarn_submit(struct cluster_app *app);
void yarn_clean(struct cluster_app *app); /* its staging directory may go */
void yarn_submit_cancel(struct cluster_app *app);
