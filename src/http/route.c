#include "http/route.h"
#include "base/str.h"
#include <string.h>

/*
 * Copies the segment at s, decoded; *next is where the following one starts ("" at the end, which is at the first ';').
 * Its length, or -1 when it is longer than any pattern and any id. All its escapes are good.
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

enum {
	PARTS_MAX = 6,                            /* of a path: one more than any pattern has */
	PARTS_BYTES_MAX = 2 * (ROUTE_ID_MAX + 2), /* of them together, with their NULs */
};

/* A path, taken apart once for all patterns; none when no pattern can fit it. */
struct parts {
	size_t count;
	const char *at[PARTS_MAX];
	size_t len[PARTS_MAX];
	char text[PARTS_BYTES_MAX];
};

static void take_apart(const char *path, struct parts *p)
{
	char *to = p->text, *end = p->text + sizeof p->text;

	for (p->count = 0; *path == '/'; p->count++) {
		ssize_t len = -1;

		if (p->count < PARTS_MAX && to < end)
			len = take_segment(path + 1, &path, to, (size_t)(end - to));
		if (len < 0 || len > ROUTE_ID_MAX) {
			p->count = 0;
			return;
		}
		p->at[p->count] = to;
		p->len[p->count] = (size_t)len;
		to += len + 1;
	}
}

static bool is_literal(const char *want, const char *got, size_t len)
{
	return strncmp(want, got, len) == 0 && (want[len] == '/' || want[len] == '\0');
}

/* Does the path fit the pattern? */
static bool fits(const char *pattern, const struct parts *path)
{
	bool collection = pattern[1] != '\0';
	const char *want = pattern;
	size_t i = 0;

	for (; want && i < path->count; want = strchr(want + 1, '/'), i++) {
		bool parameter = want[1] == '{' && path->len[i] > 0;

		if (!parameter && !is_literal(want + 1, path->at[i], path->len[i]))
			return false;
		if (parameter && str_starts(want + 1, "{number}") && path->len[i] > ROUTE_NUMBER_MAX)
			return false;
		collection = collection && !parameter;
	}
	return !want && (i == path->count || (collection && i + 1 == path->count && path->len[i] == 0));
}

static void copy_parameters(const char *pattern, const struct parts *path, struct route_match *m)
{
	size_t i = 0;

	for (const char *want = pattern; want; want = strchr(want + 1, '/'), i++)
		if (want[1] == '{' && !str_starts(want + 1, "{name}"))
			memcpy(str_starts(want + 1, "{number}") ? m->number : m->id, path->at[i], path->len[i] + 1);
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

static unsigned allowed_by(const struct route *routes, size_t count, const struct parts *path)
{
	unsigned allowed = 0;

	for (size_t i = 0; i < count; i++)
		if (fits(routes[i].pattern, path))
			allowed |= routes[i].method;
	return allowed;
}

enum route_result route_find(const struct route *routes, size_t count, enum http_method method, const char *path,
			     struct route_match *ret)
{
	enum http_method wanted = method == HTTP_HEAD ? HTTP_GET : method;
	struct parts parts;

	if (!escapes_ok(path))
		return ROUTE_BAD_ESCAPE;
	take_apart(path, &parts);
	ret->id[0] = ret->number[0] = '\0';
	for (size_t i = 0; i < count; i++) {
		if (routes[i].method != wanted || !fits(routes[i].pattern, &parts))
			continue;
		copy_parameters(routes[i].pattern, &parts, ret);
		ret->route = &routes[i];
		return ROUTE_FOUND;
	}
	unsigned allowed = allowed_by(routes, count, &parts);
	describe_allowed(allowed, ret->allow, sizeof ret->allow);
	return allowed ? ROUTE_NO_METHOD : ROUTE_NO_PATH;
}
