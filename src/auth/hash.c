#include "auth/hash.h"
#include "auth/secret.h"
#include "base/str.h"
#include <assert.h>
#include <crypt.h>
#include <gnutls/gnutls.h>
#include <string.h>

static const struct kind {
	const char *prefix;
	size_t tail_len;   /* characters after the last '$' of a whole hash */
	size_t phrase_max; /* bytes it looks at */
} kinds[] = {
	{ "$y$", 43, CRYPT_MAX_PASSPHRASE_SIZE - 1 },
	{ "$gy$", 43, CRYPT_MAX_PASSPHRASE_SIZE - 1 },
	{ "$7$", 43, CRYPT_MAX_PASSPHRASE_SIZE - 1 },
	{ "$2b$", 53, 72 },
	{ "$2a$", 53, 72 },
	{ "$2y$", 53, 72 },
	{ "$6$", 86, CRYPT_MAX_PASSPHRASE_SIZE - 1 },
	{ "$5$", 43, CRYPT_MAX_PASSPHRASE_SIZE - 1 },
};

static_assert(HASH_TEXT_MAX == CRYPT_OUTPUT_SIZE, "the room of a hash is libcrypt's");

static const struct kind *find_kind(const char *hash)
{
	for (size_t i = 0; i < ARRAY_LEN(kinds); i++)
		if (str_starts(hash, kinds[i].prefix))
			return &kinds[i];
	return NULL;
}

bool hash_check(const char *hash, struct error *e)
{
	static const char allowed[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789./$=,";
	const struct kind *kind = find_kind(hash);

	if (!kind)
		return error_set(e, ERR_CONFIG,
				 "expected a hash of crypt(3) that begins with $y$, $gy$, $7$, $2b$, $2a$, $2y$, "
				 "$6$ or $5$, such as florus passwd writes");
	if (strlen(hash) >= HASH_TEXT_MAX || strspn(hash, allowed) != strlen(hash) ||
	    strlen(strrchr(hash, '$') + 1) != kind->tail_len || crypt_checksalt(hash) == CRYPT_SALT_INVALID)
		return error_set(e, ERR_CONFIG, "the %s hash is not whole", kind->prefix);
	return true;
}

/* What libcrypt gets to see of a password; *ret_whole false: a part of it, so that the time is spent all the same. */
static void make_phrase(const struct kind *kind, const char *password, char to[CRYPT_MAX_PASSPHRASE_SIZE],
			bool *ret_whole)
{
	size_t n = strlen(password);
	struct digest d;

	*ret_whole = true;
	if (n <= kind->phrase_max) {
		memcpy(to, password, n + 1);
		return;
	}
	if (kind->phrase_max > SECRET_DIGEST_HEX * 2) {
		secret_sha256(password, n, &d);
		secret_to_hex(&d, to);
		explicit_bzero(&d, sizeof d);
		return;
	}
	memcpy(to, password, kind->phrase_max);
	to[kind->phrase_max] = '\0';
	*ret_whole = false;
}

bool hash_make(const char *password, char to[HASH_TEXT_MAX], struct error *e)
{
	struct crypt_data work = { 0 }; /* 32 KiB */
	char salt[CRYPT_GENSALT_OUTPUT_SIZE], phrase[CRYPT_MAX_PASSPHRASE_SIZE];
	const char *made = NULL;
	bool whole;

	make_phrase(&kinds[0], password, phrase, &whole);
	if (crypt_gensalt_rn(kinds[0].prefix, 0, NULL, 0, salt, sizeof salt))
		made = crypt_r(phrase, salt, &work);
	bool ok = made && made[0] != '*' && strlen(made) < HASH_TEXT_MAX;
	if (ok)
		memcpy(to, made, strlen(made) + 1);
	explicit_bzero(phrase, sizeof phrase);
	explicit_bzero(&work, sizeof work);
	return ok || error_set(e, ERR_INTERNAL, "libcrypt cannot make a yescrypt hash");
}

bool hash_matches(const char *hash, const char *password)
{
	struct crypt_data work = { 0 }; /* 32 KiB */
	char phrase[CRYPT_MAX_PASSPHRASE_SIZE];
	const struct kind *kind = find_kind(hash);
	size_t n = strlen(hash);
	bool whole;

	assert(kind); /* hash_check() has taken it */
	make_phrase(kind, password, phrase, &whole);
	const char *made = crypt_r(phrase, hash, &work);
	bool same = made && strlen(made) == n && gnutls_memcmp(made, hash, n) == 0;

	explicit_bzero(phrase, sizeof phrase);
	explicit_bzero(&work, sizeof work);
	return same && whole;
}
