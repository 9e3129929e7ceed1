#include "http/compress.h"
#include "http/inflate.h"
#include "t.h"
#include <string.h>

TEST(the_coding_with_the_most_weight_is_chosen)
{
	static const struct {
		const char *accept;
		enum coding want;
	} cases[] = {
		{ NULL, CODING_NONE },
		{ "", CODING_NONE },
		{ "identity", CODING_NONE },
		{ "br, zstd", CODING_NONE },
		{ "gzip", CODING_GZIP },
		{ "GZIP", CODING_GZIP },
		{ "deflate", CODING_DEFLATE },
		{ "gzip, deflate", CODING_GZIP },
		{ "deflate, gzip", CODING_DEFLATE },
		{ "gzip;q=0.2, deflate;q=0.8", CODING_DEFLATE },
		{ "deflate;q=0.5,gzip", CODING_GZIP },
		{ "gzip;q=0", CODING_NONE },
		{ "gzip;q=0.000, deflate;q=0.001", CODING_DEFLATE },
		{ "gzip ; q=0.5 , deflate ; q=0.4", CODING_GZIP },
		{ "br;q=1.0, gzip;q=0.6, *;q=0.1", CODING_GZIP },
		{ "gzip;q=junk", CODING_GZIP },
		{ ",,;,gzip", CODING_GZIP },
		{ "gzipped, deflated", CODING_NONE },
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++)
		if (compress_choose(cases[i].accept) != cases[i].want)
			t_fail(__FILE__, __LINE__, "%s", cases[i].accept ? cases[i].accept : "NULL");
}

static void comes_back(enum coding coding, const char *bytes, size_t n)
{
	_sbuf_ struct sbuf packed = SBUF_INIT(1 << 20);
	struct error e;

	CHECK(compress_bytes(coding, bytes, n, &packed));
	CHECK_OK(inflate_body(compress_name(coding), &packed, &e), e);
	CHECK_INT(packed.len, n);
	CHECK(memcmp(packed.data, bytes, n) == 0);
}

TEST(what_was_packed_is_unpacked)
{
	static char noise[300000];

	for (size_t i = 0; i < sizeof noise; i++)
		noise[i] = (char)((i * 2654435761u) >> 13);
	comes_back(CODING_GZIP, "{}", 2);
	comes_back(CODING_DEFLATE, "{}", 2);
	comes_back(CODING_GZIP, noise, sizeof noise);
	comes_back(CODING_DEFLATE, noise, sizeof noise);
}

TEST(without_room_nothing_is_packed)
{
	_sbuf_ struct sbuf tiny = SBUF_INIT(8);

	CHECK(!compress_bytes(CODING_GZIP, "aaaaaaaaaaaaaaaaaaaaaaaaaaaa", 28, &tiny));
}
