/*
 * Launching, killing and adopting with the real florus-shim (its path comes in FLORUS_SHIM) and this
 * program as the driver: `test-attempt --driver ORDER …` does what the tests need a driver to do.
 */
#include "base/clock.h"
#include "base/fdio.h"
#include "base/launch.h"
#include "base/proc.h"
#include "base/record.h"
#include "base/str.h"
#include "run/attempt.h"
#include "run/rundir.h"
#include "t.h"
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>

enum { GRACE_MS = 400, GO_TIMEOUT_MS = 5000, WATCHDOG_MS = 8000, CONDITION_POLL_MS = 5 };

#define NONCE "0123456789abcdef0123456789abcdef"

/* --- the driver --- */

static void say(const char *text)
{
	struct error e;

	if (!fdio_write_all(STDOUT_FILENO, text, strlen(text), &e))
		_exit(99);
}

/* Shows what it was given: words and environment with their lengths, descriptors, where stdin leads. */
static void show(int argc, char **argv)
{
	char link[256];
	const struct dirent *entry;

	for (int i = 0; i < argc; i++)
		printf("arg %zu %s\n", strlen(argv[i]), argv[i]);
	for (char **p = environ; *p; p++)
		printf("env %zu %s\n", strlen(*p), *p);
	ssize_t n = readlink("/proc/self/fd/0", link, sizeof link - 1);
	printf("stdin %.*s\n", (int)(n > 0 ? n : 0), link);
	DIR *dir = opendir("/proc/self/fd");
	while (dir && (entry = readdir(dir)))
		if (str_all_digits(entry->d_name) && !str_eq(entry->d_name, "0") && !str_eq(entry->d_name, "1") &&
		    !str_eq(entry->d_name, "2") && dirfd(dir) != (int)strtod(entry->d_name, NULL))
			printf("fd %s\n", entry->d_name);
	sigset_t mask;
	(void)sigprocmask(SIG_SETMASK, NULL, &mask);
	for (int s = 1; s < 32; s++)
		if (sigismember(&mask, s) || signal(s, SIG_DFL) == SIG_IGN)
			printf("signal %d is not as usual\n", s);
	printf("leader %d\nend\n", getpgrp() == getpid());
}

static NORETURN void sleep_for_ever(void)
{
	for (;;)
		(void)pause();
}

/* Leaves a grandchild in a session of its own, which ignores TERM and lets go of all descriptors; says its pid. */
static void leave_daemon(void)
{
	char text[32];
	pid_t child = fork();

	if (child != 0) {
		(void)waitpid(child, NULL, 0);
		return;
	}
	(void)setsid();
	pid_t daemon = fork();
	if (daemon != 0) {
		(void)snprintf(text, sizeof text, "daemon %d\n", daemon);
		say(text);
		_exit(0);
	}
	(void)signal(SIGTERM, SIG_IGN);
	(void)close_range(0, ~0U, 0);
	sleep_for_ever();
}

static void write_lines(long long bytes)
{
	char line[64];
	long long done = 0;

	for (long long i = 0; done < bytes; i++) {
		done += snprintf(line, sizeof line, "line %lld of a log that is far too long for its cap\n", i);
		say(line);
	}
}

static int driver(int argc, char **argv)
{
	const char *order = argv[2];
	int64_t number = 0;

	if (argc > 3 && !str_to_i64(argv[3], &number))
		number = 0;
	if (str_eq(order, "exit"))
		return (int)number;
	if (str_eq(order, "show"))
		return show(argc, argv), 0;
	if (str_eq(order, "segv"))
		return raise(SIGSEGV);
	if (str_eq(order, "stubborn"))
		(void)signal(SIGTERM, SIG_IGN);
	if (str_eq(order, "daemon") || str_eq(order, "daemon-exit"))
		leave_daemon();
	if (str_eq(order, "daemon-exit"))
		return 7;
	if (str_eq(order, "log")) {
		write_lines(number);
		say("written\n");
	}
	if (str_eq(order, "wait-file")) { /* ends once somebody makes this file */
		while (access("go-on", F_OK) < 0)
			(void)poll(NULL, 0, CONDITION_POLL_MS);
		return 5;
	}
	say("up\n");
	sleep_for_ever();
}

