/* inflate - request bodies that were sent compressed (D29). The only user of zlib. Private to http/. */
#pragma once
#include "base/error.h"
#include "base/sbuf.h"

/*
 * Decodes `body` by the Content-Encoding `coding`, in place and up to its limit. identity and what is no coding at all
 * (Livy's Java client says UTF-8) leave it. ERR_UNSUPPORTED: unknown coding; ERR_TOO_LARGE; ERR_INVALID: garbage.
 */
MUST_CHECK bool inflate_body(const char *coding, struct sbuf *body, struct error *e);
