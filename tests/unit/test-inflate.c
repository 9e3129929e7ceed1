#include "http/inflate.h"
#include "t.h"
#include <string.h>
#include <zlib.h>

enum { LIMIT = 1024 * 1024, GZIP = 16 + MAX_WBITS, ZLIB = MAX_WBITS, RAW = -MAX_WBITS };

static void set_body(struct sbuf *body, const void *bytes, size_t n)
{
	sbuf_clear(body);
	sbuf_add(body, bytes, n);
	CHECK(sbuf_ok(body));
}

/* n bytes, compressed in the given format, as a body. */
static void deflate_body(struct sbuf *body, int format, const char *bytes, size_t n)
{
	z_stream z = { .avail_in = (unsigned)n };
	_free_ char *in = xmalloc(n + 1), *out = xmalloc(2 * n + 1024);

	memcpy(in, bytes, n);
	z.next_in = (unsigned char *)in;
	z.next_out = (unsigned char *)out;
	z.avail_out = (unsigned)(2 * n + 1024);
	CHECK(deflateInit2(&z, 9, Z_DEFLATED, format, 9, Z_DEFAULT_STRATEGY) == Z_OK);
	CHECK(deflate(&z, Z_FINISH) == Z_STREAM_END);
	set_body(body, out, z.total_out);
	CHECK(deflateEnd(&z) == Z_OK);
}

/* Bytes that compress a little. */
static char *some_bytes(size_t n)
{
	char *bytes = xmalloc(n + 1);
	unsigned seed = 1;

	for (size_t i = 0; i < n; i++)
		bytes[i] = (char)('a' + rand_r(&seed) % 16);
	bytes[n] = '\0';
	return bytes;
}

TEST(what_was_compressed_comes_back)
{
	static const struct {
		const char *coding;
		int format;
	} codings[] = {
		{ "gzip", GZIP }, { "x-gzip", GZIP }, { "GZip", GZIP }, { "deflate", ZLIB }, { "DEFLATE", ZLIB }
	};
	static const size_t sizes[] = { 0, 1, 100, 16 * 1024 - 1, 16 * 1024, 16 * 1024 + 1, 100000, LIMIT - 1, LIMIT };
	_sbuf_ struct sbuf body = SBUF_INIT(LIMIT);
	struct error e;

	for (size_t i = 0; i < ARRAY_LEN(codings); i++)
		for (size_t k = 0; k < ARRAY_LEN(sizes); k++) {
			_free_ char *bytes = some_bytes(sizes[k]);

			deflate_body(&body, codings[i].format, bytes, sizes[k]);
			CHECK_OK(inflate_body(codings[i].coding, &body, &e), e);
			CHECK_INT(body.len, sizes[k]);
			CHECK_STR(body.data, bytes);
			CHECK_INT(body.limit, LIMIT);
		}
}

TEST(a_decoded_body_can_still_grow_to_its_limit)
{
	_sbuf_ struct sbuf body = SBUF_INIT(LIMIT);
	struct error e;

	deflate_body(&body, GZIP, "", 0);
	CHECK_OK(inflate_body("gzip", &body, &e), e);
	sbuf_adds(&body, "more");
	CHECK_STR(sbuf_str(&body), "more");

	deflate_body(&body, GZIP, "some", 4);
	CHECK_OK(inflate_body("gzip", &body, &e), e);
	sbuf_adds(&body, " more");
	CHECK_STR(sbuf_str(&body), "some more");
}

TEST(no_coding_leaves_the_body)
{
	static const char *const codings[] = { NULL, "", "identity", "Identity", "UTF-8", "utf-8", "utf8" };
	_sbuf_ struct sbuf body = SBUF_INIT(LIMIT);
	struct error e;

	for (size_t i = 0; i < ARRAY_LEN(codings); i++) {
		set_body(&body, "{\"file\":\0}", 10);
		CHECK_OK(inflate_body(codings[i], &body, &e), e);
		CHECK_INT(body.len, 10);
		CHECK(memcmp(body.data, "{\"file\":\0}", 10) == 0);
	}
}

TEST(unknown_codings_are_named)
{
	static const char *const codings[] = { "br", "zstd", "gzip, gzip", "gzipp", "compress", "*" };
	_sbuf_ struct sbuf body = SBUF_INIT(LIMIT);
	struct error e;

	for (size_t i = 0; i < ARRAY_LEN(codings); i++) {
		set_body(&body, "{}", 2);
		CHECK(!inflate_body(codings[i], &body, &e));
		CHECK_INT(e.code, ERR_UNSUPPORTED);
		CHECK(strstr(e.msg, codings[i]));
		CHECK_STR(body.data, "{}");
	}
}

TEST(a_body_over_the_limit_is_refused)
{
	static const size_t over[] = { LIMIT + 1, LIMIT + 16 * 1024, 64 * LIMIT };
	struct error e;

	for (size_t i = 0; i < ARRAY_LEN(over); i++) {
		_sbuf_ struct sbuf body = SBUF_INIT(LIMIT);
		_free_ char *zeros = xcalloc(1, over[i]);

		deflate_body(&body, GZIP, zeros, over[i]);
		CHECK(body.len < LIMIT);
		CHECK(!inflate_body("gzip", &body, &e));
		CHECK_INT(e.code, ERR_TOO_LARGE);
	}
}

/* --- garbage --- */

static void check_garbage(struct sbuf *body)
{
	struct error e = { 0 };

	CHECK(!inflate_body("gzip", body, &e));
	CHECK_INT(e.code, ERR_INVALID);
	CHECK(e.msg[0]);
}

TEST(garbage_is_refused)
{
	_sbuf_ struct sbuf body = SBUF_INIT(LIMIT);

	check_garbage(&body);
	set_body(&body, "{\"file\":\"/x\"}", 13);
	check_garbage(&body);
	set_body(&body, "\x1f\x8b", 2);
	check_garbage(&body);
	deflate_body(&body, RAW, "some text", 9);
	check_garbage(&body);
	deflate_body(&body, GZIP, "some text", 9);
	sbuf_addc(&body, '\n');
	check_garbage(&body);
}

TEST(a_cut_or_damaged_body_is_refused)
{
	_free_ char *bytes = some_bytes(50000);
	_sbuf_ struct sbuf whole = SBUF_INIT(LIMIT), body = SBUF_INIT(LIMIT);

	deflate_body(&whole, GZIP, bytes, 50000);
	for (size_t n = 0; n < whole.len; n += n < 64 || n + 64 > whole.len ? 1 : 997) {
		set_body(&body, whole.data, n);
		check_garbage(&body);
	}
	for (size_t at = 20; at < whole.len; at += 503) { /* behind the header, whose time and name nobody checks */
		set_body(&body, whole.data, whole.len);
		body.data[at] ^= 0x10;
		check_garbage(&body);
	}
}