/* Runs before main(), which belongs to the harness. */
__attribute__((constructor(101))) static void maybe_driver(int argc, char **argv)
{
	if (argc > 2 && strcmp(argv[1], "--driver") == 0) {
		int status = driver(argc, argv);

		fflush(stdout);
		_exit(status);
	}
}

/* --- a florusd in small --- */

struct florusd {
	struct loop *loop;
	int run_fd;
	struct runner *runner;
	struct loop_timer *watchdog, *condition;
	bool (*until)(struct florusd *f);
	struct attempt *attempt;
	int reports, started;
	struct attempt_report last;
	pid_t driver;
	int64_t log_max_bytes, go_timeout_ms;
};

static void on_watchdog(void *arg)
{
	(void)arg;
	t_fail(__FILE__, __LINE__, "what was waited for did not come");
}

static void on_condition(void *arg)
{
	struct florusd *f = arg;

	if (f->until(f))
		loop_stop(f->loop);
}

static void open_florusd(struct florusd *f)
{
	struct error e;
	struct runner_config config = { .shim_path = getenv("FLORUS_SHIM"), .kill_grace_ms = GRACE_MS,
					.go_timeout_ms = f->go_timeout_ms ? f->go_timeout_ms : GO_TIMEOUT_MS,
					.log_max_bytes = f->log_max_bytes };

	CHECK(config.shim_path);
	f->loop = loop_new();
	CHECK_OK(fdio_open_dir("run", &f->run_fd, &e), e);
	config.run_dirfd = f->run_fd;
	CHECK_OK(runner_new(f->loop, &config, &f->runner, &e), e);
	f->watchdog = loop_timer_new(f->loop, on_watchdog, f);
	f->condition = loop_timer_new(f->loop, on_condition, f);
}

static void close_florusd(struct florusd *f)
{
	f->attempt = attempt_forget(f->attempt);
	f->runner = runner_free(f->runner);
	loop_timer_free(f->watchdog);
	loop_timer_free(f->condition);
	f->loop = loop_free(f->loop);
	(void)close(f->run_fd);
}

static void on_report(void *arg, const struct attempt_report *report)
{
	struct florusd *f = arg;

	CHECK(f->reports == 0); /* nothing follows the last one */
	if (report->event == ATTEMPT_STARTED) {
		CHECK_INT(f->started, 0);
		f->started++;
		f->driver = report->driver_pid;
		return;
	}
	f->reports++;
	f->last = *report;
}

/* Runs the loop until the condition holds. */
static void wait_until(struct florusd *f, bool (*until)(struct florusd *f))
{
	f->until = until;
	loop_timer_set(f->watchdog, WATCHDOG_MS, 0);
	loop_timer_set(f->condition, 0, CONDITION_POLL_MS);
	loop_run(f->loop);
	loop_timer_stop(f->watchdog);
	loop_timer_stop(f->condition);
}

static bool is_over(struct florusd *f)
{
	return f->reports > 0;
}

static bool is_started(struct florusd *f)
{
	CHECK(f->reports == 0);
	return f->started > 0;
}

static const char *read_log(struct florusd *f)
{
	static struct sbuf text = SBUF_INIT(1 << 26);
	char path[ATTEMPT_NAME_MAX + 16];
	struct error e;

	attempt_name(path, 1, 1, NONCE);
	(void)snprintf(path + strlen(path), 8, "/log");
	sbuf_clear(&text);
	if (!fdio_read_file(f->run_fd, path, &text, &e))
		return "";
	return sbuf_str(&text);
}

static bool is_up(struct florusd *f)
{
	return f->started && strstr(read_log(f), "up\n");
}

static void launch_env(struct florusd *f, const char *const *argv, const char *const *envp)
{
	struct attempt_spec spec = { .batch_id = 1, .attempt = 1, .nonce = NONCE, .argv = argv, .envp = envp };

	f->attempt = attempt_launch(f->runner, &spec, on_report, f);
	CHECK(f->reports == 0 && f->started == 0);
}

