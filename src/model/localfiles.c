#include "model/localfiles.h"
#include "base/sbuf.h"
#include "base/str.h"
#include <string.h>
#include <strings.h>

#define FILE_SCHEME "file:"
#define BLANKS " \t\r\n"

static const struct {
	const char *key;
	enum localfile_role role;
} lists[] = {
	{ "spark.jars", LOCALFILE_JAR },
	{ "spark.yarn.dist.jars", LOCALFILE_JAR },
	{ "spark.submit.pyFiles", LOCALFILE_PYFILE },
	{ "spark.yarn.dist.pyFiles", LOCALFILE_PYFILE },
	{ "spark.files", LOCALFILE_FILE },
	{ "spark.yarn.dist.files", LOCALFILE_FILE },
	{ "spark.archives", LOCALFILE_ARCHIVE },
	{ "spark.yarn.dist.archives", LOCALFILE_ARCHIVE },
};

bool localfiles_is_local(const char *uri)
{
	return uri && (uri[0] == '/' || strncasecmp(uri, FILE_SCHEME, strlen(FILE_SCHEME)) == 0);
}

/* The next URI of a list; n 0: there is none. */
static const char *next_uri(const char *list, size_t *ret_n)
{
	list += strspn(list, "," BLANKS);
	*ret_n = strcspn(list, ",");
	while (*ret_n > 0 && strchr(BLANKS, list[*ret_n - 1]))
		--*ret_n;
	return list;
}

static bool any_in(const char *list)
{
	size_t n = 0;

	for (; list; list += n) {
		list = next_uri(list, &n);
		if (n == 0)
			return false;
		if (localfiles_is_local(list))
			return true;
	}
	return false;
}

bool localfiles_any(const struct submission *s)
{
	for (size_t i = 0; i < ARRAY_LEN(lists); i++)
		if (any_in(submission_conf(s, lists[i].key)))
			return true;
	return any_in(s->file);
}

const char *localfiles_path(struct arena *a, const char *uri)
{
	const char *path = uri[0] == '/' ? uri : uri + strlen(FILE_SCHEME);

	if (uri[0] != '/' && str_starts(path, "//")) {
		size_t host = strcspn(path + 2, "/");

		if (host != 0 && !(host == 9 && strncasecmp(path + 2, "localhost", host) == 0))
			return NULL;
		path += 2 + host;
	}
	if (path[0] != '/')
		return NULL;
	char *plain = arena_strdup(a, path);
	bool ok = plain && (uri[0] == '/' || str_percent_decode(plain) >= 0) && !strpbrk(plain, "*?[]{}\\");
	return ok && !str_ends(plain, "/") ? plain : NULL;
}

static bool too_large(struct error *e)
{
	return error_set(e, ERR_TOO_LARGE, "the submission is too large");
}

struct walk {
	struct arena *arena;
	localfiles_fn *fn;
	void *arg;
};

/* One URI of n bytes; *ret_instead is NULL when it stays as it is. */
static bool each_uri(const struct walk *w, enum localfile_role role, const char *uri, size_t n,
		     const char **ret_instead, struct error *e)
{
	size_t plain = strcspn(uri, "#");
	struct localfile f = { .role = role };

	plain = plain < n ? plain : n;
	f.uri = arena_strndup(w->arena, uri, plain);
	f.alias = plain < n ? arena_strndup(w->arena, uri + plain + 1, n - plain - 1) : NULL;
	f.path = f.uri ? localfiles_path(w->arena, f.uri) : NULL;
	f.name = f.path ? strrchr(f.path, '/') + 1 : NULL;
	*ret_instead = NULL;
	return arena_ok(w->arena) ? w->fn(w->arg, &f, ret_instead, e) : too_large(e);
}

static bool each_in(const struct walk *w, enum localfile_role role, const char **list, struct error *e)
{
	_sbuf_ struct sbuf out = SBUF_INIT(SPEC_ARENA_MAX);
	const char *instead, *alias;
	size_t n;

	for (const char *at = next_uri(*list, &n); n > 0; at = next_uri(at + n, &n)) {
		instead = NULL;
		if (localfiles_is_local(at) && !each_uri(w, role, at, n, &instead, e))
			return false;
		alias = memchr(at, '#', n);
		sbuf_adds(&out, out.len ? "," : "");
		if (instead)
			sbuf_adds(&out, instead);
		if (instead && alias)
			sbuf_add(&out, alias, n - (size_t)(alias - at));
		if (!instead)
			sbuf_add(&out, at, n);
	}
	*list = sbuf_ok(&out) ? arena_strdup(w->arena, sbuf_str(&out)) : NULL;
	return *list || too_large(e);
}

bool localfiles_each(struct arena *a, struct submission *s, localfiles_fn *fn, void *arg, struct error *e)
{
	const struct walk w = { a, fn, arg };

	if (any_in(s->file) && !each_in(&w, LOCALFILE_PROGRAM, &s->file, e))
		return false;
	for (size_t i = 0; i < s->conf_count; i++)
		for (size_t k = 0; k < ARRAY_LEN(lists); k++)
			if (str_eq(s->conf[i].key, lists[k].key) && any_in(s->conf[i].value) &&
			    !each_in(&w, lists[k].role, &s->conf[i].value, e))
				return false;
	return true;
}
