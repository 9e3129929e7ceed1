/*
 * defaults - what spark-submit would read from a spark-defaults.conf, for jobs that go without it.
 *
 * Read at the start, as all configuration is; strings live until defaults_free().
 */
#pragma once
#include "model/profile.h"
#include "model/submission.h"

enum { DEFAULTS_MAX = 2048 /* entries */ };

struct defaults {
	struct arena *arena;
	struct spec_pair *pairs;
	size_t count;
	struct submission_files spark_files, hadoop_files; /* of a cluster whose drivers are given them */
};

/* No such file: no entries. ERR_CONFIG: it cannot be read, as the message says. The files are the caller's to add. */
MUST_CHECK bool defaults_load(const char *path, struct defaults **ret, struct error *e);
struct defaults *defaults_free(struct defaults *d); /* takes NULL; returns NULL */
