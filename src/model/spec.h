/*
 * spec - what a client asked to run: the body of POST /batches or POST /sessions, read and validated.
 *
 * Pure: bytes in, a struct or a refusal out; no I/O, no clock, no configuration. All strings and
 * arrays belong to the arena that was passed in and die with it. After spec_parse() succeeded the
 * following holds: a batch's `file` is there; every path in a list is a non-empty string (empty ones are
 * dropped, livy.md 4.3; args are kept as they are); counts are >= 1 or SPEC_UNSET; no string holds
 * NUL; CR and LF only in args and conf values (D28); conf keys match [A-Za-z0-9._-]+ (D14) and do not
 * begin with "livy.". Paths are not resolved yet: that needs the file system (service/paths).
 */
#pragma once
#include "base/arena.h"
#include "base/error.h"
#include "base/json.h"
#include "base/map.h"

enum {
	SPEC_UNSET = 0,                  /* a count that was not given */
	SPEC_NAME_MAX = 255,             /* bytes of name, queue, className, proxyUser, memory sizes */
	SPEC_KEY_MAX = 1024,             /* bytes of a conf key */
	SPEC_CONF_MAX = 4096,            /* entries of conf: each is held against every rule */
	SPEC_ARENA_MAX = 8 * 1024 * 1024 /* enough for any body of BODY_MAX */
};

struct spec_list {
	const char **items;
	size_t count;
};

struct spec_pair {
	const char *key, *value;
};

enum spec_type { SPEC_BATCH = 1, SPEC_SESSION = 2 };

struct spec {
	const char *file;                                   /* NULL in a session: its program is ours */
	const char *class_name, *name, *queue, *proxy_user; /* NULL: not given */
	const char *driver_memory, *executor_memory;
	int driver_cores, executor_cores, executor_count;
	struct spec_list args, jars, py_files, files, archives;
	struct spec_pair *conf; /* in the order written */
	size_t conf_count;
	/* of a session */
	const char *kind;               /* "spark", "pyspark", "sparkr", "sql" or "shared" */
	const char *ttl, *idle_timeout; /* as written; NULL: not given */
	int heartbeat_s;                /* 0: none is asked for */
};

/*
 * Reads a body (livy.md 1.3, sixteen fields; 1.6, eighteen). ERR_MALFORMED, shown as a bare string: syntax, unknown
 * field, wrong type, null in a list, count out of range, bad kind. ERR_INVALID, "Rejected, Reason: …": missing file,
 * bad name, bad time, bad conf key, control characters, more than SPEC_CONF_MAX entries of conf, keys that `denied` has
 * (policy_denied(); NULL: none). Messages are Livy's where it has one (livy.md 1.2).
 */
MUST_CHECK bool spec_parse(struct arena *a, enum spec_type type, const char *body, size_t n, const struct map *denied,
			   struct spec *ret, struct error *e);
