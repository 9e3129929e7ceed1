/* Configuration directories whose files go along with jobs. */
#include "base/fdio.h"
#include "service/confdir.h"
#include "t.h"
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static const char dir[] = "conf"; /* in the test's own directory */

static void put(const char *name, const char *bytes, size_t n)
{
	char path[256];
	struct error e;

	(void)snprintf(path, sizeof path, "%s/%s", dir, name);
	int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	CHECK(fd >= 0);
	CHECK_OK(fdio_write_all(fd, bytes, n, &e), e);
	CHECK(close(fd) == 0);
}

static void put_text(const char *name, const char *text)
{
	put(name, text, strlen(text));
}

TEST(texts_go_along_and_nothing_else)
{
	_arena_ struct arena *a = arena_new(1 << 20);
	struct submission_files files;

	CHECK(mkdir(dir, 0700) == 0);
	put_text("log4j2.properties", "level\n");
	put_text("a.xml", "<a/>");
	put_text("spark-defaults.conf", "read already");
	put_text("spark.properties", "likewise");
	put_text("x.template", "an example");
	put_text("a name", "none for a config map");
	put_text("..data", "x");
	put("zero", "a\0b", 3);
	put("binary", "\xff\xfe", 2);
	CHECK(mkfifo("conf/pipe", 0600) == 0);
	CHECK(mkdir("conf/deep", 0700) == 0);
	confdir_read(a, dir, confdir_skips_in_spark, &files);
	CHECK_INT(files.count, 2);
	CHECK_STR(files.items[0].name, "a.xml"); /* the smallest first */
	CHECK_STR(files.items[0].text, "<a/>");
	CHECK_STR(files.items[1].name, "log4j2.properties");
	confdir_read(a, dir, NULL, &files);
	CHECK_INT(files.count, 5);
}

TEST(a_directory_has_ceilings)
{
	_arena_ struct arena *a = arena_new(4 * (size_t)CONFDIR_BYTES_MAX);
	static char large[CONFDIR_BYTES_MAX];
	struct submission_files files;
	char name[32];

	CHECK(mkdir(dir, 0700) == 0);
	memset(large, 'x', CONFDIR_BYTES_MAX - 1);
	put("large", large, CONFDIR_BYTES_MAX - 1);
	put_text("small", "12");
	confdir_read(a, dir, NULL, &files);
	CHECK_INT(files.count, 1);
	CHECK_STR(files.items[0].name, "small");
	for (int i = 0; i < CONFDIR_FILES_MAX + 10; i++) {
		(void)snprintf(name, sizeof name, "f%d", i);
		put_text(name, "");
	}
	confdir_read(a, dir, NULL, &files);
	CHECK_INT(files.count, CONFDIR_FILES_MAX);
}

TEST(no_directory_has_no_files)
{
	_arena_ struct arena *a = arena_new(1 << 20);
	struct submission_files files;

	confdir_read(a, "/nowhere", NULL, &files);
	CHECK_INT(files.count, 0);
}
