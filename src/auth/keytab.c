#include "auth/keytab.h"
#include "auth/secretfile.h"
#include "base/str.h"
#include <ctype.h>
#include <krb5.h>
#include <limits.h>
#include <netdb.h>
#include <string.h>

#define HOST_MARK KEYTAB_SERVICE "/_HOST"
#define KEY "livy.server.auth.kerberos."

enum { KEYS_MAX = 100000 /* looked at */, NAME_BYTES_MAX = 1024 };

struct keys {
	krb5_context context;
	krb5_keytab tab;
	krb5_principal wanted; /* NULL: any of the service */
};

static void close_keys(struct keys *k)
{
	if (!k->context)
		return;
	krb5_free_principal(k->context, k->wanted);
	if (k->tab)
		(void)krb5_kt_close(k->context, k->tab);
	krb5_free_context(k->context);
}

static bool failed(struct keys *k, krb5_error_code code, const char *what, struct error *e)
{
	const char *why = krb5_get_error_message(k->context, code);

	(void)error_set(e, ERR_CONFIG, "%s: %.300s", what, why);
	krb5_free_error_message(k->context, why);
	return false;
}

/* The name that clients ask tickets for: this host's whole one, in lower case. */
static bool add_host(struct sbuf *to, struct error *e)
{
	const struct addrinfo hints = { .ai_flags = AI_CANONNAME, .ai_socktype = SOCK_STREAM };
	struct addrinfo *found = NULL;
	char name[HOST_NAME_MAX + 1];

	if (gethostname(name, sizeof name) < 0)
		return error_set(e, ERR_CONFIG, KEY "principal has _HOST, and this host has no name");
	bool known = getaddrinfo(name, NULL, &hints, &found) == 0;
	for (const char *p = known && found->ai_canonname ? found->ai_canonname : name; *p; p++)
		sbuf_addc(to, (char)tolower((unsigned char)*p));
	if (known)
		freeaddrinfo(found);
	return true;
}

static bool take_principal(struct keys *k, const char *text, struct error *e)
{
	_sbuf_ struct sbuf full = SBUF_INIT(NAME_BYTES_MAX);

	if (str_empty(text) || str_eq(text, "*"))
		return true;
	if (!str_starts(text, KEYTAB_SERVICE "/"))
		return error_set(e, ERR_CONFIG,
				 KEY "principal = %.100s: expected HTTP/host@REALM, since HTTP/ is what browsers and "
				     "curl ask tickets for",
				 text);
	if (str_starts(text, HOST_MARK) && strchr("@", text[strlen(HOST_MARK)])) {
		sbuf_adds(&full, KEYTAB_SERVICE "/");
		if (!add_host(&full, e))
			return false;
		text += strlen(HOST_MARK);
	}
	sbuf_adds(&full, text);
	if (!sbuf_ok(&full))
		return error_set(e, ERR_CONFIG, KEY "principal is longer than %d bytes", NAME_BYTES_MAX);
	krb5_error_code code = krb5_parse_name(k->context, sbuf_str(&full), &k->wanted);
	return code == 0 || failed(k, code, KEY "principal", e);
}

static bool is_wanted(const struct keys *k, krb5_const_principal has)
{
	const krb5_data *first = has->length == 2 ? &has->data[0] : NULL;

	if (k->wanted)
		return krb5_principal_compare(k->context, k->wanted, has);
	return first && first->length == strlen(KEYTAB_SERVICE) &&
	       memcmp(first->data, KEYTAB_SERVICE, first->length) == 0;
}

static bool find_key(struct keys *k, bool *ret_found, struct error *e)
{
	krb5_keytab_entry entry;
	krb5_kt_cursor cursor;
	krb5_error_code code = krb5_kt_start_seq_get(k->context, k->tab, &cursor);

	*ret_found = false;
	if (code != 0)
		return failed(k, code, KEY "keytab", e);
	for (int i = 0; i < KEYS_MAX && !*ret_found; i++) {
		code = krb5_kt_next_entry(k->context, k->tab, &entry, &cursor);
		if (code != 0)
			break;
		*ret_found = is_wanted(k, entry.principal);
		(void)krb5_free_keytab_entry_contents(k->context, &entry);
	}
	(void)krb5_kt_end_seq_get(k->context, k->tab, &cursor);
	return code == 0 || code == KRB5_KT_END || failed(k, code, KEY "keytab", e);
}

static char *name_of(struct keys *k)
{
	char *text = NULL, *copy;

	if (!k->wanted || krb5_unparse_name(k->context, k->wanted, &text) != 0)
		return NULL;
	copy = xstrdup(text);
	krb5_free_unparsed_name(k->context, text);
	return copy;
}

static char *default_realm(struct keys *k)
{
	char *text = NULL, *copy;

	if (krb5_get_default_realm(k->context, &text) != 0)
		return xstrdup("");
	copy = xstrdup(text);
	krb5_free_default_realm(k->context, text);
	return copy;
}

static bool open_keys(struct keys *k, const char *path, struct error *e)
{
	_sbuf_ struct sbuf name = SBUF_INIT(PATH_MAX + 8);
	krb5_error_code code = krb5_init_context(&k->context);

	if (code != 0)
		return failed(k, code, "krb5.conf", e);
	if (!secretfile_check(path, e)) {
		e->code = ERR_CONFIG;
		return error_wrap(e, KEY "keytab");
	}
	sbuf_addf(&name, "FILE:%s", path);
	code = krb5_kt_resolve(k->context, sbuf_str(&name), &k->tab);
	return code == 0 || failed(k, code, KEY "keytab", e);
}

bool keytab_check(const char *principal, const char *path, char **ret_principal, char **ret_realm, struct error *e)
{
	_cleanup_(close_keys) struct keys k = { 0 };
	bool found;

	if (!open_keys(&k, path, e) || !take_principal(&k, principal, e) || !find_key(&k, &found, e))
		return false;
	_free_ char *wanted = name_of(&k);
	if (!found)
		return error_set(e, ERR_CONFIG,
				 KEY "keytab: %.150s has no key of %.150s; klist -k shows what it has, kadmin's ktadd "
				     "puts one in",
				 path, wanted ? wanted : "a service HTTP/host");
	*ret_principal = TAKE(wanted);
	*ret_realm = default_realm(&k);
	return true;
}
