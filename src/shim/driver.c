#include "base/landlock.h"
#include "shim/shim.h"
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <unistd.h>

/* Written by the child in memory it shares with us until it has executed the program: no pipe is needed. */
struct outcome {
	int err;
	const char *step;
};

static void join_cgroup(int cgroup_fd)
{
	int fd = cgroup_fd < 0 ? -1 : openat(cgroup_fd, "cgroup.procs", O_WRONLY | O_CLOEXEC);

	if (fd >= 0) {
		(void)!write(fd, "0", 1); /* without it the tree is ended by ancestry */
		(void)close(fd);
	}
}

/* Who is not root can open the file only while he may be looked into; that is over before anybody could. */
static void reset_oom_score(void)
{
	(void)prctl(PR_SET_DUMPABLE, 1);
	int fd = open("/proc/self/oom_score_adj", O_WRONLY | O_CLOEXEC);
	(void)prctl(PR_SET_DUMPABLE, 0);

	if (fd >= 0) {
		(void)!write(fd, "0", 1);
		(void)close(fd);
	}
}

/* By its path when it is another user's: then he can reach it, and what he asks it by name will be found. */
static bool enter_directory(const struct driver_start *s)
{
	if (s->spec->cwd[0])
		return chdir(s->spec->cwd) == 0;
	return (s->spec->uid < 0 ? fchdir(s->work_fd) : chdir(s->work)) == 0;
}

/* Between vfork and exec: system calls only. 0 is /dev/null already. */
static NORETURN void become_driver(const struct driver_start *s, volatile struct outcome *out)
{
	sigset_t none;

	(void)sigemptyset(&none);
	(void)setpgid(0, 0);
	join_cgroup(s->cgroup_fd);
	if (s->oom_reset)
		reset_oom_score();
	out->step = "set up its output";
	/* The copy at a fixed high number stays open in the whole tree (tree.lock); a low limit moves it. */
	if (dup2(s->log_fd, STDOUT_FILENO) < 0 || dup2(s->log_fd, STDERR_FILENO) < 0 ||
	    (fcntl(s->tree_lock_fd, F_DUPFD, LAUNCH_FD_TREE) < 0 && fcntl(s->tree_lock_fd, F_DUPFD, 3) < 0))
		goto out;
	out->step = "become its user in";
	if (!identity_become(s->spec))
		goto out;
	out->step = "enter its working directory";
	if (!enter_directory(s))
		goto out;
	out->step = "take rights from it in";
	if (s->landlock_fd >= 0 && !landlock_enforce(s->landlock_fd))
		goto out;
	out->step = "execute";
	(void)sigprocmask(SIG_SETMASK, &none, NULL);
	(void)execve(s->spec->argv[0], s->spec->argv, s->spec->envp);
out:
	out->err = errno;
	_exit(127);
}

pid_t driver_start(const struct driver_start *start, int *ret_err, const char **ret_step)
{
	volatile struct outcome out = { 0, "start" };
	pid_t pid = vfork();

	if (pid == 0)
		become_driver(start, &out);
	(void)prctl(PR_SET_DUMPABLE, 0); /* a change of user in memory that is shared may have set it anew */
	*ret_err = pid < 0 ? errno : out.err;
	*ret_step = out.step;
	return pid;
}
