/*
 * lineends - counting and finding the ends of lines in bytes, sixteen at a time. Pure.
 *
 * A line ends at \n, \r or \r\n. The \n after a \r is never an end of its own, so both functions look at
 * bytes[-1], which the caller provides: the byte before, or 0.
 */
#pragma once
#include <stddef.h>

size_t lineends_count(const unsigned char *bytes, size_t n);

/* The place after the nth end (nth >= 1); n when there are fewer. */
size_t lineends_skip(const unsigned char *bytes, size_t n, size_t nth);

/* The place of the first \n or \r; n when there is none. Does not look at bytes[-1]. */
size_t lineends_find(const unsigned char *bytes, size_t n);
