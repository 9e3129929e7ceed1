#include "base/fdio.h"
#include "service/paths.h"
#include "t.h"
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/stat.h>

/*
 * The world of these tests, in the test's own directory, which paths are written with as %T:
 *
 *   ok/job.py  ok/sub/deep.py  ok/a b.py  ok/ä.py         allowed
 *   ok/in -> sub/deep.py  ok/up -> ../ok/job.py            leads out and back in: out is out
 *   ok/out -> /etc/hostname  ok/outdir -> ../secret/deep   lead out
 *   ok-evil/job.py  secret/key  secret/deep/               not allowed
 */
static char top[PATH_MAX];

static void put_file(const char *path)
{
	_close_ int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);

	CHECK(fd >= 0);
}

static void make_world(void)
{
	static const char *const dirs[] = { "ok", "ok/sub", "ok-evil", "secret", "secret/deep" };
	static const char *const files[] = { "ok/job.py",      "ok/sub/deep.py", "ok/a b.py", "ok/\xC3\xA4.py",
					     "ok-evil/job.py", "secret/key",     "ok/100%" };
	static const struct {
		const char *to, *name;
	} links[] = { { "sub/deep.py", "ok/in" }, { "/etc/hostname", "ok/out" }, { "../secret/deep", "ok/outdir" } };

	CHECK(getcwd(top, sizeof top));
	for (size_t i = 0; i < ARRAY_LEN(dirs); i++)
		CHECK(mkdir(dirs[i], 0700) == 0);
	for (size_t i = 0; i < ARRAY_LEN(files); i++)
		put_file(files[i]);
	for (size_t i = 0; i < ARRAY_LEN(links); i++)
		CHECK(symlink(links[i].to, links[i].name) == 0);
}

/* The text with %T replaced by the test's directory; the caller frees. */
static char *in_world(const char *text)
{
	_sbuf_ struct sbuf b = SBUF_INIT(64 * 1024);

	for (; *text; text++) {
		if (strncmp(text, "%T", 2) != 0) {
			sbuf_addc(&b, *text);
			continue;
		}
		sbuf_adds(&b, top);
		text++;
	}
	return sbuf_take(&b);
}

static void no_warning(const char *dir, const char *reason)
{
	t_fail(__FILE__, __LINE__, "%s: %s", dir, reason);
}

static struct paths *allow(const char *dirs)
{
	_free_ char *real = in_world(dirs);

	return paths_new(real, no_warning);
}

/* A policy under which paths with a scheme pass; one for the whole process. */
static const struct policy *any_url(void)
{
	static const struct policy_config how = { .allow = "*", .url_hosts = "http://*" };
	static struct policy *policy;
	struct error e;

	if (!policy)
		CHECK_OK(policy_new(&how, &policy, &e), e);
	return policy;
}

/* Asks for one file; the URI or the refusal, the caller frees. */
static char *resolve_file(const struct paths *p, const char *file)
{
	_arena_ struct arena *a = arena_new(SPEC_ARENA_MAX);
	_free_ char *real = in_world(file);
	struct spec spec = { .file = real };
	struct error e = { 0 };

	if (paths_resolve(p, any_url(), false, a, &spec, &e))
		return xstrdup(spec.file);
	CHECK_INT(e.code, ERR_INVALID);
	CHECK(strncmp(e.msg, "Rejected, Reason: ", 18) == 0);
	return xstrdup(e.msg);
}

