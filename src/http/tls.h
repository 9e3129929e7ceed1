/*
 * tls - certificate, key and client CAs of a server that speaks HTTPS. Private to http/.
 *
 * The library gets no key: each new session is given the credentials that are in force when it begins, before a byte
 * of its handshake. Sessions that began earlier keep theirs, so a reload drops nobody. With a client CA
 * the handshake ends before the first request unless the client has shown a certificate that it signed.
 * Loop thread only; files are read by tls_new() and tls_reload() alone.
 */
#pragma once
#include "base/error.h"
#include "http/server.h"
#include <gnutls/gnutls.h>
#include <microhttpd.h>

enum {
	TLS_PEM_MAX = 1024 * 1024, /* bytes of a file of certificates */
	TLS_CHAIN_MAX = 16,        /* certificates from the server's own to the root */
	TLS_TICKET_S = 3600,       /* how long a client may resume without a whole handshake */
};

struct tls;

/*
 * Reads the files and tries them. `files` is borrowed until tls_free(). ERR_CONFIG names option and file: missing, open
 * to others, no PEM, encrypted, key of another certificate. A certificate that is out of date is only logged.
 */
MUST_CHECK bool tls_new(const struct http_tls_files *files, struct tls **ret, struct error *e);
struct tls *tls_free(struct tls *t); /* after the last session; takes NULL; returns NULL */

/* Reads the same files anew, for sessions to come. False: all is as it was. */
MUST_CHECK bool tls_reload(struct tls *t, struct error *e);

/* The library's options, to be given as MHD_OPTION_ARRAY; borrowed from t. */
const struct MHD_OptionItem *tls_options(const struct tls *t);

struct tls_session;

/* Prepares the library's session, which is freed before tls_session_free(). Where that fails, its handshake will. */
struct tls_session *tls_session_new(struct tls *t, gnutls_session_t session);
struct tls_session *tls_session_free(struct tls_session *s); /* takes NULL; returns NULL */

/* Sends bytes past the library, and says that nothing follows. Nothing is sent before the handshake is done. */
void tls_last_words(struct tls_session *s, const char *bytes, size_t n);
