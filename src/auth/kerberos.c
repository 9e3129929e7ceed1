#include "auth/kerberos.h"
#include "auth/base64.h"
#include "auth/secretfile.h"
#include "base/str.h"
#include <ctype.h>
#include <gssapi/gssapi_ext.h>
#include <limits.h>
#include <netdb.h>
#include <string.h>

#define SERVICE "HTTP"
#define HOST_MARK SERVICE "/_HOST"

enum { REPLY_MAX = 16 * 1024 /* bytes, encoded */, NAME_MAX_BYTES = 1024 };

static const char ntlm_mark[] = "NTLMSSP"; /* with its NUL */

/* Not from gssapi_krb5.h: it brings krb5.h, which has parameters of a name that we have banned. */
static gss_OID_desc spnego = { 6, (void *)(uintptr_t) "\x2b\x06\x01\x05\x05\x02" };
static gss_OID_desc krb5 = { 9, (void *)(uintptr_t) "\x2a\x86\x48\x86\xf7\x12\x01\x02\x02" };
static gss_OID_desc krb5_name = { 10, (void *)(uintptr_t) "\x2a\x86\x48\x86\xf7\x12\x01\x02\x02\x01" };

struct kerberos {
	char *principal; /* NULL: any HTTP/host of the keytab */
	char *keytab;    /* FILE:/path */
	char *realm;     /* the default one; "": none */
	struct namerules *rules;
};

/* What the GSS-API holds during one question. */
struct talk {
	gss_name_t us, guest;
	gss_cred_id_t key;
	gss_ctx_id_t context;
	gss_buffer_desc reply;
};

static void end_talk(struct talk *t)
{
	OM_uint32 minor;

	(void)gss_release_buffer(&minor, &t->reply);
	(void)gss_delete_sec_context(&minor, &t->context, GSS_C_NO_BUFFER);
	(void)gss_release_cred(&minor, &t->key);
	(void)gss_release_name(&minor, &t->guest);
	(void)gss_release_name(&minor, &t->us);
}

static void add_status(struct sbuf *to, OM_uint32 code, int kind)
{
	gss_buffer_desc text = GSS_C_EMPTY_BUFFER;
	OM_uint32 minor, more = 0;

	if (gss_display_status(&minor, code, kind, GSS_C_NO_OID, &more, &text) == GSS_S_COMPLETE)
		sbuf_addf(to, "%s%.*s", to->len ? ": " : "", (int)text.length, (const char *)text.value);
	(void)gss_release_buffer(&minor, &text);
}

static bool failed(OM_uint32 major, OM_uint32 minor, struct error *e)
{
	_sbuf_ struct sbuf text = SBUF_INIT(2048);

	if (major != GSS_S_FAILURE) /* which only says: see the minor one */
		add_status(&text, major, GSS_C_GSS_CODE);
	if (minor)
		add_status(&text, minor, GSS_C_MECH_CODE);
	return error_set(e, ERR_FORBIDDEN, "Kerberos: %.400s", sbuf_str(&text));
}

static OM_uint32 import_name(const char *text, gss_OID type, gss_name_t *ret, OM_uint32 *minor)
{
	gss_buffer_desc name = { strlen(text), (void *)(uintptr_t)text };

	return gss_import_name(minor, &name, type, ret);
}

/* Our key, for SPNEGO and for a bare Kerberos token, which some clients send. */
static bool take_key(const struct kerberos *k, struct talk *t, struct error *e)
{
	gss_OID_desc mechs[] = { spnego, krb5 };
	gss_OID_set_desc both = { ARRAY_LEN(mechs), mechs }, only_krb5 = { 1, &krb5 };
	gss_key_value_element_desc where = { "keytab", k->keytab };
	gss_key_value_set_desc store = { 1, &where };
	OM_uint32 minor, major;

	/* A service without a host: whichever of the keytab the client has a ticket for. */
	if (k->principal)
		major = import_name(k->principal, &krb5_name, &t->us, &minor);
	else
		major = import_name(SERVICE, GSS_C_NT_HOSTBASED_SERVICE, &t->us, &minor);
	if (major == GSS_S_COMPLETE)
		major = gss_acquire_cred_from(&minor, t->us, GSS_C_INDEFINITE, &both, GSS_C_ACCEPT, &store, &t->key,
					      NULL, NULL);
	if (major == GSS_S_COMPLETE)
		major = gss_set_neg_mechs(&minor, t->key, &only_krb5);
	return major == GSS_S_COMPLETE || failed(major, minor, e);
}

