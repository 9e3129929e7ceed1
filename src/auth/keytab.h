/*
 * keytab - what must be so before Kerberos can be spoken: a file of keys that no stranger may read, a service's name,
 * and its key in the file.
 *
 * Asked at the start, once; may ask the resolver for this host's name.
 */
#pragma once
#include "base/error.h"

#define KEYTAB_SERVICE "HTTP" /* what browsers and curl ask tickets for */

/*
 * `principal` is livy.server.auth.kerberos.principal: HTTP/host[@REALM], HTTP/_HOST[@REALM], or NULL, "" or "*" for
 * every key of a service HTTP. *ret_principal is the whole name, NULL for every key; *ret_realm the default realm, ""
 * for none. Both are the caller's. ERR_CONFIG names the key of the configuration.
 */
MUST_CHECK bool keytab_check(const char *principal, const char *path, char **ret_principal, char **ret_realm,
			     struct error *e);
