#include "mini.h"
#include "base/fdio.h"
#include "base/proc.h"
#include "base/str.h"
#include "t.h"
#include <dirent.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>

enum { WATCHDOG_MS = 8000 };

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

NORETURN void mini_sleep(void)
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
	mini_sleep();
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
	if (str_eq(order, "segv")) {
		(void)signal(SIGSEGV, SIG_DFL); /* a sanitizer would make it an exit */
		return raise(SIGSEGV);
	}
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
	mini_sleep();
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

void mini_open(struct florusd *f)
{
	struct error e;
	struct runner_config config = { .shim_path = getenv("FLORUS_SHIM"),
					.kill_grace_ms = GRACE_MS,
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

void mini_close(struct florusd *f)
{
	f->attempt = attempt_forget(f->attempt);
	f->runner = runner_free(f->runner);
	loop_timer_free(f->watchdog);
	loop_timer_free(f->condition);
	f->loop = loop_free(f->loop);
	(void)close(f->run_fd);
}

void mini_report(void *arg, const struct attempt_report *report)
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
void mini_wait(struct florusd *f, bool (*until)(struct florusd *f))
{
	f->until = until;
	loop_timer_set(f->watchdog, WATCHDOG_MS, 0);
	loop_timer_set(f->condition, 0, CONDITION_POLL_MS);
	loop_run(f->loop);
	loop_timer_stop(f->watchdog);
	loop_timer_stop(f->condition);
}

bool mini_is_over(struct florusd *f)
{
	return f->reports > 0;
}

bool mini_is_started(struct florusd *f)
{
	CHECK(f->reports == 0);
	return f->started > 0;
}

const char *mini_log(struct florusd *f)
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

bool mini_is_up(struct florusd *f)
{
	return f->started && strstr(mini_log(f), "up\n");
}

void mini_launch_env(struct florusd *f, const char *const *argv, const char *const *envp)
{
	struct attempt_spec spec = { .batch_id = 1, .attempt = 1, .nonce = NONCE, .argv = argv, .envp = envp };

	f->attempt = attempt_launch(f->runner, &spec, mini_report, f);
	CHECK(f->reports == 0 && f->started == 0);
}

const char *mini_path(void)
{
	static char path[512];
	ssize_t n = readlink("/proc/self/exe", path, sizeof path - 1);

	CHECK(n > 0);
	path[n] = '\0';
	return path;
}

void mini_launch(struct florusd *f, const char *order, const char *word)
{
	const char *const argv[] = { mini_path(), "--driver", order, word, NULL };
	const char *const envp[] = { "LANG=C", NULL };

	mini_launch_env(f, argv, envp);
}

void mini_adopt(struct florusd *f)
{
	f->attempt = attempt_adopt(f->runner, 1, 1, NONCE, attempt_boot_id(), mini_report, f);
	CHECK(f->reports == 0 && f->started == 0);
}

struct rundir mini_look(struct florusd *f)
{
	char name[ATTEMPT_NAME_MAX];
	struct rundir d;
	struct error e;

	attempt_name(name, 1, 1, NONCE);
	CHECK_OK(rundir_look(f->run_fd, name, &d, &e), e);
	return d;
}

bool mini_is_removed(struct florusd *f)
{
	return !mini_look(f).exists;
}

void mini_check_end(struct florusd *f, enum attempt_end_kind end, int code)
{
	mini_wait(f, mini_is_over);
	if (f->last.event != ATTEMPT_ENDED)
		t_fail(__FILE__, __LINE__, "never started: %s", f->last.why);
	CHECK_INT(f->last.end, end);
	CHECK_INT(f->last.code, code);
}

void mini_check_never(struct florusd *f)
{
	mini_wait(f, mini_is_over);
	CHECK_INT(f->last.event, ATTEMPT_NEVER_STARTED);
	CHECK_INT(f->started, 0);
	CHECK(f->last.why[0]);
	mini_wait(f, mini_is_removed);
}

bool mini_lives(pid_t pid)
{
	struct proc p;

	return proc_read(pid, &p) && p.state != 'Z';
}

bool mini_has_shim(struct florusd *f)
{
	return mini_look(f).has_shim;
}

/*
 * Runs `before` in a florusd of its own, which is killed -9 when that returns; its shims and drivers
 * go on below us, so that no test leaves any.
 */
void mini_in_killed(void (*before)(struct florusd *f))
{
	(void)prctl(PR_SET_CHILD_SUBREAPER, 1);
	pid_t pid = fork();
	if (pid == 0) {
		struct florusd f = { 0 };

		mini_open(&f);
		before(&f);
		(void)kill(getpid(), SIGKILL);
	}
	int status;
	CHECK(waitpid(pid, &status, 0) == pid);
	CHECK(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
}
