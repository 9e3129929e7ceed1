#include "shim/shim.h"
#include "base/clock.h"
#include "base/landlock.h"
#include "base/proc.h"
#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <sys/wait.h>

enum {
	STRAGGLERS_MS = 200,         /* what is left when the driver ends gets this long to end by itself */
	EXIT_RECORD_TRIES_MAX = 60,  /* a status is worth waiting for the disk … */
	EXIT_RECORD_RETRY_MS = 1000, /* … this long between tries */
};

struct shim {
	const struct zygote *zygote;
	struct launch_spec spec;
	char name[LAUNCH_NAME_MAX];
	int control_fd, dir_fd, work_fd, signal_fd, log_fd, shim_lock_fd, tree_lock_fd, cgroup_fd, landlock_fd;
	char work[PATH_MAX]; /* where work_fd is */
	struct record_process self;
	pid_t driver; /* 0 once reaped */
	struct tree tree;
	struct logcap log;
	struct record_exit end;
};

/* Takes the directory away again; nothing ran in it. */
static void remove_dir(const struct shim *s)
{
	static const char *const files[] = {
		RECORD_SHIM,    RECORD_EXIT_TMP,  RECORD_LOG,       RECORD_PROPERTIES,
		RECORD_STARTED, RECORD_TREE_LOCK, RECORD_SHIM_LOCK,
	};

	if (s->dir_fd < 0)
		return;
	for (size_t i = 0; i < ARRAY_LEN(files); i++)
		(void)unlinkat(s->dir_fd, files[i], 0);
	(void)unlinkat(s->dir_fd, RECORD_WORK, AT_REMOVEDIR);
	(void)unlinkat(LAUNCH_FD_RUN, s->name, AT_REMOVEDIR);
}

/* The only ways out before the driver was started. */
static NORETURN void refuse(struct shim *s, const char *why)
{
	struct launch_msg m = { .type = LAUNCH_REFUSED };

	remove_dir(s);
	(void)snprintf(m.text, sizeof m.text, "%s", why);
	(void)launch_send(s->control_fd, &m);
	_exit(1);
}

static bool make_lock(const struct shim *s, const char *file, int *ret_fd, struct error *e)
{
	int fd = openat(s->dir_fd, file, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);

	if (fd < 0)
		return error_errno(e, errno, "create %s", file);
	*ret_fd = fd;
	return flock(fd, LOCK_EX) == 0 || error_errno(e, errno, "lock %s", file);
}

