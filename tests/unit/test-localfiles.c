/* Which files of a submission are of this host only, and what takes their place. */
#include "base/sbuf.h"
#include "base/str.h"
#include "model/localfiles.h"
#include "t.h"
#include <string.h>

enum { ARENA_MAX = 1 << 20 };

static struct submission with(struct spec_pair *conf, size_t n, const char *file)
{
	return (struct submission){ .name = "n", .file = file, .conf = conf, .conf_count = n };
}

TEST(file_uris_and_bare_paths_are_of_this_host_and_nothing_else_is)
{
	static const char *const local[] = { "file:/a", "file:///a", "FILE:/a", "File://localhost/a", "/a", "/" };
	static const char *const others[] = { "local:/a", "hdfs:///a", "http://h/a", "s3a://b/file:/a",
					      "",         "a",         "files:/a" };

	for (size_t i = 0; i < ARRAY_LEN(local); i++)
		CHECK(localfiles_is_local(local[i]));
	for (size_t i = 0; i < ARRAY_LEN(others); i++)
		CHECK(!localfiles_is_local(others[i]));
	CHECK(!localfiles_is_local(NULL));
}

TEST(whether_there_is_any_is_known_for_each_list)
{
	static const char *const keys[] = {
		"spark.archives",           "spark.files",         "spark.jars", "spark.submit.pyFiles",
		"spark.yarn.dist.archives", "spark.yarn.dist.jars"
	};

	for (size_t i = 0; i < ARRAY_LEN(keys); i++) {
		struct spec_pair conf = { keys[i], "hdfs:/a, file:/b" };
		struct submission s = with(&conf, 1, "hdfs:/a.py");

		CHECK(localfiles_any(&s));
		conf.value = "hdfs:/a,local:/b,";
		CHECK(!localfiles_any(&s));
	}
	struct spec_pair other = { "spark.x", "file:/b" };
	struct submission s = with(&other, 1, NULL);
	CHECK(!localfiles_any(&s));
	s.file = "file:/a.py";
	CHECK(localfiles_any(&s));
}

static bool note(void *arg, const struct localfile *f, const char **ret_uri, struct error *e)
{
	(void)ret_uri, (void)e;
	sbuf_addf(arg, "%d %s %s %s %s\n", f->role, f->uri, f->path ? f->path : "-", f->name ? f->name : "-",
		  f->alias ? f->alias : "-");
	return true;
}

TEST(each_is_told_with_its_path_its_name_and_its_alias)
{
	_arena_ struct arena *a = arena_new(ARENA_MAX);
	_sbuf_ struct sbuf seen = SBUF_INIT(4096);
	struct spec_pair conf[] = { { "spark.archives", "file:///z.zip#env,hdfs:/y.zip#e" },
				    { "spark.files", "/a%20b" },
				    { "spark.jars", "file:/j/*.jar,file://other/j.jar,file:/bad%zz" },
				    { "spark.submit.pyFiles", "FILE://LocalHost/a%20b.py , file:/d/" } };
	struct submission s = with(conf, ARRAY_LEN(conf), "file:/srv/x.py");
	struct error e;

	CHECK_OK(localfiles_each(a, &s, note, &seen, &e), e);
	CHECK_STR(sbuf_str(&seen), "0 file:/srv/x.py /srv/x.py x.py -\n"
				   "4 file:///z.zip /z.zip z.zip env\n"
				   "3 /a%20b /a%20b a%20b -\n"
				   "1 file:/j/*.jar - - -\n1 file://other/j.jar - - -\n1 file:/bad%zz - - -\n"
				   "2 FILE://LocalHost/a%20b.py /a b.py a b.py -\n2 file:/d/ - - -\n");
	CHECK_STR(s.file, "file:/srv/x.py");
	CHECK_STR(conf[0].value, "file:///z.zip#env,hdfs:/y.zip#e");
}

static bool replace(void *arg, const struct localfile *f, const char **ret_uri, struct error *e)
{
	if (str_eq(f->name, "bad"))
		return error_set(e, ERR_INVALID, "bad");
	*ret_uri = str_eq(f->name, "stays") ? NULL : arg;
	return true;
}

TEST(what_is_put_in_their_place_keeps_the_alias_and_the_order)
{
	_arena_ struct arena *a = arena_new(ARENA_MAX);
	struct spec_pair conf[] = { { "spark.archives", "hdfs:/x#1,file:/z#env,/stays#s" },
				    { "spark.files", "hdfs:/only , hdfs:/others" } };
	struct submission s = with(conf, ARRAY_LEN(conf), "/x.py");
	char url[] = "http://h/f";
	struct error e;

	CHECK_OK(localfiles_each(a, &s, replace, url, &e), e);
	CHECK_STR(s.file, "http://h/f");
	CHECK_STR(conf[0].value, "hdfs:/x#1,http://h/f#env,/stays#s");
	CHECK_STR(conf[1].value, "hdfs:/only , hdfs:/others");
	s.file = "/bad";
	CHECK(!localfiles_each(a, &s, replace, url, &e));
	CHECK_INT(e.code, ERR_INVALID);
}

TEST(a_full_arena_is_said)
{
	_arena_ struct arena *a = arena_new(16);
	struct submission s = with(NULL, 0, "file:/a-path-that-is-longer-than-the-arena");
	_sbuf_ struct sbuf seen = SBUF_INIT(4096);
	struct error e;

	CHECK(!localfiles_each(a, &s, note, &seen, &e));
	CHECK_INT(e.code, ERR_TOO_LARGE);
}
