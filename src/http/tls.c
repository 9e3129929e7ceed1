#include "http/tls.h"
#include "base/clock.h"
#include "base/fdio.h"
#include "base/log.h"
#include "base/privatefile.h"
#include "base/str.h"
#include "http/gate.h"
#include <fcntl.h>
#include <gnutls/abstract.h>
#include <gnutls/x509.h>
#include <string.h>
#include <time.h>

enum { EXPIRY_WARN_S = 14 * 24 * 3600 };

/* What a session begins with; held by the server for those to come and by each session that has it. */
struct keys {
	int holders;
	gnutls_certificate_credentials_t credentials;
	gnutls_datum_t ticket_key; /* empty: no tickets */
	bool ask_client;
};

struct tls {
	const struct http_tls_files *files;
	struct keys *keys;
	struct MHD_OptionItem options[3];
};

struct tls_session {
	gnutls_session_t session;
	struct keys *keys;
};

/* --- files --- */

static void wipe(struct sbuf *b)
{
	if (b->data)
		explicit_bzero(b->data, b->cap);
	sbuf_done(b);
}
#define _secret_ _cleanup_(wipe)

struct chain {
	gnutls_x509_crt_t *certificates; /* the server's own first */
	unsigned count;
};

static void chain_done(struct chain *c)
{
	for (unsigned i = 0; i < c->count; i++)
		gnutls_x509_crt_deinit(c->certificates[i]);
	gnutls_free(c->certificates);
}

static void privkey_done(gnutls_x509_privkey_t *k)
{
	gnutls_x509_privkey_deinit(*k);
}

static gnutls_datum_t datum_of(const struct sbuf *text)
{
	return (gnutls_datum_t){ (unsigned char *)text->data, (unsigned)text->len };
}

static bool refused_file(const char *option, struct error *e)
{
	e->code = ERR_CONFIG;
	return error_wrap(e, "%s", option);
}

static bool read_key_file(const char *option, const char *path, struct sbuf *to, struct error *e)
{
	struct stat st;

	return privatefile_read(path, PRIVATEFILE_TRUST, to, &st, e) || refused_file(option, e);
}

static bool parse_chain(const char *path, const struct sbuf *pem, struct chain *ret, struct error *e)
{
	gnutls_datum_t text = datum_of(pem);
	int rc = gnutls_x509_crt_list_import2(&ret->certificates, &ret->count, &text, GNUTLS_X509_FMT_PEM,
					      GNUTLS_X509_CRT_LIST_SORT);

	if (rc < 0)
		return error_set(e, ERR_CONFIG,
				 "florus.tls.cert: %s holds no certificate that can be read, as PEM (-----BEGIN "
				 "CERTIFICATE-----): %s",
				 path, gnutls_strerror(rc));
	if (ret->count > TLS_CHAIN_MAX)
		return error_set(e, ERR_CONFIG, "florus.tls.cert: %s is a chain of more than %d certificates", path,
				 TLS_CHAIN_MAX);
	return true;
}

static bool parse_key(const char *option, const char *path, const struct sbuf *pem, gnutls_x509_privkey_t *ret,
		      struct error *e)
{
	gnutls_datum_t text = datum_of(pem);
	int rc = gnutls_x509_privkey_init(ret);

	if (rc == 0)
		rc = gnutls_x509_privkey_import2(*ret, &text, GNUTLS_X509_FMT_PEM, NULL, 0);
	if (rc == GNUTLS_E_DECRYPTION_FAILED)
		return error_set(
			e, ERR_CONFIG,
			"%s: the key in %s is encrypted, and nobody is there to type its password; take it off "
			"with: openssl pkey -in %s -out NEW-FILE",
			option, path, path);
	if (rc < 0)
		return error_set(e, ERR_CONFIG,
				 "%s: %s holds no private key that can be read, as PEM (-----BEGIN PRIVATE KEY-----): "
				 "%s",
				 option, path, gnutls_strerror(rc));
	return true;
}

/* A certificate that is out of date is served: some clients do not mind, and all others say so themselves. */
static void tell_validity(const char *path, gnutls_x509_crt_t certificate)
{
	time_t begin = gnutls_x509_crt_get_activation_time(certificate), now = time(NULL);
	time_t end = gnutls_x509_crt_get_expiration_time(certificate);
	char begin_text[32], end_text[32];

	clock_rfc3339((int64_t)begin * 1000, begin_text, sizeof begin_text);
	clock_rfc3339((int64_t)end * 1000, end_text, sizeof end_text);
	const char *what = end < now                   ? "the TLS certificate has expired: clients will refuse it"
			   : begin > now               ? "the TLS certificate is not valid yet: clients will refuse it"
			   : end - now < EXPIRY_WARN_S ? "the TLS certificate expires soon: renew it and send SIGHUP"
						       : NULL;

	if (what)
		log_warn(what, LOG_STR("file", path), LOG_STR("from", begin_text), LOG_STR("until", end_text));
	else
		log_info("TLS certificate", LOG_STR("file", path), LOG_STR("until", end_text));
}