/* The driver's own directory: nothing that it makes there can pass for a file of ours. */
static bool make_work(struct shim *s, struct error *e)
{
	char link[32];

	if (mkdirat(s->dir_fd, RECORD_WORK, 0700) < 0)
		return error_errno(e, errno, "make the working directory");
	s->work_fd = openat(s->dir_fd, RECORD_WORK, O_PATH | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
	if (s->work_fd < 0)
		return error_errno(e, errno, "open the working directory");
	(void)snprintf(link, sizeof link, "/proc/self/fd/%d", s->work_fd);
	ssize_t n = readlink(link, s->work, sizeof s->work - 1);
	if (n < 0)
		return error_errno(e, errno, "find the working directory");
	s->work[n] = '\0';
	return true;
}

/*
 * What the driver's user gets: his directory, his log (so that /dev/stderr can be opened), and the way there; he
 * may pass through ours, and neither list nor open anything in it.
 */
static bool hand_over(const struct shim *s, struct error *e)
{
	const struct launch_spec *spec = &s->spec;
	uid_t uid = (uid_t)spec->uid;
	gid_t gid = (gid_t)spec->gid;

	if (spec->uid < 0)
		return true;
	return (fchownat(s->dir_fd, RECORD_WORK, uid, gid, AT_SYMLINK_NOFOLLOW) == 0 &&
		fchown(s->log_fd, uid, gid) == 0 && fchmod(s->dir_fd, 0711) == 0) ||
	       error_errno(e, errno, "give the working directory to uid %u", uid);
}

static bool make_rules(struct shim *s, struct error *e)
{
	static const char *const files[] = { RECORD_WORK, RECORD_LOG, RECORD_PROPERTIES };

	if (!s->spec.hidden[0])
		return true;
	if (!landlock_all_but(s->spec.hidden, &s->landlock_fd, e))
		return false;
	for (size_t i = 0; i < ARRAY_LEN(files); i++) {
		_close_ int fd = openat(s->dir_fd, files[i], O_PATH | O_CLOEXEC | O_NOFOLLOW);

		if (fd >= 0 && !landlock_allow(s->landlock_fd, fd, e))
			return false;
	}
	return true;
}

static bool make_dir(struct shim *s, struct error *e)
{
	if (mkdirat(LAUNCH_FD_RUN, s->name, 0700) < 0)
		return error_errno(e, errno, "make the attempt's directory");
	s->dir_fd = openat(LAUNCH_FD_RUN, s->name, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
	if (s->dir_fd < 0)
		return error_errno(e, errno, "open the attempt's directory");
	if (!make_lock(s, RECORD_SHIM_LOCK, &s->shim_lock_fd, e) ||
	    !make_lock(s, RECORD_TREE_LOCK, &s->tree_lock_fd, e) || !record_reserve_exit(s->dir_fd, e) ||
	    !record_write_process(s->dir_fd, RECORD_SHIM, &s->self, e))
		return false;
	s->log_fd = openat(s->dir_fd, RECORD_LOG, O_RDWR | O_CREAT | O_EXCL | O_APPEND | O_CLOEXEC, 0600);
	if (s->log_fd < 0)
		return error_errno(e, errno, "create the log");
	return make_work(s, e) && hand_over(s, e) && properties_write(&s->spec, s->dir_fd, e) && make_rules(s, e);
}

static bool set_up(struct shim *s, struct error *e)
{
	sigset_t mine;
	struct proc self;

	(void)setsid();
	(void)prctl(PR_SET_CHILD_SUBREAPER, 1);
	(void)sigemptyset(&mine);
	(void)sigaddset(&mine, SIGTERM);
	(void)sigaddset(&mine, SIGCHLD);
	s->signal_fd = signalfd(-1, &mine, SFD_CLOEXEC | SFD_NONBLOCK);
	if (s->signal_fd < 0)
		return error_errno(e, errno, "watch signals");
	if (!proc_read(getpid(), &self))
		return error_set(e, ERR_INTERNAL, "/proc cannot be read");
	s->self.pid = self.pid;
	s->self.start_ticks = self.start_ticks;
	memcpy(s->self.boot_id, s->zygote->boot_id, sizeof s->self.boot_id);
	return make_dir(s, e);
}

/* True when a TERM came. Forgets the SIGCHLDs: waitpid() knows better. */
static bool take_signals(const struct shim *s)
{
	struct signalfd_siginfo info;
	bool asked = false;

	while (read(s->signal_fd, &info, sizeof info) == (ssize_t)sizeof info)
		asked = asked || info.ssi_signo == SIGTERM;
	return asked;
}

static void wait_for_go(struct shim *s)
{
	struct launch_msg m = { .type = LAUNCH_READY, .pid = s->self.pid, .start_ticks = s->self.start_ticks };
	struct pollfd fds[] = { { s->control_fd, POLLIN, 0 }, { s->signal_fd, POLLIN, 0 } };
	int64_t until_ms = clock_now_ms() + s->spec.go_timeout_ms;

	if (!launch_send(s->control_fd, &m))
		refuse(s, "florusd is gone");
	for (;;) {
		int64_t left_ms = until_ms - clock_now_ms();

		if (left_ms <= 0)
			refuse(s, "florusd did not say go in time");
		(void)poll(fds, ARRAY_LEN(fds), (int)(left_ms < INT32_MAX ? left_ms : INT32_MAX));
		if (take_signals(s))
			refuse(s, "killed before it was started");
		switch (launch_recv(s->control_fd, &m)) {
		case LAUNCH_NOTHING:
			break;
		case LAUNCH_EOF:
			refuse(s, "florusd is gone");
		case LAUNCH_GOT:
			if (m.type != LAUNCH_GO || clock_now_ms() > m.time_ms)
				refuse(s, "too late to be started");
			return;
		}
	}
}

/* From the birth of `started` on, the attempt counts as one that ran. */
static void start(struct shim *s)
{
	struct launch_msg m = { .type = LAUNCH_STARTED };
	struct record_process driver = s->self;
	struct error e;
	struct proc p;
	const char *step;
	int err;
	int fd = openat(s->dir_fd, RECORD_STARTED, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);

	if (fd < 0)
		refuse(s, "the mark that it was started cannot be made");
	(void)close(fd);
	s->cgroup_fd = cgroup_make(s->zygote->cgroup_fd, s->name);
	s->end.started_wall_ms = clock_wall_ms();
	s->driver = driver_start(&(struct driver_start){ .spec = &s->spec,
							 .work_fd = s->work_fd,
							 .work = s->work,
							 .log_fd = s->log_fd,
							 .tree_lock_fd = s->tree_lock_fd,
							 .cgroup_fd = s->cgroup_fd,
							 .landlock_fd = s->landlock_fd,
							 .oom_reset = s->zygote->oom_reset },
				 &err, &step);
	if (s->driver < 0) {
		cgroup_remove(s->zygote->cgroup_fd, s->name);
		refuse(s, "no process could be made for it");
	}
	if (err) {
		s->end.kind = RECORD_NO_EXEC;
		s->end.code = err;
		const char *where = s->spec.cwd[0] ? s->spec.cwd : s->work;

		(void)snprintf(s->end.why, sizeof s->end.why, "could not %s %.150s: %s", step,
			       strcmp(step, "execute") == 0 ? s->spec.argv[0] : where, strerror(err));
		return;
	}
	if (proc_read(s->driver, &p)) { /* it is not reaped yet, so it is there */
		driver.pid = m.pid = p.pid;
		driver.start_ticks = m.start_ticks = p.start_ticks;
		m.time_ms = s->end.started_wall_ms;
		(void)!record_write_process(s->dir_fd, RECORD_DRIVER, &driver, &e); /* lost with us only */
		(void)launch_send(s->control_fd, &m);
	}
}

/* Lets go of all that only the start needed, above all of the secrets in the spec and of the tree's lock. */
static void settle_down(struct shim *s)
{
	int fd = open("/proc/self/oom_score_adj", O_WRONLY | O_CLOEXEC);

	tree_init(&s->tree, s->driver, s->cgroup_fd, s->spec.grace_ms);
	s->log = (struct logcap){ .dir_fd = s->dir_fd, .log_fd = s->log_fd, .max_bytes = s->spec.log_max_bytes };
	if (fd >= 0) {
		(void)!write(fd, "-950", 4); /* the OOM killer takes drivers before shims; needs privilege */
		(void)close(fd);
	}
	launch_spec_done(&s->spec);
	(void)close(s->control_fd);
	(void)close(s->work_fd);
	closep(&s->landlock_fd);
	(void)close(s->tree_lock_fd);
	(void)close(LAUNCH_FD_RUN);
}

/* False once no descendant is left. */
static bool reap(struct shim *s)
{
	int status;
	pid_t pid;

	while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
		if (pid != s->driver)
			continue;
		s->driver = s->tree.driver = 0;
		s->end.ended_wall_ms = clock_wall_ms();
		if (s->end.kind != RECORD_NO_EXEC) {
			s->end.kind = WIFSIGNALED(status) ? RECORD_SIGNALED : RECORD_EXITED;
			s->end.code = WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status);
		}
		tree_end(&s->tree, STRAGGLERS_MS);
	}
	return pid == 0;
}

