#include "base/proc.h"
#include "base/str.h"
#include <dirent.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { STAT_BYTES_MAX = 1024, LIST_FIRST_CAP = 256 };

bool proc_read(pid_t pid, struct proc *ret)
{
	char path[48], text[STAT_BYTES_MAX];
	struct proc p = { .pid = pid };

	(void)snprintf(path, sizeof path, "/proc/%d/stat", pid);
	_close_ int fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return false;
	ssize_t n = read(fd, text, sizeof text - 1);
	if (n <= 0)
		return false;
	text[n] = '\0';
	/* The name in parentheses may hold anything; what follows the last one does not. */
	const char *rest = strrchr(text, ')');
	if (!rest ||
	    sscanf(rest + 1, " %c %d %d %d %*d %*d %*u %*u %*u %*u %*u %*u %*u %*d %*d %*d %*d %*d %*d %" SCNu64,
		   &p.state, &p.ppid, &p.pgrp, &p.session, &p.start_ticks) != 5)
		return false;
	*ret = p;
	return true;
}

int proc_open(pid_t pid, uint64_t start_ticks)
{
	struct proc p;
	_close_ int fd = (int)syscall(SYS_pidfd_open, pid, 0); /* the kernel makes it close-on-exec */

	if (fd < 0 || !proc_read(pid, &p) || p.start_ticks != start_ticks)
		return -1;
	return take_fd(&fd);
}

bool proc_signal_fd(int pidfd, int signum)
{
	return syscall(SYS_pidfd_send_signal, pidfd, signum, NULL, 0) == 0;
}

bool proc_signal(pid_t pid, uint64_t start_ticks, int signum)
{
	_close_ int fd = proc_open(pid, start_ticks);

	return fd >= 0 && proc_signal_fd(fd, signum);
}

static double seconds(struct timeval t)
{
	return (double)t.tv_sec + (double)t.tv_usec / 1e6;
}

static int64_t count_fds(void)
{
	DIR *dir = opendir("/proc/self/fd");
	int64_t count = -3; /* ".", "..", and the one of the listing */

	while (dir && readdir(dir))
		count++;
	if (dir)
		(void)closedir(dir);
	return count;
}

bool proc_usage(struct proc_usage *ret)
{
	char text[STAT_BYTES_MAX];
	struct rusage used;
	struct rlimit limit;
	long long pages = 0;
	_close_ int fd = open("/proc/self/statm", O_RDONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? -1 : read(fd, text, sizeof text - 1);

	if (n <= 0 || getrusage(RUSAGE_SELF, &used) < 0 || getrlimit(RLIMIT_NOFILE, &limit) < 0)
		return false;
	text[n] = '\0';
	if (sscanf(text, "%*d %lld", &pages) != 1) // NOLINT(cert-err34-c): the kernel's own number
		return false;
	ret->cpu_s = seconds(used.ru_utime) + seconds(used.ru_stime);
	ret->resident_bytes = pages * sysconf(_SC_PAGESIZE);
	ret->fds = count_fds();
	ret->fds_max = (int64_t)limit.rlim_cur;
	return ret->fds >= 0;
}

static void add(struct proc_list *l, const struct proc *p)
{
	if (l->count == l->cap) {
		l->cap = l->cap ? l->cap * 2 : LIST_FIRST_CAP;
		l->rows = xrealloc(l->rows, l->cap * sizeof *l->rows);
	}
	l->rows[l->count++] = *p;
}

bool proc_list_read(struct proc_list *l)
{
	DIR *dir = opendir("/proc");
	const struct dirent *entry;
	struct proc p;
	int32_t pid;

	if (!dir)
		return false;
	l->count = 0;
	while (l->count < PROC_LIST_MAX && (entry = readdir(dir)))
		if (str_all_digits(entry->d_name) && str_to_i32(entry->d_name, &pid) && proc_read(pid, &p))
			add(l, &p);
	(void)closedir(dir);
	return true;
}

static int compare_pid(const void *key, const void *row)
{
	pid_t a = *(const pid_t *)key, b = ((const struct proc *)row)->pid;

	return (a > b) - (a < b);
}

/* /proc lists itself in the order of the numbers. */
static bool parent_is_marked(const struct proc_list *l, const struct proc *p)
{
	const struct proc *parent = bsearch(&p->ppid, l->rows, l->count, sizeof *l->rows, compare_pid);

	return parent && parent->marked;
}

void proc_list_mark_children(struct proc_list *l)
{
	bool more = true;

	while (more) {
		more = false;
		for (size_t i = 0; i < l->count; i++) {
			struct proc *p = &l->rows[i];

			if (!p->marked && parent_is_marked(l, p))
				more = p->marked = true;
		}
	}
}

void proc_list_done(struct proc_list *l)
{
	free(l->rows);
	*l = (struct proc_list){ 0 };
}
