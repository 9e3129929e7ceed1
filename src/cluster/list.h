/*
 * list - a cluster's list of all its apps, read where it says something new.
 *
 * A list of 10,000 apps has many megabytes, of which next to nothing changes from one to the next. So it is walked as
 * text: an app whose members that count are as they were when it was last seen is seen again; only the others are
 * parsed, and given to the backend.
 */
#pragma once
#include "base/jscan.h"
#include "cluster/backend.h"

enum { LIST_MEMBERS_MAX = 16, LIST_APP_MAX = 8 * 1024 * 1024 /* bytes of an arena for one */ };

struct list_kind {
	/* Of an app: the first one is its handle. NULL-terminated, at most LIST_MEMBERS_MAX. */
	const char *const *members;
	bool ours_by_handle; /* one whose handle is not known is another's */
	/* jr_parse or jr_parse_answer */
	bool (*parse)(struct arena *a, const char *text, size_t n, const struct jr **ret, struct error *e);
	/* Says what it is by cluster_saw(). False: it is to be seen again, even if it does not change. */
	bool (*see)(struct cluster *c, struct arena *a, const struct jr *app);
};

/*
 * `apps`: an array of objects, or one of them. `salt`: what is known also depends on it. False: it is not JSON, and
 * what follows was not seen.
 */
MUST_CHECK bool list_see_all(struct cluster *c, const struct list_kind *kind, uint64_t salt, struct jslice apps);
