/*
 * base64 - RFC 4648, one spelling per text: padded, no bits set that stand for nothing, no line ends. Pure.
 */
#pragma once
#include "base/sbuf.h"

int base64_digit(char c); /* its value; -1: not one */

/* False: not base64 as above, empty, or more than `room` bytes. */
MUST_CHECK bool base64_decode(const char *in, size_t n, char *to, size_t room, size_t *ret_n);

void base64_encode(const void *bytes, size_t n, struct sbuf *to);
