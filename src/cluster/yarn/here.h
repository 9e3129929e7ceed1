/*
 * yarn-here - what is the same for all jobs of a YARN and is read once, at the start: its file system, the files of its
 * configuration, the libraries of our Spark. Private to the YARN backend.
 */
#pragma once
#include "cluster/hadoop/hdfs.h"
#include "cluster/yarn/libs.h"
#include "cluster/yarn/spec.h"
#include "cluster/yarn/wire.h"

enum {
	YARN_PATH_MAX = HDFS_PATH_MAX,
	YARN_SWEEPS_MAX = 16,     /* directories that are removed at once; over it they stay */
	YARN_CONF_FILES_MAX = 64, /* of the Hadoop configuration's directory */
	YARN_CONF_FILE_MAX = 4 * 1024 * 1024,
};

#define YARN_STAGING ".sparkStaging" /* as Spark calls it: who looks for leftovers knows it */

/* What submitting needs besides the resource manager. */
struct yarn_here {
	struct arena *arena;
	struct hdfs *hdfs;
	struct yarn_site site;
	struct yarn_libs libs;
	const char *user;          /* who we are there */
	const char *renewer;       /* of the token for HDFS: the resource manager's principal; NULL: jobs need none */
	const char *token_service; /* hdfs_token()'s */
	const char *staging_root;  /* path of florus.cluster.*.staging-dir; NULL: the user's home */
	struct yarn_conf_file {
		const char *name, *bytes;
		size_t n;
	} files[YARN_CONF_FILES_MAX]; /* for the archive of the configuration, by their names in there */
	size_t count;
	struct yarn_sweep {
		struct cluster *of; /* NULL: free */
		struct hdfs_call *call;
		char app_id[CLUSTER_HANDLE_MAX];
		char as[256]; /* "": ourselves */
	} sweeps[YARN_SWEEPS_MAX];
};

/* Of a profile. ret_why: why jobs of this cluster need spark-submit, static; then it returns NULL. */
struct yarn_here *yarn_here_open(struct cluster *c, const char **ret_why);
const char *yarn_user(const struct profile *p);         /* who we are there; NULL: nobody said it */
struct yarn_here *yarn_here_close(struct yarn_here *h); /* takes NULL; returns NULL */

static inline struct yarn_here *yarn_here(const struct cluster_app *app)
{
	return ((struct yarn *)app->of->wire)->here;
}
