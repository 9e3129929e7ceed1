/*
 * passwords - names and passwords that the cache does not answer for: admitted, queued, checked on the pool, settled.
 *
 * For auth.c only. A job is one pair of credentials from one address, however many requests wait for it.
 * A job is WAITING, RUNNING (the pool has it and touches nothing but its own fields) or SETTLING (its waiters are
 * being told). Budgets are asked when a job is admitted and once more when it starts, since its
 * predecessors may have failed meanwhile. One thread, but for the pool's half.
 */
#pragma once
#include "auth/auth.h"
#include "auth/budget.h"
#include "auth/cache.h"
#include "auth/ldap.h"
#include "auth/users.h"

struct passwords;

struct passwords_setup {
	struct loop *loop;
	struct mac *mac; /* all borrowed, until passwords_free() */
	struct cache *cache;
	struct budget *budget;
	const struct users *users;        /* NULL: no users file */
	const struct ldap_settings *ldap; /* copied; NULL: no directory */
	int64_t cache_ms;
	const char *const *challenges;
	int challenge_count;
};

struct passwords *passwords_new(const struct passwords_setup *setup);
struct passwords *passwords_free(
	struct passwords *p); /* jobs on the pool end by themselves; takes NULL; returns NULL */

/* The users file was read anew; the old object may go. */
void passwords_set_users(struct passwords *p, const struct users *users);

/* `mac` is that of the header; `known`: the cache says it was right before. As auth_check(). */
struct auth_waiter *passwords_check(struct passwords *p, const struct digest *mac, bool known, const char *peer,
				    const struct authorization *given, auth_fn *fn, void *arg);
