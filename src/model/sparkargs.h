/*
 * sparkargs - from a validated submission to the argv of spark-submit. Pure.
 *
 * The order, the conf keys and which value wins are livy.md 4.1–4.3 (source: SparkProcessBuilder.scala,
 * BatchSession.scala); D25 for archives. Nothing passes through a shell. Result belongs to the arena.
 */
#pragma once
#include "model/spec.h"

/* What the server adds: configuration, not request. */
struct spark_settings {
	const char *spark_submit; /* absolute path of bin/spark-submit */
	const char *master;       /* livy.spark.master; always wins (D23) */
	const char *deploy_mode;  /* livy.spark.deploy-mode; NULL or "": not set */
	const char *proxy_user;   /* effective user to impersonate; NULL: no --proxy-user */
	const char *properties;   /* path of the file with the secrets; needed when there are some */
};

enum {
	SPARK_ARGV_MAX_BYTES = 1024 * 1024, /* strings and pointers; Linux allows 2 MiB, the environment included */
	SPARK_ARGV_MAX_COUNT = 65536,       /* spark-submit's shell script takes seconds for more */
	SPARK_PROPERTIES_MAX_BYTES = 1024 * 1024,
};

/*
 * Builds argv, NULL-terminated. Paths in `spec` are already resolved (scheme included).
 * ERR_INVALID "Rejected, Reason: …" when argv is over SPARK_ARGV_MAX_BYTES or _COUNT or one string
 * over 128 KiB (Linux MAX_ARG_STRLEN), so that a later execve cannot fail with E2BIG; ERR_TOO_LARGE
 * when the arena is full.
 */
MUST_CHECK bool sparkargs_build(struct arena *a, const struct spec *spec, const struct spark_settings *settings,
				const char ***ret_argv, struct error *e);

/*
 * Every conf entry that the job gets: the user's keys in his order, each with the value that wins, then the derived
 * ones he did not name. Secrets included; without the keys that begin with "florus.", which are ours. ERR_TOO_LARGE
 * when the arena is full.
 */
struct sparkargs_conf {
	struct spec_pair *pairs;
	size_t count;
};
MUST_CHECK bool sparkargs_conf(struct arena *a, const struct spec *spec, const struct spark_settings *settings,
			       struct sparkargs_conf *ret, struct error *e);

/*
 * The conf entries whose keys name secrets (model/redact), as the text of a properties file; NULL: there are none.
 * They are never in argv, which everybody on the host can read, but in the file that --properties-file names there.
 * ERR_INVALID over SPARK_PROPERTIES_MAX_BYTES; ERR_TOO_LARGE when the arena is full.
 */
MUST_CHECK bool sparkargs_properties(struct arena *a, const struct spec *spec, const char **ret, struct error *e);

/* Will the driver run in a cluster, not on this host? */
bool sparkargs_in_cluster(const struct spec *spec, const struct spark_settings *settings);
