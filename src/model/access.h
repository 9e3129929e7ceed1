/*
 * access - who may do what: access control and impersonation (livy.md 5.2, 5.3). Pure.
 *
 * access_decide() is the only place that says yes. Each right is one row of its table: who has it with access control
 * off, and who with it on; what is not in the table is denied. A caller without a name has no right that is meant for
 * somebody, whatever the lists say (D21). struct access owns its lists and never changes after it was made, so that all
 * threads may ask. struct access_caller borrows the name.
 */
#pragma once
#include "base/error.h"

/* What the configuration says. Lists are separated by commas and blanks; "*" is everybody; NULL is nobody. */
struct access_lists {
	bool control;       /* livy.server.access-control.enabled */
	bool impersonation; /* livy.impersonation.enabled */
	const char *superusers, *modify_users, *view_users, *allowed_users;
};

struct access;
struct access *access_new(const struct access_lists *lists);
struct access *access_free(struct access *a); /* takes NULL; returns NULL */

enum access_right {
	ACCESS_NOBODY,      /* what nobody was given: 0, so that a route which forgot to say is shut */
	ACCESS_PROBE,       /* to ask whether we live; needs no name at all */
	ACCESS_SHARED,      /* to fetch what a signed URL names: the signature decides, not who shows it */
	ACCESS_REACH,       /* to come in at all: asked of the caller himself, whomever he acts for */
	ACCESS_VIEW,        /* to see what is no secret among users: objects without their logs, the page */
	ACCESS_CREATE,      /* to submit */
	ACCESS_VIEW_LOG,    /* to read the log of an object */
	ACCESS_MODIFY,      /* to end it */
	ACCESS_IMPERSONATE, /* to act as its owner */
	ACCESS_RIGHT_COUNT
};

/* Somebody who asks, looked up once per request. All zero: nobody. */
struct access_caller {
	const char *user; /* NULL: nobody knows */
	unsigned groups;  /* which lists name him; private */
};
struct access_caller access_caller(const struct access *a, const char *user);

/* Whose it is. NULL: nobody's. */
struct access_object {
	const char *owner, *proxy_user;
};

/* May he? `of` is NULL for rights that concern no object. Neither allocates nor scans lists. */
bool access_decide(const struct access *a, const struct access_caller *who, enum access_right right,
		   const struct access_object *of);

/*
 * Whom he acts as when asked to act as `as`: *ret is NULL when impersonation is off, `as` when he may, and his own name
 * (unchecked) when `as` is NULL. ERR_FORBIDDEN, in Livy's words: he may not. ERR_INVALID: he might, but `as` cannot be
 * the name of a user. *ret is borrowed from `as` or `who`.
 */
MUST_CHECK bool access_impersonate(const struct access *a, const struct access_caller *who, const char *as,
				   const char **ret, struct error *e);
