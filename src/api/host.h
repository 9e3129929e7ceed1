/*
 * host - does a request name us? A page of another site can have its own name point at 127.0.0.1 (DNS rebinding); the
 * browser then sends our visitor's requests here, but under that name. Pure.
 */
#pragma once
#include <stdbool.h>

/*
 * `host` is the Host header; NULL (HTTP/1.0, no browser) is fine, and so is any address, localhost, and `own`.
 * `allowed` are further names by commas or blanks, "*" any; may be NULL. Case, port and a last dot do not count.
 */
bool host_is_ours(const char *host, const char *own, const char *allowed);