static const struct {
	const char *file, *uri; /* uri NULL: refused */
} local[] = {
	/* without a scheme: on the default file system */
	{ "%T/ok/job.py", "file://%T/ok/job.py" },
	{ "%T/ok", "file://%T/ok" },
	{ "%T/ok/", "file://%T/ok/" },
	{ "%T//ok/./job.py", "file://%T//ok/./job.py" },
	{ "%T/ok/a b.py", "file://%T/ok/a%20b.py" },
	{ "%T/ok/\xC3\xA4.py", "file://%T/ok/\xC3\xA4.py" },
	{ "%T/ok/a%20b.py", "file://%T/ok/a%20b.py" },
	{ "%T/ok/in", "file://%T/ok/in" },
	{ "%T/ok/not/there", "file://%T/ok/not/there" },
	{ "%T/ok/sub/../job.py", "file://%T/ok/sub/../job.py" },
	{ "%T/ok/job.py#alias.py", "file://%T/ok/job.py#alias.py" },
	{ "//%T/ok/job.py", "file://%T/ok/job.py" },

	{ "%T/ok/100%", NULL },
	{ "%T/ok/job%00.py", NULL },
	{ "%T/ok/job%zz.py", NULL },
	{ "%T", NULL },
	{ "%T/secret/key", NULL },
	{ "/etc/passwd", NULL },
	{ "/", NULL },
	{ "%T/ok-evil/job.py", NULL },
	{ "%T/okk", NULL },
	{ "%T/ok/../secret/key", NULL },
	{ "%T/ok/sub/../../secret/key", NULL },
	{ "%T/ok/%2e%2e/secret/key", NULL },
	{ "%T/ok/.%2E/secret/key", NULL },
	{ "%T/ok/..%2fsecret%2Fkey", NULL },
	{ "%T/ok%2f..%2fsecret/key", NULL },
	{ "%T/ok/out", NULL },
	{ "%T/ok/outdir/x", NULL },
	{ "%T/ok/outdir", NULL },
	{ "job.py", NULL },
	{ "ok/job.py", NULL },
	{ "./job.py", NULL },
	{ "../secret/key", NULL },

	/* `..` behind a symbolic link: by the text this is ok/key, to the kernel it is secret/key */
	{ "%T/ok/outdir/../key", NULL },
	{ "file:%T/ok/outdir/../key", NULL },
	{ "%T/ok/outdir/%2e%2e/key", NULL },

	/* a host's name in front is no directory */
	{ "//localhost%T/ok/job.py", "file://%T/ok/job.py" },
	{ "//elsewhere%T/ok/job.py", NULL },
	{ "//ok/job.py", NULL },

	/* the schemes of this host, in any case */
	{ "file:%T/ok/job.py", "file:%T/ok/job.py" },
	{ "file://%T/ok/job.py", "file://%T/ok/job.py" },
	{ "FILE:%T/ok/job.py", "FILE:%T/ok/job.py" },
	{ "local:%T/ok/job.py", "local:%T/ok/job.py" },
	{ "local://%T/ok/job.py", "local://%T/ok/job.py" },
	{ "file://localhost%T/ok/job.py", "file://localhost%T/ok/job.py" },
	{ "file:////%T/ok/job.py", "file:////%T/ok/job.py" },
	{ "file:%T/ok/job.py#alias", "file:%T/ok/job.py#alias" },
	{ "file:%T/ok/a%20b.py", "file:%T/ok/a%20b.py" },

	{ "file:/etc/passwd", NULL },
	{ "file:///etc/passwd", NULL },
	{ "file:////etc/passwd", NULL },
	{ "FILE:/etc/passwd", NULL },
	{ "FiLe:///etc/passwd", NULL },
	{ "local:/etc/passwd", NULL },
	{ "LOCAL:/etc/passwd", NULL },
	{ "file:%T/ok/../secret/key", NULL },
	{ "file://%T/ok/%2e%2e/secret/key", NULL },
	{ "file:%T/ok-evil/job.py", NULL },
	{ "file:%T/ok/out", NULL },
	{ "local:%T/ok/outdir/x", NULL },
	{ "file://elsewhere%T/ok/job.py", NULL },
	{ "file://localhost.evil%T/ok/job.py", NULL },
	{ "file://elsewhere", NULL },
	{ "file:job.py", NULL },
	{ "file:", NULL },
	{ "file:%T/ok/a b.py", NULL },
	{ "file:%T/ok/a\"b.py", NULL },

	/* what is behind `?` and `#` leads nowhere either */
	{ "%T/ok/x?/../../secret/key", NULL },
	{ "file:%T/ok/x?/../../secret/key", NULL },
	{ "%T/ok/job.py#../../y", NULL },
	{ "file:%T/ok/job.py#..%2f..%2fy", NULL },

	/* Spark reads a comma as the end of a path, and expands what is a pattern */
	{ "%T/ok/job.py,/etc/passwd", NULL },
	{ "file:%T/ok/job.py,file:/etc/passwd", NULL },
	{ "http://example.org/x,file:/etc/passwd", NULL },
	{ "%T/ok/*", NULL },
	{ "file:%T/ok/ou*", NULL },
	{ "file:%T/ok/ou%5Bt%5D", NULL },
	{ "%T/ok/{x%2C..%2F..%2Fsecret%2Fkey}", NULL },
};

