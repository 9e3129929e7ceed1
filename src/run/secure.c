#include "run/secure.h"
#include "base/fdio.h"
#include "base/id.h"
#include <errno.h>
#include <gnutls/crypto.h>
#include <gnutls/gnutls.h>
#include <gnutls/x509.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#define FILE_NAME "drivers.pem"
#define COMMON_NAME "florus sessions"
#define PRIORITIES "SECURE128:-VERS-ALL:+VERS-TLS1.3:+VERS-TLS1.2:-RSA:-DHE-RSA:%SERVER_PRECEDENCE"

enum { PEM_MAX = 64 * 1024, FINGERPRINT_BYTES = SECURE_FINGERPRINT_HEX / 2, SERIAL_BYTES = 16 };

struct secure_keys {
	gnutls_certificate_credentials_t credentials;
	gnutls_priority_t priorities;
	char fingerprint[SECURE_FINGERPRINT_HEX + 1];
};

struct secure {
	gnutls_session_t session;
	bool sending; /* a record that could not be sent whole is to be sent first */
};

/* --- the certificate --- */

static void privkey_done(gnutls_x509_privkey_t *k)
{
	if (*k)
		gnutls_x509_privkey_deinit(*k);
}

static void crt_done(gnutls_x509_crt_t *c)
{
	if (*c)
		gnutls_x509_crt_deinit(*c);
}

static void datum_done(gnutls_datum_t *d)
{
	if (d->data)
		explicit_bzero(d->data, d->size);
	gnutls_free(d->data);
}

static void wipe(struct sbuf *b)
{
	if (b->data)
		explicit_bzero(b->data, b->cap);
	sbuf_done(b);
}

/* One that never ends: what counts is that it is this very one. */
static int sign(gnutls_x509_crt_t crt, gnutls_x509_privkey_t key)
{
	unsigned char serial[SERIAL_BYTES];
	int rc = gnutls_rnd(GNUTLS_RND_NONCE, serial, sizeof serial);

	serial[0] &= 0x7f; /* a positive number */
	rc = rc < 0 ? rc : gnutls_x509_crt_set_version(crt, 3);
	rc = rc < 0 ? rc : gnutls_x509_crt_set_serial(crt, serial, sizeof serial);
	rc = rc < 0 ? rc
		    : gnutls_x509_crt_set_dn_by_oid(crt, GNUTLS_OID_X520_COMMON_NAME, 0, COMMON_NAME,
						    sizeof COMMON_NAME - 1);
	rc = rc < 0 ? rc : gnutls_x509_crt_set_activation_time(crt, 0);
	rc = rc < 0 ? rc : gnutls_x509_crt_set_expiration_time(crt, GNUTLS_X509_NO_WELL_DEFINED_EXPIRATION);
	rc = rc < 0 ? rc : gnutls_x509_crt_set_key(crt, key);
	return rc < 0 ? rc : gnutls_x509_crt_sign2(crt, crt, key, GNUTLS_DIG_SHA256, 0);
}

static int make_pem(struct sbuf *pem)
{
	_cleanup_(privkey_done) gnutls_x509_privkey_t key = NULL;
	_cleanup_(crt_done) gnutls_x509_crt_t crt = NULL;
	_cleanup_(datum_done) gnutls_datum_t crt_text = { 0 }, key_text = { 0 };
	int rc = gnutls_x509_privkey_init(&key);

	rc = rc < 0 ? rc
		    : gnutls_x509_privkey_generate(key, GNUTLS_PK_ECDSA,
						   GNUTLS_CURVE_TO_BITS(GNUTLS_ECC_CURVE_SECP256R1), 0);
	rc = rc < 0 ? rc : gnutls_x509_crt_init(&crt);
	rc = rc < 0 ? rc : sign(crt, key);
	rc = rc < 0 ? rc : gnutls_x509_crt_export2(crt, GNUTLS_X509_FMT_PEM, &crt_text);
	rc = rc < 0 ? rc : gnutls_x509_privkey_export2(key, GNUTLS_X509_FMT_PEM, &key_text);
	if (rc < 0)
		return rc;
	sbuf_add(pem, crt_text.data, crt_text.size);
	sbuf_add(pem, key_text.data, key_text.size);
	return 0;
}

static int read_fingerprint(const gnutls_datum_t *pem, char to[SECURE_FINGERPRINT_HEX + 1])
{
	_cleanup_(crt_done) gnutls_x509_crt_t crt = NULL;
	unsigned char digest[FINGERPRINT_BYTES];
	size_t n = sizeof digest;
	int rc = gnutls_x509_crt_init(&crt);

	rc = rc < 0 ? rc : gnutls_x509_crt_import(crt, pem, GNUTLS_X509_FMT_PEM);
	rc = rc < 0 ? rc : gnutls_x509_crt_get_fingerprint(crt, GNUTLS_DIG_SHA256, digest, &n);
	for (size_t i = 0; rc >= 0 && i < n; i++)
		(void)snprintf(to + 2 * i, 3, "%02x", digest[i]);
	return rc;
}

