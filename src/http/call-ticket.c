/*
 * A Kerberos ticket for a call, as the token of one SPNEGO round. Made on the pool, since a KDC and a name server are
 * asked.
 */
#include "base/base64.h"
#include "http/call-priv.h"
#include <gssapi/gssapi_ext.h>
#include <string.h>

enum { TOKEN_MAX = 64 * 1024 /* bytes, encoded */, STATUS_MAX = 400 };

struct call_ticket {
	struct http_call *call; /* NULL: nobody waits any more */
	char *service;          /* HTTP@host */
	char *ccache, *keytab;  /* NULL: the environment's */
	char *token;            /* NULL: none, e says why */
	struct error e;
};

/* What the GSS-API holds meanwhile. */
struct talk {
	gss_name_t server;
	gss_cred_id_t us;
	gss_ctx_id_t context;
	gss_buffer_desc token;
};

static void end_talk(struct talk *t)
{
	OM_uint32 minor;

	(void)gss_release_buffer(&minor, &t->token);
	(void)gss_delete_sec_context(&minor, &t->context, GSS_C_NO_BUFFER);
	(void)gss_release_cred(&minor, &t->us);
	(void)gss_release_name(&minor, &t->server);
}

static bool failed(OM_uint32 major, OM_uint32 minor, struct error *e)
{
	gss_buffer_desc text = GSS_C_EMPTY_BUFFER;
	OM_uint32 ignored, more = 0;

	if (gss_display_status(&ignored, minor ? minor : major, minor ? GSS_C_MECH_CODE : GSS_C_GSS_CODE, GSS_C_NO_OID,
			       &more, &text) == GSS_S_COMPLETE)
		(void)error_set(e, ERR_FORBIDDEN, "Kerberos: %.*s",
				text.length < STATUS_MAX ? (int)text.length : STATUS_MAX, (const char *)text.value);
	else
		(void)error_set(e, ERR_FORBIDDEN, "Kerberos: error %u", (unsigned)minor);
	(void)gss_release_buffer(&ignored, &text);
	return false;
}

static OM_uint32 find_us(const struct call_ticket *ticket, gss_OID mech, struct talk *t, OM_uint32 *minor)
{
	gss_OID_set_desc mechs = { 1, mech };
	gss_key_value_element_desc where[2];
	gss_key_value_set_desc store = { 0, where };

	if (ticket->ccache)
		where[store.count++] = (gss_key_value_element_desc){ "ccache", ticket->ccache };
	if (ticket->keytab)
		where[store.count++] = (gss_key_value_element_desc){ "client_keytab", ticket->keytab };
	if (store.count == 0)
		return GSS_S_COMPLETE;
	return gss_acquire_cred_from(minor, GSS_C_NO_NAME, GSS_C_INDEFINITE, &mechs, GSS_C_INITIATE, &store, &t->us,
				     NULL, NULL);
}

static bool make_token(const struct call_ticket *ticket, struct talk *t, struct error *e)
{
	static gss_OID_desc spnego = { 6, (void *)(uintptr_t) "\x2b\x06\x01\x05\x05\x02" };
	gss_buffer_desc service = { strlen(ticket->service), ticket->service };
	OM_uint32 minor = 0, major = gss_import_name(&minor, &service, GSS_C_NT_HOSTBASED_SERVICE, &t->server);

	if (major == GSS_S_COMPLETE)
		major = find_us(ticket, &spnego, t, &minor);
	if (major == GSS_S_COMPLETE)
		major = gss_init_sec_context(&minor, t->us, &t->context, t->server, &spnego, 0, 0,
					     GSS_C_NO_CHANNEL_BINDINGS, GSS_C_NO_BUFFER, NULL, &t->token, NULL, NULL);
	if (GSS_ERROR(major))
		return failed(major, minor, e);
	return t->token.length > 0 || error_set(e, ERR_FORBIDDEN, "Kerberos: an empty token");
}

static void run(void *arg)
{
	struct call_ticket *ticket = arg;
	struct talk talk = { 0 };
	_sbuf_ struct sbuf text = SBUF_INIT(TOKEN_MAX);

	if (make_token(ticket, &talk, &ticket->e)) {
		base64_encode(talk.token.value, talk.token.length, &text);
		if (sbuf_ok(&text))
			ticket->token = sbuf_take(&text);
		else
			(void)error_set(&ticket->e, ERR_FORBIDDEN, "Kerberos: a ticket of more than %d bytes",
					TOKEN_MAX);
	}
	end_talk(&talk);
}

char *call_token_free(char *token)
{
	if (token)
		explicit_bzero(token, strlen(token));
	free(token);
	return NULL;
}

static void done(void *arg)
{
	struct call_ticket *ticket = arg;

	if (ticket->call)
		call_got_ticket(ticket->call, TAKE(ticket->token), &ticket->e);
	ticket->token = call_token_free(ticket->token);
	free(ticket->service);
	free(ticket->ccache);
	free(ticket->keytab);
	free(ticket);
}

struct call_ticket *call_ticket_fetch(struct http_call *call)
{
	struct call_ticket *ticket = xcalloc(1, sizeof *ticket);
	_sbuf_ struct sbuf service = SBUF_INIT(HTTP_CALL_URL_MAX);
	const char *host = strstr(call->origin, "://") + 3;

	sbuf_addf(&service, "HTTP@%.*s", (int)(strrchr(host, ':') - host), host);
	ticket->call = call;
	ticket->service = sbuf_take(&service);
	ticket->ccache = xstrdup(call->owner->o.ccache);
	ticket->keytab = xstrdup(call->owner->o.keytab);
	loop_work(call->owner->loop, run, done, ticket);
	return ticket;
}

struct call_ticket *call_ticket_forget(struct call_ticket *t)
{
	if (t)
		t->call = NULL;
	return NULL;
}
