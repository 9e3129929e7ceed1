#include "auth/users.h"
#include "auth/authorization.h"
#include "auth/hash.h"
#include "auth/secretfile.h"
#include "base/map.h"
#include "base/str.h"
#include <string.h>

struct user {
	const char *name, *hash; /* parts of `text` */
	bool disabled;
};

struct users {
	struct user *rows;
	size_t count, cap;
	struct map *by_name;         /* to the place in rows, from 1: rows move while they grow */
	char *text;                  /* the file, cut up */
	char standin[HASH_TEXT_MAX]; /* of nobody: for a file without users */
};

static bool add_line(void *arg, char *line, struct error *e)
{
	struct users *u = arg;
	char *hash = strchr(line, ':'), *flag = hash ? strchr(hash + 1, ':') : NULL;

	if (!hash)
		return error_set(e, ERR_CONFIG, "expected user:hash or user:hash:disabled");
	*hash++ = '\0';
	if (flag)
		*flag++ = '\0';
	if (!authorization_name_ok(line, strlen(line)))
		return error_set(e, ERR_CONFIG,
				 "a user's name is 1 to %d bytes of UTF-8 without blanks, commas and colons, does not "
				 "begin with '-' and is not '*'",
				 AUTH_NAME_MAX);
	if (flag && !str_eq(flag, "disabled"))
		return error_set(e, ERR_CONFIG, "expected nothing or 'disabled' after the hash of %.64s", line);
	if (!hash_check(hash, e))
		return error_wrap(e, "user %.64s", line);
	if (u->count == USERS_MAX)
		return error_set(e, ERR_TOO_LARGE, "more than %d users", USERS_MAX);
	if (u->count == u->cap) {
		u->cap = u->cap ? u->cap * 2 : 16;
		u->rows = xrealloc(u->rows, u->cap * sizeof *u->rows);
	}
	u->rows[u->count++] = (struct user){ line, hash, flag != NULL };
	if (map_get(u->by_name, line))
		return error_set(e, ERR_CONFIG, "user %.64s has a line already", line);
	map_set(u->by_name, line, (void *)(uintptr_t)u->count);
	return true;
}

bool users_load(const char *path, struct users **ret, struct error *e)
{
	_sbuf_ struct sbuf text = SBUF_INIT(SECRETFILE_BYTES_MAX);
	struct users *u;

	if (!secretfile_read(path, &text, e))
		return false;
	u = xcalloc(1, sizeof *u);
	u->by_name = map_new();
	u->text = sbuf_take(&text);
	if (!secretfile_each_line(path, u->text, add_line, u, e) || (u->count == 0 && !hash_make("", u->standin, e))) {
		u = users_free(u);
		return false;
	}
	*ret = u;
	return true;
}

struct users *users_free(struct users *u)
{
	if (!u)
		return NULL;
	u->by_name = map_free(u->by_name);
	free(u->rows);
	free(u->text);
	free(u);
	return NULL;
}

size_t users_count(const struct users *u)
{
	return u->count;
}

static const char *standin_hash(const struct users *u, struct mac *m, const char *name)
{
	struct digest d;
	uint32_t n;

	if (u->count == 0)
		return u->standin;
	mac_of(m, 'u', name, strlen(name), &d);
	memcpy(&n, d.bytes, sizeof n);
	return u->rows[n % u->count].hash;
}

enum users_known users_find(const struct users *u, struct mac *m, const char *name, const char **ret_hash)
{
	uintptr_t place = (uintptr_t)map_get(u->by_name, name);
	const struct user *user = place ? &u->rows[place - 1] : NULL;

	*ret_hash = user ? user->hash : standin_hash(u, m, name);
	return !user ? USERS_UNKNOWN : user->disabled ? USERS_DISABLED : USERS_ENABLED;
}
