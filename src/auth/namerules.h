/*
 * namerules - which user a Kerberos principal is: Hadoop's auth_to_local rules.
 *
 *     RULE:[2:$1@$0](hue@EXAMPLE\.COM)s/@.+// RULE:[1:$1]/L DEFAULT
 *
 * The first rule that applies decides. DEFAULT: the first component of a principal of the default realm.
 * RULE:[n:format](regex)s/from/to/gL: for principals of n components; $0 in the format is the realm, $1 … $n are the
 * components; the regex must match the whole of that; the substitution, with $1 … $9 of `from` in `to`, makes the user;
 * L: lower case (ASCII).
 *
 * Regexes are POSIX's extended ones with \w \W \s \S \b \B. What only Java knows is refused when rules are read, so
 * that none means something else here than there; but of alternatives the longest wins, not the first. Never changes
 * after it was made: any thread.
 */
#pragma once
#include "base/error.h"
#include <stddef.h>

enum {
	NAMERULES_MAX = 256,
	NAMERULES_COMPONENTS_MAX = 4, /* of a principal; realms use one or two */
	PRINCIPAL_MAX = 512,          /* bytes */
};

struct namerules;

/* ERR_CONFIG: the text from where it is not a rule, and why. NULL and "" are: DEFAULT. */
MUST_CHECK bool namerules_parse(const char *text, struct namerules **ret, struct error *e);
struct namerules *namerules_free(struct namerules *r); /* takes NULL; returns NULL */

/* ERR_FORBIDDEN: no rule applies, or the outcome is no user's name; the message is for the log. */
MUST_CHECK bool namerules_apply(const struct namerules *r, const char *principal, const char *default_realm, char *to,
				size_t size, struct error *e);
