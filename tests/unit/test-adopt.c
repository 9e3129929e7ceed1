/* The deaths of florusd, shim and launcher in all combinations, and what is concluded from them. */
#include "mini.h"
#include "base/proc.h"
#include "base/record.h"
#include "t.h"
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/prctl.h>
#include <sys/stat.h>

/* --- the table --- */

TEST(every_row_of_the_table_has_its_conclusion)
{
	enum { ANY = 2 };
	static const struct {
		int same_boot, exists, shim, tree, started, exit;
		enum rundir_verdict verdict;
	} rows[] = {
		{ 1, 0, 0, 0, 0, 0, RUNDIR_NEVER },       { 1, 1, 0, 0, 0, 0, RUNDIR_NEVER },
		{ 1, 1, 1, ANY, 0, 0, RUNDIR_STARTING },  { 1, 1, 1, ANY, 1, 0, RUNDIR_RUNNING },
		{ 1, 1, ANY, 0, 1, 1, RUNDIR_ENDED },     { 1, 1, 1, 1, 1, 1, RUNDIR_ENDED },
		{ 1, 1, 0, 1, 1, ANY, RUNDIR_ORPHAN },    { 1, 1, 0, 0, 1, 0, RUNDIR_LOST },
		{ 0, 1, ANY, ANY, ANY, 1, RUNDIR_ENDED }, { 0, 1, ANY, ANY, ANY, 0, RUNDIR_LOST_BOOT },
		{ 0, 0, 0, 0, 0, 0, RUNDIR_LOST_BOOT },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		for (int bits = 0; bits < 16; bits++) {
			struct rundir d = {
				.exists = rows[i].exists,
				.shim_lives = rows[i].shim == ANY ? bits & 1 : rows[i].shim,
				.tree_lives = rows[i].tree == ANY ? bits & 2 : rows[i].tree,
				.started = rows[i].started == ANY ? bits & 4 : rows[i].started,
				.has_exit = rows[i].exit == ANY ? bits & 8 : rows[i].exit,
			};

			if (rundir_verdict(&d, rows[i].same_boot) != rows[i].verdict)
				t_fail(__FILE__, __LINE__, "row %zu, bits %d: %d", i, bits,
				       rundir_verdict(&d, rows[i].same_boot));
		}
}

/* A record cut at any place, or with any bit of a byte turned, is refused and not half believed. */
TEST(a_torn_exit_record_is_no_exit_record)
{
	const struct record_exit x = { .kind = RECORD_EXITED, .code = 0, .started_wall_ms = 1, .ended_wall_ms = 2 };
	struct record_exit got;
	struct error e;
	char text[RECORD_BYTES_MAX];

	CHECK_OK(record_reserve_exit(AT_FDCWD, &e), e);
	int dir_fd = open(".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	CHECK_OK(record_write_exit(dir_fd, &x, &e), e);
	CHECK_OK(record_read_exit(dir_fd, &got, &e), e);
	int fd = open(RECORD_EXIT, O_RDWR | O_CLOEXEC);
	ssize_t n = read(fd, text, sizeof text);
	CHECK(n > 20);
	for (ssize_t i = 0; i < n; i++) {
		text[i] ^= 1;
		CHECK(pwrite(fd, text, (size_t)n, 0) == n);
		CHECK(!record_read_exit(dir_fd, &got, &e));
		CHECK_INT(e.code, ERR_MALFORMED);
		text[i] ^= 1;
		CHECK(pwrite(fd, text, (size_t)n, 0) == n);
	}
	for (ssize_t i = n - 1; i >= 0; i--) {
		CHECK(ftruncate(fd, i) == 0);
		CHECK(!record_read_exit(dir_fd, &got, &e));
	}
	(void)close(fd);
	(void)close(dir_fd);
}

/* --- florusd dies --- */

static void start_one(struct florusd *f)
{
	mini_launch(f, "wait-file", NULL);
	mini_wait(f, mini_is_started);
}

static void make_go_on(struct florusd *f)
{
	char path[ATTEMPT_NAME_MAX + 16];

	attempt_name(path, 1, 1, NONCE);
	(void)snprintf(path + strlen(path), 16, "/" RECORD_WORK "/go-on");
	int fd = openat(f->run_fd, path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	CHECK(fd >= 0 && close(fd) == 0);
}

TEST(a_driver_outlives_florusd_and_is_adopted_running)
{
	struct florusd f = { 0 };

	mini_in_killed(start_one);
	mini_open(&f);
	mini_adopt(&f);
	mini_wait(&f, mini_is_started);
	CHECK_INT(f.driver, mini_look(&f).driver.pid);
	CHECK(mini_lives(f.driver));
	make_go_on(&f);
	mini_check_end(&f, ATTEMPT_END_EXIT, 5);
	mini_close(&f);
}

static bool has_exit(struct florusd *f)
{
	return mini_look(f).has_exit;
}

TEST(an_end_while_florusd_was_away_is_found)
{
	struct florusd f = { 0 };

	mini_in_killed(start_one);
	mini_open(&f);
	make_go_on(&f);
	mini_wait(&f, has_exit);
	mini_adopt(&f);
	mini_check_end(&f, ATTEMPT_END_EXIT, 5);
	CHECK(f.last.started_wall_ms > 0);
	mini_close(&f);
}

TEST(an_adopted_driver_is_killed)
{
	struct florusd f = { 0 };

	mini_in_killed(start_one);
	mini_open(&f);
	mini_adopt(&f);
	attempt_kill(f.attempt);
	mini_check_end(&f, ATTEMPT_END_SIGNAL, SIGTERM);
	mini_close(&f);
}

static void die_before_go(struct florusd *f)
{
	mini_launch(f, "exit", "0");
	while (!mini_has_shim(f))
		(void)poll(NULL, 0, 1);
}

TEST(a_shim_without_go_goes_away_when_florusd_dies)
{
	struct florusd f = { 0 };

	mini_in_killed(die_before_go);
	mini_open(&f);
	mini_adopt(&f);
	mini_check_never(&f);
	mini_close(&f);
}

TEST(without_a_directory_nothing_ran)
{
	struct florusd f = { 0 };

	mini_open(&f);
	mini_adopt(&f);
	mini_check_never(&f);
	mini_close(&f);
}

TEST(after_a_restart_of_the_host_the_end_is_unknown)
{
	struct florusd f = { 0 };

	mini_open(&f);
	f.attempt = attempt_adopt(f.runner, 1, 1, NONCE, "00000000-0000-0000-0000-000000000000", mini_report, &f);
	mini_check_end(&f, ATTEMPT_END_LOST, 0);
	CHECK_STR(f.last.why, "the host was restarted while it was starting");
	mini_close(&f);
}

/* --- shims and launchers die --- */

static void kill_shim(struct florusd *f)
{
	struct rundir d = mini_look(f);

	CHECK(d.has_shim && kill(d.shim.pid, SIGKILL) == 0);
}

TEST(the_launcher_knows_how_the_driver_of_a_killed_shim_ended)
{
	struct florusd f = { 0 };

	mini_open(&f);
	mini_launch(&f, "wait-file", NULL);
	mini_wait(&f, mini_is_started);
	kill_shim(&f);
	make_go_on(&f);
	mini_check_end(&f, ATTEMPT_END_EXIT, 5);
	mini_close(&f);
}

TEST(a_driver_without_shim_is_killed_with_its_tree)
{
	struct florusd f = { 0 };

	mini_open(&f);
	mini_launch(&f, "stubborn", NULL);
	mini_wait(&f, mini_is_up);
	kill_shim(&f);
	attempt_kill(f.attempt);
	mini_check_end(&f, ATTEMPT_END_SIGNAL, SIGKILL);
	CHECK(!mini_lives(f.driver));
	mini_close(&f);
}

static void start_and_kill_shim(struct florusd *f)
{
	start_one(f);
	kill_shim(f);
}

TEST(with_florusd_and_shim_dead_a_driver_is_adopted_and_its_end_is_unknown)
{
	struct florusd f = { 0 };

	mini_in_killed(start_and_kill_shim);
	mini_open(&f);
	mini_adopt(&f);
	mini_wait(&f, mini_is_started);
	CHECK(mini_lives(f.driver));
	make_go_on(&f);
	mini_check_end(&f, ATTEMPT_END_LOST, 0);
	CHECK_STR(f.last.why, "exit status lost: its shim was killed");
	mini_close(&f);
}

static void start_and_kill_all(struct florusd *f)
{
	start_and_kill_shim(f);
	CHECK(kill(f->driver, SIGKILL) == 0);
}

static bool is_free(struct florusd *f)
{
	struct rundir d = mini_look(f);

	return !d.tree_lives && !d.shim_lives;
}

TEST(with_all_of_them_dead_the_end_is_unknown_or_true_but_never_success)
{
	struct florusd f = { 0 };

	mini_in_killed(start_and_kill_all);
	mini_open(&f);
	mini_wait(&f, is_free);
	mini_adopt(&f);
	mini_wait(&f, mini_is_over);
	CHECK_INT(f.last.event, ATTEMPT_ENDED);
	CHECK(f.last.end == ATTEMPT_END_LOST || (f.last.end == ATTEMPT_END_SIGNAL && f.last.code == SIGKILL));
	mini_close(&f);
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

static pid_t killed_launcher;

static bool launcher_is_dead(struct florusd *f)
{
	(void)f;
	return !mini_lives(killed_launcher);
}

TEST(a_killed_launcher_costs_no_running_driver_and_is_replaced)
{
	struct florusd f = { 0 };

	(void)prctl(PR_SET_CHILD_SUBREAPER, 1);
	mini_open(&f);
	killed_launcher = find_launcher();
	mini_launch(&f, "wait-file", NULL);
	mini_wait(&f, mini_is_started);
	CHECK(kill(killed_launcher, SIGKILL) == 0);
	mini_wait(
		&f,
		launcher_is_dead); /* as long as it is dying it may still take the second launch, which then never starts */
	make_go_on(&f);
	mini_check_end(&f, ATTEMPT_END_EXIT, 5);
	f.attempt = attempt_forget(f.attempt);

	const char *const argv[] = { mini_path(), "--driver", "exit", "4", NULL };
	struct attempt_spec spec = { .batch_id = 1, .attempt = 2, .nonce = NONCE, .argv = argv, .envp = argv + 4 };
	f.reports = f.started = 0;
	f.attempt = attempt_launch(f.runner, &spec, mini_report, &f);
	mini_check_end(&f, ATTEMPT_END_EXIT, 4);
	mini_close(&f);
}

TEST(launches_that_a_dying_launcher_had_taken_never_start)
{
	struct florusd f = { 0 };

	(void)prctl(PR_SET_CHILD_SUBREAPER, 1);
	mini_open(&f);
	pid_t launcher = find_launcher();
	CHECK(kill(launcher, SIGSTOP) == 0);
	mini_launch(&f, "exit", "0");
	CHECK(kill(launcher, SIGKILL) == 0);
	mini_check_never(&f);
	mini_close(&f);
}

static void remove_dir(struct florusd *f)
{
	char name[ATTEMPT_NAME_MAX];
	struct error e;

	attempt_name(name, 1, 1, NONCE);
	CHECK_OK(attempt_remove_dir(f->run_fd, name, &e), e);
}

TEST(removing_the_directory_of_a_running_driver_does_not_make_it_one_that_never_ran)
{
	struct florusd f = { 0 };

	mini_open(&f);
	mini_launch(&f, "sleep", NULL);
	mini_wait(&f, mini_is_up);
	remove_dir(&f);
	attempt_kill(f.attempt);
	mini_check_end(&f, ATTEMPT_END_LOST, 0);
	CHECK(!mini_lives(f.driver));
	mini_close(&f);
}

/* A link inside an attempt's directory leads nowhere, and a driver's own tree goes with it. */
TEST(removal_stays_inside_the_directory)
{
	struct florusd f = { 0 };
	int fd = open("precious", O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	struct error e;

	CHECK(fd >= 0 && close(fd) == 0);
	CHECK(mkdir("outside", 0700) == 0 && rename("precious", "outside/precious") == 0);
	mini_open(&f);
	CHECK(mkdirat(f.run_fd, "1.1.x", 0700) == 0 && mkdirat(f.run_fd, "1.1.x/a", 0700) == 0);
	CHECK(symlinkat("../../outside", f.run_fd, "1.1.x/link") == 0);
	CHECK(symlinkat("../../../outside/precious", f.run_fd, "1.1.x/a/link") == 0);
	CHECK_OK(attempt_remove_dir(f.run_fd, "1.1.x", &e), e);
	CHECK(faccessat(f.run_fd, "1.1.x", F_OK, 0) < 0);
	CHECK(access("outside/precious", F_OK) == 0);
	CHECK_OK(attempt_remove_dir(f.run_fd, "1.1.x", &e), e);
	CHECK(!attempt_remove_dir(f.run_fd, "..", &e));
	CHECK(!attempt_remove_dir(f.run_fd, "a/b", &e));
	mini_close(&f);
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
		mini_sleep();
	}
	CHECK(pid > 0);
	return pid;
}

static bool tree_lives(struct florusd *f)
{
	return mini_look(f).tree_lives;
}

/* The recorded driver's number is a stranger's now, but somebody still holds the tree's lock. */
static void check_stranger(const char *boot_id, bool right_start)
{
	struct florusd f = { 0 };
	struct record_process forged = { 0 };
	struct proc p;

	mini_open(&f);
	forged.pid = start_stranger(-1, NULL);
	CHECK(proc_read(forged.pid, &p));
	forged.start_ticks = right_start ? p.start_ticks : p.start_ticks + 1;
	memcpy(forged.boot_id, boot_id, sizeof forged.boot_id);
	int dir_fd = forge_dir(&f, &forged);
	pid_t holder = start_stranger(dir_fd, RECORD_TREE_LOCK);
	mini_wait(&f, tree_lives);
	mini_adopt(&f);
	attempt_kill(f.attempt);
	mini_check_end(&f, ATTEMPT_END_LOST, 0);
	CHECK(!mini_lives(holder));
	CHECK(mini_lives(forged.pid));
	CHECK(kill(forged.pid, SIGKILL) == 0);
	(void)close(dir_fd);
	mini_close(&f);
}

TEST(a_stranger_with_the_drivers_pid_is_neither_watched_nor_signalled)
{
	check_stranger(attempt_boot_id(), false);
}

TEST(a_stranger_with_the_drivers_pid_and_start_time_in_another_boot_lives)
{
	check_stranger("00000000-0000-0000-0000-000000000000", true);
}
