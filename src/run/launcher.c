#include "run/launcher.h"
#include "base/launch.h"
#include "base/log.h"
#include "base/proc.h"
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>

enum {
	SAFE_FD = 10,       /* above the numbers that the child's descriptors get */
	END_WAIT_MS = 1000, /* for it to end by itself when its socket is closed */
};

struct launcher {
	struct loop *loop;
	char *shim_path;
	int run_dirfd;
	loop_fn *on_ready;
	void *arg;
	pid_t pid;
	int socket, pidfd; /* -1: there is none at the moment */
	struct loop_watch *watch;
	struct loop_timer *restart;
};

static bool spawn(const char *path, int socket_fd, int run_fd, pid_t *ret_pid, struct error *e)
{
	char name[] = "florus-shim", option[] = "--launcher";
	char *const argv[] = { name, option, NULL };
	char *const envp[] = { NULL };
	posix_spawn_file_actions_t files;
	posix_spawnattr_t attr;
	sigset_t all, none;

	(void)sigfillset(&all);
	(void)sigemptyset(&none);
	(void)posix_spawn_file_actions_init(&files);
	(void)posix_spawnattr_init(&attr);
	(void)posix_spawn_file_actions_adddup2(&files, socket_fd, LAUNCH_FD_SOCKET);
	(void)posix_spawn_file_actions_adddup2(&files, run_fd, LAUNCH_FD_RUN);
	(void)posix_spawnattr_setsigdefault(&attr, &all);
	(void)posix_spawnattr_setsigmask(&attr, &none);
	(void)posix_spawnattr_setflags(&attr, POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK);
	int err = posix_spawn(ret_pid, path, &files, &attr, argv, envp);
	(void)posix_spawnattr_destroy(&attr);
	(void)posix_spawn_file_actions_destroy(&files);
	return err == 0 || error_errno(e, err, "start %s", path);
}

static void on_end(void *arg);

static bool start(struct launcher *l, struct error *e)
{
	int pair[2];

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0)
		return error_errno(e, errno, "make the launcher's socket");
	_close_ int ours = pair[0];
	_close_ int theirs = fcntl(pair[1], F_DUPFD_CLOEXEC, SAFE_FD);
	(void)close(pair[1]);
	_close_ int run_fd = fcntl(l->run_dirfd, F_DUPFD_CLOEXEC, SAFE_FD);
	if (theirs < 0 || run_fd < 0)
		return error_errno(e, errno, "make the launcher's descriptors");
	if (!spawn(l->shim_path, theirs, run_fd, &l->pid, e))
		return false;
	_close_ int pidfd = (int)syscall(SYS_pidfd_open, l->pid, 0); /* our child, not reaped: it is there */
	if (pidfd < 0)
		error_errno(e, errno, "watch the launcher");
	if (pidfd < 0 || !loop_watch_new(l->loop, pidfd, on_end, l, &l->watch, e)) {
		(void)kill(l->pid, SIGKILL);
		(void)waitpid(l->pid, NULL, 0);
		l->pid = 0;
		return false;
	}
	l->socket = take_fd(&ours);
	l->pidfd = take_fd(&pidfd);
	return true;
}

static void forget_process(struct launcher *l)
{
	l->watch = loop_watch_free(l->watch);
	closep(&l->socket);
	closep(&l->pidfd);
	l->socket = l->pidfd = -1;
	l->pid = 0;
}

static void on_end(void *arg)
{
	struct launcher *l = arg;

	(void)waitpid(l->pid, NULL, WNOHANG);
	forget_process(l);
	loop_timer_set(l->restart, LAUNCHER_RESTART_MS, 0);
}

static void on_restart(void *arg)
{
	struct launcher *l = arg;
	struct error e;

	if (!start(l, &e)) {
		log_debug("launcher not started", LOG_STR("why", e.msg));
		loop_timer_set(l->restart, LAUNCHER_RESTART_MS, 0);
		return;
	}
	l->on_ready(l->arg);
}

bool launcher_new(struct loop *loop, const char *shim_path, int run_dirfd, loop_fn *on_ready, void *arg,
		  struct launcher **ret, struct error *e)
{
	struct launcher *l = xcalloc(1, sizeof *l);

	*l = (struct launcher){ .loop = loop,
				.shim_path = xstrdup(shim_path),
				.run_dirfd = run_dirfd,
				.on_ready = on_ready,
				.arg = arg,
				.socket = -1,
				.pidfd = -1 };
	l->restart = loop_timer_new(loop, on_restart, l);
	if (!start(l, e)) {
		launcher_free(l);
		return false;
	}
	*ret = l;
	return true;
}

struct launcher *launcher_free(struct launcher *l)
{
	if (!l)
		return NULL;
	if (l->pid) {
		struct pollfd end = { l->pidfd, POLLIN, 0 };

		closep(&l->socket);
		l->socket = -1;
		if (poll(&end, 1, END_WAIT_MS) <= 0)
			(void)proc_signal_fd(l->pidfd, SIGKILL);
		(void)waitpid(l->pid, NULL, 0);
	}
	forget_process(l);
	loop_timer_free(l->restart);
	free(l->shim_path);
	free(l);
	return NULL;
}

bool launcher_ready(const struct launcher *l)
{
	return l->socket >= 0;
}

pid_t launcher_pid(const struct launcher *l)
{
	return l->pid;
}

bool launcher_send(struct launcher *l, int spec_fd, int control_fd, bool *ret_full, struct error *e)
{
	return launch_send_fds(l->socket, spec_fd, control_fd, ret_full, e);
}
