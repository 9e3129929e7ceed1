/*
 * The zygote: one small process from which all shims are forked, so that a launch costs a fork of
 * a few pages and 1,000 shims share them. It is a subreaper: when a shim is killed, its driver
 * becomes our child, and we can still say how it ended.
 */
#include "base/clock.h"
#include "base/proc.h"
#include "shim/shim.h"
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

enum { CHILDREN_MAX = 32768, REAP_BATCH = 256 };

/* A shim we forked; or, after its death, the driver it left to us. */
struct child {
	pid_t pid;
	bool orphan;
	char name[LAUNCH_NAME_MAX];
};

struct ended {
	pid_t pid;
	int status;
};

struct launcher {
	struct zygote zygote;
	struct child *children; /* CHILDREN_MAX; not copied into shims */
	size_t count;
	int signal_fd;
};

static void refuse(int control_fd, const char *why, int err)
{
	struct launch_msg m = { .type = LAUNCH_REFUSED };

	(void)snprintf(m.text, sizeof m.text, "%.180s%s%s", why, err ? ": " : "", err ? strerror(err) : "");
	(void)launch_send(control_fd, &m);
}

/* Forks a shim. The shim checks the spec again; here only its name is wanted. */
static void launch(struct launcher *l, int spec_fd, int control_fd)
{
	struct launch_spec spec = { 0 };
	struct error e;

	if (!launch_spec_open(spec_fd, &spec, &e)) {
		refuse(control_fd, e.msg, 0);
		return;
	}
	if (l->count == CHILDREN_MAX) {
		refuse(control_fd, "too many drivers", 0);
		launch_spec_done(&spec);
		return;
	}
	pid_t pid = fork();
	if (pid == 0) {
		(void)close(LAUNCH_FD_SOCKET);
		(void)close(l->signal_fd);
		launch_spec_done(&spec);
		shim_main(&l->zygote, spec_fd, control_fd);
	}
	if (pid < 0) {
		refuse(control_fd, "no process could be made for it", errno);
	} else {
		struct child *c = &l->children[l->count++];

		*c = (struct child){ .pid = pid };
		(void)snprintf(c->name, sizeof c->name, "%s", spec.name);
	}
	launch_spec_done(&spec);
}

static int open_dir(const char *name)
{
	return openat(LAUNCH_FD_RUN, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
}

static void write_orphan_end(const char *name, int status)
{
	struct record_exit x = { .kind = WIFSIGNALED(status) ? RECORD_SIGNALED : RECORD_EXITED,
				 .code = WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status),
				 .ended_wall_ms = clock_wall_ms() };
	struct error e;
	_close_ int dir_fd = open_dir(name);

	if (dir_fd >= 0)
		(void)unlinkat(dir_fd, RECORD_PROPERTIES, 0);
	/* When it cannot be written the status is lost, and is reported as lost. */
	if (dir_fd >= 0 && faccessat(dir_fd, RECORD_EXIT, F_OK, 0) < 0)
		(void)!record_write_exit(dir_fd, &x, &e);
}

/*
 * A shim was reaped. If it was killed, its driver is our child now: alive, and then the shim's entry
 * is made the driver's (true), or among those reaped just now.
 */
static bool inherit_driver(struct child *c, const struct ended *batch, size_t count)
{
	struct record_process driver;
	struct proc p;
	struct error e;
	_close_ int dir_fd = open_dir(c->name);

	if (dir_fd < 0 || faccessat(dir_fd, RECORD_EXIT, F_OK, 0) == 0 ||
	    !record_read_process(dir_fd, RECORD_DRIVER, &driver, &e))
		return false;
	for (size_t i = 0; i < count; i++)
		if (batch[i].pid == driver.pid)
			write_orphan_end(c->name, batch[i].status);
	if (!proc_read(driver.pid, &p) || p.start_ticks != driver.start_ticks || p.ppid != getpid())
		return false;
	c->pid = driver.pid;
	c->orphan = true;
	return true;
}

