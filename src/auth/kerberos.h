/*
 * kerberos - does this token of a client hold a ticket for us, and who is he? SPNEGO and Kerberos by MIT's GSS-API, in
 * one step.
 *
 * A token that is right once is refused the second time: krb5's replay cache (a file in /var/tmp, or where
 * KRB5RCACHENAME says) remembers it for as long as it would be good. The keytab is opened for each token, so a new one
 * is taken at once. Never changes after it was made: any thread may ask; it blocks on local files only.
 */
#pragma once
#include "auth/authorization.h"
#include "auth/namerules.h"
#include <stdint.h>

enum { KERBEROS_TOKEN_MAX = 48 * 1024 }; /* bytes; Windows makes none larger */

struct kerberos;

/* As auth_config has them; NULL: not set. ERR_CONFIG names the key. */
MUST_CHECK bool kerberos_new(const char *principal, const char *keytab, const char *name_rules, struct kerberos **ret,
			     struct error *e);
struct kerberos *kerberos_free(struct kerberos *k); /* takes NULL; returns NULL */

enum kerberos_answer { KERBEROS_RIGHT, KERBEROS_WRONG, KERBEROS_AWAY };

struct kerberos_guest {
	char user[AUTH_NAME_MAX + 1];      /* by the name rules */
	char principal[PRINCIPAL_MAX + 1]; /* as Kerberos has it */
	char *reply;                       /* the token by which we prove ourselves, base64; the caller's; NULL: none */
	int64_t lifetime_s;                /* of his ticket */
};

/* AWAY: we cannot say, such as without our keytab. *e has the reason, for the log, unless RIGHT. */
enum kerberos_answer kerberos_accept(const struct kerberos *k, const char *token, size_t n, struct kerberos_guest *ret,
				     struct error *e);
