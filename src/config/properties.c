#include "config/properties.h"
#include "base/fdio.h"
#include "base/str.h"
#include <fcntl.h>
#include <string.h>

struct reader {
	const char *name;
	const char *p, *end;
	int line;
	struct sbuf key, value; /* decoded */
};

static bool is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\f';
}

static bool is_eol(char c)
{
	return c == '\n' || c == '\r';
}

static bool bad(const struct reader *r, struct error *e, const char *what)
{
	return error_set(e, ERR_CONFIG, "%s:%d: %s", r->name, r->line, what);
}

static void skip_blanks(struct reader *r)
{
	while (r->p < r->end && is_blank(*r->p))
		r->p++;
}

static void skip_eol(struct reader *r)
{
	if (r->p == r->end)
		return;
	r->p += r->end - r->p > 1 && r->p[0] == '\r' && r->p[1] == '\n' ? 2 : 1;
	r->line++;
}

/* The next character of the logical line, lines ended by a backslash joined; -1 at its end. */
static int peek(struct reader *r)
{
	while (r->p < r->end && *r->p == '\\' && (r->p + 1 == r->end || is_eol(r->p[1]))) {
		r->p++;
		skip_eol(r);
		skip_blanks(r);
	}
	return r->p == r->end || is_eol(*r->p) ? -1 : (unsigned char)*r->p;
}

static bool take_hex4(struct reader *r, unsigned *ret)
{
	static const char digits[] = "0123456789abcdef";
	unsigned v = 0;

	if (r->end - r->p < 4)
		return false;
	for (int i = 0; i < 4; i++) {
		char c = r->p[i];
		const char *d = c ? strchr(digits, c >= 'A' && c <= 'F' ? c | 0x20 : c) : NULL;

		if (!d)
			return false;
		v = v << 4 | (unsigned)(d - digits);
	}
	r->p += 4;
	*ret = v;
	return true;
}

static void add_utf8(struct sbuf *to, unsigned c)
{
	if (c < 0x80) {
		sbuf_addc(to, (char)c);
	} else if (c < 0x800) {
		sbuf_add(to, (char[]){ (char)(0xC0 | c >> 6), (char)(0x80 | (c & 63)) }, 2);
	} else if (c < 0x10000) {
		sbuf_add(to, (char[]){ (char)(0xE0 | c >> 12), (char)(0x80 | (c >> 6 & 63)), (char)(0x80 | (c & 63)) },
			 3);
	} else {
		sbuf_add(to,
			 (char[]){ (char)(0xF0 | c >> 18), (char)(0x80 | (c >> 12 & 63)), (char)(0x80 | (c >> 6 & 63)),
				   (char)(0x80 | (c & 63)) },
			 4);
	}
}

/* After "\u": one code unit, or two that make a pair. */
static bool take_unicode(struct reader *r, struct sbuf *to, struct error *e)
{
	unsigned c, low;

	if (!take_hex4(r, &c))
		return bad(r, e, "\\u needs four hexadecimal digits (a backslash itself is written \\\\)");
	if (c == 0)
		return bad(r, e, "\\u0000 is not allowed");
	if (c >= 0xD800 && c <= 0xDBFF) {
		if (r->end - r->p < 6 || r->p[0] != '\\' || r->p[1] != 'u')
			return bad(r, e, "half a surrogate pair");
		r->p += 2;
		if (!take_hex4(r, &low) || low < 0xDC00 || low > 0xDFFF)
			return bad(r, e, "half a surrogate pair");
		c = 0x10000 + ((c - 0xD800) << 10) + (low - 0xDC00);
	} else if (c >= 0xDC00 && c <= 0xDFFF) {
		return bad(r, e, "half a surrogate pair");
	}
	add_utf8(to, c);
	return true;
}