/* --- setting up --- */

/* The name that clients ask tickets for: this host's whole one, in lower case. */
static bool add_host(struct sbuf *to, struct error *e)
{
	const struct addrinfo hints = { .ai_flags = AI_CANONNAME, .ai_socktype = SOCK_STREAM };
	struct addrinfo *found = NULL;
	char name[HOST_NAME_MAX + 1];

	if (gethostname(name, sizeof name) < 0)
		return error_set(e, ERR_CONFIG,
				 "livy.server.auth.kerberos.principal has _HOST, and this host has no name");
	bool known = getaddrinfo(name, NULL, &hints, &found) == 0;
	for (const char *p = known && found->ai_canonname ? found->ai_canonname : name; *p; p++)
		sbuf_addc(to, (char)tolower((unsigned char)*p));
	if (known)
		freeaddrinfo(found);
	return true;
}

static bool set_principal(struct kerberos *k, const char *text, struct error *e)
{
	_sbuf_ struct sbuf full = SBUF_INIT(NAME_MAX_BYTES);

	if (str_empty(text) || str_eq(text, "*"))
		return true;
	if (!str_starts(text, SERVICE "/"))
		return error_set(e, ERR_CONFIG,
				 "livy.server.auth.kerberos.principal = %.100s: expected HTTP/host@REALM, since HTTP/ "
				 "is what browsers and curl ask tickets for",
				 text);
	if (str_starts(text, HOST_MARK) && strchr("@", text[strlen(HOST_MARK)])) {
		sbuf_adds(&full, SERVICE "/");
		if (!add_host(&full, e))
			return false;
		text += strlen(HOST_MARK);
	}
	sbuf_adds(&full, text);
	if (!sbuf_ok(&full))
		return error_set(e, ERR_CONFIG, "livy.server.auth.kerberos.principal is longer than %d bytes",
				 NAME_MAX_BYTES);
	k->principal = sbuf_take(&full);
	return true;
}

/* What krb5 puts behind a name that has no realm. */
static char *find_default_realm(void)
{
	_cleanup_(end_talk) struct talk t = { 0 };
	gss_buffer_desc text = GSS_C_EMPTY_BUFFER;
	OM_uint32 minor, major = import_name("x", &krb5_name, &t.us, &minor);
	char *realm;

	if (major == GSS_S_COMPLETE)
		major = gss_canonicalize_name(&minor, t.us, &krb5, &t.guest);
	if (major == GSS_S_COMPLETE)
		(void)gss_display_name(&minor, t.guest, &text, NULL);
	realm = text.length > 2 ? strndup((const char *)text.value + 2, text.length - 2) : xstrdup("");
	(void)gss_release_buffer(&minor, &text);
	return realm;
}

static bool set_up(struct kerberos *k, const char *principal, const char *keytab, const char *name_rules,
		   struct error *e)
{
	_cleanup_(end_talk) struct talk t = { 0 };
	_sbuf_ struct sbuf name = SBUF_INIT(PATH_MAX + 8);

	if (!namerules_parse(name_rules, &k->rules, e))
		return error_wrap(e, "livy.server.auth.kerberos.name-rules");
	if (!set_principal(k, principal, e))
		return false;
	if (!secretfile_check(keytab, e)) {
		e->code = ERR_CONFIG;
		return error_wrap(e, "livy.server.auth.kerberos.keytab");
	}
	sbuf_addf(&name, "FILE:%s", keytab);
	k->keytab = sbuf_take(&name);
	k->realm = find_default_realm();
	if (take_key(k, &t, e))
		return true;
	e->code = ERR_CONFIG;
	return error_wrap(e,
			  "livy.server.auth.kerberos.keytab = %.150s: no key of %.150s (klist -k shows what it has, "
			  "kadmin's ktadd puts one in)",
			  keytab, k->principal ? k->principal : "a service HTTP/host");
}

