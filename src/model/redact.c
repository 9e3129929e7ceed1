#include "model/redact.h"
#include "base/cleanup.h"
#include <string.h>
#include <strings.h>

bool redact_is_secret(const char *key)
{
	static const char *const words[] = { "secret", "password", "token", "credential" };
	static const char access[] = "access", last[] = "key";

	for (size_t i = 0; i < ARRAY_LEN(words); i++)
		if (strcasestr(key, words[i]))
			return true;
	for (const char *at = strcasestr(key, access); at; at = strcasestr(at + 1, access)) {
		const char *rest = at + strlen(access);

		if (strncasecmp(rest, last, strlen(last)) == 0 ||
		    (*rest && strncasecmp(rest + 1, last, strlen(last)) == 0))
			return true;
	}
	return false;
}

const char *redact_value(const char *key, const char *value)
{
	return redact_is_secret(key) ? REDACTED : value;
}
