#include "base/cleanup.h"
#include "base/sbuf.h"
#include "http/server.h"
#include "split.h"
#include "t.h"
#include <string.h>

enum { BLOCK_MAX = 512 * 1024 };

/* What happens to this block of n bytes. */
static int judge_to(const char *bytes, size_t n, struct guard *g, size_t *ret_end)
{
	_free_ char *block = xmalloc(n + 1);

	memcpy(block, bytes, n);
	return split_judge(block, n, g, ret_end);
}

static int judge_bytes(const char *bytes, size_t n, struct guard *g)
{
	size_t end;

	return judge_to(bytes, n, g, &end);
}

static int judge(const char *block)
{
	struct guard g;

	return judge_bytes(block, strlen(block), &g);
}

#define GET "GET / HTTP/1.1\r\nHost: a\r\n"
#define POST "POST / HTTP/1.1\r\nHost: a\r\n"
#define OLD_POST "POST / HTTP/1.0\r\n"
#define END "\r\n"

static const struct {
	const char *block;
	int status;
} verdicts[] = {
	{ GET END, 0 },
	{ "GET / HTTP/1.0\r\n" END, 0 },
	{ "GET /a?b=c&d HTTP/1.1\r\nhOST:a\r\n" END, 0 },
	{ GET "X-Empty:\r\nX-Blank: \r\nX-Tab:\tb\tc\r\n!#$%&'*+-.^_`|~09aZ: \xC3\xA4\r\n" END, 0 },

	/* one length, in digits */
	{ POST "Content-Length: 0\r\n" END, 0 },
	{ POST "content-length: 5\r\n" END, 0 },
	{ POST "Content-Length: 000000000000000005\r\n" END, 0 },
	{ POST "Content-Length: 999999999999999999\r\n" END, 0 },
	{ POST "Content-Length: 1000000000000000000\r\n" END, 400 },
	{ POST "Content-Length: 18446744073709551621\r\n" END, 400 },
	{ POST "Content-Length: 5\r\nContent-Length: 5\r\n" END, 400 },
	{ POST "Content-Length: 5\r\nCONTENT-LENGTH: 6\r\n" END, 400 },
	{ POST "Content-Length: 5, 5\r\n" END, 400 },
	{ POST "Content-Length: +5\r\n" END, 400 },
	{ POST "Content-Length: -1\r\n" END, 400 },
	{ POST "Content-Length: 0x5\r\n" END, 400 },
	{ POST "Content-Length: 5 6\r\n" END, 400 },
	{ POST "Content-Length: 5 \r\n" END, 400 },
	{ POST "Content-Length:\r\n" END, 400 },

	/* one coding, chunked, and not with a length */
	{ POST "Transfer-Encoding: chunked\r\n" END, 0 },
	{ POST "transfer-encoding: CHUNKED\r\n" END, 0 },
	{ POST "Transfer-Encoding: xchunked\r\n" END, 400 },
	{ POST "Transfer-Encoding: chunked, identity\r\n" END, 400 },
	{ POST "Transfer-Encoding: chunked, chunked\r\n" END, 400 },
	{ POST "Transfer-Encoding: gzip, chunked\r\n" END, 400 },
	{ POST "Transfer-Encoding: Chunked;q=1\r\n" END, 400 },
	{ POST "Transfer-Encoding: \x0b"
	       "chunked\r\n" END,
	  400 },
	{ POST "Transfer-Encoding: gzip\r\n" END, 501 },
	{ POST "Transfer-Encoding:\r\n" END, 501 },
	{ POST "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n" END, 400 },
	{ POST "Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n" END, 400 },
	{ POST "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n" END, 400 },
	{ POST "Transfer-Encoding: chunked\r\nContent-Length: 5\r\n" END, 400 },

	/* HTTP/1.0 */
	{ OLD_POST "Content-Length: 5\r\n" END, 0 },
	{ OLD_POST "Transfer-Encoding: chunked\r\n" END, 400 },
	{ "GET / HTTP/1.0\r\nContent-Length: 5\r\n" END, 400 },
	{ "GET / HTTP/1.0\r\nContent-Length: 0\r\n" END, 0 },

	/* Host */
	{ "GET / HTTP/1.1\r\n" END, 400 },
	{ GET "Host: a\r\n" END, 400 },
	{ GET "host: b\r\n" END, 400 },
	{ "GET / HTTP/1.1\r\nHost:\r\n" END, 0 },
	{ "GET / HTTP/1.1\r\nHost: [::1]:8998\r\n" END, 0 },
	{ "GET / HTTP/1.1\r\nHost: a b\r\n" END, 400 },
	{ "GET / HTTP/1.1\r\nHost: user@h\r\n" END, 400 },
	{ "GET / HTTP/1.1\r\nHost: h/path\r\n" END, 400 },
	{ "GET / HTTP/1.1\r\nHost: a, b\r\n" END, 400 },

	/* Expect */
	{ POST "Content-Length: 5\r\nExpect: 100-Continue\r\n" END, 0 },
	{ POST "Expect: 100-continue, x\r\n" END, 417 },
	{ POST "Expect: x\r\n" END, 417 },

	/* the request line */
	{ "GET / HTTP/2.0\r\nHost: a\r\n" END, 505 },
	{ "GET / HTTP/0.9\r\nHost: a\r\n" END, 505 },
	{ "GET / HTTP/1.1.\r\nHost: a\r\n" END, 505 },
	{ "GET  / HTTP/1.1\r\nHost: a\r\n" END, 400 },
	{ "GET /  HTTP/1.1\r\nHost: a\r\n" END, 400 },
	{ "GET /a b HTTP/1.1\r\nHost: a\r\n" END, 400 },
	{ "G(T / HTTP/1.1\r\nHost: a\r\n" END, 400 },
	{ " / HTTP/1.1\r\nHost: a\r\n" END, 400 },
	{ "BREW / HTTP/1.1\r\nHost: a\r\n" END, 0 }, /* well framed; what is done with it is for others */
	{ "GET / HTTP/1.1\nHost: a\r\n" END, 400 },
	{ "GET /\r HTTP/1.1\r\nHost: a\r\n" END, 400 },
	{ "GET /\tb HTTP/1.1\r\nHost: a\r\n" END, 400 },
	{ "GET /?a=\x01 HTTP/1.1\r\nHost: a\r\n" END, 400 },

	/* lines that others may read otherwise */
	{ GET "X: b\n" END, 400 },
	{ GET "X: b\r\n\n", 400 },
	{ GET "X: b\r\r\n" END, 400 },
	{ GET "X: b\rY: c\r\n" END, 400 },
	{ GET "X: b\r\n c\r\n" END, 400 },
	{ GET "X: b\r\n\tContent-Length: 5\r\n" END, 400 },
	{ GET " X: b\r\n" END, 400 },
	{ GET "X : b\r\n" END, 400 },
	{ GET "X\t: b\r\n" END, 400 },
	{ GET ": b\r\n" END, 400 },
	{ GET "X\r\n" END, 400 },
	{ GET "X(: b\r\n" END, 400 },
	{ GET "X\xC3\xA4: b\r\n" END, 400 },
	{ GET "X: a\x01"
	      "b\r\n" END,
	  400 },
	{ GET "X: a\x7f\r\n" END, 400 },
};