TEST(every_local_path_has_its_answer)
{
	make_world();
	struct paths *p = allow("%T/ok");

	for (size_t i = 0; i < ARRAY_LEN(local); i++) {
		_free_ char *got = resolve_file(p, local[i].file);
		_free_ char *want = local[i].uri ? in_world(local[i].uri) : NULL;

		if (want ? strcmp(got, want) != 0 : strncmp(got, "Rejected", 8) != 0)
			t_fail(__FILE__, __LINE__, "%s\n# is    %s\n# wants %s", local[i].file, got,
			       want ? want : "a refusal");
	}
	(void)paths_free(p);
}

TEST(other_schemes_pass_unchanged)
{
	static const char *const uris[] = { "hdfs:///user/a/job.py",
					    "hdfs://nn:8020/../x",
					    "s3a://bucket/a%20b?x=1#f",
					    "http://example.org/a.jar",
					    "wasbs://c@a.blob.core.windows.net/x.jar",
					    "files:/x",
					    "abfss://fs@acct.dfs.core.windows.net/a/*.jar",
					    "f:/x",
					    "my-fs+1.0:/x" };
	struct paths *p = paths_new(NULL, no_warning);

	for (size_t i = 0; i < ARRAY_LEN(uris); i++) {
		_free_ char *got = resolve_file(p, uris[i]);

		CHECK_STR(got, uris[i]);
	}
	(void)paths_free(p);
}

TEST(a_uri_with_characters_that_java_refuses_is_refused)
{
	static const char *const uris[] = { "hdfs:///a b", "s3a://b/\"x", "http://h/<x>", "hdfs:/a\\b",
					    "hdfs:/a^b",   "hdfs:/{a}",   "hdfs:/a|b" };
	struct paths *p = paths_new(NULL, no_warning);

	for (size_t i = 0; i < ARRAY_LEN(uris); i++) {
		_free_ char *got = resolve_file(p, uris[i]);

		CHECK(strstr(got, "URISyntaxException"));
	}
	(void)paths_free(p);
}

TEST(refusals_are_livys)
{
	make_world();
	struct paths *p = allow("%T/ok");
	_free_ char *relative = resolve_file(p, "job.py"), *outside = resolve_file(p, "/etc/passwd");

	CHECK_STR(relative, "Rejected, Reason: requirement failed: Path 'job.py' is not absolute.");
	CHECK_STR(outside,
		  "Rejected, Reason: requirement failed: Local path /etc/passwd cannot be added to user sessions.");
	(void)paths_free(p);
}

TEST(without_allowed_directories_no_local_path_passes)
{
	static const char *const nothing[] = { NULL, "", " , " };

	make_world();
	for (size_t i = 0; i < ARRAY_LEN(nothing); i++) {
		struct paths *p = paths_new(nothing[i], no_warning);
		_free_ char *path = resolve_file(p, "%T/ok/job.py"), *uri = resolve_file(p, "file:%T/ok/job.py");

		CHECK(strncmp(path, "Rejected", 8) == 0);
		CHECK(strncmp(uri, "Rejected", 8) == 0);
		(void)paths_free(p);
	}
}

TEST(several_directories_are_allowed)
{
	static const char *const lists[] = { "%T/ok,%T/secret", "%T/ok %T/secret", " %T/secret/ ,\t%T//ok/../ok/." };

	make_world();
	for (size_t i = 0; i < ARRAY_LEN(lists); i++) {
		struct paths *p = allow(lists[i]);
		_free_ char *one = resolve_file(p, "%T/ok/job.py"), *two = resolve_file(p, "%T/secret/key");
		_free_ char *three = resolve_file(p, "%T/ok-evil/job.py");

		CHECK(strncmp(one, "file:///", 8) == 0);
		CHECK(strncmp(two, "file:///", 8) == 0);
		CHECK(strncmp(three, "Rejected", 8) == 0);
		(void)paths_free(p);
	}
}

