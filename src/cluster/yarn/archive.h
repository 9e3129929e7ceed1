/* yarn-archive - the archive of a job's configuration. Private to the YARN backend. */
#pragma once
#include "cluster/yarn/here.h"

/* Of the job's own, Hadoop's, Spark's loggers'. ERR_TOO_LARGE over out's limit. */
MUST_CHECK bool yarn_conf_archive(struct arena *a, const struct cluster *c, const struct yarn_job *job,
				  struct sbuf *out, struct error *e);
