/*
 * ldap - does a directory take this name and password? One connection, one simple bind, closed again.
 *
 * Bound is as `uid=<name[@domain]>,<base-dn>`, without a base DN as `name[@domain]`, as Livy does. Servers'
 * certificates are always checked, against the CAs that /etc/ldap/ldap.conf names. Settings never change after they
 * were made, so any thread may ask; it takes at most some multiples of LDAP_TIMEOUT_S.
 */
#pragma once
#include "base/error.h"

enum { LDAP_TIMEOUT_S = 5, LDAP_SERVERS_MAX = 8 };

struct ldap_settings {
	const char *url;     /* "ldap://a ldaps://b": tried in this order */
	const char *base_dn; /* NULL: none */
	const char *domain;  /* put behind names without one; NULL: none */
	bool start_tls;
};

/* ERR_CONFIG: not URLs of ldap, or StartTLS with ldaps. Nobody is asked. */
MUST_CHECK bool ldap_check_settings(const struct ldap_settings *s, struct error *e);

enum ldap_answer { LDAP_RIGHT, LDAP_WRONG, LDAP_AWAY };

/* AWAY: nobody could say; *e has the reason, for the log. `password` is not empty. */
enum ldap_answer ldap_ask(const struct ldap_settings *s, const char *name, const char *password, struct error *e);

/* The DN, or the principal, of a name; false: longer than `size`. */
MUST_CHECK bool ldap_bind_name(const struct ldap_settings *s, const char *name, char *to, size_t size);
