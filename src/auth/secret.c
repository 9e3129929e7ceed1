#include "auth/secret.h"
#include <gnutls/crypto.h>
#include <gnutls/gnutls.h>
#include <string.h>
#include <sys/random.h>

struct mac {
	gnutls_hmac_hd_t hmac; /* keyed once; output starts it anew */
};

bool mac_new(struct mac **ret, struct error *e)
{
	uint8_t key[SECRET_DIGEST_BYTES];
	struct mac *m = xcalloc(1, sizeof *m);
	bool ok = getrandom(key, sizeof key, 0) == (ssize_t)sizeof key &&
		  gnutls_hmac_init(&m->hmac, GNUTLS_MAC_SHA256, key, sizeof key) == 0;

	explicit_bzero(key, sizeof key);
	if (!ok) {
		free(m);
		return error_set(e, ERR_INTERNAL, "no HMAC-SHA256 from the crypto library");
	}
	*ret = m;
	return true;
}

struct mac *mac_free(struct mac *m)
{
	if (m)
		gnutls_hmac_deinit(m->hmac, NULL);
	free(m);
	return NULL;
}

void mac_of(struct mac *m, char kind, const void *bytes, size_t n, struct digest *ret)
{
	if (gnutls_hmac(m->hmac, &kind, 1) != 0 || gnutls_hmac(m->hmac, bytes, n) != 0)
		abort(); /* a wrong key of the cache would be a wrong user */
	gnutls_hmac_output(m->hmac, ret->bytes);
}

void secret_sha256(const void *bytes, size_t n, struct digest *ret)
{
	if (gnutls_hash_fast(GNUTLS_DIG_SHA256, bytes, n, ret->bytes) != 0)
		abort();
}

void secret_hmac(const void *key, size_t key_n, const void *bytes, size_t n, struct digest *ret)
{
	if (gnutls_hmac_fast(GNUTLS_MAC_SHA256, key, key_n, bytes, n, ret->bytes) != 0)
		abort();
}

bool secret_equal(const struct digest *a, const struct digest *b)
{
	return gnutls_memcmp(a->bytes, b->bytes, sizeof a->bytes) == 0;
}

void secret_to_hex(const struct digest *d, char to[SECRET_DIGEST_HEX + 1])
{
	static const char hex[] = "0123456789abcdef";

	for (size_t i = 0; i < sizeof d->bytes; i++) {
		to[2 * i] = hex[d->bytes[i] >> 4];
		to[2 * i + 1] = hex[d->bytes[i] & 15];
	}
	to[SECRET_DIGEST_HEX] = '\0';
}

static int hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c |= 0x20;
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

bool secret_from_hex(const char *hex, size_t n, struct digest *ret)
{
	struct digest d;

	if (n != SECRET_DIGEST_HEX)
		return false;
	for (size_t i = 0; i < sizeof d.bytes; i++) {
		int high = hex_digit(hex[2 * i]), low = hex_digit(hex[2 * i + 1]);

		if (high < 0 || low < 0)
			return false;
		d.bytes[i] = (uint8_t)(high << 4 | low);
	}
	*ret = d;
	return true;
}
