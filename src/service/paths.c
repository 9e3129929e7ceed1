#include "service/paths.h"
#include "base/sbuf.h"
#include "base/str.h"
#include "model/redact.h"
#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/openat2.h>
#include <string.h>
#include <strings.h>
#include <sys/syscall.h>

enum { PATHS_ALLOWED_MAX = 64, PATHS_SHOWN_MAX = 200 };

struct allowed_dir {
	char *path; /* normalised, no trailing slash; "" for the root */
	int fd;
};

struct paths {
	struct allowed_dir dirs[PATHS_ALLOWED_MAX];
	int count;
};

/* Collapses // and /. in an absolute path, in place, and /.. too if `up`. The root becomes "". */
static void normalise(char *path, bool up)
{
	char *to = path;

	for (const char *from = path; *from;) {
		size_t n;

		from += strspn(from, "/");
		n = strcspn(from, "/");
		if (up && n == 2 && from[0] == '.' && from[1] == '.') {
			while (to > path && *--to != '/')
				;
		} else if (n > 0 && !(n == 1 && from[0] == '.')) {
			*to++ = '/';
			memmove(to, from, n);
			to += n;
		}
		from += n;
	}
	*to = '\0';
}

struct paths *paths_new(const char *allowed, void (*warn)(const char *dir, const char *reason))
{
	struct paths *p = xcalloc(1, sizeof *p);
	_free_ char *copy = xstrdup(allowed);
	char *rest = copy, *dir;

	while ((dir = strsep(&rest, ", \t")) != NULL) {
		if (!*dir)
			continue;
		int fd = open(dir, O_PATH | O_DIRECTORY | O_CLOEXEC);
		const char *trouble = fd < 0                          ? strerror(errno)
				      : dir[0] != '/'                 ? "not an absolute path"
				      : p->count == PATHS_ALLOWED_MAX ? "too many directories"
								      : NULL;

		if (trouble) {
			if (warn)
				warn(dir, trouble);
			closep(&fd);
			continue;
		}
		p->dirs[p->count] = (struct allowed_dir){ xstrdup(dir), fd };
		normalise(p->dirs[p->count++].path, true);
	}
	return p;
}

struct paths *paths_free(struct paths *p)
{
	for (int i = 0; p && i < p->count; i++) {
		free(p->dirs[i].path);
		(void)close(p->dirs[i].fd);
	}
	free(p);
	return NULL;
}

/* -1: errno says why; EXDEV: the path leads out. */
static int open_beneath(const struct allowed_dir *dir, const char *path, int flags)
{
	struct open_how how = { .flags = (unsigned)(flags | O_CLOEXEC),
				.resolve = RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS };
	size_t n = strlen(dir->path);

	if (strncmp(path, dir->path, n) != 0 || (path[n] != '/' && path[n] != '\0')) {
		errno = EXDEV;
		return -1;
	}
	return (int)syscall(SYS_openat2, dir->fd, path[n] ? path + n + 1 : ".", &how, sizeof how);
}

static bool beneath(const struct allowed_dir *dir, const char *path)
{
	_close_ int fd = open_beneath(dir, path, O_PATH);

	return fd >= 0 || errno == ENOENT;
}

static bool refuse_local(const char *path, struct error *e)
{
	return error_set(e, ERR_INVALID,
			 "Rejected, Reason: requirement failed: Local path %.*s cannot be added to user sessions.",
			 PATHS_SHOWN_MAX, path);
}

/* The path behind "//host"; NULL when that is not this host. */
static const char *skip_host(const char *path)
{
	if (path[0] != '/' || path[1] != '/')
		return path;
	size_t host = strcspn(path + 2, "/");

	return host == 0 || (host == 9 && strncasecmp(path + 2, "localhost", 9) == 0) ? path + 2 + host : NULL;
}

static bool beneath_any(const struct paths *p, const char *path)
{
	for (int i = 0; i < p->count; i++)
		if (beneath(&p->dirs[i], path))
			return true;
	return false;
}

/*
 * Some readers fold `..` in the text, as Java's URIs do, others leave it to the kernel, which follows symbolic links
 * first: /ok/link/../x may be two files. Both must be allowed. `path` is changed.
 */
static bool is_allowed(const struct paths *p, char *path)
{
	normalise(path, false);
	if (!strstr(path, "/.."))
		return beneath_any(p, path);
	if (!beneath_any(p, path))
		return false;
	normalise(path, true);
	return beneath_any(p, path);
}

/* The alias behind '#' becomes a file's name beside others. */
static bool alias_ok(const char *fragment)
{
	_free_ char *plain = xstrdup(fragment);

	return str_percent_decode(plain) >= 0 && !strchr(plain, '/');
}

/*
 * `path` is what follows "file:" or "local:", or a bare absolute path; escapes decoded here. Spark expands wildcards,
 * to what nobody has looked at; so there are none.
 */