static const char *own_path(void)
{
	static char path[512];
	ssize_t n = readlink("/proc/self/exe", path, sizeof path - 1);

	CHECK(n > 0);
	path[n] = '\0';
	return path;
}

static void launch(struct florusd *f, const char *order, const char *word)
{
	const char *const argv[] = { own_path(), "--driver", order, word, NULL };
	const char *const envp[] = { "LANG=C", NULL };

	launch_env(f, argv, envp);
}

static void adopt(struct florusd *f)
{
	f->attempt = attempt_adopt(f->runner, 1, 1, NONCE, attempt_boot_id(), on_report, f);
	CHECK(f->reports == 0 && f->started == 0);
}

static struct rundir look(struct florusd *f)
{
	char name[ATTEMPT_NAME_MAX];
	struct rundir d;
	struct error e;

	attempt_name(name, 1, 1, NONCE);
	CHECK_OK(rundir_look(f->run_fd, name, &d, &e), e);
	return d;
}

static bool is_removed(struct florusd *f)
{
	return !look(f).exists;
}

static void check_end(struct florusd *f, enum attempt_end_kind end, int code)
{
	wait_until(f, is_over);
	if (f->last.event != ATTEMPT_ENDED)
		t_fail(__FILE__, __LINE__, "never started: %s", f->last.why);
	CHECK_INT(f->last.end, end);
	CHECK_INT(f->last.code, code);
}

static void check_never(struct florusd *f)
{
	wait_until(f, is_over);
	CHECK_INT(f->last.event, ATTEMPT_NEVER_STARTED);
	CHECK_INT(f->started, 0);
	CHECK(f->last.why[0]);
	wait_until(f, is_removed);
}

static bool lives(pid_t pid)
{
	struct proc p;

	return proc_read(pid, &p) && p.state != 'Z';
}

static pid_t daemon_pid(struct florusd *f)
{
	const char *said = strstr(read_log(f), "daemon ");
	int pid;

	CHECK(said && sscanf(said, "daemon %d", &pid) == 1);
	return pid;
}

/*
 * Runs `before` in a florusd of its own, which is killed -9 when that returns; its shims and drivers
 * go on below us, so that no test leaves any.
 */
