#include "base/base64.h"
#include <stdint.h>

int base64_digit(char c)
{
	if (c >= 'A' && c <= 'Z')
		return c - 'A';
	if (c >= 'a' && c <= 'z')
		return c - 'a' + 26;
	if (c >= '0' && c <= '9')
		return c - '0' + 52;
	return c == '+' ? 62 : c == '/' ? 63 : -1;
}

bool base64_decode(const char *in, size_t n, char *to, size_t room, size_t *ret_n)
{
	size_t digits = n, out = 0;
	uint32_t bits = 0;
	unsigned have = 0;

	if (n == 0 || n % 4 != 0)
		return false;
	while (digits > n - 2 && in[digits - 1] == '=')
		digits--;
	for (size_t i = 0; i < digits; i++) {
		int digit = base64_digit(in[i]);

		if (digit < 0)
			return false;
		bits = (bits << 6 | (uint32_t)digit) & 0xFFFFFF;
		have += 6;
		if (have < 8)
			continue;
		have -= 8;
		if (out == room)
			return false;
		to[out++] = (char)(uint8_t)(bits >> have);
	}
	*ret_n = out;
	return (bits & ((1u << have) - 1)) == 0;
}

void base64_encode(const void *bytes, size_t n, struct sbuf *to)
{
	static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
	const uint8_t *in = bytes;

	for (size_t i = 0; i < n; i += 3) {
		uint32_t three = 0;

		for (size_t k = 0; k < 3; k++)
			three = three << 8 | (i + k < n ? in[i + k] : 0);
		for (size_t k = 0; k < 4; k++)
			sbuf_addc(to, k > n - i ? '=' : digits[three >> (18 - 6 * k) & 63]);
	}
}