bool kerberos_new(const char *principal, const char *keytab, const char *name_rules, struct kerberos **ret,
		  struct error *e)
{
	struct kerberos *k = xcalloc(1, sizeof *k);

	if (!set_up(k, principal, keytab, name_rules, e)) {
		k = kerberos_free(k);
		return false;
	}
	*ret = k;
	return true;
}

struct kerberos *kerberos_free(struct kerberos *k)
{
	if (!k)
		return NULL;
	k->rules = namerules_free(k->rules);
	free(k->principal);
	free(k->keytab);
	free(k->realm);
	free(k);
	return NULL;
}

/* --- asking --- */

static bool take_name(struct talk *t, struct kerberos_guest *ret, struct error *e)
{
	gss_buffer_desc text = GSS_C_EMPTY_BUFFER;
	OM_uint32 minor, major = gss_display_name(&minor, t->guest, &text, NULL);
	bool fits = text.length <= PRINCIPAL_MAX && !memchr(text.value ? text.value : "", '\0', text.length);

	if (major != GSS_S_COMPLETE)
		(void)failed(major, minor, e);
	else if (!fits)
		(void)error_set(e, ERR_FORBIDDEN, "the principal is longer than %d bytes", PRINCIPAL_MAX);
	else
		(void)snprintf(ret->principal, sizeof ret->principal, "%.*s", (int)text.length,
			       (const char *)text.value);
	(void)gss_release_buffer(&minor, &text);
	return major == GSS_S_COMPLETE && fits;
}

static bool step(struct talk *t, const char *token, size_t n, struct kerberos_guest *ret, struct error *e)
{
	gss_buffer_desc in = { n, (void *)(uintptr_t)token };
	OM_uint32 minor, flags = 0, lifetime_s = 0;
	OM_uint32 major = gss_accept_sec_context(&minor, &t->context, t->key, &in, GSS_C_NO_CHANNEL_BINDINGS, &t->guest,
						 NULL, &t->reply, &flags, &lifetime_s, NULL);

	ret->lifetime_s = lifetime_s;
	if (GSS_ERROR(major))
		(void)failed(major, minor, e);
	else if (major & GSS_S_CONTINUE_NEEDED)
		(void)error_set(e, ERR_FORBIDDEN,
				"Kerberos: the client's first choice is another mechanism, and this takes one step");
	else if (flags & GSS_C_ANON_FLAG)
		(void)error_set(e, ERR_FORBIDDEN, "Kerberos: an anonymous ticket");
	else
		return true;
	return false;
}

enum kerberos_answer kerberos_accept(const struct kerberos *k, const char *token, size_t n, struct kerberos_guest *ret,
				     struct error *e)
{
	_cleanup_(end_talk) struct talk t = { 0 };
	_sbuf_ struct sbuf reply = SBUF_INIT(REPLY_MAX);

	if (n >= sizeof ntlm_mark && memcmp(token, ntlm_mark, sizeof ntlm_mark) == 0) {
		(void)error_set(e, ERR_FORBIDDEN, "Kerberos: an NTLM token; the client has no ticket for this host");
		return KERBEROS_WRONG;
	}
	if (!take_key(k, &t, e))
		return KERBEROS_AWAY;
	if (!step(&t, token, n, ret, e) || !take_name(&t, ret, e) ||
	    !namerules_apply(k->rules, ret->principal, k->realm, ret->user, sizeof ret->user, e))
		return KERBEROS_WRONG;
	base64_encode(t.reply.value, t.reply.length, &reply);
	if (reply.len && sbuf_ok(&reply))
		ret->reply = sbuf_take(&reply);
	return KERBEROS_RIGHT;
}