TEST(every_framing_has_its_verdict)
{
	for (size_t i = 0; i < ARRAY_LEN(verdicts); i++) {
		int got = judge(verdicts[i].block);

		if (got != verdicts[i].status)
			t_fail(__FILE__, __LINE__, "%s\n# is %d, wants %d", verdicts[i].block, got, verdicts[i].status);
	}
}

TEST(the_length_of_the_body_is_reported)
{
	struct guard g;
	static const char sized[] = POST "Content-Length: 1234567890123\r\nExpect: 100-continue\r\n" END;
	static const char chunked[] = POST "Transfer-Encoding: chunked\r\n" END, none[] = GET END;

	CHECK_INT(judge_bytes(sized, strlen(sized), &g), 0);
	CHECK_INT(g.content_length, 1234567890123);
	CHECK(g.expects && !g.chunked);
	CHECK_INT(judge_bytes(chunked, strlen(chunked), &g), 0);
	CHECK_INT(g.content_length, -1);
	CHECK(g.chunked && !g.expects);
	CHECK_INT(judge_bytes(none, strlen(none), &g), 0);
	CHECK_INT(g.content_length, -1);
	CHECK(!g.chunked && !g.expects);
}

TEST(the_first_reason_stands)
{
	struct guard g;
	static const char block[] = "POST / HTTP/1.1\r\nExpect: x\r\nContent-Length: y\r\n" END;

	CHECK_INT(judge_bytes(block, strlen(block), &g), 417);
	CHECK_STR(g.reason, "only Expect: 100-continue is known");
}

