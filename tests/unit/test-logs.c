#include "base/fdio.h"
#include "service/logs.h"
#include "t.h"
#include <dirent.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/stat.h>

enum { LINE = 64, LONG_BYTES = 5 * LOGS_SLICE };

static void append(const char *name, const void *bytes, size_t n)
{
	char path[PATH_MAX];
	struct error e;

	(void)mkdir(name, 0700);
	(void)snprintf(path, sizeof path, "%s/log", name);
	_close_ int fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
	CHECK(fd >= 0);
	CHECK_OK(fdio_write_all(fd, bytes, n, &e), e);
}

/* n bytes in lines of LINE. */
static void append_lines(const char *name, size_t n)
{
	_free_ char *bytes = xmalloc(n);

	memset(bytes, 'x', n);
	for (size_t at = LINE - 1; at < n; at += LINE)
		bytes[at] = '\n';
	append(name, bytes, n);
}

/* What a caller of logs_read() was given. */
struct answer {
	struct loop *loop;
	int calls;
	int64_t lines;
	enum error_code code;
	struct logfile *file;
	struct log_reader *reader;
};

static void take(void *arg, struct logfile *file, struct log_reader *reader, const struct error *e)
{
	struct answer *a = arg;

	a->calls++;
	a->code = e->code;
	a->file = file;
	a->reader = reader;
	CHECK((file != NULL) == (e->code == ERR_NONE));
	CHECK((reader != NULL) == (e->code == ERR_NONE));
	a->lines = file ? logfile_lines(file) : -1;
	loop_stop(a->loop);
}

static int64_t lines_of(struct loop *l, struct logs *ls, const char *name, bool ended)
{
	struct answer a = { .loop = l };

	logs_read(ls, name, ended, take, &a);
	while (a.calls == 0)
		loop_run(l);
	CHECK_INT(a.calls, 1);
	CHECK_INT(a.code, ERR_NONE);
	logs_close(a.reader);
	return a.lines;
}

TEST(a_short_log_is_there_at_once)
{
	struct loop *l = loop_new();
	struct logs *ls = logs_new(l, AT_FDCWD);
	struct answer a = { .loop = l };

	append("a", "1\n2\nrest", 8);
	logs_read(ls, "a", false, take, &a);
	CHECK_INT(a.calls, 1);
	CHECK_INT(a.lines, 2);
	logs_close(a.reader);
	(void)logs_free(ls);
	(void)loop_free(l);
}

TEST(a_log_that_is_not_there_is_empty)
{
	struct loop *l = loop_new();
	struct logs *ls = logs_new(l, AT_FDCWD);

	CHECK_INT(lines_of(l, ls, "a", false), 0);
	append("a", "1\n", 2);
	CHECK_INT(lines_of(l, ls, "a", false), 1);
	(void)logs_free(ls);
	(void)loop_free(l);
}

TEST(what_was_appended_since_is_seen)
{
	struct loop *l = loop_new();
	struct logs *ls = logs_new(l, AT_FDCWD);

	append("a", "1\n2", 3);
	CHECK_INT(lines_of(l, ls, "a", false), 1);
	append("a", "\n3\n", 3);
	CHECK_INT(lines_of(l, ls, "a", false), 3);
	append("a", "4", 1);
	CHECK_INT(lines_of(l, ls, "a", false), 3);
	CHECK_INT(lines_of(l, ls, "a", true), 4);
	CHECK_INT(lines_of(l, ls, "a", true), 4);
	(void)logs_free(ls);
	(void)loop_free(l);
}

static void count_tick(void *arg)
{
	++*(int *)arg;
}

