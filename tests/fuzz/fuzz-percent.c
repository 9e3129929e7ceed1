/*
 * fuzz-percent - any text through the decoder of percent escapes.
 *
 * Must hold: it is refused exactly when an escape is not two digits, or is a NUL; else each escape is one byte, all
 * else is itself; what was decoded, with every byte escaped, decodes to itself again.
 */
#include "base/sbuf.h"
#include "base/str.h"
#include <ctype.h>
#include <string.h>

enum { INPUT_MAX_BYTES = 64 * 1024 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static void must(bool holds)
{
	if (!holds)
		abort();
}

static int digit(char c)
{
	return isdigit((unsigned char)c) ? c - '0' : tolower((unsigned char)c) - 'a' + 10;
}

/* Another decoder. False: refuse it. */
static bool decode(const char *s, struct sbuf *to)
{
	for (; *s; s++) {
		if (*s != '%') {
			sbuf_addc(to, *s);
			continue;
		}
		if (!isxdigit((unsigned char)s[1]) || !isxdigit((unsigned char)s[2]))
			return false;
		int byte = digit(s[1]) * 16 + digit(s[2]);
		if (byte == 0)
			return false;
		sbuf_addc(to, (char)byte);
		s += 2;
	}
	return true;
}

static void decode_again(const struct sbuf *plain)
{
	_sbuf_ struct sbuf escaped = SBUF_INIT(3 * INPUT_MAX_BYTES);

	for (size_t i = 0; i < plain->len; i++)
		sbuf_addf(&escaped, i % 2 ? "%%%02x" : "%%%02X", (unsigned char)plain->data[i]);
	_free_ char *text = sbuf_take(&escaped);
	must(str_percent_decode(text) == (ssize_t)plain->len && strcmp(text, sbuf_str(plain)) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	_sbuf_ struct sbuf want = SBUF_INIT(INPUT_MAX_BYTES);

	if (n > INPUT_MAX_BYTES)
		return 0;
	_free_ char *text = xmalloc(n + 1);
	if (n)
		memcpy(text, data, n);
	text[n] = '\0';
	bool good = decode(text, &want);
	ssize_t len = str_percent_decode(text);
	must(good == (len >= 0));
	if (!good)
		return 0;
	must((size_t)len == want.len && strcmp(text, sbuf_str(&want)) == 0);
	decode_again(&want);
	return 0;
}
