#include "base/str.h"
#include <ctype.h>
#include <limits.h>
#include <string.h>
#include <strings.h>

static bool digits_to_u64(const char *s, size_t n, uint64_t max, uint64_t *ret)
{
	uint64_t v = 0;

	if (n == 0)
		return false;
	for (size_t i = 0; i < n; i++) {
		if (s[i] < '0' || s[i] > '9')
			return false;
		uint64_t d = (uint64_t)(s[i] - '0');
		if (v > (max - d) / 10)
			return false;
		v = v * 10 + d;
	}
	*ret = v;
	return true;
}

bool str_to_i64(const char *s, int64_t *ret)
{
	bool negative = *s == '-';
	uint64_t v;

	s += negative;
	if (!digits_to_u64(s, strlen(s), (uint64_t)INT64_MAX + negative, &v))
		return false;
	*ret = negative ? (int64_t)(0 - v) : (int64_t)v;
	return true;
}

bool str_to_i32(const char *s, int32_t *ret)
{
	int64_t v;

	if (*s == '+' && s[1] != '-')
		s++;
	if (!str_to_i64(s, &v) || v < INT32_MIN || v > INT32_MAX)
		return false;
	*ret = (int32_t)v;
	return true;
}

bool str_to_bytes(const char *s, int64_t *ret)
{
	static const char units[] = "kmgt";
	size_t n = strspn(s, "0123456789");
	uint64_t v, factor = 1;
	const char *suffix = s + n, *unit;

	if (*suffix && (unit = strchr(units, tolower((unsigned char)*suffix))) != NULL) {
		factor = 1ULL << (10 * (unit - units + 1));
		suffix++;
	}
	if (*suffix == 'b' || *suffix == 'B')
		suffix++;
	if (*suffix || !digits_to_u64(s, n, INT64_MAX, &v) || v > INT64_MAX / factor)
		return false;
	*ret = (int64_t)(v * factor);
	return true;
}

bool str_to_ms(const char *s, int64_t unit_ms, int64_t *ret)
{
	static const struct {
		const char *suffix;
		int64_t ms;
	} units[] = {
		{ "ms", 1 }, { "s", 1000 }, { "m", 60000 }, { "min", 60000 }, { "h", 3600000 }, { "d", 86400000 }
	};
	size_t n = strspn(s, "0123456789");
	int64_t factor = s[n] ? 0 : unit_ms;
	uint64_t v;

	if (!digits_to_u64(s, n, INT64_MAX, &v))
		return false;
	if (strcasecmp(s + n, "us") == 0) {
		*ret = (int64_t)(v / 1000);
		return true;
	}
	for (size_t i = 0; i < ARRAY_LEN(units); i++)
		if (strcasecmp(s + n, units[i].suffix) == 0)
			factor = units[i].ms;
	if (factor == 0 || v > (uint64_t)(INT64_MAX / factor))
		return false;
	*ret = (int64_t)v * factor;
	return true;
}

bool str_eq(const char *a, const char *b)
{
	return a == b || (a && b && strcmp(a, b) == 0);
}

bool str_starts(const char *s, const char *prefix)
{
	return strncmp(s, prefix, strlen(prefix)) == 0;
}

bool str_ends(const char *s, const char *suffix)
{
	size_t n = strlen(s), m = strlen(suffix);

	return n >= m && memcmp(s + n - m, suffix, m) == 0;
}

bool str_glob(const char *pattern, const char *s)
{
	const char *star = NULL, *tried = NULL; /* the last * and how far it reaches */

	while (*s) {
		if (*pattern == '*') {
			star = ++pattern;
			tried = s;
		} else if (*pattern == *s) {
			pattern++;
			s++;
		} else if (star) {
			pattern = star;
			s = ++tried;
		} else {
			return false;
		}
	}
	return pattern[strspn(pattern, "*")] == '\0';
}

bool str_in_list(const char *list, const char *item)
{
	size_t n = item ? strlen(item) : 0;

	for (const char *p = list; item && p && *p; p += strspn(p, ", ")) {
		size_t len = strcspn(p, ", ");

		if (len == n && memcmp(p, item, n) == 0)
			return true;
		p += len;
	}
	return false;
}

bool str_all_digits(const char *s)
{
	return *s && s[strspn(s, "0123456789")] == '\0';
}

static bool continuation(unsigned char c)
{
	return (c & 0xC0) == 0x80;
}

size_t str_utf8_len(const unsigned char *s, size_t n)
{
	if (n == 0)
		return 0;
	if (s[0] < 0x80)
		return 1;
	if (s[0] >= 0xC2 && s[0] <= 0xDF)
		return n >= 2 && continuation(s[1]) ? 2 : 0;
	if ((s[0] & 0xF0) == 0xE0) {
		if (n < 3 || !continuation(s[1]) || !continuation(s[2]))
			return 0;
		if ((s[0] == 0xE0 && s[1] < 0xA0) || (s[0] == 0xED && s[1] > 0x9F))
			return 0;
		return 3;
	}
	if (s[0] >= 0xF0 && s[0] <= 0xF4) {
		if (n < 4 || !continuation(s[1]) || !continuation(s[2]) || !continuation(s[3]))
			return 0;
		if ((s[0] == 0xF0 && s[1] < 0x90) || (s[0] == 0xF4 && s[1] > 0x8F))
			return 0;
		return 4;
	}
	return 0;
}

bool str_utf8_ok(const char *s, size_t n)
{
	for (size_t i = 0, len; i < n; i += len)
		if ((len = str_utf8_len((const unsigned char *)s + i, n - i)) == 0)
			return false;
	return true;
}

static int hex_value(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c = (char)(c | 0x20);
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

ssize_t str_percent_decode(char *s)
{
	char *to = s;

	for (const char *from = s; *from; from++) {
		if (*from != '%') {
			*to++ = *from;
			continue;
		}
		int high = hex_value(from[1]), low = high < 0 ? -1 : hex_value(from[2]);
		if (low < 0 || (high == 0 && low == 0))
			return -1;
		*to++ = (char)(high << 4 | low);
		from += 2;
	}
	*to = '\0';
	return to - s;
}
