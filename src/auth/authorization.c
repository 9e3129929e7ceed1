#include "auth/authorization.h"
#include "base/base64.h"
#include "base/str.h"
#include <string.h>
#include <strings.h>

/* "user:password" at its longest */
enum { BASIC_TEXT_MAX = AUTH_NAME_MAX + 1 + AUTH_PASSWORD_MAX };

bool authorization_name_ok(const char *name, size_t n)
{
	if (n == 0 || n > AUTH_NAME_MAX || name[0] == '-' || (n == 1 && name[0] == '*') || !str_utf8_ok(name, n))
		return false;
	for (size_t i = 0; i < n; i++) {
		unsigned char c = (unsigned char)name[i], next = i + 1 < n ? (unsigned char)name[i + 1] : 0;

		if (c <= ' ' || c == 127 || c == ',' || c == ':')
			return false;
		if (c == 0xC2 && next <= 0xA0) /* U+0080 … U+00A0: controls, and a blank that does not look like one */
			return false;
	}
	return true;
}

bool authorization_password_ok(const char *password, size_t n)
{
	if (n == 0 || n > AUTH_PASSWORD_MAX || !str_utf8_ok(password, n))
		return false;
	for (size_t i = 0; i < n; i++)
		if ((unsigned char)password[i] < ' ' || password[i] == 127)
			return false;
	return true;
}

static bool parse_basic(const char *in, size_t n, struct authorization *ret)
{
	char text[BASIC_TEXT_MAX];
	size_t len = 0;
	bool ok = base64_decode(in, n, text, sizeof text, &len);
	const char *colon = ok ? memchr(text, ':', len) : NULL;
	size_t name_len = colon ? (size_t)(colon - text) : 0, password_len = colon ? len - name_len - 1 : 0;

	ok = colon && authorization_name_ok(text, name_len) && authorization_password_ok(colon + 1, password_len);
	if (ok) {
		memcpy(ret->user, text, name_len);
		ret->user[name_len] = '\0';
		memcpy(ret->password, colon + 1, password_len);
		ret->password[password_len] = '\0';
	}
	explicit_bzero(text, sizeof text);
	return ok;
}

static bool parse_bearer(const char *in, size_t n, struct authorization *ret)
{
	if (n == 0 || n > AUTH_TOKEN_MAX)
		return false;
	for (size_t i = 0; i < n; i++)
		if (base64_digit(in[i]) < 0 && !memchr("-._~=", in[i], 5))
			return false;
	memcpy(ret->token, in, n);
	ret->token[n] = '\0';
	return true;
}

bool authorization_parse(const char *value, size_t n, struct authorization *ret)
{
	static const struct {
		const char *word;
		enum authorization_scheme scheme;
		bool (*parse)(const char *in, size_t n, struct authorization *ret);
	} schemes[] = {
		{ "Basic", AUTHORIZATION_BASIC, parse_basic },
		{ "Bearer", AUTHORIZATION_BEARER, parse_bearer },
	};

	ret->scheme = AUTHORIZATION_OTHER;
	if (n > AUTHORIZATION_MAX)
		return false;
	for (size_t i = 0; i < ARRAY_LEN(schemes); i++) {
		size_t at = strlen(schemes[i].word);

		if (n <= at || strncasecmp(value, schemes[i].word, at) != 0 || value[at] != ' ')
			continue;
		while (at < n && value[at] == ' ')
			at++;
		ret->scheme = schemes[i].scheme;
		return schemes[i].parse(value + at, n - at, ret);
	}
	return false;
}

void authorization_done(struct authorization *a)
{
	explicit_bzero(a, sizeof *a);
}
