#include "model/javaprops.h"
#include "base/str.h"
#include <stdint.h>
#include <string.h>

/* The code point of a well-formed sequence of n bytes. */
static uint32_t decode(const unsigned char *s, size_t n)
{
	static const unsigned char first_bits[] = { 0, 0x7f, 0x1f, 0x0f, 0x07 };
	uint32_t c = s[0] & first_bits[n];

	for (size_t i = 1; i < n; i++)
		c = c << 6 | (s[i] & 0x3f);
	return c;
}

static void add_unit(struct sbuf *to, uint32_t unit)
{
	sbuf_addf(to, "\\u%04x", unit);
}

/* UTF-16, as Java's char is. */
static void add_code_point(struct sbuf *to, uint32_t c)
{
	if (c < 0x10000) {
		add_unit(to, c);
		return;
	}
	add_unit(to, 0xd800 + ((c - 0x10000) >> 10));
	add_unit(to, 0xdc00 + ((c - 0x10000) & 0x3ff));
}

static bool is_plain(unsigned char c, bool key, bool first)
{
	if (c <= ' ' || c >= 127 || c == '\\')
		return c == ' ' && !key && !first;
	return !key || !strchr(":=#!", c);
}

static void add_text(struct sbuf *to, const char *text, bool key)
{
	size_t left = strlen(text);

	for (const unsigned char *s = (const unsigned char *)text, *start = s; left > 0;) {
		size_t n = str_utf8_len(s, left);

		if (n <= 1 && is_plain(*s, key, s == start))
			sbuf_addc(to, (char)*s);
		else
			add_code_point(to, n > 1 ? decode(s, n) : *s);
		s += n ? n : 1;
		left -= n ? n : 1;
	}
}

void javaprops_add(struct sbuf *to, const char *key, const char *value)
{
	add_text(to, key, true);
	sbuf_addc(to, '=');
	add_text(to, value, false);
	sbuf_addc(to, '\n');
}
