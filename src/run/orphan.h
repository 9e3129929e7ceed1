/*
 * orphan - signals for a tree whose shim cannot end it any more (killed, stopped, stuck).
 *
 * Without a shim, who belongs to an attempt is proved by what no stranger can have: being the
 * recorded driver (pid, start time, boot), being in its session or process group while it lives,
 * holding run/<name>/tree.lock open, or descending from one of those. The shim is spared.
 */
#pragma once
#include "base/record.h"
#include "loop/loop.h"

/*
 * Finds and signals the tree of run/<name>, in this boot, on the pool; returns at once. Whether it helped is seen in
 * the locks.
 */
void orphan_signal(struct loop *l, int run_dirfd, const char *name, const char *boot_id, int signum);
