#include "auth/secret.h"
#include <gnutls/crypto.h>
#include <gnutls/gnutls.h>
#include <string.h>
#include <sys/random.h>

struct mac {
	gnutls_hmac_hd_t hmac, quick; /* keyed once; output starts them anew */
};

enum { QUICK_BYTES = 16 };

static bool start(gnutls_hmac_hd_t *h, gnutls_mac_algorithm_t algorithm, size_t key_n)
{
	uint8_t key[SECRET_DIGEST_BYTES];
	bool ok = getrandom(key, key_n, 0) == (ssize_t)key_n && gnutls_hmac_init(h, algorithm, key, key_n) == 0;

	explicit_bzero(key, sizeof key);
	return ok;
}

bool mac_new(struct mac **ret, struct error *e)
{
	struct mac *m = xcalloc(1, sizeof *m);

	if (!start(&m->hmac, GNUTLS_MAC_SHA256, SECRET_DIGEST_BYTES) ||
	    !start(&m->quick, GNUTLS_MAC_AES_CMAC_128, QUICK_BYTES)) {
		m = mac_free(m);
		return error_set(e, ERR_INTERNAL, "no HMAC-SHA256 or no AES-CMAC from the crypto library");
	}
	*ret = m;
	return true;
}

struct mac *mac_free(struct mac *m)
{
	if (m && m->hmac)
		gnutls_hmac_deinit(m->hmac, NULL);
	if (m && m->quick)
		gnutls_hmac_deinit(m->quick, NULL);
	free(m);
	return NULL;
}

void mac_of(struct mac *m, char kind, const void *bytes, size_t n, struct digest *ret)
{
	if (gnutls_hmac(m->hmac, &kind, 1) != 0 || gnutls_hmac(m->hmac, bytes, n) != 0)
		abort(); /* a wrong key of the cache would be a wrong user */
	gnutls_hmac_output(m->hmac, ret->bytes);
}

void mac_quick(struct mac *m, const void *bytes, size_t n, struct digest *ret)
{
	*ret = (struct digest){ 0 };
	if (gnutls_hmac(m->quick, bytes, n) != 0)
		abort();
	gnutls_hmac_output(m->quick, ret->bytes);
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
