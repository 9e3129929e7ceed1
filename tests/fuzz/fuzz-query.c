/*
 * fuzz-query - any bytes as a request target: its path through the routes, its query taken apart.
 *
 * Must hold: a path is refused for its escapes exactly when one is bad; an id that was found is found again when every
 * byte of it is escaped; a query gives for each name the first value that another decoder gives.
 */
#include "base/sbuf.h"
#include "http/request.h"
#include "http/route.h"
#include <stdint.h>
#include <stdio.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static void must(bool holds)
{
	if (!holds)
		abort();
}

static void handle(struct call *c, const char *id)
{
	(void)c, (void)id;
}

static const struct route routes[] = {
	{ HTTP_GET, "/batches", 1, handle, NULL },          { HTTP_POST, "/batches", 1, handle, NULL },
	{ HTTP_GET, "/batches/{id}", 1, handle, NULL },     { HTTP_DELETE, "/batches/{id}", 1, handle, NULL },
	{ HTTP_GET, "/batches/{id}/log", 1, handle, NULL }, { HTTP_GET, "/version", 1, handle, NULL },
};

static enum route_result find(enum http_method method, const char *path, struct route_match *m)
{
	return route_find(routes, sizeof routes / sizeof routes[0], method, path, m);
}

/* The byte that "%XX" at s stands for; -1: none, 0 included. */
static int escaped_byte(const char *s)
{
	static const char digits[] = "0123456789abcdef0123456789ABCDEF";
	const char *high = s[1] ? strchr(digits, s[1]) : NULL, *low = high && s[2] ? strchr(digits, s[2]) : NULL;
	long byte = low ? (high - digits) % 16 * 16 + (low - digits) % 16 : 0;

	return byte ? (int)byte : -1;
}

/* --- the path --- */

static bool has_bad_escape(const char *s)
{
	for (; (s = strchr(s, '%')) != NULL; s++)
		if (escaped_byte(s) < 0)
			return true;
	return false;
}

static void find_again(const struct route_match *first)
{
	_sbuf_ struct sbuf path = SBUF_INIT(8 * ROUTE_ID_MAX);
	struct route_match again = { 0 };

	for (const char *p = first->route->pattern; *p; p++) {
		if (*p != '{') {
			sbuf_addf(&path, *p == '/' ? "%c" : "%%%02X", (unsigned char)*p);
			continue;
		}
		for (const char *id = first->id; *id; id++)
			sbuf_addf(&path, "%%%02x", (unsigned char)*id);
		p = strchr(p, '}');
	}
	must(sbuf_ok(&path));
	must(find(first->route->method, sbuf_str(&path), &again) == ROUTE_FOUND);
	must(again.route == first->route && strcmp(again.id, first->id) == 0);
}

static void check_path(const char *path)
{
	static const enum http_method methods[] = { HTTP_GET, HTTP_HEAD, HTTP_POST, HTTP_DELETE, HTTP_OTHER };
	int found = 0, no_path = 0;

	for (size_t i = 0; i < sizeof methods / sizeof methods[0]; i++) {
		struct route_match m = { 0 };
		enum route_result got = find(methods[i], path, &m);

		must((got == ROUTE_BAD_ESCAPE) == has_bad_escape(path));
		found += got == ROUTE_FOUND;
		no_path += got == ROUTE_NO_PATH;
		if (got == ROUTE_NO_METHOD)
			must(m.allow[0] != '\0');
		if (got != ROUTE_FOUND)
			continue;
		must(strlen(m.id) <= ROUTE_ID_MAX);
		must((m.id[0] != '\0') == (strchr(m.route->pattern, '{') != NULL));
		find_again(&m);
	}
	must(no_path == 0 || no_path == 5); /* whether there is such a path does not depend on the method */
	must(found < 5);                    /* nothing takes HTTP_OTHER */
}

/* --- the query --- */

/* Decodes [from, to); false: a bad escape. */
static bool decode(const char *from, const char *to, struct sbuf *ret)
{
	sbuf_clear(ret);
	while (from < to) {
		if (*from != '%') {
			sbuf_addc(ret, *from == '+' ? ' ' : *from);
			from++;
			continue;
		}
		int byte = to - from < 3 ? -1 : escaped_byte(from);
		if (byte < 0)
			return false;
		sbuf_addc(ret, (char)byte);
		from += 3;
	}
	return true;
}

/* The first value of `name` among the first HTTP_QUERY_MAX good parameters. */
static bool first_value(const char *query, const char *name, struct sbuf *ret)
{
	_sbuf_ struct sbuf got = SBUF_INIT(HTTP_TARGET_MAX);
	int good = 0;

	for (const char *p = query; good < HTTP_QUERY_MAX; p++) {
		const char *end = p + strcspn(p, "&"), *equals = memchr(p, '=', (size_t)(end - p));

		if (decode(p, equals ? equals : end, &got) && decode(equals ? equals + 1 : end, end, ret)) {
			if (strcmp(sbuf_str(&got), name) == 0)
				return true;
			good++;
		}
		p = end;
		if (!*p)
			return false;
	}
	return false;
}

static void check_name(struct http_request *rq, const char *query, const char *name)
{
	_sbuf_ struct sbuf want = SBUF_INIT(HTTP_TARGET_MAX);
	const char *got = http_query(rq, name);

	must(first_value(query, name, &want) == (got != NULL));
	must(!got || strcmp(got, sbuf_str(&want)) == 0);
}

static void check_query(struct http_request *rq, const char *query)
{
	_sbuf_ struct sbuf name = SBUF_INIT(HTTP_TARGET_MAX);

	check_name(rq, query, "from");
	check_name(rq, query, "");
	for (const char *p = query;; p++) {
		const char *end = p + strcspn(p, "&");

		if (decode(p, p + strcspn(p, "&="), &name))
			check_name(rq, query, sbuf_str(&name));
		p = end;
		if (!*p)
			return;
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	char target[HTTP_TARGET_MAX + 1];

	if (n > HTTP_TARGET_MAX)
		return 0;
	if (n)
		memcpy(target, data, n);
	target[n] = '\0'; /* what is behind a NUL in it never gets here (guard.h) */

	struct http_request *rq = request_new(NULL, target);
	const char *query = strchr(target, '?');
	must(!strchr(http_path(rq), '?'));
	check_path(http_path(rq));
	if (query && strncasecmp(target, "http", 4) != 0)
		check_query(rq, query + 1);
	else if (!query)
		must(!http_query(rq, "from"));
	(void)request_free(rq);
	return 0;
}
