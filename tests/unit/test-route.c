#include "http/route.h"
#include "base/sbuf.h"
#include "t.h"
#include <string.h>

static void list(struct call *c, const char *id)
{
	(void)c, (void)id;
}

static void create(struct call *c, const char *id)
{
	(void)c, (void)id;
}

static void get(struct call *c, const char *id)
{
	(void)c, (void)id;
}

static void delete (struct call *c, const char *id)
{
	(void)c, (void)id;
}

static void log_of(struct call *c, const char *id)
{
	(void)c, (void)id;
}

static const struct route routes[] = {
	{ HTTP_GET, "/batches", 1, list, NULL },
	{ HTTP_POST, "/batches", 1, create, NULL },
	{ HTTP_GET, "/batches/{id}", 1, get, NULL },
	{ HTTP_DELETE, "/batches/{id}", 1, delete, NULL },
	{ HTTP_GET, "/batches/{id}/log", 1, log_of, NULL },
	{ HTTP_POST, "/only/post", 1, create, NULL },
};

static enum route_result find(enum http_method method, const char *path, struct route_match *m)
{
	return route_find(routes, ARRAY_LEN(routes), method, path, m);
}

TEST(every_path_has_its_route)
{
	static const struct {
		enum http_method method;
		const char *path;
		enum route_result result;
		int row;
		const char *text; /* the id; ROUTE_NO_METHOD: what is allowed */
	} cases[] = {
		{ HTTP_GET, "/batches", ROUTE_FOUND, 0, "" },
		{ HTTP_HEAD, "/batches", ROUTE_FOUND, 0, "" },
		{ HTTP_GET, "/batches/", ROUTE_FOUND, 0, "" },
		{ HTTP_POST, "/batches", ROUTE_FOUND, 1, "" },
		{ HTTP_POST, "/batches/", ROUTE_FOUND, 1, "" },
		{ HTTP_GET, "/batches/7", ROUTE_FOUND, 2, "7" },
		{ HTTP_HEAD, "/batches/7", ROUTE_FOUND, 2, "7" },
		{ HTTP_DELETE, "/batches/7", ROUTE_FOUND, 3, "7" },
		{ HTTP_GET, "/batches/7/log", ROUTE_FOUND, 4, "7" },
		{ HTTP_GET, "/batches/log", ROUTE_FOUND, 2, "log" },
		{ HTTP_GET, "/batches/log/log", ROUTE_FOUND, 4, "log" },

		/* escapes are decoded within a segment */
		{ HTTP_GET, "/%62atches/a%20b", ROUTE_FOUND, 2, "a b" },
		{ HTTP_GET, "/batches/a%2Fb", ROUTE_FOUND, 2, "a/b" },
		{ HTTP_GET, "/batches/a%2flog", ROUTE_FOUND, 2, "a/log" },
		{ HTTP_GET, "/batches/%2e%2E/log", ROUTE_FOUND, 4, ".." },
		{ HTTP_GET, "/batches/..", ROUTE_FOUND, 2, ".." },
		{ HTTP_GET, "/batches/%2541", ROUTE_FOUND, 2, "%41" },
		{ HTTP_GET, "/batches/a+b", ROUTE_FOUND, 2, "a+b" },
		{ HTTP_GET, "/batches/%C3%A4\xC3\xB6", ROUTE_FOUND, 2, "\xC3\xA4\xC3\xB6" },
		{ HTTP_GET, "/batches/%3Bx", ROUTE_FOUND, 2, ";x" },
		{ HTTP_GET, "/batches/%7Bid%7D", ROUTE_FOUND, 2, "{id}" },

		/* a path ends at its first semicolon */
		{ HTTP_GET, "/batches;v=1", ROUTE_FOUND, 0, "" },
		{ HTTP_GET, "/batches;v=1/7;w/log;x", ROUTE_FOUND, 0, "" },
		{ HTTP_GET, "/batches/7;w/log", ROUTE_FOUND, 2, "7" },
		{ HTTP_GET, "/batches/7/log;x/y", ROUTE_FOUND, 4, "7" },
		{ HTTP_GET, "/batches/;x", ROUTE_FOUND, 0, "" },

		{ HTTP_GET, "", ROUTE_NO_PATH, 0, "" },
		{ HTTP_GET, "/", ROUTE_NO_PATH, 0, "" },
		{ HTTP_GET, "*", ROUTE_NO_PATH, 0, "" },
		{ HTTP_GET, "batches", ROUTE_NO_PATH, 0, "" },
		{ HTTP_GET, "//batches", ROUTE_NO_PATH, 0, "" },
		{ HTTP_GET, "/batches//", ROUTE_NO_PATH, 0, "" },
		{ HTTP_GET, "/batches//7", ROUTE_NO_PATH, 0, "" },
		{ HTTP_GET, "/batches//log", ROUTE_NO_PATH, 0, "" },
		{ HTTP_GET, "/batches/7/", ROUTE_NO_PATH, 0, "" },
		{ HTTP_GET, "/batches/7/log/", ROUTE_NO_PATH, 0, "" },
		{ HTTP_GET, "/batches/7/log/x", ROUTE_NO_PATH, 0, "" },
		{ HTTP_GET, "/batches/7/logs", ROUTE_NO_PATH, 0, "" },
		{ HTTP_GET, "/batches/7/lo", ROUTE_NO_PATH, 0, "" },
		{ HTTP_GET, "/Batches", ROUTE_NO_PATH, 0, "" },
		{ HTTP_GET, "/batch", ROUTE_NO_PATH, 0, "" },
		{ HTTP_GET, "/batchess", ROUTE_NO_PATH, 0, "" },
		{ HTTP_GET, "/batches%2F7", ROUTE_NO_PATH, 0, "" },
		{ HTTP_GET, "/batches/../batches", ROUTE_NO_PATH, 0, "" },

		{ HTTP_DELETE, "/batches", ROUTE_NO_METHOD, 0, "POST, GET, HEAD" },
		{ HTTP_OTHER, "/batches", ROUTE_NO_METHOD, 0, "POST, GET, HEAD" },
		{ HTTP_POST, "/batches/7", ROUTE_NO_METHOD, 0, "DELETE, GET, HEAD" },
		{ HTTP_OTHER, "/batches/7", ROUTE_NO_METHOD, 0, "DELETE, GET, HEAD" },
		{ HTTP_DELETE, "/batches/7/log", ROUTE_NO_METHOD, 0, "GET, HEAD" },
		{ HTTP_GET, "/only/post", ROUTE_NO_METHOD, 0, "POST" },
		{ HTTP_HEAD, "/only/post", ROUTE_NO_METHOD, 0, "POST" },

		{ HTTP_GET, "/batches/%", ROUTE_BAD_ESCAPE, 0, "" },
		{ HTTP_GET, "/batches/%4", ROUTE_BAD_ESCAPE, 0, "" },
		{ HTTP_GET, "/batches/%zz", ROUTE_BAD_ESCAPE, 0, "" },
		{ HTTP_GET, "/batches/a%00", ROUTE_BAD_ESCAPE, 0, "" },
		{ HTTP_GET, "/nowhere/%g1", ROUTE_BAD_ESCAPE, 0, "" },
		{ HTTP_GET, "/batches/7;%zz", ROUTE_BAD_ESCAPE, 0, "" },
		{ HTTP_GET, "/batches/%+1", ROUTE_BAD_ESCAPE, 0, "" },
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct route_match m = { 0 };
		enum route_result got = find(cases[i].method, cases[i].path, &m);

		if (got != cases[i].result)
			t_fail(__FILE__, __LINE__, "%s is %d, wants %d", cases[i].path, got, cases[i].result);
		if (got == ROUTE_FOUND) {
			CHECK_INT(m.route - routes, cases[i].row);
			CHECK_STR(m.id, cases[i].text);
		} else if (got == ROUTE_NO_METHOD) {
			CHECK_STR(m.allow, cases[i].text);
		}
	}
}

