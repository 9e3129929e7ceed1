/*
 * id - random identifiers.
 */
#pragma once
#include <stddef.h>

enum { ID_NONCE_LEN = 32 }; /* hex digits of 128 random bits */

/* Fills to[0 … hex_digits-1] with random lower-case hex and a NUL after it (size hex_digits + 1). */
void id_random_hex(char *to, size_t hex_digits);
