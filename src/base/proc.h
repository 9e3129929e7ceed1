/*
 * proc - processes as /proc tells of them, and signals that cannot hit the wrong one.
 *
 * A process is (pid, start time): numbers are used again, the pair is not (within a boot).
 * Whoever signals or watches opens a pidfd first and compares the start time after that.
 * Blocks shortly. Any thread.
 */
#pragma once
#include "base/cleanup.h"
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

enum { PROC_LIST_MAX = 1 << 18 }; /* processes looked at in one listing */

struct proc {
	pid_t pid, ppid, pgrp, session;
	char state;           /* 'Z': ended, not yet reaped */
	bool marked;          /* for whoever works with a listing */
	uint64_t start_ticks; /* since boot */
};

MUST_CHECK bool proc_read(pid_t pid, struct proc *ret); /* false: no such process */

/*
 * A pidfd of exactly this process; -1 when it is gone (or reaped) or the number is another's now. The caller closes it.
 */
MUST_CHECK int proc_open(pid_t pid, uint64_t start_ticks);

/* Sends a signal to exactly this process; false when it is not there any more. */
bool proc_signal(pid_t pid, uint64_t start_ticks, int signum);
bool proc_signal_fd(int pidfd, int signum);

/* What this process uses, and how many descriptors it may have. False: /proc cannot be read. */
struct proc_usage {
	double cpu_s; /* user and system */
	int64_t resident_bytes, fds, fds_max;
};
MUST_CHECK bool proc_usage(struct proc_usage *ret);

struct proc_list {
	struct proc *rows;
	size_t count, cap;
};
#define _proc_list_ _cleanup_(proc_list_done)
MUST_CHECK bool proc_list_read(struct proc_list *l); /* false: /proc cannot be read */
void proc_list_mark_children(struct proc_list *l);   /* marks whoever descends from a marked one */
void proc_list_done(struct proc_list *l);
