#include "cluster/standalone/jws.h"
#include "base/base64.h"
#include "base/error.h"
#include <gnutls/crypto.h>
#include <string.h>

enum { KEY_MIN = 32, KEY_MAX = 512, DIGEST = 32 };

/* {"alg":"HS256","typ":"JWT"} and {} */
#define UNSIGNED "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.e30"

static void url_safe(struct sbuf *text, size_t from)
{
	for (size_t i = from; i < text->len; i++)
		text->data[i] = text->data[i] == '+' ? '-' : (text->data[i] == '/' ? '_' : text->data[i]);
	while (text->len > from && text->data[text->len - 1] == '=')
		text->data[--text->len] = '\0';
}

static bool decode_key(const char *key, char bytes[KEY_MAX], size_t *ret_n)
{
	_sbuf_ struct sbuf text = SBUF_INIT(2 * KEY_MAX);

	for (; *key && *key != '='; key++)
		sbuf_addc(&text, *key == '-' ? '+' : (*key == '_' ? '/' : *key));
	while (sbuf_ok(&text) && text.len % 4)
		sbuf_addc(&text, '=');
	bool ok = sbuf_ok(&text) && base64_decode(sbuf_str(&text), text.len, bytes, KEY_MAX, ret_n);
	explicit_bzero(text.data, text.len);
	return ok && *ret_n >= KEY_MIN;
}

bool jws_token(const char *key, struct sbuf *to, struct error *e)
{
	char bytes[KEY_MAX], digest[DIGEST];
	size_t n = 0, from;
	bool ok = decode_key(key, bytes, &n) &&
		  gnutls_hmac_fast(GNUTLS_MAC_SHA256, bytes, n, UNSIGNED, sizeof UNSIGNED - 1, digest) == 0;

	explicit_bzero(bytes, sizeof bytes);
	if (!ok)
		return error_set(e, ERR_CONFIG, "the JWS key is not base64url of at least %d bytes", KEY_MIN);
	sbuf_adds(to, UNSIGNED ".");
	from = to->len;
	base64_encode(digest, sizeof digest, to);
	url_safe(to, from);
	return sbuf_ok(to) || error_set(e, ERR_CONFIG, "the JWS token is too long");
}
