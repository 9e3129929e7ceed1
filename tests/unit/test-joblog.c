#include "cluster/joblog.h"
#include "base/record.h"
#include "base/sbuf.h"
#include "base/fdio.h"
#include "t.h"
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static int fresh_dir(void)
{
	char path[] = "/tmp/florus-test.XXXXXX";

	CHECK(mkdtemp(path));
	return open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
}

static void check_log(int run, const char *want)
{
	_sbuf_ struct sbuf text = SBUF_INIT(1 << 20);
	struct error e;

	CHECK_OK(fdio_read_file(run, "1.1.n/" RECORD_LOG, &text, &e), e);
	CHECK_STR(sbuf_str(&text), want);
}

static void add(struct joblog *l, int stream, const char *text)
{
	struct error e;
	size_t n = strlen(text);

	CHECK_OK(joblog_add(l, stream, text, n, joblog_offset(l, stream) + (int64_t)n, &e), e);
}

TEST(two_streams_go_into_one_file_and_are_remembered)
{
	_close_ int run = fresh_dir();
	struct joblog *l;
	struct error e;

	CHECK_OK(joblog_open(run, "1.1.n", 0, &l, &e), e);
	CHECK_INT(joblog_offset(l, 0), 0);
	add(l, 0, "err 1\n");
	add(l, 1, "out 1\n");
	add(l, 0, "err 2\n");
	l = joblog_free(l);
	CHECK_OK(joblog_open(run, "1.1.n", 0, &l, &e), e);
	CHECK_INT(joblog_offset(l, 0), 12);
	CHECK_INT(joblog_offset(l, 1), 6);
	add(l, 1, "out 2\n");
	(void)joblog_free(l);
	check_log(run, "err 1\nout 1\nerr 2\nout 2\n");
}

TEST(what_was_written_and_not_noted_is_read_again)
{
	_close_ int run = fresh_dir();
	struct joblog *l;
	struct error e;

	CHECK_OK(joblog_open(run, "1.1.n", 0, &l, &e), e);
	add(l, 0, "noted\n");
	(void)joblog_free(l);
	_close_ int fd = openat(run, "1.1.n/" RECORD_LOG, O_WRONLY | O_APPEND | O_CLOEXEC);
	CHECK_INT(write(fd, "half a li", 9), 9);
	CHECK_OK(joblog_open(run, "1.1.n", 0, &l, &e), e);
	CHECK_INT(joblog_offset(l, 0), 6);
	add(l, 0, "half a line\n");
	(void)joblog_free(l);
	check_log(run, "noted\nhalf a line\n");
}

TEST(a_log_that_lost_its_end_is_read_anew)
{
	_close_ int run = fresh_dir();
	struct joblog *l;
	struct error e;

	CHECK_OK(joblog_open(run, "1.1.n", 0, &l, &e), e);
	add(l, 0, "0123456789\n");
	(void)joblog_free(l);
	_close_ int fd = openat(run, "1.1.n/" RECORD_LOG, O_WRONLY | O_CLOEXEC);
	CHECK_INT(ftruncate(fd, 4), 0);
	CHECK_OK(joblog_open(run, "1.1.n", 0, &l, &e), e);
	CHECK_INT(joblog_offset(l, 0), 0);
	add(l, 0, "0123456789\n");
	(void)joblog_free(l);
	check_log(run, "0123456789\n");
}

TEST(a_note_that_cannot_be_read_is_none)
{
	_close_ int run = fresh_dir();
	struct joblog *l;
	struct error e;

	CHECK_INT(mkdirat(run, "1.1.n", 0700), 0);
	_close_ int fd = openat(run, "1.1.n/log.from", O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	CHECK_INT(write(fd, "what is this", 12), 12);
	CHECK_OK(joblog_open(run, "1.1.n", 0, &l, &e), e);
	CHECK_INT(joblog_offset(l, 1), 0);
	(void)joblog_free(l);
}

TEST(over_the_ceiling_it_is_cut_once_and_counted_on)
{
	_close_ int run = fresh_dir();
	_sbuf_ struct sbuf text = SBUF_INIT(1 << 20);
	struct joblog *l;
	struct error e;

	CHECK_OK(joblog_open(run, "1.1.n", 10, &l, &e), e);
	add(l, 0, "0123456\n");
	add(l, 0, "89abcdef\n");
	add(l, 1, "more\n");
	CHECK_INT(joblog_offset(l, 0), 17);
	CHECK_INT(joblog_offset(l, 1), 5);
	(void)joblog_free(l);
	CHECK_OK(fdio_read_file(run, "1.1.n/" RECORD_LOG, &text, &e), e);
	CHECK(strncmp(text.data, "0123456\n89\nflorus: the log is longer", 36) == 0);
	CHECK(!strstr(text.data, "more\n"));
}

TEST(a_mark_is_noted_together_with_what_is_added_next)
{
	_close_ int run = fresh_dir();
	struct joblog *l;
	struct error e;

	CHECK_OK(joblog_open(run, "1.1.n", 0, &l, &e), e);
	joblog_mark(l, 1, 3);
	l = joblog_free(l);
	CHECK_OK(joblog_open(run, "1.1.n", 0, &l, &e), e);
	CHECK_INT(joblog_offset(l, 1), 0);
	joblog_mark(l, 1, 4);
	add(l, 0, "x\n");
	l = joblog_free(l);
	CHECK_OK(joblog_open(run, "1.1.n", 0, &l, &e), e);
	CHECK_INT(joblog_offset(l, 0), 2);
	CHECK_INT(joblog_offset(l, 1), 4);
	(void)joblog_free(l);
}
