/*
 * landlock - a process that may go everywhere but into one directory.
 *
 * The kernel's Landlock (5.19 or later for what is used here) only knows how to allow, so what is allowed is everything
 * beside the way to the hidden directory, as it is when the rules are made: each entry of / but the one that leads
 * there, each entry of that one but …. What is made later in one of those directories themselves, or mounted right
 * there, is closed, too. Names can be listed everywhere; chmod, chown and stat are not restricted, nor is truncate(2)
 * before Linux 6.2. From Linux 6.12 on, such a process can also not signal others; none of its kind can ever trace
 * others. For the shim and its driver: one thread.
 */
#pragma once
#include "base/error.h"

enum { LANDLOCK_ABI_MIN = 2, LANDLOCK_RULES_MAX = 8192 };

int landlock_abi(void); /* of this kernel; 0: it has none */

/* A ruleset, the caller's to close. `hidden` is absolute, without symbolic links. */
MUST_CHECK bool landlock_all_but(const char *hidden, int *ret_fd, struct error *e);
MUST_CHECK bool landlock_allow(int ruleset_fd, int fd,
			       struct error *e); /* also this file, or all below this directory */

/* From now on, for this thread and all that it starts; nothing takes it back. False: errno. A system call or two. */
bool landlock_enforce(int ruleset_fd);
