#include "run/lineends.h"
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

typedef unsigned char block __attribute__((vector_size(16)));

enum {
	BLOCK = sizeof(block),
	ROUND_MAX = 255, /* blocks until a lane of the counter could overflow */
	COARSE = 1024,   /* bytes counted at once on the way to the nth end */
};

static block load(const unsigned char *p)
{
	block b;

	memcpy(&b, p, sizeof b);
	return b;
}

static bool is_end(const unsigned char *p)
{
	return *p == '\r' || (*p == '\n' && p[-1] != '\r');
}

/* 0xff in each lane where a line ends. */
static block ends_in(const unsigned char *p)
{
	block here = load(p), before = load(p - 1);

	return (block)(here == '\r') | ((block)(here == '\n') & ~(block)(before == '\r'));
}

size_t lineends_count(const unsigned char *p, size_t n)
{
	const unsigned char *end = p + n;
	size_t count = 0;

	while (end - p >= BLOCK) {
		block lanes = { 0 };

		for (int i = 0; i < ROUND_MAX && end - p >= BLOCK; i++, p += BLOCK)
			lanes -= ends_in(p);
		for (int i = 0; i < BLOCK; i++)
			count += lanes[i];
	}
	for (; p < end; p++)
		count += is_end(p);
	return count;
}

size_t lineends_skip(const unsigned char *bytes, size_t n, size_t nth)
{
	const unsigned char *p = bytes, *end = bytes + n;

	for (size_t here; end - p >= COARSE && (here = lineends_count(p, COARSE)) < nth; p += COARSE)
		nth -= here;
	for (; p < end; p++)
		if (is_end(p) && --nth == 0)
			return (size_t)(p - bytes) + 1;
	return n;
}

size_t lineends_find(const unsigned char *bytes, size_t n)
{
	size_t i = 0;

	for (; n - i >= BLOCK; i += BLOCK) {
		block here = load(bytes + i), ends = (block)(here == '\n') | (block)(here == '\r');
		uint64_t halves[2];

		memcpy(halves, &ends, sizeof halves);
		if (halves[0] | halves[1])
			break;
	}
	while (i < n && bytes[i] != '\n' && bytes[i] != '\r')
		i++;
	return i;
}