static bool load_pair(const struct http_tls_files *f, struct keys *k, struct error *e)
{
	_cleanup_(chain_done) struct chain chain = { 0 };
	_cleanup_(privkey_done) gnutls_x509_privkey_t key = NULL;
	_secret_ struct sbuf cert_pem = SBUF_INIT(TLS_PEM_MAX), key_pem = SBUF_INIT(TLS_PEM_MAX);
	bool both = str_empty(f->key); /* in one file */
	const char *key_option = both ? "florus.tls.cert" : "florus.tls.key", *key_path = both ? f->cert : f->key;

	if (!read_key_file(key_option, key_path, &key_pem, e) || !parse_key(key_option, key_path, &key_pem, &key, e))
		return false;
	if (!both && !fdio_read_file(AT_FDCWD, f->cert, &cert_pem, e))
		return refused_file("florus.tls.cert", e);
	if (!parse_chain(f->cert, both ? &key_pem : &cert_pem, &chain, e))
		return false;
	int rc = gnutls_certificate_set_x509_key(k->credentials, chain.certificates, (int)chain.count, key);
	if (rc == GNUTLS_E_CERTIFICATE_KEY_MISMATCH)
		return error_set(e, ERR_CONFIG, "%s: the key in %s does not belong to the certificate in %s",
				 key_option, key_path, f->cert);
	if (rc < 0)
		return error_set(e, ERR_CONFIG, "florus.tls.cert: %s: %s", f->cert, gnutls_strerror(rc));
	tell_validity(f->cert, chain.certificates[0]);
	return true;
}

static bool load_client_ca(const char *path, struct keys *k, struct error *e)
{
	_sbuf_ struct sbuf pem = SBUF_INIT(TLS_PEM_MAX);

	if (str_empty(path))
		return true;
	if (!fdio_read_file(AT_FDCWD, path, &pem, e))
		return refused_file("florus.tls.client-ca", e);
	gnutls_datum_t text = datum_of(&pem);
	int rc = gnutls_certificate_set_x509_trust_mem(k->credentials, &text, GNUTLS_X509_FMT_PEM);
	if (rc <= 0)
		return error_set(e, ERR_CONFIG, "florus.tls.client-ca: %s holds no certificate in PEM form: %s", path,
				 gnutls_strerror(rc));
	k->ask_client = true;
	return true;
}

/* --- keys --- */

static struct keys *keys_release(struct keys *k)
{
	if (!k || --k->holders > 0)
		return NULL;
	if (k->credentials)
		gnutls_certificate_free_credentials(k->credentials);
	gnutls_memset(k->ticket_key.data, 0, k->ticket_key.size);
	gnutls_free(k->ticket_key.data);
	free(k);
	return NULL;
}

static void keys_releasep(struct keys **k)
{
	*k = keys_release(*k);
}

/*
 * Every load has a ticket key of its own, so that a resumed session never outlives the certificate it was begun with
 * by a reload. With client certificates there are no tickets: each connection shows its certificate.
 */
static bool keys_load(const struct http_tls_files *f, struct keys **ret, struct error *e)
{
	_cleanup_(keys_releasep) struct keys *k = xcalloc(1, sizeof *k);
	int rc = gnutls_certificate_allocate_credentials(&k->credentials);

	k->holders = 1;
	if (rc < 0)
		return error_set(e, ERR_INTERNAL, "TLS: %s", gnutls_strerror(rc));
	if (!load_pair(f, k, e) || !load_client_ca(f->client_ca, k, e))
		return false;
	if (!k->ask_client)
		rc = gnutls_session_ticket_key_generate(&k->ticket_key);
	if (rc < 0)
		return error_set(e, ERR_INTERNAL, "TLS: a key for tickets: %s", gnutls_strerror(rc));
	*ret = TAKE(k);
	return true;
}

/* --- the server --- */

/* For a session that was not prepared: without a certificate there is no handshake. */
static int no_certificate(gnutls_session_t session, const gnutls_datum_t *issuers, int issuer_count,
			  const gnutls_pk_algorithm_t *algorithms, int algorithm_count, gnutls_pcert_st **certificates,
			  unsigned *certificate_count, gnutls_privkey_t *key)
{
	(void)session, (void)issuers, (void)issuer_count, (void)algorithms, (void)algorithm_count;
	(void)certificates, (void)certificate_count, (void)key;
	return -1;
}

static bool check_priorities(const char *text, struct error *e)
{
	gnutls_priority_t parsed;
	const char *at = NULL;
	int rc = gnutls_priority_init2(&parsed, text, &at, 0);

	if (rc < 0)
		return error_set(
			e, ERR_CONFIG,
			"florus.tls.priorities: %s, from here on: %.100s; the manual of GnuTLS lists the words, "
			"and unset it takes a good choice",
			gnutls_strerror(rc), at ? at : text);
	gnutls_priority_deinit(parsed);
	return true;
}