TEST(the_root_allows_all_of_this_host)
{
	make_world();
	struct paths *p = allow("/");
	_free_ char *one = resolve_file(p, "%T/secret/key"), *two = resolve_file(p, "/");

	CHECK(strncmp(one, "file:///", 8) == 0);
	CHECK_STR(two, "file:///");
	(void)paths_free(p);
}

static int warnings;
static char warned[PATH_MAX];

static void count_warning(const char *dir, const char *reason)
{
	CHECK(*reason);
	(void)snprintf(warned, sizeof warned, "%s", dir);
	warnings++;
}

TEST(a_directory_that_cannot_be_used_is_told)
{
	static const char *const dirs[] = { "/no/such/directory", "ok", "%T/ok/job.py" };

	make_world();
	for (size_t i = 0; i < ARRAY_LEN(dirs); i++) {
		_free_ char *dir = in_world(dirs[i]);
		_free_ char *list = in_world("%T/secret");
		_sbuf_ struct sbuf both = SBUF_INIT(2 * PATH_MAX);

		sbuf_addf(&both, "%s,%s", dir, list);
		warnings = 0;
		struct paths *p = paths_new(both.data, count_warning);
		CHECK_INT(warnings, 1);
		CHECK_STR(warned, dir);
		_free_ char *other = resolve_file(p, "%T/secret/key");
		CHECK(strncmp(other, "file:///", 8) == 0);
		(void)paths_free(p);
		p = paths_new(both.data, NULL);
		(void)paths_free(p);
	}
}

TEST(directories_past_the_ceiling_are_told)
{
	_sbuf_ struct sbuf list = SBUF_INIT(64 * 1024);

	for (int i = 0; i < 70; i++) {
		char name[16];

		(void)snprintf(name, sizeof name, "d%d", i);
		CHECK(mkdir(name, 0700) == 0);
		CHECK(getcwd(top, sizeof top));
		sbuf_addf(&list, "%s/%s,", top, name);
	}
	struct paths *p = paths_new(list.data, count_warning);
	CHECK_INT(warnings, 6);
	(void)paths_free(p);
}

/* --- all the places where a path may stand --- */

static void check_list(const struct spec_list *list, const char *first, const char *second)
{
	CHECK_INT(list->count, 2);
	CHECK_STR(list->items[0], first);
	CHECK_STR(list->items[1], second);
}

TEST(lists_and_conf_values_are_resolved)
{
	make_world();
	_arena_ struct arena *a = arena_new(SPEC_ARENA_MAX);
	struct paths *p = allow("%T/ok");
	_free_ char *file = in_world("%T/ok/job.py"), *uri = in_world("file://%T/ok/job.py");
	_free_ char *value = in_world(" %T/ok/job.py , hdfs:/x\t\r\n,,%T/ok/in "),
		    *want = in_world("file://%T/ok/job.py,hdfs:/x,file://%T/ok/in");
	const char *lists[4][2] = { { file, "s3a:/y" }, { file, "s3a:/y" }, { file, "s3a:/y" }, { file, "s3a:/y" } };
	struct spec_pair conf[] = { { "spark.jars", value },
				    { "spark.yarn.archive", file },
				    { "spark.app.name", "not, a path" },
				    { "spark.files", "" } };
	struct spec spec = { .file = file,
			     .jars = { lists[0], 2 },
			     .py_files = { lists[1], 2 },
			     .files = { lists[2], 2 },
			     .archives = { lists[3], 2 },
			     .conf = conf,
			     .conf_count = ARRAY_LEN(conf) };
	struct error e;

	CHECK_OK(paths_resolve(p, any_url(), false, a, &spec, &e), e);
	CHECK_STR(spec.file, uri);
	check_list(&spec.jars, uri, "s3a:/y");
	check_list(&spec.py_files, uri, "s3a:/y");
	check_list(&spec.files, uri, "s3a:/y");
	check_list(&spec.archives, uri, "s3a:/y");
	CHECK_STR(conf[0].value, want);
	CHECK_STR(conf[1].value, uri);
	CHECK_STR(conf[2].value, "not, a path");
	CHECK_STR(conf[3].value, "");
	(void)paths_free(p);
}

