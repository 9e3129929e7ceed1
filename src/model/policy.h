/*
 * policy - what a submission may ask for beyond what Livy looks at (livy.md 4.4; docs/submissions.md).
 *
 * Three questions, each answered from tables: may this conf key be sent at all (deny list), with this value (named
 * groups of keys that reach past the job: florus.job.allow), and may a path be this URI (florus.job.url-hosts). Pure:
 * no I/O, no clock. A policy owns its strings and does not change once it is built, so any thread may ask it. Whatever
 * is not named by a table passes, as in Livy.
 */
#pragma once
#include "model/spec.h"

enum { POLICY_ARENA_MAX = 4 * 1024 * 1024, POLICY_DENIED_MAX = 10000 };

struct policy;

struct policy_config {
	const char *allow;     /* names of groups, or *; by commas or blanks */
	const char *url_hosts; /* see urlhosts.h */
	const char *path_keys; /* further conf keys that hold lists of paths: livy.spark.file-list-configs */
	bool custom_classpath; /* livy.server.session.allow-custom-classpath: the two built-in denials do not hold */
};

/* ERR_CONFIG names the bad word and the good ones. All of `c` may be NULL. */
MUST_CHECK bool policy_new(const struct policy_config *c, struct policy **ret, struct error *e);
struct policy *policy_free(struct policy *p); /* takes NULL; returns NULL */

/* While it is built: one more key for the deny list. ERR_CONFIG past POLICY_DENIED_MAX. */
MUST_CHECK bool policy_deny(struct policy *p, const char *key, struct error *e);

/* Keys that nobody may set, for spec_parse(). */
const struct map *policy_denied(const struct policy *p);

/*
 * Are the conf keys permitted? `cluster`: the driver runs in a cluster, not on this host. ERR_INVALID
 * "Rejected, Reason: …" names the key, the reason and the group that would permit it.
 */
MUST_CHECK bool policy_check(const struct policy *p, const struct spec *spec, bool cluster, struct error *e);

/* May a path be this URI? `uri` has a scheme. Files of this host are not judged here. ERR_INVALID as above. */
MUST_CHECK bool policy_check_uri(const struct policy *p, const char *uri, struct error *e);

enum policy_path {
	POLICY_NO_PATH,
	POLICY_PATH_LIST, /* a list by commas or blanks, resolved like the request's lists */
	POLICY_PATH       /* one path, handed on as it is written */
};

/* What the value of a conf key is to spark-submit (livy.md 4.3, D13). */
enum policy_path policy_path(const struct policy *p, const char *key, bool cluster);

static inline void policy_freep(struct policy **p)
{
	(void)policy_free(*p);
}
#define _policy_ _cleanup_(policy_freep)
