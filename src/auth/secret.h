/*
 * secret - digests with a key, digests without one, comparison that tells nothing by its time.
 *
 * A `mac` makes what clients send into keys of tables: its key is random and lives as long as the
 * process, so nobody outside can choose or guess where an entry lands, and the tables
 * hold no password. One thread per mac; the functions without one from any thread.
 */
#pragma once
#include "base/error.h"
#include <stddef.h>
#include <stdint.h>

enum { SECRET_DIGEST_BYTES = 32, SECRET_DIGEST_HEX = 64 };

struct digest {
	uint8_t bytes[SECRET_DIGEST_BYTES];
};

struct mac;
MUST_CHECK bool mac_new(struct mac **ret, struct error *e);
struct mac *mac_free(struct mac *m); /* takes NULL; returns NULL */

/* HMAC-SHA256 over `kind` and the bytes; kinds keep apart what must not be taken for one another. */
void mac_of(struct mac *m, char kind, const void *bytes, size_t n, struct digest *ret);

/*
 * AES-CMAC-128 under a key of its own, then zeros: less than half the work, for what every request asks. Whoever does
 * not have the key guesses one right with 2^-128, which is enough for a table in memory.
 */
void mac_quick(struct mac *m, const void *bytes, size_t n, struct digest *ret);

/* HMAC-SHA256 with a key of one's own. */
void secret_hmac(const void *key, size_t key_n, const void *bytes, size_t n, struct digest *ret);
void secret_sha256(const void *bytes, size_t n, struct digest *ret);
bool secret_equal(const struct digest *a, const struct digest *b); /* in constant time */

void secret_to_hex(const struct digest *d, char to[SECRET_DIGEST_HEX + 1]);
MUST_CHECK bool secret_from_hex(const char *hex, size_t n, struct digest *ret); /* 64 digits of either case */
