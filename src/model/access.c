#include "model/access.h"
#include "base/str.h"
#include <string.h>

enum { ACCESS_NAME_MAX = 255 }; /* bytes of the name of a user that jobs run as */

#define LIST_SEPARATORS ", \t\r\n"

/* What somebody can be, with regard to the lists and to an object. */
enum {
	ANYBODY = 1 << 0, /* a name is not needed */
	NAMED = 1 << 1,
	ALLOWED = 1 << 2,
	VIEWER = 1 << 3,
	MODIFIER = 1 << 4,
	SUPERUSER = 1 << 5,
	OWNER = 1 << 6,
	PROXY_USER = 1 << 7,
};

/* Who has a right: with access control off, and on. A row that is not here is nobody's. */
static const struct {
	unsigned off, on;
} rules[ACCESS_RIGHT_COUNT] = {
	[ACCESS_PROBE] = { ANYBODY, ANYBODY },
	[ACCESS_SHARED] = { ANYBODY, ANYBODY },
	[ACCESS_REACH] = { ANYBODY, ALLOWED },
	[ACCESS_VIEW] = { ANYBODY, NAMED },
	[ACCESS_CREATE] = { ANYBODY, NAMED },
	[ACCESS_VIEW_LOG] = { ANYBODY, OWNER | PROXY_USER | VIEWER },
	[ACCESS_MODIFY] = { ANYBODY, OWNER | PROXY_USER | MODIFIER },
	[ACCESS_IMPERSONATE] = { OWNER | SUPERUSER, OWNER | SUPERUSER },
};

struct member {
	const char *name; /* in access.text */
	unsigned groups;
};

struct access {
	bool control, impersonation;
	unsigned everybody; /* the groups that "*" is in */
	struct member *members;
	size_t count; /* sorted by name, each name once */
	char *text;
};

/* --- the lists --- */

static int by_name(const void *a, const void *b)
{
	return strcmp(((const struct member *)a)->name, ((const struct member *)b)->name);
}

static void add(struct access *a, const char *name, unsigned groups)
{
	if (str_eq(name, "*")) {
		a->everybody |= groups;
		return;
	}
	a->members = xrealloc(a->members, (a->count + 1) * sizeof *a->members);
	a->members[a->count++] = (struct member){ name, groups };
}

/* Sorted, so that one search finds all groups of a name. */
static void settle(struct access *a)
{
	size_t kept = 0;

	if (a->count == 0)
		return;
	qsort(a->members, a->count, sizeof *a->members, by_name);
	for (size_t i = 1; i < a->count; i++) {
		if (str_eq(a->members[i].name, a->members[kept].name))
			a->members[kept].groups |= a->members[i].groups;
		else
			a->members[++kept] = a->members[i];
	}
	a->count = kept + 1;
}

struct access *access_new(const struct access_lists *lists)
{
	/* Whoever may modify may also view, and whoever is named at all may come in. */
	const struct {
		const char *list;
		unsigned groups;
	} all[] = {
		{ lists->superusers, SUPERUSER | MODIFIER | VIEWER | ALLOWED },
		{ lists->modify_users, MODIFIER | VIEWER | ALLOWED },
		{ lists->view_users, VIEWER | ALLOWED },
		{ lists->allowed_users, ALLOWED },
	};
	struct access *a = xcalloc(1, sizeof *a);
	size_t size = 0;

	a->control = lists->control;
	a->impersonation = lists->impersonation;
	for (size_t i = 0; i < ARRAY_LEN(all); i++)
		size += (all[i].list ? strlen(all[i].list) : 0) + 1;
	char *to = a->text = xcalloc(1, size);
	for (size_t i = 0; i < ARRAY_LEN(all); i++) {
		size_t n = all[i].list ? strlen(all[i].list) : 0;
		char *rest = memcpy(to, n ? all[i].list : "", n + 1), *word;

		to += n + 1;
		while ((word = strsep(&rest, LIST_SEPARATORS)) != NULL)
			if (*word)
				add(a, word, all[i].groups);
	}
	settle(a);
	return a;
}

struct access *access_free(struct access *a)
{
	if (a) {
		free(a->members);
		free(a->text);
	}
	free(a);
	return NULL;
}

/* --- deciding --- */

struct access_caller access_caller(const struct access *a, const char *user)
{
	const struct member key = { .name = user }, *found;

	if (str_empty(user))
		return (struct access_caller){ 0 };
	found = a->count ? bsearch(&key, a->members, a->count, sizeof key, by_name) : NULL;
	return (struct access_caller){ user, NAMED | a->everybody | (found ? found->groups : 0) };
}

bool access_decide(const struct access *a, const struct access_caller *who, enum access_right right,
		   const struct access_object *of)
{
	unsigned wanted, is = ANYBODY | who->groups;

	if (right >= ACCESS_RIGHT_COUNT)
		return false;
	wanted = a->control ? rules[right].on : rules[right].off;
	if (who->user && of && !(is & wanted)) {
		is |= str_eq(who->user, of->owner) ? OWNER : 0;
		is |= str_eq(who->user, of->proxy_user) ? PROXY_USER : 0;
	}
	return (is & wanted) != 0;
}

/* A name that spark-submit, Hadoop and a path can be given without being mistaken for something else. */
static bool name_ok(const char *name)
{
	static const char allowed[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._@-";
	size_t n = strlen(name);

	return n > 0 && n <= ACCESS_NAME_MAX && name[0] != '-' && name[0] != '.' && strspn(name, allowed) == n;
}

bool access_impersonate(const struct access *a, const struct access_caller *who, const char *as, const char **ret,
			struct error *e)
{
	const struct access_object wanted = { .owner = as };

	*ret = NULL;
	if (!a->impersonation)
		return true;
	*ret = who->user;
	if (!as)
		return true;
	if (!access_decide(a, who, ACCESS_IMPERSONATE, &wanted))
		return error_set(e, ERR_FORBIDDEN, "User '%.128s' not allowed to impersonate 'Some(%.128s)'.",
				 who->user ? who->user : "null", as);
	if (!name_ok(as))
		return error_set(
			e, ERR_INVALID,
			"Rejected, Reason: requirement failed: '%.128s' cannot be the name of a user: one holds "
			"letters, digits and ._@-, and begins with none of .-",
			as);
	*ret = as;
	return true;
}
