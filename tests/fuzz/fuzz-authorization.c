/*
 * fuzz-authorization - any bytes as the value of an Authorization header.
 *
 * Must hold: what is accepted has a scheme and exactly the fields of it, within their ceilings, of
 * the characters that are promised; and encoding user and password anew gives the value back,
 * so that no two spellings mean the same credentials but for the scheme's case and the blanks after it.
 */
#include "auth/authorization.h"
#include "base/str.h"
#include <stdint.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static void must(bool holds)
{
	if (!holds)
		abort();
}

static void must_have_no_controls(const char *s)
{
	must(str_utf8_ok(s, strlen(s)));
	for (; *s; s++)
		must((unsigned char)*s >= ' ' && *s != 127);
}

static size_t encode(const char *in, size_t n, char *to)
{
	static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
	size_t len = 0;

	for (size_t i = 0; i < n; i += 3) {
		uint32_t three = 0;

		for (size_t k = 0; k < 3; k++)
			three = three << 8 | (i + k < n ? (unsigned char)in[i + k] : 0);
		for (size_t k = 0; k < 4; k++)
			to[len++] = k > n - i ? '=' : digits[three >> (18 - 6 * k) & 63];
	}
	return len;
}

static void check_basic(const struct authorization *a, const char *value, size_t n)
{
	char text[AUTH_NAME_MAX + AUTH_PASSWORD_MAX + 2], encoded[2 * sizeof text];
	int len = snprintf(text, sizeof text, "%s:%s", a->user, a->password);

	must(len > 0 && (size_t)len < sizeof text);
	must(a->user[0] && a->user[0] != '-' && strcmp(a->user, "*") != 0 && !strpbrk(a->user, " ,:"));
	must(a->password[0] != '\0');
	must_have_no_controls(a->user);
	must_have_no_controls(a->password);

	size_t encoded_len = encode(text, (size_t)len, encoded);
	must(encoded_len < n && memcmp(value + n - encoded_len, encoded, encoded_len) == 0);
}

static void check_bearer(const struct authorization *a, const char *value, size_t n)
{
	size_t len = strlen(a->token);

	must(len > 0 && len < n && memcmp(value + n - len, a->token, len) == 0);
	must_have_no_controls(a->token);
	must(!strchr(a->token, ' '));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	const char *value = n ? (const char *)data : "";
	_authorization_ struct authorization a = { 0 };

	if (!authorization_parse(value, n, &a))
		return 0;
	must(n <= AUTHORIZATION_MAX);
	must(a.scheme == AUTHORIZATION_BASIC || a.scheme == AUTHORIZATION_BEARER);
	if (a.scheme == AUTHORIZATION_BASIC)
		check_basic(&a, value, n);
	else
		check_bearer(&a, value, n);
	return 0;
}
