/* compress - answers in the coding that the client asked for (livy.md 1.0). Pure. Private to http/. */
#pragma once
#include "base/sbuf.h"

enum coding { CODING_NONE, CODING_GZIP, CODING_DEFLATE /* zlib's wrapping, as everybody means by it */ };

/* Of gzip and deflate the one with the higher q; of equals the first; others, q=0 and NULL: none. */
enum coding compress_choose(const char *accept_encoding);

const char *compress_name(enum coding c);

/* Appends n bytes, encoded. False when out of memory or over the limit of `out`: send them as they are. */
bool compress_bytes(enum coding c, const char *bytes, size_t n, struct sbuf *out);
