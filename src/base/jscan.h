/*
 * jscan - walks JSON as text, without building anything: for megabytes of which little counts.
 *
 *     for (struct jscan s = jscan_in(text, n); jscan_next(&s, &key, &value);)
 *             …
 *     if (s.bad) …
 *
 * It finds where members and elements begin and end; what they say, jr_parse() reads. Strings and brackets are checked,
 * to JR_DEPTH_MAX; words and numbers are taken as they are. Slices are of the text. Any thread.
 */
#pragma once
#include <stdbool.h>
#include <stddef.h>

struct jslice {
	const char *text; /* not NUL-terminated; NULL: there is none */
	size_t len;
};

struct jscan {
	const char *at, *end;
	char close; /* the bracket that ends it */
	bool begun;
	bool bad; /* not JSON; or there is more behind it */
};

/* How many bytes a byte order mark at its begin has: tools of Windows write one, and Livy's reader skips it, too. */
size_t jscan_mark(const char *text, size_t n);

/* For what is inside an object or an array, with a mark before and blanks around it at most. Anything else is bad. */
struct jscan jscan_in(const char *text, size_t n);

/*
 * The next value, and its key (with its quotes off and its escapes on; .text NULL in an array). False: no more, or bad.
 */
bool jscan_next(struct jscan *s, struct jslice *key, struct jslice *value);

/* What a key of an object has, when it comes twice the last one; .text NULL: nothing. False: it is bad, or none. */
bool jscan_member(struct jslice object, const char *key, struct jslice *ret);

bool jscan_is(struct jslice s, const char *text); /* byte for byte */
