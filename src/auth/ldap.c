#include "auth/ldap.h"
#include "base/sbuf.h"
#include "base/str.h"
#include <ldap.h>
#include <string.h>
#include <sys/time.h>

enum { BIND_NAME_MAX = 4096, URL_MAX = 512 };

static bool check_url(const struct ldap_settings *s, const char *url, struct error *e)
{
	LDAPURLDesc *u = NULL;
	bool ok = ldap_url_parse(url, &u) == LDAP_URL_SUCCESS && u->lud_host && u->lud_host[0];
	bool plain = ok && str_eq(u->lud_scheme, "ldap"), tls = ok && str_eq(u->lud_scheme, "ldaps");

	ldap_free_urldesc(u);
	if (!plain && !tls)
		return error_set(e, ERR_CONFIG,
				 "livy.server.auth.ldap.url: expected ldap://HOST[:PORT] or ldaps://HOST[:PORT], "
				 "not %.80s",
				 url);
	if (s->start_tls && tls)
		return error_set(e, ERR_CONFIG,
				 "livy.server.auth.ldap.enable-start-tls is for ldap://; ldaps:// is encrypted from "
				 "the start");
	return true;
}

bool ldap_check_settings(const struct ldap_settings *s, struct error *e)
{
	char url[URL_MAX];
	int count = 0;

	for (const char *p = s->url ? s->url : ""; p += strspn(p, ", "), *p; count++) {
		size_t n = strcspn(p, ", ");

		(void)snprintf(url, sizeof url, "%.*s", (int)n, p);
		if (!check_url(s, url, e))
			return false;
		if (count == LDAP_SERVERS_MAX)
			return error_set(e, ERR_CONFIG, "livy.server.auth.ldap.url: more than %d servers",
					 LDAP_SERVERS_MAX);
		p += n;
	}
	return count > 0 || error_set(e, ERR_CONFIG, "livy.server.auth.ldap.url is not set");
}

/* The value of an attribute inside a DN (RFC 4514). */
static void add_dn_value(struct sbuf *to, const char *value)
{
	for (; *value; value++) {
		if (strchr(",+\"\\<>;=# ", *value))
			sbuf_addf(to, "\\%02x", (unsigned)(unsigned char)*value);
		else
			sbuf_addc(to, *value);
	}
}

/* Has the name a domain of its own, as user@domain or DOMAIN\user? */
static bool has_domain(const char *name)
{
	return strpbrk(name, "@\\/") != NULL;
}

bool ldap_bind_name(const struct ldap_settings *s, const char *name, char *to, size_t size)
{
	_sbuf_ struct sbuf principal = SBUF_INIT(BIND_NAME_MAX), all = SBUF_INIT(BIND_NAME_MAX);

	sbuf_adds(&principal, name);
	if (!str_empty(s->domain) && !has_domain(name))
		sbuf_addf(&principal, "@%s", s->domain);
	if (!str_empty(s->base_dn)) {
		sbuf_adds(&all, "uid=");
		add_dn_value(&all, sbuf_str(&principal));
		sbuf_addf(&all, ",%s", s->base_dn);
	} else {
		sbuf_adds(&all, sbuf_str(&principal));
	}
	if (!sbuf_ok(&principal) || !sbuf_ok(&all) || all.len >= size)
		return false;
	memcpy(to, all.data, all.len + 1);
	return true;
}

/* A context of its own does not inherit the CAs that ldap.conf names. */
static bool take_cas(LDAP *ld)
{
	static const int options[] = { LDAP_OPT_X_TLS_CACERTFILE, LDAP_OPT_X_TLS_CACERTDIR };
	bool ok = true;

	for (size_t i = 0; i < ARRAY_LEN(options); i++) {
		char *path = NULL;

		if (ldap_get_option(NULL, options[i], &path) == LDAP_OPT_SUCCESS && path)
			ok = ok && ldap_set_option(ld, options[i], path) == LDAP_OPT_SUCCESS;
		ldap_memfree(path);
	}
	return ok;
}

