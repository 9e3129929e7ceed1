#include "http/compress.h"
#include <stdint.h>
#include <string.h>
#include <strings.h>
#include <zlib.h>

enum { GZIP_BITS = 16 + MAX_WBITS, MEMORY_LEVEL = 8, THOUSAND = 1000 };

/* "0.5" as 500; what is no number counts as 1. Only three digits behind the point exist (RFC 9110 12.4.2). */
static int parse_q(const char *s)
{
	int q, unit = THOUSAND / 10;

	if ((*s != '0' && *s != '1') || (s[1] != '.' && s[1] != '\0' && !strchr(" \t,;", s[1])))
		return THOUSAND;
	q = (*s - '0') * THOUSAND;
	for (s += s[1] == '.' ? 2 : 1; *s >= '0' && *s <= '9' && unit > 0; s++, unit /= 10)
		q += (*s - '0') * unit;
	return q > THOUSAND ? THOUSAND : q;
}

static enum coding coding_of(const char *name, size_t n)
{
	if ((n == 4 && strncasecmp(name, "gzip", n) == 0) || (n == 6 && strncasecmp(name, "x-gzip", n) == 0))
		return CODING_GZIP;
	return n == 7 && strncasecmp(name, "deflate", n) == 0 ? CODING_DEFLATE : CODING_NONE;
}

enum coding compress_choose(const char *accept_encoding)
{
	enum coding best = CODING_NONE;
	int best_q = 0;

	for (const char *p = accept_encoding ? accept_encoding : ""; *p; p += *p == ',') {
		p += strspn(p, " \t");
		size_t name = strcspn(p, " \t;,"), all = strcspn(p, ",");
		const char *weight = memchr(p, ';', all);
		enum coding c = coding_of(p, name);
		int q = THOUSAND;

		if (weight)
			weight += strspn(weight, "; \t");
		if (weight && strncasecmp(weight, "q=", 2) == 0)
			q = parse_q(weight + 2);
		if (c != CODING_NONE && q > best_q) {
			best = c;
			best_q = q;
		}
		p += all;
	}
	return best;
}

const char *compress_name(enum coding c)
{
	static const char *const names[] = { "identity", "gzip", "deflate" };

	return names[c];
}

bool compress_bytes(enum coding c, const char *bytes, size_t n, struct sbuf *out)
{
	z_stream z = { .next_in = (unsigned char *)(uintptr_t)bytes, .avail_in = (unsigned)n };

	if (deflateInit2(&z, Z_BEST_SPEED, Z_DEFLATED, c == CODING_GZIP ? GZIP_BITS : MAX_WBITS, MEMORY_LEVEL,
			 Z_DEFAULT_STRATEGY) != Z_OK)
		return false;
	size_t room = deflateBound(&z, (unsigned long)n);
	char *to = sbuf_reserve(out, room);
	z.next_out = (unsigned char *)to;
	z.avail_out = (unsigned)room;
	bool ok = to && deflate(&z, Z_FINISH) == Z_STREAM_END;
	if (ok)
		sbuf_grew(out, room - z.avail_out);
	(void)deflateEnd(&z);
	return ok;
}