static void supervise(struct shim *s)
{
	struct pollfd fds[] = { { s->signal_fd, POLLIN, 0 } };
	int64_t log_wait_ms = logcap_look(&s->log), log_at_ms = clock_now_ms() + log_wait_ms;

	while (reap(s)) {
		int64_t now_ms = clock_now_ms();
		int64_t at_ms = s->tree.step_at_ms;

		if (log_wait_ms >= 0 && log_at_ms < at_ms)
			at_ms = log_at_ms;
		if (at_ms > now_ms)
			(void)poll(fds, 1, at_ms - now_ms < INT32_MAX ? (int)(at_ms - now_ms) : -1);
		if (take_signals(s))
			tree_end(&s->tree, 0);
		tree_step(&s->tree);
		if (log_wait_ms >= 0 && clock_now_ms() >= log_at_ms) {
			log_wait_ms = logcap_look(&s->log);
			log_at_ms = clock_now_ms() + log_wait_ms;
		}
	}
	(void)logcap_look(&s->log);
}

static void write_end(const struct shim *s)
{
	struct error e;
	struct stat st;

	for (int i = 0; i < EXIT_RECORD_TRIES_MAX; i++) {
		if (record_write_exit(s->dir_fd, &s->end, &e))
			return;
		if (fstat(s->dir_fd, &st) == 0 && st.st_nlink == 0)
			return; /* somebody removed the directory: nobody will read it */
		(void)poll(NULL, 0, EXIT_RECORD_RETRY_MS);
	}
}

void shim_main(const struct zygote *z, int spec_fd, int control_fd)
{
	struct shim s = {
		.zygote = z,
		.control_fd = control_fd,
		.dir_fd = -1,
		.work_fd = -1,
		.signal_fd = -1,
		.log_fd = -1,
		.shim_lock_fd = -1,
		.tree_lock_fd = -1,
		.cgroup_fd = -1,
		.landlock_fd = -1,
	};
	struct error e;

	if (fcntl(control_fd, F_SETFL, O_NONBLOCK) < 0)
		refuse(&s, "the control socket is none");
	if (!launch_spec_open(spec_fd, &s.spec, &e))
		refuse(&s, e.msg);
	(void)close(spec_fd);
	assert(strlen(s.spec.name) < sizeof s.name);
	memcpy(s.name, s.spec.name, strlen(s.spec.name) + 1);
	if (!set_up(&s, &e))
		refuse(&s, e.msg);
	wait_for_go(&s);
	start(&s);
	settle_down(&s);
	supervise(&s);
	cgroup_remove(z->cgroup_fd, s.name);
	(void)unlinkat(s.dir_fd, RECORD_PROPERTIES, 0);
	write_end(&s);
	_exit(0);
}
