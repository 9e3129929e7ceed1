/*
 * confdir - the small texts of a configuration directory, which go along with a job to where that directory is not.
 *
 * Read at the start, as all configuration is. What is left out, as it is no text or too much, is told by a line in the
 * log.
 */
#pragma once
#include "model/submission.h"

enum {
	CONFDIR_FILES_MAX = 64,
	CONFDIR_BYTES_MAX = 512 * 1024, /* of all together; the smallest come first, as for Spark */
};

/* `skip`: names that are no matter of the job; NULL: none. No such directory: no files. `ret` is of the arena. */
void confdir_read(struct arena *a, const char *path, bool (*skip)(const char *name), struct submission_files *ret);
/* What spark-submit leaves out of its own: templates, and what it has read itself. */
bool confdir_skips_in_spark(const char *name);
