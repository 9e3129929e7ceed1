#include "auth/kerberos.h"
#include "base/base64.h"
#include "auth/keytab.h"
#include "base/str.h"
#include <gssapi/gssapi_ext.h>
#include <limits.h>
#include <string.h>

enum { REPLY_MAX = 16 * 1024 /* bytes, encoded */ };

static const char ntlm_mark[] = "NTLMSSP"; /* with its NUL */

struct kerberos {
	char *principal; /* NULL: any HTTP/host of the keytab */
	char *keytab;    /* FILE:/path */
	char *realm;     /* the default one; "": none */
	struct namerules *rules;
};

/* What the GSS-API holds during one question. */
struct talk {
	gss_cred_id_t keys;
	gss_name_t us, guest;
	gss_ctx_id_t context;
	gss_buffer_desc reply;
};

static void end_talk(struct talk *t)
{
	OM_uint32 minor;

	(void)gss_release_buffer(&minor, &t->reply);
	(void)gss_delete_sec_context(&minor, &t->context, GSS_C_NO_BUFFER);
	(void)gss_release_cred(&minor, &t->keys);
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

/*
 * All keys of the keytab, for SPNEGO and for a bare Kerberos token, which some clients send. Not those of our name
 * only: the library leaks a name whenever there are none.
 */
static bool take_keys(const struct kerberos *k, struct talk *t, struct error *e)
{
	static gss_OID_desc mechs[] = { { 6, (void *)(uintptr_t) "\x2b\x06\x01\x05\x05\x02" },
					{ 9, (void *)(uintptr_t) "\x2a\x86\x48\x86\xf7\x12\x01\x02\x02" } };
	gss_OID_set_desc both = { ARRAY_LEN(mechs), mechs }, only_krb5 = { 1, &mechs[1] };
	gss_key_value_element_desc where = { "keytab", k->keytab };
	gss_key_value_set_desc store = { 1, &where };
	OM_uint32 minor, major = gss_acquire_cred_from(&minor, GSS_C_NO_NAME, GSS_C_INDEFINITE, &both, GSS_C_ACCEPT,
						       &store, &t->keys, NULL, NULL);

	if (major == GSS_S_COMPLETE)
		major = gss_set_neg_mechs(&minor, t->keys, &only_krb5);
	return major == GSS_S_COMPLETE || failed(major, minor, e);
}

bool kerberos_new(const char *principal, const char *keytab, const char *name_rules, struct kerberos **ret,
		  struct error *e)
{
	_sbuf_ struct sbuf name = SBUF_INIT(PATH_MAX + 8);
	struct kerberos *k = xcalloc(1, sizeof *k);

	if (!namerules_parse(name_rules, &k->rules, e)) {
		k = kerberos_free(k);
		return error_wrap(e, "livy.server.auth.kerberos.name-rules");
	}
	if (!keytab_check(principal, keytab, &k->principal, &k->realm, e)) {
		k = kerberos_free(k);
		return false;
	}
	sbuf_addf(&name, "FILE:%s", keytab);
	k->keytab = sbuf_take(&name);
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

static bool show_name(gss_name_t name, char to[PRINCIPAL_MAX + 1], struct error *e)
{
	gss_buffer_desc text = GSS_C_EMPTY_BUFFER;
	OM_uint32 minor, major = gss_display_name(&minor, name, &text, NULL);
	bool fits = text.length <= PRINCIPAL_MAX && !memchr(text.value ? text.value : "", '\0', text.length);

	if (major != GSS_S_COMPLETE)
		(void)failed(major, minor, e);
	else if (!fits)
		(void)error_set(e, ERR_FORBIDDEN, "Kerberos: a principal is longer than %d bytes", PRINCIPAL_MAX);
	else
		(void)snprintf(to, PRINCIPAL_MAX + 1, "%.*s", (int)text.length, (const char *)text.value);
	(void)gss_release_buffer(&minor, &text);
	return major == GSS_S_COMPLETE && fits;
}

/* Was the ticket for our name, and not for another service that has its key in the same file? */
static bool check_us(const struct kerberos *k, struct talk *t, struct error *e)
{
	char us[PRINCIPAL_MAX + 1];
	OM_uint32 minor, major = gss_inquire_context(&minor, t->context, NULL, &t->us, NULL, NULL, NULL, NULL, NULL);

	if (major != GSS_S_COMPLETE)
		return failed(major, minor, e);
	if (!show_name(t->us, us, e))
		return false;
	return (k->principal ? str_eq(us, k->principal) : str_starts(us, KEYTAB_SERVICE "/")) ||
	       error_set(e, ERR_FORBIDDEN, "Kerberos: a ticket for %.200s, which is not our name", us);
}

static bool step(struct talk *t, const char *token, size_t n, struct kerberos_guest *ret, struct error *e)
{
	gss_buffer_desc in = { n, (void *)(uintptr_t)token };
	OM_uint32 minor, flags = 0, lifetime_s = 0;
	OM_uint32 major = gss_accept_sec_context(&minor, &t->context, t->keys, &in, GSS_C_NO_CHANNEL_BINDINGS,
						 &t->guest, NULL, &t->reply, &flags, &lifetime_s, NULL);

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
	if (!take_keys(k, &t, e))
		return KERBEROS_AWAY;
	if (!step(&t, token, n, ret, e) || !check_us(k, &t, e) || !show_name(t.guest, ret->principal, e) ||
	    !namerules_apply(k->rules, ret->principal, k->realm, ret->user, sizeof ret->user, e))
		return KERBEROS_WRONG;
	base64_encode(t.reply.value, t.reply.length, &reply);
	if (reply.len && sbuf_ok(&reply))
		ret->reply = sbuf_take(&reply);
	return KERBEROS_RIGHT;
}
