/* Launching drivers with the real florus-shim, and their ends. */
#include "mini.h"
#include "base/clock.h"
#include "base/launch.h"
#include "base/record.h"
#include "t.h"
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

/* --- plain ends --- */

static void check_plain(const char *order, const char *word, enum attempt_end_kind end, int code)
{
	struct florusd f = { 0 };

	mini_open(&f);
	mini_launch(&f, order, word);
	mini_check_end(&f, end, code);
	CHECK_INT(f.started, 1);
	CHECK(f.driver > 1);
	CHECK(f.last.started_wall_ms > 0 && f.last.ended_wall_ms >= f.last.started_wall_ms);
	CHECK(f.last.ended_wall_ms <= clock_wall_ms());
	CHECK_STR(f.last.why, "");
	mini_close(&f);
}

TEST(exit_0_is_reported)
{
	check_plain("exit", "0", ATTEMPT_END_EXIT, 0);
}

TEST(exit_3_is_reported)
{
	check_plain("exit", "3", ATTEMPT_END_EXIT, 3);
}

TEST(a_crash_is_reported_with_its_signal)
{
	check_plain("segv", NULL, ATTEMPT_END_SIGNAL, SIGSEGV);
}

static void check_no_exec(const char *program, int err)
{
	struct florusd f = { 0 };
	const char *const argv[] = { program, NULL };
	const char *const envp[] = { NULL };

	mini_open(&f);
	mini_launch_env(&f, argv, envp);
	mini_check_end(&f, ATTEMPT_END_EXEC, err);
	CHECK_INT(f.started, 0);
	CHECK(strstr(f.last.why, program) && strstr(f.last.why, strerror(err)));
	mini_close(&f);
}

TEST(a_missing_program_is_an_exec_failure)
{
	check_no_exec("/nowhere/spark-submit", ENOENT);
}

