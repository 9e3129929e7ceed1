/*
 * authorization - the value of an Authorization header, read strictly (RFC 7617, RFC 6750). Pure.
 *
 * Base64 with its padding and nothing in it that a decoder would have to forgive, UTF-8, no control
 * characters, a name that may stand in a list of users. What is not exactly that is
 * not a credential: false. Secrets live in the struct only, which its owner wipes.
 */
#pragma once
#include "base/cleanup.h"
#include <stdbool.h>
#include <stddef.h>

enum {
	AUTH_NAME_MAX = 256,          /* bytes of a user's name */
	AUTH_PASSWORD_MAX = 1024,     /* bytes; none is ever cut */
	AUTH_TOKEN_MAX = 512,         /* bytes of a bearer token */
	AUTHORIZATION_MAX = 2 * 1024, /* bytes of a header that can hold one of these */
};

enum authorization_scheme { AUTHORIZATION_OTHER, AUTHORIZATION_BASIC, AUTHORIZATION_BEARER };

struct authorization {
	enum authorization_scheme scheme;
	char user[AUTH_NAME_MAX + 1];         /* BASIC */
	char password[AUTH_PASSWORD_MAX + 1]; /* BASIC; not empty */
	char token[AUTH_TOKEN_MAX + 1];       /* BEARER */
};
#define _authorization_ _cleanup_(authorization_done)

/* False: neither Basic nor Bearer, or not well-formed; then only the scheme means something. */
MUST_CHECK bool authorization_parse(const char *value, size_t n, struct authorization *ret);
void authorization_done(struct authorization *a); /* wipes it */

/*
 * May this be a user? 1 … 256 bytes of UTF-8 without control characters, blanks, commas and colons (lists of
 * users are split there); not beginning with '-' (it becomes an argument of programs); not "*" (which means everybody).
 */
bool authorization_name_ok(const char *name, size_t n);
bool authorization_password_ok(const char *password, size_t n); /* 1 … 1024 bytes of UTF-8 without control characters */