/* A spec that is fine but for `bad`, which stands at one of eight places. */
static bool resolve_with(const struct paths *p, int place, const char *good, const char *bad, struct error *e)
{
	_arena_ struct arena *a = arena_new(SPEC_ARENA_MAX);
	const char *items[4][1];
	const char *in_list[] = { place == 5 ? bad : good, place == 6 ? bad : good };
	_sbuf_ struct sbuf joined = SBUF_INIT(64 * 1024);
	struct spec_pair conf[2] = { { "spark.yarn.dist.files", NULL },
				     { "spark.yarn.jars", place == 7 ? bad : good } };
	struct spec spec = { .file = place == 0 ? bad : good, .conf = conf, .conf_count = 2 };
	struct spec_list *lists[] = { &spec.jars, &spec.py_files, &spec.files, &spec.archives };

	for (int i = 0; i < 4; i++) {
		items[i][0] = place == i + 1 ? bad : good;
		*lists[i] = (struct spec_list){ items[i], 1 };
	}
	sbuf_addf(&joined, "%s, %s", in_list[0], in_list[1]);
	conf[0].value = joined.data;
	return paths_resolve(p, any_url(), false, a, &spec, e);
}

TEST(one_bad_path_at_any_place_refuses_all)
{
	static const char *const bad[] = { "/etc/passwd", "LOCAL:/etc/passwd",       "%T/ok/../secret/key", "%T/ok/out",
					   "job.py",      "%T/ok/job.py,/etc/passwd" };

	make_world();
	struct paths *p = allow("%T/ok");
	_free_ char *good = in_world("%T/ok/job.py");

	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		_free_ char *path = in_world(bad[i]);
		struct error e = { 0 };

		for (int place = 0; place < 8; place++) {
			if (resolve_with(p, place, good, path, &e))
				t_fail(__FILE__, __LINE__, "%s passed at place %d", path, place);
			CHECK_INT(e.code, ERR_INVALID);
		}
		CHECK_OK(resolve_with(p, -1, good, path, &e), e);
	}
	(void)paths_free(p);
}

TEST(a_refusal_does_not_repeat_what_a_secret_key_holds)
{
	static const char *const keys[] = { "spark.authenticate.secret.file", "spark.hadoop.x.token.files" };

	make_world();
	struct paths *p = allow("%T/ok");
	_free_ char *good = in_world("%T/ok/job.py");

	for (size_t i = 0; i < ARRAY_LEN(keys); i++) {
		_arena_ struct arena *a = arena_new(SPEC_ARENA_MAX);
		struct spec_pair conf = { keys[i], "/home/hunter2" };
		struct spec spec = { .file = good, .conf = &conf, .conf_count = 1 };
		struct error e = { 0 };

		CHECK(!paths_resolve(p, any_url(), false, a, &spec, &e));
		CHECK(e.code == ERR_INVALID && strstr(e.msg, keys[i]) && !strstr(e.msg, "hunter2"));
	}
	(void)paths_free(p);
}

TEST(a_list_item_with_commas_is_several_paths)
{
	make_world();
	_arena_ struct arena *a = arena_new(SPEC_ARENA_MAX);
	struct paths *p = allow("%T/ok");
	_free_ char *both = in_world("%T/ok/job.py,hdfs:/x,%T/ok/a b.py");
	_free_ char *want = in_world("file://%T/ok/job.py,hdfs:/x,file://%T/ok/a%20b.py");
	const char *items[] = { both };
	struct spec spec = { .file = "hdfs:/job.py", .jars = { items, 1 } };
	struct error e;

	CHECK_OK(paths_resolve(p, any_url(), false, a, &spec, &e), e);
	CHECK_STR(items[0], want);
	(void)paths_free(p);
}

TEST(an_over_long_path_is_refused)
{
	_sbuf_ struct sbuf path = SBUF_INIT(64 * 1024);
	struct paths *p = paths_new("/", no_warning);

	while (path.len < 2 * PATH_MAX)
		sbuf_adds(&path, "/xxxxxxx");
	_free_ char *got = resolve_file(p, path.data);
	CHECK(strncmp(got, "Rejected", 8) == 0);
	CHECK(strlen(got) < sizeof((struct error *)NULL)->msg);
	(void)paths_free(p);
}