static bool set_options(LDAP *ld)
{
	const struct timeval limit = { .tv_sec = LDAP_TIMEOUT_S };
	const int version = LDAP_VERSION3, demand = LDAP_OPT_X_TLS_DEMAND, client = 0;

	return ldap_set_option(ld, LDAP_OPT_PROTOCOL_VERSION, &version) == LDAP_OPT_SUCCESS &&
	       ldap_set_option(ld, LDAP_OPT_NETWORK_TIMEOUT, &limit) == LDAP_OPT_SUCCESS &&
	       ldap_set_option(ld, LDAP_OPT_TIMEOUT, &limit) == LDAP_OPT_SUCCESS &&
	       ldap_set_option(ld, LDAP_OPT_RESTART, LDAP_OPT_ON) == LDAP_OPT_SUCCESS &&
	       /* whatever an ldaprc of the account that runs us says */
	       ldap_set_option(ld, LDAP_OPT_X_TLS_REQUIRE_CERT, &demand) == LDAP_OPT_SUCCESS && take_cas(ld) &&
	       ldap_set_option(ld, LDAP_OPT_X_TLS_NEWCTX, &client) == LDAP_OPT_SUCCESS;
}

static void tell_why(LDAP *ld, int rc, struct error *e)
{
	char *more = NULL; /* such as what was wrong with a certificate */

	(void)ldap_get_option(ld, LDAP_OPT_DIAGNOSTIC_MESSAGE, &more);
	(void)error_set(e, ERR_UNAVAILABLE, "the directory: %s%s%.200s", ldap_err2string(rc), more && *more ? ": " : "",
			more ? more : "");
	ldap_memfree(more);
}

static enum ldap_answer bind_once(LDAP *ld, const struct ldap_settings *s, const char *who, const char *password,
				  struct error *e)
{
	char *copy = xstrdup(password);
	struct berval secret = { .bv_val = copy, .bv_len = strlen(copy) };
	int rc = s->start_tls ? ldap_start_tls_s(ld, NULL, NULL) : LDAP_SUCCESS;

	if (rc == LDAP_SUCCESS)
		rc = ldap_sasl_bind_s(ld, who, LDAP_SASL_SIMPLE, &secret, NULL, NULL, NULL);
	explicit_bzero(copy, secret.bv_len);
	free(copy);
	switch (rc) {
	case LDAP_SUCCESS:
		return LDAP_RIGHT;
	case LDAP_INVALID_CREDENTIALS:
	case LDAP_NO_SUCH_OBJECT:
	case LDAP_INVALID_DN_SYNTAX:
	case LDAP_INAPPROPRIATE_AUTH:
	case LDAP_UNWILLING_TO_PERFORM: /* an account that is locked */
	case LDAP_CONSTRAINT_VIOLATION: /* the same, by a policy */
		return LDAP_WRONG;
	default:
		tell_why(ld, rc, e);
		return LDAP_AWAY;
	}
}

enum ldap_answer ldap_ask(const struct ldap_settings *s, const char *name, const char *password, struct error *e)
{
	char who[BIND_NAME_MAX];
	LDAP *ld = NULL;

	/* RFC 4513 5.1.2: a bind without a password succeeds and proves nothing. */
	if (str_empty(password) || !ldap_bind_name(s, name, who, sizeof who))
		return LDAP_WRONG;
	if (ldap_initialize(&ld, s->url) != LDAP_SUCCESS || !set_options(ld)) {
		(void)error_set(e, ERR_INTERNAL, "the directory's library refuses its settings");
		if (ld)
			(void)ldap_unbind_ext_s(ld, NULL, NULL);
		return LDAP_AWAY;
	}
	enum ldap_answer answer = bind_once(ld, s, who, password, e);
	(void)ldap_unbind_ext_s(ld, NULL, NULL);
	return answer;
}
