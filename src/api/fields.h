/*
 * fields - small bodies of the sessions' routes: objects of a few members, all optional, none unknown.
 */
#pragma once
#include "base/json.h"

struct field {
	const char *key;
	const char **text; /* where a string goes, or the text of a number or a bool, or … */
	int64_t *number;   /* … an int, as Jackson reads one: "12" is 12, 3.9 is 3 */
};

/*
 * Sets what is given and not null; the rest stays. Texts are the arena's. ERR_MALFORMED names the field and `class`,
 * that of Livy's package server.interactive which reads the body there.
 */
MUST_CHECK bool fields_read(struct arena *a, const char *body, size_t n, const char *class, const struct field *fields,
			    size_t count, struct error *e);

/* The kind of code by its own name; NULL stays. ERR_SESSION_STATE: there is none such. */
MUST_CHECK bool fields_kind(const char **kind, struct error *e);
