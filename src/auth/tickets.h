/*
 * tickets - Kerberos tokens: admitted, queued, judged on the pool, told; and the cookie that saves the next one.
 *
 * For auth.c only. A token is one request's: it is good once. AUTH_ASKING_MAX are judged at the same time,
 * AUTH_WAITING_MAX wait, AUTH_TICKETS_ADDRESS_MAX of them from one address; beyond, 503. A wrong token costs less than
 * a wrong password and there is nothing to guess, so no budget is drawn from. One thread, but for the pool's half.
 */
#pragma once
#include "auth/auth.h"
#include "auth/kerberos.h"
#include "auth/secret.h"

struct tickets;

struct tickets_setup {
	struct loop *loop;
	struct mac *mac;           /* both borrowed, until tickets_free() */
	struct kerberos *kerberos; /* taken */
	int64_t cookie_ms;         /* 0: no cookies */
	bool cookie_only_tls;
	const char *const *challenges;
	int challenge_count;
};

struct tickets *tickets_new(const struct tickets_setup *setup);
struct tickets *tickets_free(struct tickets *t); /* jobs on the pool end by themselves; takes NULL; returns NULL */

/* `token` is base64, as the client sent it. As auth_check(). */
struct auth_waiter *tickets_check(struct tickets *t, const char *peer, const char *token, size_t n, auth_fn *fn,
				  void *arg);

/* Is there a cookie that says who this is? */
MUST_CHECK bool tickets_cookie(struct tickets *t, const char *header, char user[AUTH_NAME_MAX + 1]);