/* Moves one character, escaped or not, to `to`. */
static bool take_char(struct reader *r, struct sbuf *to, struct error *e)
{
	static const char letters[] = "tnrf", meanings[] = "\t\n\r\f";
	char c = *r->p++;

	if (c == '\0')
		return bad(r, e, "a NUL byte");
	if (c != '\\') {
		sbuf_addc(to, c);
		return true;
	}
	c = *r->p++; /* there is one: peek() has joined lines and dropped a last lone backslash */
	if (c == 'u')
		return take_unicode(r, to, e);
	if (c == '\0')
		return bad(r, e, "a NUL byte");
	const char *letter = strchr(letters, c);
	sbuf_addc(to, letter ? meanings[letter - letters] : c);
	return true;
}

/* As String.trim(): everything up to and including the blank goes, at both ends. */
static const char *trimmed(struct sbuf *b)
{
	char *from = b->data;
	size_t n = b->len;

	if (n == 0)
		return "";
	while (n > 0 && (unsigned char)from[n - 1] <= ' ')
		n--;
	from[n] = '\0';
	while (*from && (unsigned char)*from <= ' ')
		from++;
	return from;
}

static bool take_pair(struct reader *r, properties_fn *fn, void *arg, struct error *e)
{
	int line = r->line, c;

	sbuf_clear(&r->key);
	sbuf_clear(&r->value);
	while ((c = peek(r)) >= 0 && c != '=' && c != ':' && !is_blank((char)c))
		if (!take_char(r, &r->key, e))
			return false;
	while ((c = peek(r)) >= 0 && is_blank((char)c))
		r->p++;
	if (c == '=' || c == ':')
		r->p++;
	while ((c = peek(r)) >= 0 && is_blank((char)c))
		r->p++;
	while (peek(r) >= 0)
		if (!take_char(r, &r->value, e))
			return false;
	if (!str_utf8_ok(sbuf_str(&r->key), r->key.len) || !str_utf8_ok(sbuf_str(&r->value), r->value.len))
		return error_set(e, ERR_CONFIG, "%s:%d: the text is not UTF-8", r->name, line);
	return fn(arg, line, sbuf_str(&r->key), trimmed(&r->value), e);
}

static bool take_all(struct reader *r, properties_fn *fn, void *arg, struct error *e)
{
	while (r->p < r->end) {
		skip_blanks(r);
		if (r->p < r->end && (*r->p == '#' || *r->p == '!'))
			while (r->p < r->end && !is_eol(*r->p))
				r->p++;
		else if (r->p < r->end && !is_eol(*r->p) && !take_pair(r, fn, arg, e))
			return false;
		skip_eol(r);
	}
	return true;
}

bool properties_parse(const char *name, const char *text, size_t n, properties_fn *fn, void *arg, struct error *e)
{
	struct reader r = {
		.name = name, .p = text, .end = text + n, .line = 1, .key = SBUF_INIT(n), .value = SBUF_INIT(n)
	};

	if (n >= 3 && memcmp(text, "\xEF\xBB\xBF", 3) == 0) /* a byte order mark is no part of the first key */
		r.p += 3;
	bool ok = take_all(&r, fn, arg, e);
	sbuf_done(&r.key);
	sbuf_done(&r.value);
	return ok;
}

bool properties_load(const char *path, properties_fn *fn, void *arg, struct error *e)
{
	_sbuf_ struct sbuf text = SBUF_INIT(PROPERTIES_FILE_MAX);

	if (!fdio_read_file(AT_FDCWD, path, &text, e)) {
		e->code = ERR_CONFIG;
		return error_wrap(e, "reading the configuration");
	}
	return properties_parse(path, sbuf_str(&text), text.len, fn, arg, e);
}

void properties_escape(struct sbuf *out, const char *value)
{
	static const char special[] = "\t\n\r\f\\", letters[] = "tnrf\\";

	for (const char *p = value; *p; p++) {
		const char *s = strchr(special, *p);

		if (s)
			sbuf_addf(out, "\\%c", letters[s - special]);
		else if ((unsigned char)*p < ' ')
			sbuf_addf(out, "\\u%04x", (unsigned)*p);
		else
			sbuf_addc(out, *p);
	}
}
