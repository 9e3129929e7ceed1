#include "answer.h"
#include "base/str.h"
#include <ctype.h>
#include <string.h>
#include <strings.h>

enum { STATUS_AT = 9, STATUS_DIGITS = 3, CHUNK_SIZE_MAX = 1 << 30 };

void answer_start(struct answer *a)
{
	a->status = 0;
	a->close = false;
	a->where = IN_HEAD;
	a->rest = 0;
	a->line = 0;
	a->head_len = 0;
}

/* The value of a header in the head, up to its line's end; NULL when it is not there. */
static const char *header_value(const char *head, const char *name)
{
	size_t len = strlen(name);

	for (const char *line = strstr(head, "\r\n"); line && line[2] != '\0'; line = strstr(line + 2, "\r\n")) {
		if (strncasecmp(line + 2, name, len) == 0 && line[2 + len] == ':')
			return line + 2 + len + 1 + strspn(line + 2 + len + 1, " ");
	}
	return NULL;
}

/* The head is complete: what follows it? */
static bool read_head(struct answer *a)
{
	const char *head = a->head, *value;

	if (!str_starts(head, "HTTP/1.1 "))
		return false;
	for (int i = 0; i < STATUS_DIGITS; i++)
		a->status = a->status * 10 + (head[STATUS_AT + i] - '0');
	value = header_value(head, "Connection");
	a->close = value && strncasecmp(value, "close", 5) == 0;
	value = header_value(head, "Transfer-Encoding");
	if (value && strncasecmp(value, "chunked", 7) == 0) {
		a->where = IN_CHUNK_SIZE;
		return true;
	}
	value = header_value(head, "Content-Length");
	if (!value)
		return false;
	for (; isdigit((unsigned char)*value); value++)
		a->rest = a->rest * 10 + (size_t)(*value - '0');
	a->where = IN_BODY;
	return true;
}

/* Collects bytes up to the blank line. */
static enum answer_progress feed_head(struct answer *a, const char *bytes, size_t n, size_t *used)
{
	size_t before = a->head_len, room = sizeof a->head - 1 - before, take = n < room ? n : room;
	size_t from = before < 3 ? 0 : before - 3;

	memcpy(a->head + before, bytes, take);
	a->head[before + take] = '\0';
	const char *end = strstr(a->head + from, "\r\n\r\n");
	if (!end) {
		a->head_len += take;
		*used += take;
		return take < n ? ANSWER_BROKEN : ANSWER_MORE;
	}
	a->head_len = (size_t)(end - a->head) + 4;
	a->head[a->head_len] = '\0';
	*used += a->head_len - before;
	if (!read_head(a))
		return ANSWER_BROKEN;
	return a->where == IN_BODY && a->rest == 0 ? ANSWER_DONE : ANSWER_MORE;
}

static int hex_value(char c)
{
	return isdigit((unsigned char)c)    ? c - '0'
	       : isxdigit((unsigned char)c) ? tolower((unsigned char)c) - 'a' + 10
					    : -1;
}

/* The framing of chunks, one byte at a time: there are few of them. */
static enum answer_progress feed_framing(struct answer *a, char c)
{
	if (c == '\r')
		return ANSWER_MORE;
	if (c != '\n') {
		int digit = hex_value(c);

		a->line++;
		if (a->where != IN_CHUNK_SIZE)
			return a->where == IN_TRAILER ? ANSWER_MORE : ANSWER_BROKEN;
		a->rest = a->rest * 16 + (size_t)digit;
		return digit < 0 || a->rest > CHUNK_SIZE_MAX ? ANSWER_BROKEN : ANSWER_MORE;
	}
	if (a->where == IN_TRAILER && a->line == 0)
		return ANSWER_DONE;
	if (a->where == IN_CHUNK_SIZE)
		a->where = a->rest ? IN_CHUNK : IN_TRAILER;
	else if (a->where == IN_CHUNK_END)
		a->where = IN_CHUNK_SIZE;
	a->line = 0;
	return ANSWER_MORE;
}

enum answer_progress answer_feed(struct answer *a, const char *bytes, size_t n, size_t *ret_used)
{
	enum answer_progress progress = ANSWER_MORE;
	size_t used = 0;

	if (a->where == IN_HEAD)
		progress = feed_head(a, bytes, n, &used);
	while (progress == ANSWER_MORE && used < n) {
		if (a->where != IN_BODY && a->where != IN_CHUNK) {
			progress = feed_framing(a, bytes[used++]);
			continue;
		}
		size_t take = n - used < a->rest ? n - used : a->rest;

		used += take;
		a->rest -= take;
		if (a->rest == 0 && a->where == IN_BODY)
			progress = ANSWER_DONE;
		else if (a->rest == 0)
			a->where = IN_CHUNK_END;
	}
	*ret_used = used;
	return progress;
}
