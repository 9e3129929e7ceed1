/*
 * curlerror - what libcurl's complaints mean to us. Pure. For the two clients of HTTP.
 */
#pragma once
#include "base/error.h"
#include <curl/curl.h>

/* `why` is what libcurl wrote into its error buffer. What no second try mends is not ERR_UNAVAILABLE. */
enum error_code curl_error_code(CURLcode code, const char *why);

/*
 * Of an exchange that had no answer: a guess that one side speaks TLS and the other does not; "": no reason to think
 * so.
 */
const char *curl_language_hint(bool tls, CURLcode code, const char *why);
