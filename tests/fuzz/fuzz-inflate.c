/*
 * fuzz-inflate - any bytes as a compressed body; and as a body that was compressed, cut and mended.
 *
 * Must hold: what comes out is within the limit, a refusal leaves a reason, and what was compressed comes back whole
 * or, when it is larger than the limit, not at all.
 */
#include "http/inflate.h"
#include <stdint.h>
#include <string.h>
#include <zlib.h>

enum { INPUT_MAX_BYTES = 64 * 1024, LIMIT = 32 * 1024, REPEATS = 8 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static void must(bool holds)
{
	if (!holds)
		abort();
}

static void check_garbage(const char *coding, const uint8_t *data, size_t n)
{
	_sbuf_ struct sbuf body = SBUF_INIT(LIMIT);
	struct error e = { 0 };

	sbuf_add(&body, data, n < LIMIT ? n : LIMIT);
	if (inflate_body(coding, &body, &e)) {
		must(body.len <= LIMIT && sbuf_ok(&body));
		must(strlen(sbuf_str(&body)) <= body.len); /* terminated */
	} else {
		must(e.msg[0] && (e.code == ERR_INVALID || e.code == ERR_TOO_LARGE));
	}
}

/* The input, often enough to be worth compressing: it passes the limit when it is long. */
static void check_return(const uint8_t *data, size_t n)
{
	_sbuf_ struct sbuf plain = SBUF_INIT(REPEATS * INPUT_MAX_BYTES), body = SBUF_INIT(LIMIT);
	struct error e = { 0 };

	for (int i = 0; i < REPEATS; i++)
		sbuf_add(&plain, data, n);
	uLongf len = compressBound(plain.len);
	_free_ Bytef *packed = xmalloc(len);
	must(compress(packed, &len, (const Bytef *)sbuf_str(&plain), plain.len) == Z_OK);
	if (len > LIMIT)
		return;
	sbuf_add(&body, packed, len);
	if (plain.len > LIMIT) {
		must(!inflate_body("deflate", &body, &e) && e.code == ERR_TOO_LARGE);
		return;
	}
	must(inflate_body("deflate", &body, &e));
	must(body.len == plain.len && memcmp(sbuf_str(&body), sbuf_str(&plain), plain.len) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	if (n == 0 || n > INPUT_MAX_BYTES)
		return 0;
	check_garbage("gzip", data, n);
	check_garbage("deflate", data, n);
	check_return(data, n);
	return 0;
}
