#include "base/json.h"
#include "base/str.h"
#include <string.h>

static void before(struct jw *w, const char *key)
{
	if (w->comma)
		sbuf_addc(w->out, ',');
	w->comma = true;
	if (!key)
		return;
	sbuf_addc(w->out, '"');
	sbuf_adds(w->out, key);
	sbuf_add(w->out, "\":", 2);
}

void jw_open(struct jw *w, const char *key, char bracket)
{
	before(w, key);
	sbuf_addc(w->out, bracket);
	w->comma = false;
}

void jw_close(struct jw *w, char bracket)
{
	sbuf_addc(w->out, bracket);
	w->comma = true;
}

void jw_str(struct jw *w, const char *key, const char *value)
{
	before(w, key);
	if (!value) {
		sbuf_add(w->out, "null", 4);
		return;
	}
	sbuf_addc(w->out, '"');
	json_escape(w->out, value, strlen(value));
	sbuf_addc(w->out, '"');
}

void jw_int(struct jw *w, const char *key, int64_t value)
{
	before(w, key);
	sbuf_addi(w->out, value);
}

void jw_bool(struct jw *w, const char *key, bool value)
{
	before(w, key);
	sbuf_adds(w->out, value ? "true" : "false");
}

void jw_null(struct jw *w, const char *key)
{
	before(w, key);
	sbuf_add(w->out, "null", 4);
}

void jw_raw(struct jw *w, const char *key, const char *json, size_t n)
{
	before(w, key);
	sbuf_add(w->out, json, n);
}

/*
 * What each byte needs: 0 copy as it is; 1 \u00XX; 2 begins a multi-byte sequence; else the letter after the backslash.
 */
static const unsigned char escape_class[256] = {
	[0 ... 7] = 1,   ['\b'] = 'b', ['\t'] = 't',  ['\n'] = 'n',        [11] = 1, ['\f'] = 'f', ['\r'] = 'r',
	[14 ... 31] = 1, ['"'] = '"',  ['\\'] = '\\', [0x80 ... 0xff] = 2,
};

void json_escape(struct sbuf *out, const char *bytes, size_t n)
{
	static const char hex[] = "0123456789ABCDEF";
	const unsigned char *s = (const unsigned char *)bytes;

	for (size_t i = 0; i < n;) {
		size_t plain = i;

		while (plain < n && escape_class[s[plain]] == 0)
			plain++;
		sbuf_add(out, s + i, plain - i);
		if ((i = plain) == n)
			return;

		unsigned char kind = escape_class[s[i]];
		if (kind == 2) {
			size_t len = str_utf8_len(s + i, n - i);

			sbuf_add(out, len ? (const char *)s + i : "\xEF\xBF\xBD", len ? len : 3);
			i += len ? len : 1;
			continue;
		}
		if (kind == 1)
			sbuf_add(out, (char[]){ '\\', 'u', '0', '0', hex[s[i] >> 4], hex[s[i] & 15] }, 6);
		else
			sbuf_add(out, (char[]){ '\\', (char)kind }, 2);
		i++;
	}
}