TEST(a_program_that_may_not_be_executed_is_an_exec_failure)
{
	int fd = open("plain", O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	char path[512];

	CHECK(fd >= 0 && close(fd) == 0 && getcwd(path, sizeof path - 8));
	(void)snprintf(path + strlen(path), 8, "/plain");
	check_no_exec(path, EACCES);
}

TEST(a_missing_working_directory_is_an_exec_failure)
{
	struct florusd f = { 0 };
	const char *const argv[] = { mini_path(), "--driver", "exit", "0", NULL };
	struct attempt_spec spec = {
		.batch_id = 1, .attempt = 1, .nonce = NONCE, .argv = argv, .envp = argv + 4, .cwd = "/nowhere"
	};

	mini_open(&f);
	f.attempt = attempt_launch(f.runner, &spec, mini_report, &f);
	mini_check_end(&f, ATTEMPT_END_EXEC, ENOENT);
	CHECK(strstr(f.last.why, "working directory /nowhere"));
	mini_close(&f);
}

/* --- what a driver gets --- */

TEST(arguments_and_environment_arrive_byte_for_byte_and_nothing_else)
{
	struct florusd f = { 0 };
	const char *const argv[] = { mini_path(),        "--driver", "show",       "",   "two words",
				     "\xf0\x9f\x92\xa5", "a\nb",     "$(touch x)", "--", NULL };
	const char *const envp[] = { "A=", "B=\xf0\x9f\x92\xa5 \n=x", NULL };
	char want[4096], fd_line[32];

	mini_open(&f);
	mini_launch_env(&f, argv, envp);
	mini_check_end(&f, ATTEMPT_END_EXIT, 0);
	(void)snprintf(fd_line, sizeof fd_line, "fd %d\n", LAUNCH_FD_TREE);
	(void)snprintf(want, sizeof want,
		       "arg %zu %s\narg 8 --driver\narg 4 show\narg 0 \narg 9 two words\narg 4 \xf0\x9f\x92\xa5\n"
		       "arg 3 a\nb\narg 10 $(touch x)\narg 2 --\nenv 2 A=\nenv 10 B=\xf0\x9f\x92\xa5 \n=x\n"
		       "stdin /dev/null\n%sleader 1\nend\n",
		       strlen(mini_path()), mini_path(), fd_line);
	CHECK_STR(mini_log(&f), want);
	mini_close(&f);
}

TEST(a_spec_that_is_too_large_never_starts)
{
	struct florusd f = { 0 };
	char *large = xmalloc(LAUNCH_SPEC_BYTES_MAX + 1);
	const char *const argv[] = { mini_path(), large, NULL };

	memset(large, 'x', LAUNCH_SPEC_BYTES_MAX);
	large[LAUNCH_SPEC_BYTES_MAX] = '\0';
	mini_open(&f);
	mini_launch_env(&f, argv, argv + 2);
	mini_check_never(&f);
	free(large);
	mini_close(&f);
}

/* --- the end of a tree --- */

static pid_t daemon_pid(struct florusd *f)
{
	const char *said = strstr(mini_log(f), "daemon ");
	int pid;

	CHECK(said && sscanf(said, "daemon %d", &pid) == 1);
	return pid;
}

TEST(kill_ends_a_driver_with_term)
{
	struct florusd f = { 0 };

	mini_open(&f);
	mini_launch(&f, "sleep", NULL);
	mini_wait(&f, mini_is_up);
	attempt_kill(f.attempt);
	attempt_kill(f.attempt);
	mini_check_end(&f, ATTEMPT_END_SIGNAL, SIGTERM);
	CHECK(!mini_lives(f.driver));
	mini_close(&f);
}

TEST(kill_ends_a_driver_that_ignores_term_after_the_grace)
{
	struct florusd f = { 0 };

	mini_open(&f);
	mini_launch(&f, "stubborn", NULL);
	mini_wait(&f, mini_is_up);
	int64_t from_ms = clock_now_ms();
	attempt_kill(f.attempt);
	mini_check_end(&f, ATTEMPT_END_SIGNAL, SIGKILL);
	CHECK(clock_now_ms() - from_ms >= GRACE_MS);
	CHECK(clock_now_ms() - from_ms < GRACE_MS + 1000);
	mini_close(&f);
}

TEST(kill_reaches_descendants_that_detached_themselves)
{
	struct florusd f = { 0 };

	mini_open(&f);
	mini_launch(&f, "daemon", NULL);
	mini_wait(&f, mini_is_up);
	pid_t daemon = daemon_pid(&f);
	CHECK(mini_lives(daemon));
	attempt_kill(f.attempt);
	mini_check_end(&f, ATTEMPT_END_SIGNAL, SIGTERM);
	CHECK(!mini_lives(daemon));
	mini_close(&f);
}

TEST(what_an_ended_driver_left_behind_is_gone_before_its_end_is_reported)
{
	struct florusd f = { 0 };

	mini_open(&f);
	mini_launch(&f, "daemon-exit", NULL);
	mini_check_end(&f, ATTEMPT_END_EXIT, 7);
	CHECK(!mini_lives(daemon_pid(&f)));
	mini_close(&f);
}

TEST(kill_before_go_means_never_started)
{
	struct florusd f = { 0 };

	mini_open(&f);
	mini_launch(&f, "sleep", NULL);
	attempt_kill(f.attempt);
	mini_check_never(&f);
	mini_close(&f);
}

TEST(past_its_deadline_nothing_is_started)
{
	struct florusd f = { .go_timeout_ms = 50 };

	mini_open(&f);
	mini_launch(&f, "exit", "0");
	/* The loop does not run, as in a daemon that is stopped: the shim is ready and hears nothing. */
	while (!mini_has_shim(&f))
		(void)poll(NULL, 0, 1);
	int64_t until_ms = clock_now_ms() + 100;
	while (clock_now_ms() < until_ms)
		(void)poll(NULL, 0, 10);
	mini_check_never(&f);
	mini_close(&f);
}

TEST(a_stopped_shim_cannot_delay_a_kill)
{
	struct florusd f = { 0 };

	mini_open(&f);
	mini_launch(&f, "stubborn", NULL);
	mini_wait(&f, mini_is_up);
	struct rundir d = mini_look(&f);
	CHECK(d.has_shim && kill(d.shim.pid, SIGSTOP) == 0);
	attempt_kill(f.attempt);
	mini_check_end(&f, ATTEMPT_END_SIGNAL, SIGKILL);
	mini_close(&f);
}

/* --- the log --- */

TEST(a_log_over_its_cap_keeps_head_and_tail_and_counts_what_it_lost)
{
	enum { MIB = 1 << 20, CAP = 2 * MIB, WRITTEN = 16 * MIB };
	struct florusd f = { .log_max_bytes = CAP };
	struct error e;
	struct record_hole h;
	struct stat st;
	char name[ATTEMPT_NAME_MAX], word[16];
	long long first, last;

	mini_open(&f);
	(void)snprintf(word, sizeof word, "%d", WRITTEN);
	mini_launch(&f, "log", word);
	mini_wait(&f, mini_is_started);
	attempt_name(name, 1, 1, NONCE);
	for (;;) { /* until the tail says that all was written */
		char path[ATTEMPT_NAME_MAX + 8], tail[16];

		(void)snprintf(path, sizeof path, "%s/log", name);
		int fd = openat(f.run_fd, path, O_RDONLY | O_CLOEXEC);
		CHECK(fd >= 0 && fstat(fd, &st) == 0);
		bool all = st.st_size > 3 && pread(fd, tail, 3, st.st_size - 3) == 3 && memcmp(tail, "up\n", 3) == 0;
		(void)close(fd);
		if (all)
			break;
		(void)poll(NULL, 0, CONDITION_POLL_MS);
	}
	attempt_kill(f.attempt);
	mini_check_end(&f, ATTEMPT_END_SIGNAL, SIGTERM);

	CHECK_OK(record_read_hole(f.run_fd, name, &h, &e), e);
	CHECK(h.start > CAP / 2 - 65536 && h.start <= CAP / 2);
	CHECK(!h.start_inside && !h.end_inside);
	CHECK(st.st_blocks >= 0 && h.end < st.st_size && st.st_size - h.end > CAP / 2 - 65536);
	CHECK(st.st_size - (h.end - h.start) <= CAP + CAP / 8);
	const char *log = mini_log(&f);
	CHECK(log[h.start - 1] == '\n' && log[h.start] == '\0' && log[h.end - 1] == '\0');
	const char *before = log + h.start - 1;
	while (before > log && before[-1] != '\n')
		before--;
	CHECK(sscanf(before, "line %lld ", &first) == 1 && sscanf(log + h.end, "line %lld ", &last) == 1);
	CHECK_INT(h.lines, last - first - 1);
	mini_close(&f);
}