static bool find_pem(int dirfd, struct sbuf *pem, struct error *e)
{
	if (fdio_read_file(dirfd, FILE_NAME, pem, e))
		return true;
	if (e->code != ERR_NOT_FOUND)
		return error_wrap(e, "read " FILE_NAME " of the sessions");
	int rc = make_pem(pem);
	if (rc < 0)
		return error_set(e, ERR_INTERNAL, "make a certificate for session drivers: %s", gnutls_strerror(rc));
	return fdio_replace_file(dirfd, FILE_NAME, pem->data, pem->len, e);
}

bool secure_keys_new(int dirfd, struct secure_keys **ret, struct error *e)
{
	_cleanup_(wipe) struct sbuf pem = SBUF_INIT(PEM_MAX);
	struct secure_keys *k;

	if (!find_pem(dirfd, &pem, e))
		return false;
	k = xcalloc(1, sizeof *k);
	gnutls_datum_t text = { (unsigned char *)pem.data, (unsigned)pem.len };
	int rc = read_fingerprint(&text, k->fingerprint);
	rc = rc < 0 ? rc : gnutls_certificate_allocate_credentials(&k->credentials);
	rc = rc < 0 ? rc : gnutls_certificate_set_x509_key_mem(k->credentials, &text, &text, GNUTLS_X509_FMT_PEM);
	rc = rc < 0 ? rc : gnutls_priority_init(&k->priorities, PRIORITIES, NULL);
	if (rc < 0) {
		(void)secure_keys_free(k);
		return error_set(e, ERR_CONFIG,
				 "the file sessions/" FILE_NAME
				 " of the state directory is of no use (%s): remove it when "
				 "no session runs",
				 gnutls_strerror(rc));
	}
	*ret = k;
	return true;
}

struct secure_keys *secure_keys_free(struct secure_keys *k)
{
	if (!k)
		return NULL;
	if (k->credentials)
		gnutls_certificate_free_credentials(k->credentials);
	if (k->priorities)
		gnutls_priority_deinit(k->priorities);
	free(k);
	return NULL;
}

const char *secure_fingerprint(const struct secure_keys *k)
{
	return k->fingerprint;
}

/* --- a connection --- */

struct secure *secure_new(const struct secure_keys *k, int fd)
{
	struct secure *s = xcalloc(1, sizeof *s);
	int rc = gnutls_init(&s->session, GNUTLS_SERVER | GNUTLS_NONBLOCK | GNUTLS_NO_TICKETS | GNUTLS_NO_SIGNAL);

	rc = rc < 0 ? rc : gnutls_priority_set(s->session, k->priorities);
	rc = rc < 0 ? rc : gnutls_credentials_set(s->session, GNUTLS_CRD_CERTIFICATE, k->credentials);
	if (rc < 0)
		return secure_free(s);
	gnutls_transport_set_int(s->session, fd);
	return s;
}

struct secure *secure_free(struct secure *s)
{
	if (!s)
		return NULL;
	if (s->session)
		gnutls_deinit(s->session);
	free(s);
	return NULL;
}

static bool is_transient(int rc)
{
	return rc == GNUTLS_E_AGAIN || rc == GNUTLS_E_INTERRUPTED;
}

enum secure_step secure_shake_hands(struct secure *s)
{
	int rc = gnutls_handshake(s->session);

	return rc == 0 ? SECURE_DONE : is_transient(rc) ? SECURE_MORE : SECURE_FAILED;
}

/* A new handshake that the other side asks for is a failure: nobody has a use for it. */
static ssize_t failed(ssize_t rc)
{
	errno = is_transient((int)rc) ? EAGAIN : EPROTO;
	return -1;
}

ssize_t secure_recv(struct secure *s, void *to, size_t n)
{
	ssize_t rc = gnutls_record_recv(s->session, to, n);

	if (rc == GNUTLS_E_PREMATURE_TERMINATION) /* its process has ended */
		return 0;
	return rc < 0 ? failed(rc) : rc;
}

ssize_t secure_send(struct secure *s, const void *bytes, size_t n)
{
	/* What was taken before is sent on first, whatever else there is by now; its length is then said again. */
	ssize_t rc = s->sending ? gnutls_record_send(s->session, NULL, 0) : gnutls_record_send(s->session, bytes, n);

	s->sending = rc < 0 && is_transient((int)rc);
	return rc < 0 ? failed(rc) : rc;
}

bool secure_has_more(const struct secure *s)
{
	return gnutls_record_check_pending(s->session) > 0;
}

bool secure_wants_write(const struct secure *s)
{
	return gnutls_record_get_direction(s->session) == 1;
}