static void in_killed_florusd(void (*before)(struct florusd *f))
{
	(void)prctl(PR_SET_CHILD_SUBREAPER, 1);
	pid_t pid = fork();
	if (pid == 0) {
		struct florusd f = { 0 };

		open_florusd(&f);
		before(&f);
		(void)kill(getpid(), SIGKILL);
	}
	int status;
	CHECK(waitpid(pid, &status, 0) == pid);
	CHECK(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
}

/* --- plain ends --- */

static void check_plain(const char *order, const char *word, enum attempt_end_kind end, int code)
{
	struct florusd f = { 0 };

	open_florusd(&f);
	launch(&f, order, word);
	check_end(&f, end, code);
	CHECK_INT(f.started, 1);
	CHECK(f.driver > 1);
	CHECK(f.last.started_wall_ms > 0 && f.last.ended_wall_ms >= f.last.started_wall_ms);
	CHECK(f.last.ended_wall_ms <= clock_wall_ms());
	CHECK_STR(f.last.why, "");
	close_florusd(&f);
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

	open_florusd(&f);
	launch_env(&f, argv, envp);
	check_end(&f, ATTEMPT_END_EXEC, err);
	CHECK_INT(f.started, 0);
	CHECK(strstr(f.last.why, program) && strstr(f.last.why, strerror(err)));
	close_florusd(&f);
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
	const char *const argv[] = { own_path(), "--driver", "exit", "0", NULL };
	struct attempt_spec spec = { .batch_id = 1, .attempt = 1, .nonce = NONCE, .argv = argv, .envp = argv + 4,
				     .cwd = "/nowhere" };

	open_florusd(&f);
	f.attempt = attempt_launch(f.runner, &spec, on_report, &f);
	check_end(&f, ATTEMPT_END_EXEC, ENOENT);
	CHECK(strstr(f.last.why, "working directory /nowhere"));
	close_florusd(&f);
}

/* --- what a driver gets --- */

TEST(arguments_and_environment_arrive_byte_for_byte_and_nothing_else)
{
	struct florusd f = { 0 };
	const char *const argv[] = { own_path(), "--driver", "show", "", "two words", "\xf0\x9f\x92\xa5", "a\nb",
				     "$(touch x)", "--", NULL };
	const char *const envp[] = { "A=", "B=\xf0\x9f\x92\xa5 \n=x", NULL };
	char want[4096], fd_line[32];

	open_florusd(&f);
	launch_env(&f, argv, envp);
	check_end(&f, ATTEMPT_END_EXIT, 0);
	(void)snprintf(fd_line, sizeof fd_line, "fd %d\n", LAUNCH_FD_TREE);
	(void)snprintf(want, sizeof want,
		       "arg %zu %s\narg 8 --driver\narg 4 show\narg 0 \narg 9 two words\narg 4 \xf0\x9f\x92\xa5\n"
		       "arg 3 a\nb\narg 10 $(touch x)\narg 2 --\nenv 2 A=\nenv 10 B=\xf0\x9f\x92\xa5 \n=x\n"
		       "stdin /dev/null\n%sleader 1\nend\n",
		       strlen(own_path()), own_path(), fd_line);
	CHECK_STR(read_log(&f), want);
	close_florusd(&f);
}

TEST(a_spec_that_is_too_large_never_starts)
{
	struct florusd f = { 0 };
	char *large = xmalloc(LAUNCH_SPEC_BYTES_MAX + 1);
	const char *const argv[] = { own_path(), large, NULL };

	memset(large, 'x', LAUNCH_SPEC_BYTES_MAX);
	large[LAUNCH_SPEC_BYTES_MAX] = '\0';
	open_florusd(&f);
	launch_env(&f, argv, argv + 2);
	check_never(&f);
	free(large);
	close_florusd(&f);
}

/* --- the end of a tree --- */

TEST(kill_ends_a_driver_with_term)
{
	struct florusd f = { 0 };

	open_florusd(&f);
	launch(&f, "sleep", NULL);
	wait_until(&f, is_up);
	attempt_kill(f.attempt);
	attempt_kill(f.attempt);
	check_end(&f, ATTEMPT_END_SIGNAL, SIGTERM);
	CHECK(!lives(f.driver));
	close_florusd(&f);
}

TEST(kill_ends_a_driver_that_ignores_term_after_the_grace)
{
	struct florusd f = { 0 };

	open_florusd(&f);
	launch(&f, "stubborn", NULL);
	wait_until(&f, is_up);
	int64_t from_ms = clock_now_ms();
	attempt_kill(f.attempt);
	check_end(&f, ATTEMPT_END_SIGNAL, SIGKILL);
	CHECK(clock_now_ms() - from_ms >= GRACE_MS);
	CHECK(clock_now_ms() - from_ms < GRACE_MS + 1000);
	close_florusd(&f);
}

TEST(kill_reaches_descendants_that_detached_themselves)
{
	struct florusd f = { 0 };

	open_florusd(&f);
	launch(&f, "daemon", NULL);
	wait_until(&f, is_up);
	pid_t daemon = daemon_pid(&f);
	CHECK(lives(daemon));
	attempt_kill(f.attempt);
	check_end(&f, ATTEMPT_END_SIGNAL, SIGTERM);
	CHECK(!lives(daemon));
	close_florusd(&f);
}

TEST(what_an_ended_driver_left_behind_is_gone_before_its_end_is_reported)
{
	struct florusd f = { 0 };

	open_florusd(&f);
	launch(&f, "daemon-exit", NULL);
	check_end(&f, ATTEMPT_END_EXIT, 7);
	CHECK(!lives(daemon_pid(&f)));
	close_florusd(&f);
}

TEST(kill_before_go_means_never_started)
{
	struct florusd f = { 0 };

	open_florusd(&f);
	launch(&f, "sleep", NULL);
	attempt_kill(f.attempt);
	check_never(&f);
	close_florusd(&f);
}

static bool has_shim(struct florusd *f)
{
	return look(f).has_shim;
}

TEST(past_its_deadline_nothing_is_started)
{
	struct florusd f = { .go_timeout_ms = 50 };

	open_florusd(&f);
	launch(&f, "exit", "0");
	/* The loop does not run, as in a daemon that is stopped: the shim is ready and hears nothing. */
	while (!has_shim(&f))
		(void)poll(NULL, 0, 1);
	int64_t until_ms = clock_now_ms() + 100;
	while (clock_now_ms() < until_ms)
		(void)poll(NULL, 0, 10);
	check_never(&f);
	close_florusd(&f);
}

TEST(a_stopped_shim_cannot_delay_a_kill)
{
	struct florusd f = { 0 };

	open_florusd(&f);
	launch(&f, "stubborn", NULL);
	wait_until(&f, is_up);
	struct rundir d = look(&f);
	CHECK(d.has_shim && kill(d.shim.pid, SIGSTOP) == 0);
	attempt_kill(f.attempt);
	check_end(&f, ATTEMPT_END_SIGNAL, SIGKILL);
	close_florusd(&f);
}

/* --- florusd dies --- */

static void start_one(struct florusd *f)
{
	launch(f, "wait-file", NULL);
	wait_until(f, is_started);
}

static void make_go_on(struct florusd *f)
{
	char path[ATTEMPT_NAME_MAX + 16];

	attempt_name(path, 1, 1, NONCE);
	(void)snprintf(path + strlen(path), 16, "/go-on");
	int fd = openat(f->run_fd, path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	CHECK(fd >= 0 && close(fd) == 0);
}

TEST(a_driver_outlives_florusd_and_is_adopted_running)
{
	struct florusd f = { 0 };

	in_killed_florusd(start_one);
	open_florusd(&f);
	adopt(&f);
	wait_until(&f, is_started);
	CHECK_INT(f.driver, look(&f).driver.pid);
	CHECK(lives(f.driver));
	make_go_on(&f);
	check_end(&f, ATTEMPT_END_EXIT, 5);
	close_florusd(&f);
}

static bool has_exit(struct florusd *f)
{
	return look(f).has_exit;
}

TEST(an_end_while_florusd_was_away_is_found)
{
	struct florusd f = { 0 };

	in_killed_florusd(start_one);
	open_florusd(&f);
	make_go_on(&f);
	wait_until(&f, has_exit);
	adopt(&f);
	check_end(&f, ATTEMPT_END_EXIT, 5);
	CHECK(f.last.started_wall_ms > 0);
	close_florusd(&f);
}

TEST(an_adopted_driver_is_killed)
{
	struct florusd f = { 0 };

	in_killed_florusd(start_one);
	open_florusd(&f);
	adopt(&f);
	attempt_kill(f.attempt);
	check_end(&f, ATTEMPT_END_SIGNAL, SIGTERM);
	close_florusd(&f);
}

static void die_before_go(struct florusd *f)
{
	launch(f, "exit", "0");
	while (!has_shim(f))
		(void)poll(NULL, 0, 1);
}

TEST(a_shim_without_go_goes_away_when_florusd_dies)
{
	struct florusd f = { 0 };

	in_killed_florusd(die_before_go);
	open_florusd(&f);
	adopt(&f);
	check_never(&f);
	close_florusd(&f);
}

TEST(without_a_directory_nothing_ran)
{
	struct florusd f = { 0 };

	open_florusd(&f);
	adopt(&f);
	check_never(&f);
	close_florusd(&f);
}

TEST(after_a_restart_of_the_host_the_end_is_unknown)
{
	struct florusd f = { 0 };

	open_florusd(&f);
	f.attempt = attempt_adopt(f.runner, 1, 1, NONCE, "00000000-0000-0000-0000-000000000000", on_report, &f);
	check_end(&f, ATTEMPT_END_LOST, 0);
	CHECK_STR(f.last.why, "the host was restarted while it was starting");
	close_florusd(&f);
}

/* --- shims and launchers die --- */

static void kill_shim(struct florusd *f)
{
	struct rundir d = look(f);

	CHECK(d.has_shim && kill(d.shim.pid, SIGKILL) == 0);
}

TEST(the_launcher_knows_how_the_driver_of_a_killed_shim_ended)
{
	struct florusd f = { 0 };

	open_florusd(&f);
	launch(&f, "wait-file", NULL);
	wait_until(&f, is_started);
	kill_shim(&f);
	make_go_on(&f);
	check_end(&f, ATTEMPT_END_EXIT, 5);
	close_florusd(&f);
}

TEST(a_driver_without_shim_is_killed_with_its_tree)
{
	struct florusd f = { 0 };

	open_florusd(&f);
	launch(&f, "stubborn", NULL);
	wait_until(&f, is_up);
	kill_shim(&f);
	attempt_kill(f.attempt);
	check_end(&f, ATTEMPT_END_SIGNAL, SIGKILL);
	CHECK(!lives(f.driver));
	close_florusd(&f);
}

static void start_and_kill_shim(struct florusd *f)
{
	start_one(f);
	kill_shim(f);
}

TEST(with_florusd_and_shim_dead_a_driver_is_adopted_and_its_end_is_unknown)
{
	struct florusd f = { 0 };

	in_killed_florusd(start_and_kill_shim);
	open_florusd(&f);
	adopt(&f);
	wait_until(&f, is_started);
	CHECK(lives(f.driver));
	make_go_on(&f);
	check_end(&f, ATTEMPT_END_LOST, 0);
	CHECK_STR(f.last.why, "exit status lost: its shim was killed");
	close_florusd(&f);
}

static void start_and_kill_all(struct florusd *f)
{
	start_and_kill_shim(f);
	CHECK(kill(f->driver, SIGKILL) == 0);
}

static bool is_free(struct florusd *f)
{
	struct rundir d = look(f);

	return !d.tree_lives && !d.shim_lives;
}

TEST(with_all_of_them_dead_the_end_is_unknown_or_true_but_never_success)
{
	struct florusd f = { 0 };

	in_killed_florusd(start_and_kill_all);
	open_florusd(&f);
	wait_until(&f, is_free);
	adopt(&f);
	wait_until(&f, is_over);
	CHECK_INT(f.last.event, ATTEMPT_ENDED);
	CHECK(f.last.end == ATTEMPT_END_LOST || (f.last.end == ATTEMPT_END_SIGNAL && f.last.code == SIGKILL));
	close_florusd(&f);
}

/* The launcher: the one child of ours that is a florus-shim. */
static pid_t find_launcher(void)
{
	struct proc_list l = { 0 };
	pid_t found = 0;

	CHECK(proc_list_read(&l));
	for (size_t i = 0; i < l.count; i++)
		if (l.rows[i].ppid == getpid() && l.rows[i].state != 'Z')
			found = l.rows[i].pid;
	proc_list_done(&l);
	CHECK(found > 1);
	return found;
}

TEST(a_killed_launcher_costs_no_running_driver_and_is_replaced)
{
	struct florusd f = { 0 };

	(void)prctl(PR_SET_CHILD_SUBREAPER, 1);
	open_florusd(&f);
	pid_t launcher = find_launcher();
	launch(&f, "wait-file", NULL);
	wait_until(&f, is_started);
	CHECK(kill(launcher, SIGKILL) == 0);
	make_go_on(&f);
	check_end(&f, ATTEMPT_END_EXIT, 5);
	f.attempt = attempt_forget(f.attempt);

	const char *const argv[] = { own_path(), "--driver", "exit", "4", NULL };
	struct attempt_spec spec = { .batch_id = 1, .attempt = 2, .nonce = NONCE, .argv = argv, .envp = argv + 4 };
	f.reports = f.started = 0;
	f.attempt = attempt_launch(f.runner, &spec, on_report, &f);
	check_end(&f, ATTEMPT_END_EXIT, 4);
	close_florusd(&f);
}

TEST(launches_that_a_dying_launcher_had_taken_never_start)
{
	struct florusd f = { 0 };

	(void)prctl(PR_SET_CHILD_SUBREAPER, 1);
	open_florusd(&f);
	pid_t launcher = find_launcher();
	CHECK(kill(launcher, SIGSTOP) == 0);
	launch(&f, "exit", "0");
	CHECK(kill(launcher, SIGKILL) == 0);
	check_never(&f);
	close_florusd(&f);
}

/* --- strangers --- */

static void make_file(int dir_fd, const char *name)
{
	int fd = openat(dir_fd, name, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);

	CHECK(fd >= 0 && close(fd) == 0);
}

/* A directory as a killed shim leaves it, with `driver` in its record. */
static int forge_dir(struct florusd *f, const struct record_process *driver)
{
	char name[ATTEMPT_NAME_MAX];
	struct error e;

	attempt_name(name, 1, 1, NONCE);
	CHECK(mkdirat(f->run_fd, name, 0700) == 0);
	int dir_fd = openat(f->run_fd, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	CHECK(dir_fd >= 0);
	make_file(dir_fd, RECORD_SHIM_LOCK);
	make_file(dir_fd, RECORD_TREE_LOCK);
	make_file(dir_fd, RECORD_STARTED);
	CHECK_OK(record_write_process(dir_fd, RECORD_DRIVER, driver, &e), e);
	return dir_fd;
}

/* A process in a session of its own that holds the lock, if one is named. */
static pid_t start_stranger(int dir_fd, const char *lock)
{
	pid_t pid = fork();

	if (pid == 0) {
		(void)prctl(PR_SET_PDEATHSIG, SIGKILL); /* a failed test leaves none */
		(void)setsid();
		int fd = lock ? openat(dir_fd, lock, O_RDWR | O_CLOEXEC) : -1;
		if (lock && (fd < 0 || flock(fd, LOCK_EX) < 0))
			_exit(1);
		sleep_for_ever();
	}
	CHECK(pid > 0);
	return pid;
}

static bool tree_lives(struct florusd *f)
{
	return look(f).tree_lives;
}

/* The recorded driver's number is a stranger's now, but somebody still holds the tree's lock. */
static void check_stranger(const char *boot_id, bool right_start)
{
	struct florusd f = { 0 };
	struct record_process forged = { 0 };
	struct proc p;

	open_florusd(&f);
	forged.pid = start_stranger(-1, NULL);
	CHECK(proc_read(forged.pid, &p));
	forged.start_ticks = right_start ? p.start_ticks : p.start_ticks + 1;
	memcpy(forged.boot_id, boot_id, sizeof forged.boot_id);
	int dir_fd = forge_dir(&f, &forged);
	pid_t holder = start_stranger(dir_fd, RECORD_TREE_LOCK);
	wait_until(&f, tree_lives);
	adopt(&f);
	attempt_kill(f.attempt);
	check_end(&f, ATTEMPT_END_LOST, 0);
	CHECK(!lives(holder));
	CHECK(lives(forged.pid));
	CHECK(kill(forged.pid, SIGKILL) == 0);
	(void)close(dir_fd);
	close_florusd(&f);
}

TEST(a_stranger_with_the_drivers_pid_is_neither_watched_nor_signalled)
{
	check_stranger(attempt_boot_id(), false);
}

TEST(a_stranger_with_the_drivers_pid_and_start_time_in_another_boot_lives)
{
	check_stranger("00000000-0000-0000-0000-000000000000", true);
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

	open_florusd(&f);
	(void)snprintf(word, sizeof word, "%d", WRITTEN);
	launch(&f, "log", word);
	wait_until(&f, is_started);
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
	check_end(&f, ATTEMPT_END_SIGNAL, SIGTERM);

	CHECK_OK(record_read_hole(f.run_fd, name, &h, &e), e);
	CHECK(h.start > CAP / 2 - 65536 && h.start <= CAP / 2);
	CHECK(!h.start_inside && !h.end_inside);
	CHECK(st.st_blocks >= 0 && h.end < st.st_size && st.st_size - h.end > CAP / 2 - 65536);
	CHECK(st.st_size - (h.end - h.start) <= CAP + CAP / 8);
	const char *log = read_log(&f);
	CHECK(log[h.start - 1] == '\n' && log[h.start] == '\0' && log[h.end - 1] == '\0');
	const char *before = log + h.start - 1;
	while (before > log && before[-1] != '\n')
		before--;
	CHECK(sscanf(before, "line %lld ", &first) == 1 && sscanf(log + h.end, "line %lld ", &last) == 1);
	CHECK_INT(h.lines, last - first - 1);
	close_florusd(&f);
}