/* An id of n bytes, written as `each` once a byte. */
static enum route_result find_long(size_t n, const char *first, const char *each, const char *rest,
				   struct route_match *m)
{
	_sbuf_ struct sbuf path = SBUF_INIT(64 * 1024);

	sbuf_addf(&path, "/batches/%s", first);
	for (size_t i = strlen(first); i < n; i++)
		sbuf_adds(&path, each);
	sbuf_adds(&path, rest);
	return find(HTTP_GET, path.data, m);
}

TEST(an_id_is_whole_or_nothing)
{
	static const char *const written[] = { "a", "%61" }, *const firsts[] = { "", "x", "xy" },
				 *const rests[] = { "", "/log" };

	for (size_t n = 3; n <= 4 * ROUTE_ID_MAX; n += n < ROUTE_ID_MAX - 8 || n > ROUTE_ID_MAX + 4 ? 61 : 1)
		for (size_t i = 0; i < 2 * 3 * 2; i++) {
			struct route_match m = { 0 };
			enum route_result got = find_long(n, firsts[i / 2 % 3], written[i % 2], rests[i / 6], &m);

			CHECK_INT(got, n <= ROUTE_ID_MAX ? ROUTE_FOUND : ROUTE_NO_PATH);
			if (got == ROUTE_FOUND)
				CHECK_INT(strlen(m.id), n);
		}
}
