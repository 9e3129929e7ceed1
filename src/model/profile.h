/*
 * profile - one cluster as the administrator describes it: florus.cluster.NAME.KEY.
 *
 * The cluster `default` is livy.spark.master; florus.cluster.default.* says more about it. From this table come the
 * struct, the parser (config/profiles.c) and the manual. Strings are NULL when not set. Never changes after it was
 * read.
 */
#pragma once
#include "model/spec.h"
#include <stdint.h>

enum { PROFILES_MAX = 64, PROFILE_NAME_MAX = 32 /* bytes, [a-z0-9-], without the NUL */ };

enum profile_launcher { LAUNCHER_AUTO, LAUNCHER_NATIVE, LAUNCHER_SUBMIT };
enum profile_auth {
	PROFILE_AUTH_NONE,
	PROFILE_AUTH_BASIC,
	PROFILE_AUTH_BEARER,
	PROFILE_AUTH_JWS,
	PROFILE_AUTH_NEGOTIATE
};

/* Columns: type, field, key, default, min, max, words, doc; as in config/options.h. */
/* clang-format off */
#define PROFILE_OPTIONS(X) \
	X(STR, master, "master", NULL, 0, 0, NULL, \
	  "Its master: spark://host:7077[,host:7077], yarn, or k8s://https://host:6443. Not set (default): livy.spark.master.") \
	X(STR, deploy_mode, "deploy-mode", NULL, 0, 0, NULL, \
	  "client or cluster. Not set: cluster; for the cluster default, livy.spark.deploy-mode.") \
	X(WORD, launcher, "launcher", "auto", 0, 0, "auto|native|submit", \
	  "How jobs get there: native by the cluster's own API, submit by spark-submit, auto natively where that can carry the job.") \
	X(STR, spark_home, "spark-home", NULL, 0, 0, NULL, "Its Spark, for spark-submit and versions. Not set: livy.server.spark-home.") \
	X(STR, spark_version, "spark-version", NULL, 0, 0, NULL, "Version of its Spark, such as 3.5.2. Not set: that of spark-home.") \
	X(STR, users, "users", NULL, 0, 0, NULL, "Users whose jobs go there when they name no cluster, separated by commas.") \
	X(STR, queues, "queues", NULL, 0, 0, NULL, "Queues whose jobs go there when they name no cluster, separated by commas.") \
	X(DURATION, poll_ms, "poll", "1s", 100, 3600000, NULL, "How often the states of all its jobs are asked for, in one request.") \
	X(DURATION, log_poll_ms, "log-poll", "5s", 100, 3600000, NULL, "How often a running job's log is copied from it.") \
	X(INT, submissions_max, "submissions-max", "16", 1, 1024, NULL, "Most jobs on their way there at once.") \
	X(STR, rest, "rest", NULL, 0, 0, NULL, \
	  "Base URLs of its API, separated by commas: a standalone master's REST port (http://host:6066), YARN's resource managers (http://host:8088). Not set: worked out from master, or from hadoop-conf-dir.") \
	X(STR, web, "web", NULL, 0, 0, NULL, "Base URLs of its web page: a standalone master's (http://host:8080), YARN's history server. Not set: worked out.") \
	X(STR, webhdfs, "webhdfs", NULL, 0, 0, NULL, "Base URLs of WebHDFS (http://host:9870), separated by commas. Not set: worked out from hadoop-conf-dir.") \
	X(STR, staging_dir, "staging-dir", NULL, 0, 0, NULL, "Directory in HDFS below which jobs are staged. Not set: the user's home.") \
	X(STR, hadoop_conf_dir, "hadoop-conf-dir", NULL, 0, 0, NULL, "Directory of core-site.xml and yarn-site.xml; Kubernetes' drivers get its files. Not set: $HADOOP_CONF_DIR, $YARN_CONF_DIR.") \
	X(STR, user, "user", NULL, 0, 0, NULL, "Who we are there: user.name of Hadoop's simple authentication, user of Basic; with negotiate, what YARN calls our principal.") \
	X(WORD, auth, "auth", "none", 0, 0, "none|basic|bearer|jws|negotiate", "How we prove it: jws for Spark's JWSFilter, negotiate for Kerberos.") \
	X(STR, secret_file, "secret-file", NULL, 0, 0, NULL, "File with the password, the token, or the JWS key; for us alone (0600).") \
	X(STR, ca_file, "ca-file", NULL, 0, 0, NULL, "Who vouches for its https servers (PEM). Not set: the system.") \
	X(STR, kubeconfig, "kubeconfig", NULL, 0, 0, NULL, "Kubernetes: the file of clusters and credentials. Not set: those of the pod that Florus runs in, else ~/.kube/config.") \
	X(STR, context, "context", NULL, 0, 0, NULL, "Kubernetes: the context of that file. Not set: its current one.") \
	X(STR, namespace, "namespace", NULL, 0, 0, NULL, "Kubernetes: the namespace of jobs. Not set: spark.kubernetes.namespace, else that of the context.") \
	X(DURATION, pending_max_ms, "pending-max", "10m", 1000, 10LL * 365 * 86400000, NULL, \
	  "Kubernetes: how long a driver may fail to start, as by an image that cannot be had, until it is given up.") \
	X(BOOL, keep_pods, "keep-pods", "false", 0, 0, NULL, "Kubernetes: whether finished driver pods stay; else they go once their log is here.")
/* clang-format on */

#define PROFILE_FIELD_STR const char *
#define PROFILE_FIELD_INT int
#define PROFILE_FIELD_BOOL bool
#define PROFILE_FIELD_DURATION int64_t
#define PROFILE_FIELD_WORD int

struct profile {
	const char *name;
#define X(type, field, ...) PROFILE_FIELD_##type field;
	PROFILE_OPTIONS(X)
#undef X
	struct spec_pair *conf; /* florus.cluster.NAME.conf.KEY: what its jobs get unless they say otherwise */
	size_t conf_count;
};
