#include "http/route.h"
#include "base/str.h"
#include <string.h>

/* Length of a path segment up to '/', ';' or the end; *next is where the following segment starts ("" at the end). */
static size_t segment(const char *s, const char **next)
{
	size_t n = strcspn(s, "/;"), all = strcspn(s, "/");

	*next = s + all;
	return n;
}

/* Does the path fit the pattern? Yields the id's text, not decoded. */
static bool fits(const char *pattern, const char *path, const char **ret_id, size_t *ret_id_len)
{
	bool collection = !strchr(pattern, '{');

	while (*pattern == '/' && *path == '/') {
		const char *want = pattern + 1, *got = path + 1;
		size_t want_len = segment(want, &pattern), got_len = segment(got, &path);

		if (want[0] == '{') {
			if (got_len == 0)
				return false;
			*ret_id = got;
			*ret_id_len = got_len;
		} else if (want_len != got_len || memcmp(want, got, got_len) != 0) {
			return false;
		}
	}
	return *pattern == '\0' && (*path == '\0' || (collection && strcmp(path, "/") == 0));
}

/* Livy's order: "POST, GET, HEAD", "DELETE, GET, HEAD". */
static void describe_allowed(unsigned methods, char *to, size_t size)
{
	(void)snprintf(to, size, "%s%s%s", methods & HTTP_POST ? "POST, " : "", methods & HTTP_DELETE ? "DELETE, " : "",
		       methods & HTTP_GET ? "GET, HEAD" : "");
	size_t n = strlen(to);
	if (n > 2 && to[n - 1] == ' ')
		to[n - 2] = '\0';
}

enum route_result route_find(const struct route *routes, size_t count, enum http_method method, const char *path,
			     struct route_match *ret)
{
	unsigned allowed = 0;

	for (size_t i = 0; i < count; i++) {
		const char *id = "";
		size_t id_len = 0;

		if (!fits(routes[i].pattern, path, &id, &id_len))
			continue;
		allowed |= routes[i].method;
		if (routes[i].method != (method == HTTP_HEAD ? HTTP_GET : method))
			continue;
		if (id_len > ROUTE_ID_MAX)
			return ROUTE_NO_PATH;
		memcpy(ret->id, id, id_len);
		ret->id[id_len] = '\0';
		ret->route = &routes[i];
		return str_percent_decode(ret->id) < 0 ? ROUTE_BAD_ESCAPE : ROUTE_FOUND;
	}
	describe_allowed(allowed, ret->allow, sizeof ret->allow);
	return allowed ? ROUTE_NO_METHOD : ROUTE_NO_PATH;
}
