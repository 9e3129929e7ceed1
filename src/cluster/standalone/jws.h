/* jws - the token that Spark's JWSFilter wants: HS256 over an empty claim. The only file here that knows GnuTLS. */
#pragma once
#include "base/error.h"
#include "base/sbuf.h"

/*
 * `key` is base64url, as in spark.org.apache.spark.ui.JWSFilter.param.secretKey. ERR_CONFIG: it is not, or is under 256
 * bits.
 */
MUST_CHECK bool jws_token(const char *key, struct sbuf *to, struct error *e);