static void handle_end(struct launcher *l, const struct ended *end, const struct ended *batch, size_t count)
{
	for (size_t i = 0; i < l->count; i++) {
		struct child *c = &l->children[i];

		if (c->pid != end->pid)
			continue;
		if (c->orphan)
			write_orphan_end(c->name, end->status);
		else if (inherit_driver(c, batch, count))
			return;
		*c = l->children[--l->count];
		return;
	}
}

/*
 * All that can be reaped is reaped before any is handled: the kernel hands us an ended driver and
 * its killed shim in the same instant, but in either order.
 */
static void reap(struct launcher *l)
{
	struct signalfd_siginfo info;
	struct ended batch[REAP_BATCH];
	size_t count;

	while (read(l->signal_fd, &info, sizeof info) > 0)
		;
	do {
		count = 0;
		while (count < REAP_BATCH && (batch[count].pid = waitpid(-1, &batch[count].status, WNOHANG)) > 0)
			count++;
		for (size_t i = 0; i < count; i++)
			handle_end(l, &batch[i], batch, count);
	} while (count == REAP_BATCH);
}

static bool set_up(struct launcher *l)
{
	sigset_t mine;
	struct error e;
	char score[16] = { 0 };
	const size_t table_bytes = CHILDREN_MAX * sizeof *l->children;

	/* Nothing of florusd may be kept open by what outlives it, its stderr included. */
	(void)close_range(LAUNCH_FD_RUN + 1, ~0U, 0);
	_close_ int null_fd = open("/dev/null", O_RDWR | O_CLOEXEC);
	_close_ int score_fd = open("/proc/self/oom_score_adj", O_RDONLY | O_CLOEXEC);
	for (int fd = 0; fd <= 2; fd++)
		if (dup2(null_fd, fd) < 0)
			return false;
	l->zygote.oom_reset = score_fd >= 0 && read(score_fd, score, sizeof score - 1) > 0 && score[0] == '-';
	(void)setsid();
	(void)prctl(PR_SET_CHILD_SUBREAPER, 1);
	(void)prctl(PR_SET_DUMPABLE, 0); /* shims inherit it: drivers of the same user cannot look into them */
	struct rlimit core = { 0 };
	if (getrlimit(RLIMIT_CORE, &core) == 0) {
		core.rlim_cur = 0;
		(void)setrlimit(RLIMIT_CORE, &core);
	}
	(void)sigemptyset(&mine);
	(void)sigaddset(&mine, SIGCHLD);
	(void)sigaddset(&mine, SIGTERM); /* a shim takes it as a request; the launcher ends with its socket */
	(void)sigprocmask(SIG_SETMASK, &mine, NULL);
	(void)sigdelset(&mine, SIGTERM);
	l->signal_fd = signalfd(-1, &mine, SFD_CLOEXEC | SFD_NONBLOCK);
	l->children = mmap(NULL, table_bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (l->signal_fd < 0 || l->children == MAP_FAILED || !record_boot_id(l->zygote.boot_id, &e))
		return false;
	(void)madvise(l->children, table_bytes, MADV_DONTFORK);
	l->zygote.cgroup_fd = cgroup_open_own();
	return true;
}

int launcher_main(void)
{
	struct launcher l = { 0 };
	int spec_fd, control_fd;

	if (fcntl(LAUNCH_FD_SOCKET, F_SETFD, FD_CLOEXEC) < 0 || fcntl(LAUNCH_FD_RUN, F_SETFD, FD_CLOEXEC) < 0 ||
	    !set_up(&l))
		return 1;
	struct pollfd fds[] = { { LAUNCH_FD_SOCKET, POLLIN, 0 }, { l.signal_fd, POLLIN, 0 } };
	for (;;) {
		(void)poll(fds, ARRAY_LEN(fds), -1);
		if (fds[1].revents)
			reap(&l);
		if (!fds[0].revents)
			continue;
		switch (launch_recv_fds(LAUNCH_FD_SOCKET, &spec_fd, &control_fd)) {
		case LAUNCH_NOTHING:
			break;
		case LAUNCH_EOF:
			return 0;
		case LAUNCH_GOT:
			launch(&l, spec_fd, control_fd);
			(void)close(spec_fd);
			(void)close(control_fd);
			break;
		}
	}
}
