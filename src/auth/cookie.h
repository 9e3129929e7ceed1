/*
 * cookie - hadoop.auth: who proved himself by Kerberos need not do so again for a while.
 *
 *     hadoop.auth="u=alice&p=alice@EXAMPLE.COM&t=kerberos&e=1767225600000&s=<base64>"
 *
 * As Hadoop writes it, but signed with the process's own random key: it dies with the process, and no other server's
 * is taken. Times are of the wall clock. One thread per mac.
 */
#pragma once
#include "auth/authorization.h"
#include "auth/secret.h"
#include "base/sbuf.h"

enum { COOKIE_MAX = 2 * 1024 }; /* bytes of the value; browsers keep 4096 */

/* Appends the value of a Set-Cookie header. False: these names have characters that may not stand in a cookie. */
MUST_CHECK bool cookie_make(struct mac *m, const char *user, const char *principal, int64_t expires_wall_ms,
			    bool only_tls, struct sbuf *to);

/* The user of the cookie in a Cookie header. False: none, several, not ours, too old; all is one to the caller. */
MUST_CHECK bool cookie_read(struct mac *m, const char *header, int64_t now_wall_ms, char user[AUTH_NAME_MAX + 1]);
