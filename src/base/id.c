#include "base/id.h"
#include <stdint.h>
#include <stdlib.h>
#include <sys/random.h>

/* One system call fills a pool that many ids are cut from. */
static _Thread_local unsigned char pool[256]; /* what getrandom gives whole */
static _Thread_local size_t left;

static unsigned char random_byte(void)
{
	if (left == 0) {
		if (getrandom(pool, sizeof pool, 0) != (ssize_t)sizeof pool)
			abort(); /* cannot happen for <= 256 bytes once the kernel is seeded */
		left = sizeof pool;
	}
	return pool[--left];
}

void id_random_hex(char *to, size_t hex_digits)
{
	static const char hex[] = "0123456789abcdef";

	for (size_t i = 0; i < hex_digits; i += 2) {
		unsigned char b = random_byte();

		to[i] = hex[b >> 4];
		if (i + 1 < hex_digits)
			to[i + 1] = hex[b & 15];
	}
	to[hex_digits] = '\0';
}
