/*
 * paths - from the paths in a submission to the URIs that spark-submit gets, and whether they are allowed.
 *
 * Rules: livy.md 4.3, D13. A path without a scheme is absolute on the default file system (file:///). What points at
 * this host (file:, local:, in any case) must lie beneath an allowed directory, and the kernel decides that (openat2
 * RESOLVE_BENEATH): `..`, %2e and symbolic links cannot lead out. Wildcards are refused there, since Spark would expand
 * them to what was not looked at. A comma separates paths everywhere, as it does for Spark. Other schemes pass
 * unchanged if the policy lets them. Not checked for existence: Livy does not either, and spark-submit says it better.
 */
#pragma once
#include "model/policy.h"

struct paths;

/*
 * `allowed`: directories separated by commas or blanks. Those that cannot be opened are told by warn(), if there is
 * one.
 */
struct paths *paths_new(const char *allowed, void (*warn)(const char *dir, const char *reason));
struct paths *paths_free(struct paths *p); /* takes NULL; returns NULL */

/*
 * Replaces every path in spec by its URI, conf values that are path lists included. `cluster`: see policy.h.
 * ERR_INVALID "Rejected, Reason: …".
 */
MUST_CHECK bool paths_resolve(const struct paths *p, const struct policy *policy, bool cluster, struct arena *a,
			      struct spec *spec, struct error *e);

/*
 * Opens the file at an absolute path to be read, if it lies beneath an allowed directory; never waits for a pipe.
 * ERR_FORBIDDEN: it does not, or holds "..". ERR_NOT_FOUND, ERR_INTERNAL: it cannot be opened.
 */
MUST_CHECK bool paths_open(const struct paths *p, const char *path, int *ret_fd, struct error *e);

/* The same as paths_resolve() for one path that came by itself, a comma being part of it. */
MUST_CHECK bool paths_resolve_one(const struct paths *p, const struct policy *policy, struct arena *a,
				  const char **path, struct error *e);
