/*
 * hash - passwords as crypt(3) keeps them, by libcrypt.
 *
 * Known are yescrypt, gost-yescrypt, scrypt, bcrypt, sha512 and sha256. The older ones cut passwords or cost
 * an attacker nothing, and are refused. No password is ever cut: one of more bytes than libcrypt takes (511) is
 * hashed as the hexadecimal SHA-256 of itself; bcrypt, whose 72 bytes are
 * everybody's, never matches a longer one. Any thread; takes as long as the hash asks for (30 ms and more).
 */
#pragma once
#include "base/error.h"

enum { HASH_TEXT_MAX = 384 }; /* bytes of a hash as text, NUL included: CRYPT_OUTPUT_SIZE */

MUST_CHECK bool hash_make(const char *password, char to[HASH_TEXT_MAX], struct error *e); /* yescrypt */

/* Whether the text is a hash of a kind we take, whole. The error says what is wrong, without the hash. */
MUST_CHECK bool hash_check(const char *hash, struct error *e);

/* The same time for right and wrong, whatever the password's length. `hash` has passed hash_check(). */
bool hash_matches(const char *hash, const char *password);
