/*
 * submission - a judged request as Spark will see it: one effective configuration, a program, its arguments. Pure.
 *
 * What spark-submit would have put together from its arguments and files, for those who submit by themselves
 * (cluster/). Belongs to the arena. The conf has each key once, sorted; secrets are among the values: log nothing of
 * it.
 */
#pragma once
#include "model/sparkargs.h"

/* A file of this host that a key of the conf names, and that is sent as it is. */
struct submission_text {
	const char *text; /* NULL: none is named, or it was not read */
	size_t len;
	const char *why; /* it was not read; NULL: none is named, or it was */
};

/* Texts that go along, each under its name. */
struct submission_file {
	const char *name, *text;
};
struct submission_files {
	const struct submission_file *items;
	size_t count;
};

struct submission {
	const char *name;       /* never NULL */
	const char *file;       /* of the program, a URI with its scheme; NULL: none */
	const char *class_name; /* NULL: not given */
	const char *queue;      /* NULL: not given */
	const char *proxy_user; /* whom it is to run as; NULL: nobody in particular */
	const char *user;       /* proxy_user, else the owner, else NULL */
	struct spec_list args;
	struct spec_pair *conf;
	size_t conf_count;
	bool python, r; /* by the name of the file: .py, .R */
	/* Of a job for Kubernetes; whoever reads files sets them. */
	struct submission_text driver_template, executor_template;
	struct submission_files spark_files, hadoop_files; /* of SPARK_CONF_DIR and HADOOP_CONF_DIR */
};

enum { SUBMISSION_CONF_MAX = 8192 };

/*
 * Lowest first: `defaults` (spark-defaults.conf of the profile), the request's conf, its fields, the server's word
 * (settings). Keys that do not begin with "spark." are left out, as by spark-submit. ERR_INVALID over
 * SUBMISSION_CONF_MAX keys, ERR_TOO_LARGE when the arena is full.
 */
MUST_CHECK bool submission_build(struct arena *a, const struct spec *spec, const struct spark_settings *settings,
				 const struct spec_pair *defaults, size_t defaults_count, const char *owner,
				 struct submission *ret, struct error *e);

/* NULL: not set. */
const char *submission_conf(const struct submission *s, const char *key);

/* Calls fn for each key that begins with `prefix`, with the rest of the key. */
typedef void submission_each_fn(void *arg, const char *rest, const char *value);
void submission_each(const struct submission *s, const char *prefix, submission_each_fn *fn, void *arg);

/* A copy of all of it but the files for Kubernetes, in an arena of its own. ERR_TOO_LARGE when that is full. */
MUST_CHECK bool submission_copy(struct arena *a, const struct submission *s, struct submission *ret, struct error *e);
