/*
 * fuzz-guard - any bytes as a header block, taken apart as the HTTP library does, before the guard.
 *
 * Must hold: what is served is well-formed to a reader that takes the block byte by byte, has one framing, and is what
 * the guard says it is; a refusal has a status and a reason.
 */
#include "base/cleanup.h"
#include "split.h"
#include <string.h>
#include <strings.h>

enum { INPUT_MAX_BYTES = 256 * 1024 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static void must(bool holds)
{
	if (!holds)
		abort();
}

/* The number of fields with this name in a well-formed block; *ret_value is the last one's value. */
static int count_fields(const char *block, const char *end, const char *name, const char **ret_value)
{
	size_t name_len = strlen(name);
	int count = 0;

	for (const char *line = block; (line = memchr(line, '\n', (size_t)(end - line))) != NULL;) {
		line++;
		if ((size_t)(end - line) <= name_len || strncasecmp(line, name, name_len) != 0 || line[name_len] != ':')
			continue;
		*ret_value = line + name_len + 1;
		*ret_value += strspn(*ret_value, " \t");
		count++;
	}
	return count;
}

static void check_served(const char *block, size_t n, const struct guard *g)
{
	const char *end = block + n, *length, *coding, *host;

	must(split_well_formed(block, n));
	int lengths = count_fields(block, end, "Content-Length", &length);
	int codings = count_fields(block, end, "Transfer-Encoding", &coding);
	must(lengths + codings <= 1);
	must(count_fields(block, end, "Host", &host) <= 1);
	must(g->chunked == (codings == 1));
	must((g->content_length >= 0) == (lengths == 1));
	if (codings)
		must(strncasecmp(coding, "chunked", 7) == 0 && strspn(coding + 7, "\r\n") > 0);
	if (lengths) {
		int64_t want = 0;

		for (; *length >= '0' && *length <= '9'; length++)
			want = want * 10 + (*length - '0');
		must(want == g->content_length);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct guard g = { 0 };
	size_t end;

	if (n == 0 || n > INPUT_MAX_BYTES)
		return 0;
	_free_ char *whole = xmalloc(n + 1), *block = xmalloc(n + 1);
	memcpy(whole, data, n);
	memcpy(block, data, n);
	whole[n] = '\0';

	int status = split_judge(block, n, &g, &end);
	if (status == 0)
		check_served(whole, end, &g);
	else
		must(status >= 400 && status < 600 && (g.status == 0 || (g.reason && g.reason[0])));
	return 0;
}
