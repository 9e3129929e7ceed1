/*
 * str - reading numbers, sizes, durations and words out of text. Pure, no allocation.
 *
 * All parsers take the whole string or refuse it: no leading blanks, no trailing junk, no
 * silent overflow. Out-parameters are untouched on false.
 */
#pragma once
#include "base/cleanup.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

MUST_CHECK bool str_to_i64(const char *s, int64_t *ret);   /* optional '-', digits */
MUST_CHECK bool str_to_i32(const char *s, int32_t *ret);   /* Java's Integer.parseInt: optional '-' or '+' */
MUST_CHECK bool str_to_bytes(const char *s, int64_t *ret); /* 10, 10k, 10m, 10g (1024s), optional trailing b */
/* livy.md 1.6: digits then us ms s m min h d; no suffix counts as `unit_ms` milliseconds. Never negative. */
MUST_CHECK bool str_to_ms(const char *s, int64_t unit_ms, int64_t *ret);

static inline bool str_empty(const char *s)
{
	return !s || !*s;
}
bool str_eq(const char *a, const char *b); /* NULL equals only NULL */
bool str_starts(const char *s, const char *prefix);
bool str_ends(const char *s, const char *suffix);
/* Is `s` of the form of `pattern`, in which * stands for any text, also none? */
bool str_glob(const char *pattern, const char *s);
bool str_in_list(const char *list,
		 const char *item); /* of a list separated by commas and blanks; NULL is in none, and has none */
bool str_all_digits(const char *s); /* false for "" */

/* True when [s, s+n) is well-formed UTF-8 (RFC 3629: no overlong forms, no surrogates). */
bool str_utf8_ok(const char *s, size_t n);

/*
 * How many bytes the UTF-8 sequence at s has (1–4), looking at no more than n. 0: not a valid
 * sequence. A sequence cut off by n also gives 0.
 */
size_t str_utf8_len(const unsigned char *s, size_t n);

/*
 * Decodes %XX in place; returns the new length, or -1 for a bad escape or %00.
 */
ssize_t str_percent_decode(char *s);
