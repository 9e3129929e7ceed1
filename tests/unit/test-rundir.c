#include "base/fdio.h"
#include "run/attempt.h"
#include "run/rundir.h"
#include "t.h"
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/stat.h>

#define NAME "7.1.0123456789abcdef0123456789abcdef"

enum { DEPTH = 1000, RACES = 200 };

static int open_run(void)
{
	struct error e;
	int fd;

	CHECK_OK(fdio_open_dir("run", &fd, &e), e);
	CHECK(mkdirat(fd, NAME, 0700) == 0);
	return fd;
}

static void make_file(const char *path)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);

	CHECK(fd >= 0 && close(fd) == 0);
}

/* Opening one would wait for somebody at the other end, for ever. */
TEST(pipes_in_place_of_files_are_passed_over)
{
	static const char *const files[] = { RECORD_SHIM_LOCK, RECORD_TREE_LOCK, RECORD_EXIT,   RECORD_EXIT_TMP,
					     RECORD_SHIM,      RECORD_DRIVER,    RECORD_STARTED };
	char hole[ATTEMPT_NAME_MAX + 32];
	struct record_exit exit = { .kind = RECORD_EXITED };
	struct record_hole gap = { 0 };
	struct rundir d;
	struct error e;
	_close_ int run = open_run();
	_close_ int dir = openat(run, NAME, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	for (size_t i = 0; i < ARRAY_LEN(files); i++)
		CHECK(mkfifoat(dir, files[i], 0600) == 0);
	CHECK(mkfifoat(dir, RECORD_HOLE, 0600) == 0);
	(void)snprintf(hole, sizeof hole, ".%s.tmp", RECORD_HOLE);
	CHECK(mkfifoat(dir, hole, 0600) == 0);
	CHECK_OK(rundir_look(run, NAME, &d, &e), e);
	CHECK(d.exists && !d.shim_lives && !d.tree_lives && !d.has_exit && !d.has_shim && !d.has_driver);
	CHECK(!record_write_exit(dir, &exit, &e));
	CHECK(!record_write_hole(dir, &gap, &e));
	CHECK(!record_read_hole(run, NAME, &gap, &e) && e.code == ERR_MALFORMED);
	CHECK_OK(attempt_remove_dir(run, NAME, &e), e);
	CHECK(faccessat(run, NAME, F_OK, 0) < 0 && errno == ENOENT);
}

TEST(a_directory_of_any_depth_is_removed)
{
	struct error e;
	_close_ int run = open_run();
	int at = openat(run, NAME, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	for (int i = 0; i < DEPTH; i++) {
		CHECK(at >= 0 && mkdirat(at, "d", 0700) == 0 && mkfifoat(at, "f", 0600) == 0);
		int next = openat(at, "d", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		(void)close(at);
		at = next;
	}
	(void)close(at);
	CHECK_OK(attempt_remove_dir(run, NAME, &e), e);
	CHECK(faccessat(run, NAME, F_OK, 0) < 0 && errno == ENOENT);
	CHECK_OK(attempt_remove_dir(run, NAME, &e), e); /* absent is fine */
}

TEST(directories_that_nobody_may_change_are_removed)
{
	struct error e;
	_close_ int run = open_run();

	CHECK(mkdir("run/" NAME "/shut", 0700) == 0 && mkdir("run/" NAME "/stiff", 0700) == 0);
	make_file("run/" NAME "/shut/a");
	make_file("run/" NAME "/stiff/a");
	CHECK(chmod("run/" NAME "/shut", 0) == 0 && chmod("run/" NAME "/stiff", 0500) == 0);
	if (geteuid() == 0) /* who may everything is shown nothing: the child is somebody */
		CHECK(chown("run", 65534, 65534) == 0 && chown("run/" NAME, 65534, 65534) == 0 &&
		      chown("run/" NAME "/shut", 65534, 65534) == 0 && chown("run/" NAME "/stiff", 65534, 65534) == 0 &&
		      setresuid(65534, 65534, 65534) == 0);
	CHECK_OK(attempt_remove_dir(run, NAME, &e), e);
	CHECK(faccessat(run, NAME, F_OK, 0) < 0 && errno == ENOENT);
}

static atomic_bool over;

/* Makes a directory a link that leads out, and a directory again, all the time. */
static void *swap(void *arg)
{
	(void)arg;
	while (!over)
		(void)renameat2(AT_FDCWD, "run/" NAME "/" RECORD_WORK "/d", AT_FDCWD, "run/" NAME "/" RECORD_WORK "/l",
				RENAME_EXCHANGE);
	return NULL;
}

TEST(a_link_that_takes_the_place_of_a_directory_leads_nowhere)
{
	struct error e;
	pthread_t thread;
	_close_ int run = open_run();

	CHECK(mkdir("outside", 0700) == 0);
	make_file("outside/keep");
	CHECK(pthread_create(&thread, NULL, swap, NULL) == 0);
	for (int i = 0; i < RACES; i++) {
		(void)mkdir("run/" NAME, 0700);
		(void)mkdir("run/" NAME "/" RECORD_WORK, 0700);
		(void)mkdir("run/" NAME "/" RECORD_WORK "/d", 0700);
		(void)mkdir("run/" NAME "/" RECORD_WORK "/d/sub", 0700);
		(void)!symlink("../../../outside", "run/" NAME "/" RECORD_WORK "/l");
		(void)!attempt_remove_dir(run, NAME, &e); /* what changes under its hands may stop it */
		CHECK(access("outside/keep", F_OK) == 0);
	}
	over = true;
	CHECK(pthread_join(thread, NULL) == 0);
	CHECK_OK(attempt_remove_dir(run, NAME, &e), e);
	CHECK(access("outside/keep", F_OK) == 0);
}