TEST(a_long_log_is_scanned_between_other_events)
{
	struct loop *l = loop_new();
	struct logs *ls = logs_new(l, AT_FDCWD);
	struct answer a = { .loop = l };
	int ticks = 0;
	struct loop_timer *ticking = loop_timer_new(l, count_tick, &ticks);

	append_lines("a", LONG_BYTES);
	loop_timer_set(ticking, 0, 1);
	logs_read(ls, "a", true, take, &a);
	CHECK_INT(a.calls, 0);
	loop_run(l);
	CHECK_INT(a.calls, 1);
	CHECK_INT(a.lines, LONG_BYTES / LINE);
	CHECK(ticks > 0);
	logs_close(a.reader);
	(void)loop_timer_free(ticking);
	(void)logs_free(ls);
	(void)loop_free(l);
}

TEST(all_who_wait_are_answered_once)
{
	enum { WAITERS = 8 };
	struct loop *l = loop_new();
	struct logs *ls = logs_new(l, AT_FDCWD);
	struct answer a[WAITERS];

	append_lines("a", LONG_BYTES);
	append_lines("b", LONG_BYTES / 2);
	for (int i = 0; i < WAITERS; i++) {
		a[i] = (struct answer){ .loop = l };
		logs_read(ls, i % 2 ? "a" : "b", true, take, &a[i]);
	}
	for (int left = WAITERS; left > 0;) {
		loop_run(l);
		left = 0;
		for (int i = 0; i < WAITERS; i++)
			left += a[i].calls == 0;
	}
	for (int i = 0; i < WAITERS; i++) {
		CHECK_INT(a[i].calls, 1);
		CHECK_INT(a[i].lines, (i % 2 ? LONG_BYTES : LONG_BYTES / 2) / LINE);
		CHECK(a[i].file == a[i % 2].file);
		logs_close(a[i].reader);
	}
	(void)logs_free(ls);
	(void)loop_free(l);
}

/* Asks for the same log again from inside the answer, some times. */
struct insisting {
	struct logs *logs;
	struct loop *loop;
	int left;
};

static void ask_again(void *arg, struct logfile *file, struct log_reader *reader, const struct error *e)
{
	struct insisting *in = arg;

	CHECK_INT(e->code, ERR_NONE);
	CHECK_INT(logfile_lines(file), LONG_BYTES / LINE);
	logs_close(reader);
	if (--in->left > 0)
		logs_read(in->logs, "a", true, ask_again, in);
	else
		loop_stop(in->loop);
}

TEST(the_answer_may_close_and_ask_again)
{
	struct loop *l = loop_new();
	struct logs *ls = logs_new(l, AT_FDCWD);
	struct insisting in = { ls, l, 5 };

	append_lines("a", LONG_BYTES);
	logs_read(ls, "a", true, ask_again, &in);
	loop_run(l);
	CHECK_INT(in.left, 0);
	(void)logs_free(ls);
	(void)loop_free(l);
}

TEST(a_log_that_cannot_be_read_is_an_error_for_its_readers_only)
{
	struct loop *l = loop_new();
	struct logs *ls = logs_new(l, AT_FDCWD);
	struct answer a = { .loop = l };

	CHECK(mkdir("a", 0700) == 0 && mkdir("a/log", 0700) == 0);
	append("b", "1\n", 2);
	logs_read(ls, "a", false, take, &a);
	while (a.calls == 0)
		loop_run(l);
	CHECK_INT(a.calls, 1);
	CHECK(a.code != ERR_NONE);
	CHECK_INT(lines_of(l, ls, "b", false), 1);
	(void)logs_free(ls);
	(void)loop_free(l);
}

/* --- how many stay open --- */

/* Open descriptors whose file's path ends in `suffix`. */
static int open_files(const char *suffix)
{
	DIR *dir = opendir("/proc/self/fd");
	int count = 0;

	CHECK(dir != NULL);
	for (struct dirent *d; (d = readdir(dir)) != NULL;) {
		char to[PATH_MAX];
		ssize_t n = readlinkat(dirfd(dir), d->d_name, to, sizeof to - 1);

		if (n < (ssize_t)strlen(suffix))
			continue;
		to[n] = '\0';
		count += strcmp(to + n - strlen(suffix), suffix) == 0;
	}
	(void)closedir(dir);
	return count;
}

