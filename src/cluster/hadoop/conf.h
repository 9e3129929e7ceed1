/*
 * hadoop-conf - what a Hadoop configuration directory says: core-site.xml, hdfs-site.xml, mapred-site.xml and
 * yarn-site.xml in one map, and what follows from it: where the services are.
 *
 * Of two values the later one counts (in a file, and of the files in this order), unless an earlier one is <final>.
 * ${name} in a value stands for another property, or stays; the environment and Java's system properties are not ours,
 * so that those stay, too. A value with nothing in it sets nothing, as in Hadoop. A file that is missing is passed
 * over. Only what is in the file itself is read: a DOCTYPE is refused, so that there are no entities but the five of
 * XML, and an XInclude is refused, as what it leads to would be missed silently.
 *
 * Reading blocks: for the start of florusd. Afterwards nothing changes; strings live until hadoop_conf_free().
 */
#pragma once
#include "base/arena.h"
#include "base/error.h"

enum {
	HADOOP_CONF_FILE_MAX = 4 * 1024 * 1024,   /* bytes of a file */
	HADOOP_CONF_BYTES_MAX = 32 * 1024 * 1024, /* of all that is kept */
	HADOOP_CONF_VALUE_MAX = 256 * 1024,       /* of a name, of a value, and of one that is expanded */
	HADOOP_CONF_COUNT_MAX = 20000,            /* properties */
	HADOOP_CONF_NESTING_MAX = 16,             /* elements within each other */
	HADOOP_CONF_EXPAND_MAX = 20,              /* ${…} within what others stand for; Hadoop's own ceiling */
};

struct hadoop_conf;

/* The directory that was configured, else $HADOOP_CONF_DIR, else $YARN_CONF_DIR; NULL: nobody said one. Borrowed. */
const char *hadoop_conf_dir(const char *configured);

/* ERR_NOT_FOUND: there is none of the files. ERR_CONFIG names one, and what is wrong with it. */
MUST_CHECK bool hadoop_conf_load(const char *dir, struct hadoop_conf **ret, struct error *e);
struct hadoop_conf *hadoop_conf_free(struct hadoop_conf *c); /* takes NULL; returns NULL */

/* Expanded, without blanks at its ends; NULL: not set. */
const char *hadoop_conf_get(const struct hadoop_conf *c, const char *key);

/* Each property once, in no order; value: as it is written, not expanded. */
typedef void hadoop_conf_fn(void *arg, const char *key, const char *value);
void hadoop_conf_each(const struct hadoop_conf *c, hadoop_conf_fn *fn, void *arg);

/*
 * Where things are. Of the arena; NULL: the files do not say. A list of URLs is separated by commas, without a slash
 * at the end of each. Hadoop's default 0.0.0.0 is no address for us and counts as not said.
 */
const char *hadoop_rm_urls(const struct hadoop_conf *c, struct arena *a); /* "http://rm1:8088,http://rm2:8088" */
const char *hadoop_webhdfs_urls(const struct hadoop_conf *c,
				struct arena *a); /* of fs.defaultFS: "http://nn1:9870,…" */
const char *hadoop_default_fs(const struct hadoop_conf *c, struct arena *a); /* "hdfs://ns", "hdfs://nn1:8020" */
/* Do its services want Kerberos? */
bool hadoop_is_secure(const struct hadoop_conf *c);
/* Whom a token for fs.defaultFS is shown to, when that is several name nodes: "ha-hdfs:ns"; else NULL. */
const char *hadoop_token_service(const struct hadoop_conf *c, struct arena *a);
const char *hadoop_history_url(const struct hadoop_conf *c,
			       struct arena *a); /* logs: "http://jh:19888/jobhistory/logs" */