TEST(fields_have_a_ceiling)
{
	for (int count = HTTP_FIELDS_MAX - 1; count <= HTTP_FIELDS_MAX + 1; count++) {
		_sbuf_ struct sbuf block = SBUF_INIT(BLOCK_MAX);
		struct guard g;

		sbuf_adds(&block, GET);
		for (int i = 1; i < count; i++)
			sbuf_addf(&block, "X-%d: y\r\n", i);
		sbuf_adds(&block, END);
		CHECK_INT(judge_bytes(block.data, block.len, &g), count <= HTTP_FIELDS_MAX ? 0 : 431);
	}
}

/* --- no gap goes unseen --- */

static const char whole[] =
	"POST /batches?from=1&size=2 HTTP/1.1\r\nHost: localhost:8998\r\nUser-Agent: curl/7.88 (x; y)\r\n"
	"Content-Type:application/json\r\nX-Two: \t a, b\r\nContent-Length: 5\r\n" END;

/* Served blocks are what they seem; says whether this one was. */
static bool served_only_if_well_formed(const char *bytes, size_t n)
{
	struct guard g;
	size_t end;

	if (judge_to(bytes, n, &g, &end) != 0)
		return false;
	if (!split_well_formed(bytes, end))
		t_fail(__FILE__, __LINE__, "served: %.*s", (int)end, bytes);
	return true;
}

TEST(a_byte_put_in_at_any_place_leaves_no_gap)
{
	static const char strangers[] = { '\0', '\r', '\n', ' ', '\t', ':', 0x0b, 0x7f, (char)0xff, 'x' };
	size_t n = strlen(whole);
	char block[sizeof whole + 2];
	int served = 0;

	CHECK(served_only_if_well_formed(whole, n));
	for (size_t at = 0; at < n; at++) {
		for (size_t i = 0; i < sizeof strangers; i++) {
			memcpy(block, whole, at);
			block[at] = strangers[i];
			memcpy(block + at + 1, whole + at, n - at);
			served += served_only_if_well_formed(block, n + 1);
			memcpy(block + at + 1, whole + at + 1, n - at - 1);
			served += served_only_if_well_formed(block, n);
		}
	}
	CHECK(served > 100); /* an 'x' in a value harms nobody */
}

TEST(a_nul_is_refused_wherever_it_is)
{
	size_t n = strlen(whole);
	char block[sizeof whole + 1];
	struct guard g;

	for (size_t at = 0; at < n; at++) {
		memcpy(block, whole, at);
		block[at] = '\0';
		memcpy(block + at + 1, whole + at, n - at);
		if (judge_bytes(block, n + 1, &g) == 0)
			t_fail(__FILE__, __LINE__, "served with a NUL at %zu", at);
	}
}

TEST(random_damage_leaves_no_gap)
{
	unsigned seed = 20260424;
	size_t n = strlen(whole);
	int served = 0, refused = 0;

	for (int round = 0; round < 200000; round++) {
		char block[sizeof whole];
		size_t len = n;

		memcpy(block, whole, n);
		for (int hits = 1 + rand_r(&seed) % 3; hits > 0; hits--) {
			static const char bytes[] = "\r\n\0 \t:\r\n/Xa,";
			size_t at = (size_t)rand_r(&seed) % len;

			if (rand_r(&seed) % 3) {
				block[at] = bytes[(size_t)rand_r(&seed) % (sizeof bytes - 1)];
				continue;
			}
			memmove(block + at, block + at + 1, len - at - 1);
			len--;
		}
		if (served_only_if_well_formed(block, len))
			served++;
		else
			refused++;
	}
	CHECK(served > 1000 && refused > 1000);
}