static bool check_local(const struct paths *p, const char *path, struct error *e)
{
	const char *file = skip_host(path);
	size_t n = file ? strcspn(file, "#") : 0;
	char real[PATH_MAX];

	if (!file || file[0] != '/' || n >= sizeof real || !alias_ok(file + n))
		return refuse_local(path, e);
	memcpy(real, file, n);
	real[n] = '\0';
	if (str_percent_decode(real) < 0)
		return refuse_local(path, e);

	_free_ char *shown = xstrdup(real);
	return (!strpbrk(real, "*?[]{}\\") && is_allowed(p, real)) || refuse_local(shown, e);
}

static size_t scheme_len(const char *s)
{
	size_t n = strspn(s, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789+.-");

	return n > 0 && s[n] == ':' && ((s[0] | 0x20) >= 'a' && (s[0] | 0x20) <= 'z') ? n : 0;
}

static bool uri_char(unsigned char c)
{
	return c > ' ' && c != 0x7f && !strchr("\"<>\\^`{|}", c);
}

/* Where one is in a URI, in the words of java.net.URI, which is what reads it in Livy and in Spark. */
enum uri_part { PART_OPAQUE, PART_AUTHORITY, PART_PATH, PART_QUERY, PART_FRAGMENT };

static enum uri_part part_after(enum uri_part part, char c)
{
	if (c == '#')
		return PART_FRAGMENT;
	if (c == '?' && (part == PART_AUTHORITY || part == PART_PATH))
		return PART_QUERY;
	return c == '/' && part == PART_AUTHORITY ? PART_PATH : part;
}

static bool refuse_uri(const char *uri, const char *why, const char *part, const char *at, struct error *e)
{
	return error_set(e, ERR_INVALID, "Rejected, Reason: java.net.URISyntaxException: %s%s at index %zu: %.*s", why,
			 part, (size_t)(at - uri), PATHS_SHOWN_MAX, uri);
}

/* `rest` is what follows the scheme's colon. */
static bool check_characters(const char *uri, const char *rest, struct error *e)
{
	static const char *const names[] = { "opaque part", "authority", "path", "query", "fragment" };
	bool has_authority = str_starts(rest, "//");
	const char *start = has_authority ? rest + 2 : rest;
	enum uri_part part = has_authority ? PART_AUTHORITY : *rest == '/' ? PART_PATH : PART_OPAQUE;

	for (const char *p = start; *p; p++) {
		bool bracket = *p == '[' || *p == ']';

		if (*p == '%' && (!isxdigit((unsigned char)p[1]) || !isxdigit((unsigned char)p[2])))
			return refuse_uri(uri, "Malformed escape pair", "", p, e);
		if (!uri_char((unsigned char)*p) || (*p == '#' && part == PART_FRAGMENT) ||
		    (bracket && part == PART_PATH))
			return refuse_uri(uri, "Illegal character in ", names[part], part == PART_AUTHORITY ? start : p,
					  e);
		part = part_after(part, *p);
	}
	return true;
}

static bool check_uri(const char *uri, size_t scheme, struct error *e)
{
	const char *rest = uri + scheme + 1;

	if (*rest == '\0' || *rest == '#')
		return refuse_uri(uri, "Expected scheme-specific part", "", rest, e);
	if (str_eq(rest, "//"))
		return refuse_uri(uri, "Expected authority", "", rest + 2, e);
	return check_characters(uri, rest, e);
}

/* "/a b" becomes file:///a%20b; escapes that are there already stay; a fragment (an alias for YARN) is kept. */
static const char *file_uri(struct arena *a, const char *path)
{
	_sbuf_ struct sbuf uri = SBUF_INIT(3 * PATH_MAX);

	sbuf_adds(&uri, "file://");
	for (; *path; path++) {
		if (uri_char((unsigned char)*path))
			sbuf_addc(&uri, *path);
		else
			sbuf_addf(&uri, "%%%02X", (unsigned char)*path);
	}
	return sbuf_ok(&uri) ? arena_strdup(a, sbuf_str(&uri)) : NULL;
}

/* What a submission's paths are judged by. */
struct judge {
	const struct paths *paths;
	const struct policy *policy;
	struct arena *arena;
};

/* A URI that needs no change. */
static bool check_scheme(const struct judge *j, const char *uri, size_t scheme, struct error *e)
{
	if (!check_uri(uri, scheme, e))
		return false;
	if ((scheme == 4 && strncasecmp(uri, "file", 4) == 0) || (scheme == 5 && strncasecmp(uri, "local", 5) == 0))
		return check_local(j->paths, uri + scheme + 1, e);
	return policy_check_uri(j->policy, uri, e);
}

static bool check_absolute(const char *path, struct error *e)
{
	return path[0] == '/' ||
	       error_set(e, ERR_INVALID, "Rejected, Reason: requirement failed: Path '%.*s' is not absolute.",
			 PATHS_SHOWN_MAX, path);
}

static bool resolve(const struct judge *j, const char **path, struct error *e)
{
	size_t scheme = scheme_len(*path);

	if (scheme > 0)
		return check_scheme(j, *path, scheme, e);
	if (!check_absolute(*path, e) || !check_local(j->paths, *path, e))
		return false;
	const char *uri = file_uri(j->arena, skip_host(*path));
	if (!uri)
		return error_set(e, ERR_INVALID, "Rejected, Reason: a path is longer than %d bytes", PATH_MAX);
	*path = uri;
	return true;
}

/*
 * A path that some reader takes as a URI and another as it is written: it must be allowed both ways, so it has nothing
 * that they would read differently. Not rewritten, since a reader of plain paths would not know file:///.
 */
static bool check_one(const struct judge *j, const char *path, struct error *e)
{
	size_t scheme = scheme_len(path);
	bool local = scheme == 0 || strncasecmp(path, "file:", 5) == 0 || strncasecmp(path, "local:", 6) == 0;

	if (!*path)
		return true;
	if (local && strpbrk(path, "%#"))
		return refuse_local(path, e);
	if (scheme > 0)
		return check_scheme(j, path, scheme, e);
	return check_absolute(path, e) && check_local(j->paths, path, e);
}

/* A text that lists paths: taken apart at `separators`, joined again by commas. */
static bool resolve_parts(const struct judge *j, const char **text, const char *separators, struct error *e)
{
	_sbuf_ struct sbuf joined = SBUF_INIT(SPEC_ARENA_MAX);
	char *rest = arena_strdup(j->arena, *text), *part;

	while ((part = strsep(&rest, separators)) != NULL) {
		const char *one = part;

		if (!*part)
			continue;
		if (!resolve(j, &one, e))
			return false;
		if (joined.len)
			sbuf_addc(&joined, ',');
		sbuf_adds(&joined, one);
	}
	*text = arena_strdup(j->arena, sbuf_str(&joined));
	return true;
}

/* Spark joins all paths by commas and takes them apart again, so a comma makes two of one here too. */
static bool resolve_item(const struct judge *j, const char **path, struct error *e)
{
	if (!strchr(*path, ',') || (*path)[strspn(*path, ",")] == '\0')
		return resolve(j, path, e);
	return resolve_parts(j, path, ",", e);
}

static bool resolve_list(const struct judge *j, struct spec_list *list, struct error *e)
{
	for (size_t i = 0; i < list->count; i++)
		if (!resolve_item(j, &list->items[i], e))
			return false;
	return true;
}

static bool resolve_conf(const struct judge *j, struct spec_pair *pair, bool cluster, struct error *e)
{
	bool ok = true;

	switch (policy_path(j->policy, pair->key, cluster)) {
	case POLICY_PATH_LIST:
		ok = resolve_parts(j, &pair->value, ", \t\r\n", e);
		break;
	case POLICY_PATH:
		ok = check_one(j, pair->value, e);
		break;
	case POLICY_NO_PATH:
		break;
	}
	if (ok || !redact_is_secret(pair->key))
		return ok;
	/*
	 * The refusal is repeated at the launch, and then it goes into logs: what stands under such a key does not
	 * (D18).
	 */
	return error_set(e, e->code, "Rejected, Reason: the value of %.200s is refused as a path; it is " REDACTED ".",
			 pair->key);
}

bool paths_resolve(const struct paths *p, const struct policy *policy, bool cluster, struct arena *a, struct spec *spec,
		   struct error *e)
{
	const struct judge j = { p, policy, a };

	if ((spec->file && !resolve_item(&j, &spec->file, e)) || !resolve_list(&j, &spec->jars, e) ||
	    !resolve_list(&j, &spec->py_files, e) || !resolve_list(&j, &spec->files, e) ||
	    !resolve_list(&j, &spec->archives, e))
		return false;
	for (size_t i = 0; i < spec->conf_count; i++)
		if (!resolve_conf(&j, &spec->conf[i], cluster, e))
			return false;
	return arena_ok(a) || error_set(e, ERR_TOO_LARGE, "the request is too large");
}

bool paths_resolve_one(const struct paths *p, const struct policy *policy, struct arena *a, const char **path,
		       struct error *e)
{
	const struct judge j = { p, policy, a };

	return resolve(&j, path, e);
}

bool paths_open(const struct paths *p, const char *path, int *ret_fd, struct error *e)
{
	_free_ char *plain = xstrdup(path);
	int why = EXDEV;

	normalise(plain, false);
	for (int i = 0; i < p->count && !strstr(plain, "/.."); i++) {
		*ret_fd = open_beneath(&p->dirs[i], plain, O_RDONLY | O_NONBLOCK | O_NOCTTY);
		if (*ret_fd >= 0)
			return true;
		why = errno == EXDEV ? why : errno;
	}
	return why == EXDEV ? error_set(e, ERR_FORBIDDEN, "it is not beneath an allowed directory")
			    : error_errno(e, why, "open it");
}
