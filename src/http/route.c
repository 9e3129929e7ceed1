#include "http/route.h"
#include "base/str.h"
#include <string.h>

/*
 * Copies the segment at s, decoded; *next is where the following one starts ("" at the end, which is at the first ';'). Its
 * length, or -1 when it is longer than any pattern and any id. All its escapes are good.
 */
static ssize_t take_segment(const char *s, const char **next, char *to, size_t size)
{
	size_t len = 0;

	*next = s + strcspn(s, "/;");
	while (s < *next) {
		if (len == size - 1)
			return -1;
		if (*s != '%') {
			to[len++] = *s++;
			continue;
		}
		char escape[] = { s[0], s[1], s[2], '\0' };
		if (str_percent_decode(escape) != 1)
			return -1;
		to[len++] = escape[0];
		s += 3;
	}
	if (*s == ';')
		*next = s + strlen(s);
	to[len] = '\0';
	return (ssize_t)len;
}

enum { SEGMENT_MAX = ROUTE_ID_MAX + 2 };

/* Takes what stands where the pattern has {id} or {number}. */
static bool take_parameter(struct route_match *m, const char *name, const char *got, size_t len)
{
	bool is_number = str_starts(name, "{number}");

	if (is_number && len > ROUTE_NUMBER_MAX)
		return false;
	memcpy(is_number ? m->number : m->id, got, len + 1);
	return true;
}

/* Does the path fit the pattern? Copies the parameters. */
static bool fits(const char *pattern, const char *path, struct route_match *m)
{
	bool collection = !strchr(pattern, '{') && pattern[1];
	char got[SEGMENT_MAX];

	while (*pattern == '/' && *path == '/') {
		const char *want = pattern + 1;
		size_t want_len = strcspn(want, "/");
		ssize_t len = take_segment(path + 1, &path, got, sizeof got);

		pattern = want + want_len;
		if (len < 0 || len > ROUTE_ID_MAX)
			return false;
		if (want[0] == '{' && len > 0) {
			if (!take_parameter(m, want, got, (size_t)len))
				return false;
		} else if ((size_t)len != want_len || memcmp(want, got, want_len) != 0) {
			return false;
		}
	}
	return *pattern == '\0' && (*path == '\0' || (collection && *path == '/' && strchr(";", path[1])));
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

static bool escapes_ok(const char *path)
{
	for (const char *p = strchr(path, '%'); p; p = strchr(p + 1, '%')) {
		char one[4] = { p[0], p[1], p[1] ? p[2] : '\0', '\0' };

		if (str_percent_decode(one) < 0)
			return false;
	}
	return true;
}

enum route_result route_find(const struct route *routes, size_t count, enum http_method method, const char *path,
			     struct route_match *ret)
{
	unsigned allowed = 0;

	if (!escapes_ok(path))
		return ROUTE_BAD_ESCAPE;
	for (size_t i = 0; i < count; i++) {
		ret->id[0] = ret->number[0] = '\0';
		if (!fits(routes[i].pattern, path, ret))
			continue;
		allowed |= routes[i].method;
		if (routes[i].method != (method == HTTP_HEAD ? HTTP_GET : method))
			continue;
		ret->route = &routes[i];
		return ROUTE_FOUND;
	}
	describe_allowed(allowed, ret->allow, sizeof ret->allow);
	return allowed ? ROUTE_NO_METHOD : ROUTE_NO_PATH;
}
