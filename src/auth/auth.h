/*
 * auth - who is asking: passwords of a users file or of an LDAP directory, bearer tokens, Kerberos tickets, a header of
 * trusted proxies.
 *
 *     auth_check(a, &request, answered, arg);   → answered(arg, &result), at once or later from the loop
 *
 * At once come: what is in the cache, tokens, the proxy's header, cookies, and all refusals that need no hash.
 * Passwords are hashed on the pool, at most AUTH_HASHING_MAX at a time (one per two cores), AUTH_WAITING_MAX wait.
 * Credentials that were right before go ahead of strangers, and no budget applies to them (auth/cache.h,
 * auth/budget.h). Kerberos tokens are judged there too (auth/tickets.h).
 *
 * Unknown user, wrong password, disabled user, nonsense: one answer, 401 with the same challenges, after
 * the same work. A request without credentials is 401 too and costs nothing, since some clients begin each request so.
 *
 * Everything on the loop thread. Nothing here is logged: `why` in the result is for the service's log.
 */
#pragma once
#include "auth/authorization.h"
#include "base/error.h"
#include <stdint.h>

struct loop;

enum {
	AUTH_HASHING_MAX = 2,            /* hashes at the same time, however many cores: the pool is small */
	AUTH_ASKING_MAX = 2,             /* questions to the directory at the same time; as many to Kerberos */
	AUTH_WAITING_MAX = 64,           /* different credentials that wait for either; as many Kerberos tokens */
	AUTH_STRANGERS_MAX = 48,         /* of these, such as were never right before … */
	AUTH_STRANGERS_ADDRESS_MAX = 16, /* … and of these, one address's */
	AUTH_WAITERS_MAX = 4096,         /* requests that wait for these credentials */
	AUTH_TICKETS_ADDRESS_MAX = 48,   /* Kerberos tokens of one address that wait */
	AUTH_CHALLENGES_MAX = 3,
};

/* Strings are copied; NULL or "" is: not set. Keys in the comments are those of the configuration. */
struct auth_config {
	const char *type;         /* livy.server.auth.type: basic, token, proxy, ldap, kerberos, by commas */
	const char *users_file;   /* florus.auth.users-file: needed by basic */
	const char *tokens_file;  /* florus.auth.tokens-file: needed by token */
	const char *proxy_header; /* florus.auth.proxy-header: needed by proxy */
	const char *proxy_peers;  /* florus.auth.proxy-peers: needed by proxy */
	int64_t cache_ms;         /* florus.auth.cache */
	const char *ldap_url, *ldap_base_dn, *ldap_domain; /* livy.server.auth.ldap.*: the url needed by ldap */
	bool ldap_start_tls;
	const char *kerberos_principal, *kerberos_keytab,
		*kerberos_name_rules; /* livy.server.auth.kerberos.*: the keytab needed by kerberos */
	int64_t cookie_ms;            /* florus.auth.cookie; 0: no cookies */
	bool cookie_only_tls;         /* clients come by TLS */
};

struct auth_request {
	const char *peer;          /* the address of the connection, as text; NULL: it has none */
	const char *authorization; /* value of the header; NULL: none */
	int authorization_count;   /* how many such headers there were */
	const char *proxy_user;    /* value of auth_proxy_header(); NULL: none */
	int proxy_user_count;
	const char *cookie; /* value of the header; NULL: none */
	int cookie_count;
};

/* Borrowed, for the length of the call. */
struct auth_result {
	int status;                    /* 200, 401, 400, 429, 503 */
	const char *user;              /* 200: who, at most AUTH_NAME_MAX bytes; else NULL */
	const char *method;            /* 200: "basic", "token", "proxy", "ldap", "kerberos" */
	int retry_after_s;             /* 429, 503: at least 1; else 0 */
	const char *const *challenges; /* 401: values of WWW-Authenticate headers, one each; else none */
	int challenge_count;
	const char *negotiate;  /* 200: value of a WWW-Authenticate header that proves us to the client; NULL: none */
	const char *set_cookie; /* 200: value of a Set-Cookie header; NULL: none */
	const char *why;        /* not 200: for our log, never for the client */
};

struct auth;
struct auth_waiter;
typedef void auth_fn(void *arg, const struct auth_result *r);

/* ERR_CONFIG says which key is wrong, or which line of a file. */
MUST_CHECK bool auth_new(struct loop *l, const struct auth_config *config, struct auth **ret, struct error *e);

/* Those who wait are not called any more. Not from inside an auth_fn. Takes NULL; returns NULL. */
struct auth *auth_free(struct auth *a);

/*
 * Reads users and tokens anew, and asks for all passwords once more; checks that are under way are repeated
 * with the new file. False: all stays as it was. Blocks on small local files.
 */
MUST_CHECK bool auth_reload(struct auth *a, struct error *e);

/* Name of the header whose value is wanted in auth_request; NULL: none. Borrowed. */
const char *auth_proxy_header(const struct auth *a);

bool auth_is_proxy(const struct auth *a, const char *peer); /* one of proxy_peers? */

/*
 * NULL: fn was called already. Else it will be, once, unless auth_cancel() comes first. The request is only
 * read during the call.
 */
struct auth_waiter *auth_check(struct auth *a, const struct auth_request *r, auth_fn *fn, void *arg);
void auth_cancel(struct auth_waiter *w); /* the client went away */
