/*
 * account - a user of this host, as numbers: what a driver needs to run as somebody.
 *
 * Asks the name service (passwd, sssd, LDAP, …), which may take its time: worker threads only, or the start.
 * The shim is not asked: a static program cannot load the host's name service.
 */
#pragma once
#include "base/error.h"
#include <stddef.h>
#include <sys/types.h>

enum { ACCOUNT_GROUPS_MAX = 4096, ACCOUNT_NAME_MAX = 256 };

struct account {
	uid_t uid;
	gid_t gid;
	gid_t *groups; /* the supplementary ones, the first included */
	size_t group_count;
	char *name, *home;
};

/*
 * Finds a user. ERR_NOT_FOUND: there is none of that name; ERR_FORBIDDEN: its uid is below min_uid (which is never 0),
 * or it is in more than ACCOUNT_GROUPS_MAX groups; ERR_UNAVAILABLE: the name service does not answer.
 */
MUST_CHECK bool account_find(const char *name, uid_t min_uid, struct account *ret, struct error *e);
void account_done(struct account *a); /* a zeroed one is fine */

/* May this process start and end others as other users? ERR_CONFIG names the capability that is missing. */
MUST_CHECK bool account_can_switch(struct error *e);
