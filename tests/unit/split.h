/*
 * split - a raw header block, taken apart in place as libmicrohttpd 0.9.75 does it, and shown to the guard.
 *
 * As there: lines end at \n, a \r before it goes too; separators become NULs; what follows a NUL in a line is lost; a
 * folded line is joined elsewhere; a field without a name is left out. What that library refuses itself is refused
 * here.
 */
#pragma once
#include "http/guard.h"

/*
 * Judges block[0 … n-1], which is changed and must have room for a NUL behind it. The status; 0: served, and
 * *ret_end is where its body would begin.
 */
int split_judge(char *block, size_t n, struct guard *g, size_t *ret_end);

/*
 * A reader of its own: is this exactly one request line, whole fields and the empty line, as RFC 9112 has them? But
 * NULs may stand where guard.h says that they cannot be told.
 */
bool split_well_formed(const char *block, size_t n);
