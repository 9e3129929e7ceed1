/*
 * tree - ending a driver and all that it started.
 *
 * Every descendant, however it detached itself, is re-parented to us when its parent ends (we are
 * a subreaper), so wait(2) saying "no children" proves that none is left, and until then each
 * round finds the rest by ancestry. The cheap step comes before the thorough one: most trees are
 * one process group and are gone before /proc has to be read.
 */
#include "base/clock.h"
#include "base/proc.h"
#include "shim/shim.h"
#include <signal.h>

enum {
	STEP_NONE,
	STEP_TERM_GROUP,
	STEP_TERM_ALL,
	STEP_KILL_GROUP,
	STEP_KILL_ALL,

	TERM_ALL_AFTER_MS = 50, /* what the group's members get to end by themselves */
	KILL_ALL_AFTER_MS = 20,
	KILL_AGAIN_MS = 100,
};

void tree_init(struct tree *t, pid_t driver, int cgroup_fd, int64_t grace_ms)
{
	*t = (struct tree){ .driver = driver, .cgroup_fd = cgroup_fd, .grace_ms = grace_ms, .step_at_ms = INT64_MAX };
}

void tree_end(struct tree *t, int64_t after_ms)
{
	int64_t at_ms = clock_now_ms() + after_ms;

	if (t->step == STEP_NONE)
		t->step = STEP_TERM_GROUP;
	if (t->step == STEP_TERM_GROUP && at_ms < t->step_at_ms)
		t->step_at_ms = at_ms;
}

/* The group's number is safe while its leader is not reaped: it cannot be given to others. */
static void signal_group(const struct tree *t, int signum)
{
	if (t->driver > 0)
		(void)kill(-t->driver, signum);
}

static void signal_all(const struct tree *t, int signum, bool also_group)
{
	_proc_list_ struct proc_list l = { 0 };
	pid_t self = getpid();

	if (!proc_list_read(&l))
		return; /* the group and the cgroup have been told; the next round tries again */
	for (size_t i = 0; i < l.count; i++)
		l.rows[i].marked = l.rows[i].pid == self;
	proc_list_mark_children(&l);
	for (size_t i = 0; i < l.count; i++) {
		const struct proc *p = &l.rows[i];

		if (p->marked && p->pid != self && p->state != 'Z' && (also_group || p->pgrp != t->driver))
			(void)proc_signal(p->pid, p->start_ticks, signum);
	}
}

void tree_step(struct tree *t)
{
	int64_t now_ms = clock_now_ms();

	if (now_ms < t->step_at_ms)
		return;
	switch (t->step) {
	case STEP_TERM_GROUP:
		signal_group(t, SIGTERM);
		t->step = STEP_TERM_ALL;
		t->step_at_ms = now_ms + (t->driver ? TERM_ALL_AFTER_MS : 0);
		break;
	case STEP_TERM_ALL:
		signal_all(t, SIGTERM, false);
		t->step = STEP_KILL_GROUP;
		t->step_at_ms = now_ms + t->grace_ms;
		break;
	case STEP_KILL_GROUP:
		(void)cgroup_kill(t->cgroup_fd);
		signal_group(t, SIGKILL);
		t->step = STEP_KILL_ALL;
		t->step_at_ms = now_ms + KILL_ALL_AFTER_MS;
		break;
	case STEP_KILL_ALL:
		(void)cgroup_kill(t->cgroup_fd);
		signal_all(t, SIGKILL, true);
		t->step_at_ms = now_ms + KILL_AGAIN_MS;
		break;
	}
}
