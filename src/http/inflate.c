#include "http/inflate.h"
#include <strings.h>
#include <zlib.h>

enum { INFLATE_CHUNK = 16 * 1024, ANY_HEADER = 32 + MAX_WBITS /* zlib's or gzip's, whichever is there */ };

static bool run(z_stream *z, struct sbuf *out, struct error *e)
{
	for (;;) {
		size_t room = out->limit - out->len;
		size_t want =
			room < INFLATE_CHUNK ? room + 1 : INFLATE_CHUNK; /* one more, to see that it is too much */
		char chunk[INFLATE_CHUNK + 1];

		z->next_out = (unsigned char *)chunk;
		z->avail_out = (unsigned)want;
		int rc = inflate(z, Z_NO_FLUSH);
		size_t got = want - z->avail_out;
		if (rc != Z_OK && rc != Z_STREAM_END)
			return error_set(e, ERR_INVALID, "the body is not what its Content-Encoding says");
		sbuf_add(out, chunk, got);
		if (!sbuf_ok(out))
			return error_set(e, ERR_TOO_LARGE, "the body is longer than %zu bytes when decoded",
					 out->limit);
		if (rc == Z_STREAM_END)
			return z->avail_in == 0 ||
			       error_set(e, ERR_INVALID, "bytes after the end of the compressed body");
	}
}

bool inflate_body(const char *coding, struct sbuf *body, struct error *e)
{
	_sbuf_ struct sbuf plain = SBUF_INIT(body->limit);
	z_stream z = { .next_in = (unsigned char *)body->data, .avail_in = (unsigned)body->len };

	if (!coding || !*coding || strcasecmp(coding, "identity") == 0 || strcasecmp(coding, "utf-8") == 0 ||
	    strcasecmp(coding, "utf8") == 0)
		return true;
	if (strcasecmp(coding, "gzip") != 0 && strcasecmp(coding, "x-gzip") != 0 && strcasecmp(coding, "deflate") != 0)
		return error_set(e, ERR_UNSUPPORTED, "Content-Encoding %.32s is not known here: gzip and deflate are",
				 coding);
	if (inflateInit2(&z, ANY_HEADER) != Z_OK)
		return error_set(e, ERR_UNAVAILABLE, "no memory to decode the body");
	bool ok = run(&z, &plain, e);
	(void)inflateEnd(&z);
	if (!ok)
		return false;
	size_t len = plain.len;
	sbuf_done(body);
	body->data = sbuf_take(&plain);
	body->len = len;
	body->cap = len + 1;
	return true;
}
