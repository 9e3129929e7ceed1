#include "base/jscan.h"
#include "base/json.h"
#include <string.h>

static const char *skip_blanks(const char *at, const char *end)
{
	while (at < end && (*at == ' ' || *at == '\n' || *at == '\t' || *at == '\r'))
		at++;
	return at;
}

/* From the quote on; behind the other one, or NULL. */
static const char *skip_string(const char *at, const char *end)
{
	for (at++; at < end && *at != '"'; at++)
		at += *at == '\\';
	return at < end ? at + 1 : NULL;
}

/* From its bracket on; behind the one that closes it, or NULL. Which brackets are open is one bit each. */
static const char *skip_container(const char *at, const char *end)
{
	_Static_assert(JR_DEPTH_MAX <= 64, "a bit for each level");
	uint64_t squares = 0;
	int depth = 0;

	while (at < end) {
		char c = *at;

		if (c == '"') {
			if (!(at = skip_string(at, end)))
				return NULL;
			continue;
		}
		at++;
		if (c == '{' || c == '[') {
			if (++depth > JR_DEPTH_MAX)
				return NULL;
			squares = squares << 1 | (c == '[');
		} else if (c == '}' || c == ']') {
			if ((squares & 1) != (c == ']'))
				return NULL;
			squares >>= 1;
			if (--depth == 0)
				return at;
		}
	}
	return NULL;
}

static bool ends_word(char c)
{
	return c == ',' || c == '}' || c == ']' || c == ' ' || c == '\n' || c == '\t' || c == '\r' || c == ':';
}

static const char *skip_value(const char *at, const char *end)
{
	const char *from = at;

	if (at < end && *at == '"')
		return skip_string(at, end);
	if (at < end && (*at == '{' || *at == '['))
		return skip_container(at, end);
	while (at < end && !ends_word(*at))
		at++;
	return at > from ? at : NULL;
}

size_t jscan_mark(const char *text, size_t n)
{
	static const char mark[] = "\xEF\xBB\xBF";

	return n >= strlen(mark) && memcmp(text, mark, strlen(mark)) == 0 ? strlen(mark) : 0;
}

struct jscan jscan_in(const char *text, size_t n)
{
	struct jscan s = { .end = text + n };

	s.at = skip_blanks(text + jscan_mark(text, n), s.end);
	s.bad = s.at == s.end || (*s.at != '{' && *s.at != '[');
	if (!s.bad)
		s.close = *s.at++ == '{' ? '}' : ']';
	return s;
}

static bool is_bad(struct jscan *s)
{
	s->bad = true;
	return false;
}

static bool is_over(struct jscan *s)
{
	s->close = '\0';
	s->bad = skip_blanks(s->at + 1, s->end) != s->end;
	return false;
}

static bool take_key(struct jscan *s, struct jslice *key)
{
	const char *from = s->at, *behind = from < s->end && *from == '"' ? skip_string(from, s->end) : NULL;

	if (!behind)
		return false;
	*key = (struct jslice){ from + 1, (size_t)(behind - from) - 2 };
	s->at = skip_blanks(behind, s->end);
	if (s->at == s->end || *s->at != ':')
		return false;
	s->at = skip_blanks(s->at + 1, s->end);
	return true;
}

bool jscan_next(struct jscan *s, struct jslice *key, struct jslice *value)
{
	if (s->bad || !s->close)
		return false;
	s->at = skip_blanks(s->at, s->end);
	if (s->at == s->end)
		return is_bad(s);
	if (*s->at == s->close)
		return is_over(s);
	if (s->begun && *s->at++ != ',')
		return is_bad(s);
	s->begun = true;
	s->at = skip_blanks(s->at, s->end);
	*key = (struct jslice){ 0 };
	if (s->close == '}' && !take_key(s, key))
		return is_bad(s);
	const char *behind = skip_value(s->at, s->end);
	if (!behind)
		return is_bad(s);
	*value = (struct jslice){ s->at, (size_t)(behind - s->at) };
	s->at = behind;
	return true;
}

bool jscan_is(struct jslice s, const char *text)
{
	return s.text && strlen(text) == s.len && memcmp(s.text, text, s.len) == 0;
}

bool jscan_member(struct jslice object, const char *key, struct jslice *ret)
{
	struct jscan s = jscan_in(object.text, object.len);
	struct jslice name, value;

	*ret = (struct jslice){ 0 };
	while (jscan_next(&s, &name, &value))
		if (jscan_is(name, key))
			*ret = value;
	return !s.bad && object.len && *object.text != '[';
}