TEST(the_longest_unused_are_closed_first)
{
	enum { MORE = 20, COUNT = LOGS_OPEN_MAX + MORE };
	struct loop *l = loop_new();
	struct logs *ls = logs_new(l, AT_FDCWD);
	struct answer held = { .loop = l };
	char name[16], suffix[24];

	for (int i = 0; i < COUNT; i++) {
		(void)snprintf(name, sizeof name, "log-%d", i);
		append(name, "1\n", 2);
	}
	logs_read(ls, "log-0", true, take, &held);
	CHECK_INT(held.calls, 1);
	for (int i = 1; i < COUNT; i++) {
		(void)snprintf(name, sizeof name, "log-%d", i);
		CHECK_INT(lines_of(l, ls, name, true), 1);
		CHECK_INT(lines_of(l, ls, "log-1", true), 1); /* used all the time */
	}
	CHECK_INT(open_files("/log"), LOGS_OPEN_MAX + 1);
	for (int i = 0; i < COUNT; i++) {
		(void)snprintf(suffix, sizeof suffix, "/log-%d/log", i);
		CHECK_INT(open_files(suffix), i < 2 || i > MORE);
	}
	CHECK_INT(logfile_lines(held.file), 1);
	logs_close(held.reader);
	CHECK_INT(open_files("/log"), LOGS_OPEN_MAX);
	(void)logs_free(ls);
	CHECK_INT(open_files("/log"), 0);
	(void)loop_free(l);
}

TEST(a_forgotten_log_is_open_no_longer_than_it_is_read)
{
	struct loop *l = loop_new();
	struct logs *ls = logs_new(l, AT_FDCWD);
	struct answer a = { .loop = l };

	append("idle", "1\n", 2);
	append("read", "1\n2\n", 4);
	CHECK_INT(lines_of(l, ls, "idle", true), 1);
	logs_read(ls, "read", true, take, &a);
	CHECK_INT(open_files("/log"), 2);
	logs_forget(ls, "idle");
	CHECK_INT(open_files("/idle/log"), 0);
	logs_forget(ls, "read");
	logs_forget(ls, "never opened");
	CHECK_INT(open_files("/read/log"), 1);
	CHECK_INT(logfile_lines(a.file), 2);
	logs_close(a.reader);
	CHECK_INT(open_files("/log"), 0);
	CHECK_INT(lines_of(l, ls, "idle", true), 1);
	(void)logs_free(ls);
	(void)loop_free(l);
}

TEST(who_waits_is_refused_when_all_stops)
{
	struct loop *l = loop_new();
	struct logs *ls = logs_new(l, AT_FDCWD);
	struct answer waiting[3], later = { .loop = l }, short_one = { .loop = l };

	append_lines("a", LONG_BYTES);
	append_lines("b", LONG_BYTES);
	append("c", "1\n", 2);
	for (int i = 0; i < 3; i++) {
		waiting[i] = (struct answer){ .loop = l };
		logs_read(ls, i ? "a" : "b", true, take, &waiting[i]);
		CHECK_INT(waiting[i].calls, 0);
	}
	logs_stop(ls);
	for (int i = 0; i < 3; i++) {
		CHECK_INT(waiting[i].calls, 1);
		CHECK_INT(waiting[i].code, ERR_UNAVAILABLE);
	}
	append_lines("d", LONG_BYTES);
	logs_read(ls, "d", true, take, &later);
	CHECK_INT(later.calls, 1);
	CHECK_INT(later.code, ERR_UNAVAILABLE);
	logs_read(ls, "c", true, take, &short_one);
	CHECK_INT(short_one.code, ERR_NONE);
	CHECK_INT(short_one.lines, 1);
	logs_close(short_one.reader);
	(void)logs_free(ls);
	(void)loop_free(l);
}

TEST(closing_nothing_is_harmless)
{
	logs_close(NULL);
	CHECK(logs_free(NULL) == NULL);
}