bool tls_new(const struct http_tls_files *files, struct tls **ret, struct error *e)
{
	struct keys *keys;

	if (!check_priorities(files->priorities, e) || !keys_load(files, &keys, e))
		return false;
	struct tls *t = xcalloc(1, sizeof *t);
	t->files = files;
	t->keys = keys;
	t->options[0] = (struct MHD_OptionItem){ MHD_OPTION_HTTPS_PRIORITIES, 0, (void *)(uintptr_t)files->priorities };
	t->options[1] = (struct MHD_OptionItem){ MHD_OPTION_HTTPS_CERT_CALLBACK, 0, (void *)(uintptr_t)no_certificate };
	t->options[2] = (struct MHD_OptionItem){ MHD_OPTION_END, 0, NULL };
	*ret = t;
	return true;
}

struct tls *tls_free(struct tls *t)
{
	if (t)
		t->keys = keys_release(t->keys);
	free(t);
	return NULL;
}

bool tls_reload(struct tls *t, struct error *e)
{
	struct keys *fresh;

	if (!keys_load(t->files, &fresh, e))
		return false;
	(void)keys_release(t->keys);
	t->keys = fresh;
	return true;
}

const struct MHD_OptionItem *tls_options(const struct tls *t)
{
	return t->options;
}

bool http_check_tls(const struct http_tls_files *files, struct error *e)
{
	struct tls *t = NULL;

	if (!str_empty(files->cert) && !tls_new(files, &t, e))
		return false;
	(void)tls_free(t);
	return true;
}

/* --- sessions --- */

/* Neither library tells a client whom it refuses, nor us; who hears the reason can put it right. */
static void tell_refused(gnutls_session_t session, gnutls_alert_description_t alert, const char *why)
{
	struct sockaddr_storage from = { 0 };
	socklen_t len = sizeof from;
	char text[GATE_ADDRESS_MAX];

	(void)getpeername(gnutls_transport_get_int(session), (struct sockaddr *)&from, &len);
	log_info("client certificate refused",
		 LOG_STR("peer", gate_address((struct sockaddr *)&from, text, sizeof text)), LOG_STR("why", why));
	(void)gnutls_alert_send(session, GNUTLS_AL_FATAL, alert);
}

/* A message without a certificate is nothing but lengths of 0: GnuTLS itself ends the handshake then. */
static int on_certificate(gnutls_session_t session, unsigned type, unsigned when, unsigned incoming,
			  const gnutls_datum_t *message)
{
	(void)type, (void)when;
	for (unsigned i = 0; i < message->size; i++)
		if (!incoming || message->data[i])
			return 0;
	tell_refused(session, GNUTLS_A_CERTIFICATE_REQUIRED, "none was shown");
	return 0;
}

static int verify_client(gnutls_session_t session)
{
	gnutls_typed_vdata_st purpose = { GNUTLS_DT_KEY_PURPOSE_OID,
					  (unsigned char *)(uintptr_t)GNUTLS_KP_TLS_WWW_CLIENT, 0 };
	gnutls_datum_t why = { 0 };
	unsigned status = 0;
	int rc = gnutls_certificate_verify_peers(session, &purpose, 1, &status);

	if (rc == 0 && status == 0)
		return 0;
	if (rc == 0)
		rc = gnutls_certificate_verification_status_print(status, GNUTLS_CRT_X509, &why, 0);
	tell_refused(session, GNUTLS_A_BAD_CERTIFICATE, rc == 0 ? (char *)why.data : gnutls_strerror(rc));
	gnutls_free(why.data);
	return GNUTLS_E_CERTIFICATE_ERROR;
}

static int prepare(gnutls_session_t session, const struct keys *k)
{
	int rc = 0;

	gnutls_db_set_cache_expiration(session, TLS_TICKET_S);
	if (k->ticket_key.data)
		rc = gnutls_session_ticket_enable_server(session, &k->ticket_key);
	if (k->ask_client) {
		gnutls_certificate_server_set_request(session, GNUTLS_CERT_REQUIRE);
		gnutls_session_set_verify_function(session, verify_client);
		gnutls_handshake_set_hook_function(session, GNUTLS_HANDSHAKE_CERTIFICATE_PKT, GNUTLS_HOOK_POST,
						   on_certificate);
	}
	/* Last: with no_certificate() in its place a session that is not as it should be gets nowhere. */
	return rc < 0 ? rc : gnutls_credentials_set(session, GNUTLS_CRD_CERTIFICATE, k->credentials);
}

struct tls_session *tls_session_new(struct tls *t, gnutls_session_t session)
{
	struct tls_session *s = xcalloc(1, sizeof *s);
	int rc = prepare(session, t->keys);

	if (rc < 0)
		log_error("a TLS session cannot begin", LOG_STR("reason", gnutls_strerror(rc)));
	s->session = session;
	s->keys = t->keys;
	s->keys->holders++;
	return s;
}

struct tls_session *tls_session_free(struct tls_session *s)
{
	if (s)
		s->keys = keys_release(s->keys);
	free(s);
	return NULL;
}

void tls_last_words(struct tls_session *s, const char *bytes, size_t n)
{
	if (gnutls_record_send(s->session, bytes, n) == (ssize_t)n)
		(void)gnutls_bye(s->session, GNUTLS_SHUT_WR);
}
