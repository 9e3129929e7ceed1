#include "run/orphan.h"
#include "base/proc.h"
#include "run/rundir.h"
#include <dirent.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

struct job {
	int run_dirfd; /* ours */
	char *name, *boot_id;
	int signum;
};

/* Does the process hold this very file open? Unreadable descriptors are those of another user: no. */
static bool holds(pid_t pid, const struct stat *file)
{
	char path[40];
	const struct dirent *entry;
	struct stat st;
	bool found = false;

	(void)snprintf(path, sizeof path, "/proc/%d/fd", pid);
	DIR *dir = opendir(path);
	if (!dir)
		return false;
	while (!found && (entry = readdir(dir)))
		found = fstatat(dirfd(dir), entry->d_name, &st, 0) == 0 && st.st_ino == file->st_ino &&
			st.st_dev == file->st_dev;
	(void)closedir(dir);
	return found;
}

static bool is(const struct proc *p, const struct record_process *who)
{
	return p->pid == who->pid && p->start_ticks == who->start_ticks;
}

static bool driver_lives(const struct proc_list *l, const struct rundir *d)
{
	for (size_t i = 0; i < l->count; i++)
		if (is(&l->rows[i], &d->driver))
			return true;
	return false;
}

/* The signals themselves compare the start time once more (proc_signal). */
static void signal_tree(const struct job *job, const struct rundir *d, const struct stat *tree_lock)
{
	_proc_list_ struct proc_list l = { 0 };
	pid_t self = getpid();

	if (!proc_list_read(&l))
		return;
	bool by_driver = d->has_driver && strcmp(d->driver.boot_id, job->boot_id) == 0 && driver_lives(&l, d);
	for (size_t i = 0; i < l.count; i++) {
		struct proc *p = &l.rows[i];

		p->marked = p->pid != self && ((by_driver && (is(p, &d->driver) || p->pgrp == d->driver.pid ||
							      p->session == d->driver.pid)) ||
					       holds(p->pid, tree_lock));
		if (d->has_shim && is(p, &d->shim))
			p->marked = false;
	}
	proc_list_mark_children(&l);
	for (size_t i = 0; i < l.count; i++)
		if (l.rows[i].marked)
			(void)proc_signal(l.rows[i].pid, l.rows[i].start_ticks, job->signum);
}

static void run(void *arg)
{
	struct job *job = arg;
	struct rundir d;
	struct error e;
	struct stat tree_lock;
	char path[PATH_MAX];

	(void)snprintf(path, sizeof path, "%s/%s", job->name, RECORD_TREE_LOCK);
	if (job->run_dirfd >= 0 && rundir_look(job->run_dirfd, job->name, &d, &e) && d.exists &&
	    fstatat(job->run_dirfd, path, &tree_lock, AT_SYMLINK_NOFOLLOW) == 0)
		signal_tree(job, &d, &tree_lock);
}

static void done(void *arg)
{
	struct job *job = arg;

	closep(&job->run_dirfd);
	free(job->name);
	free(job->boot_id);
	free(job);
}

void orphan_signal(struct loop *l, int run_dirfd, const char *name, const char *boot_id, int signum)
{
	struct job *job = xcalloc(1, sizeof *job);

	job->run_dirfd = fcntl(run_dirfd, F_DUPFD_CLOEXEC, 3);
	job->name = xstrdup(name);
	job->boot_id = xstrdup(boot_id);
	job->signum = signum;
	loop_work(l, run, done, job);
}
