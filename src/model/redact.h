/*
 * redact - which configuration keys hold secrets, going by their names (D18). Pure.
 *
 * Case does not count, and the word may stand anywhere: secret, password, token, credential, and "access key" with or
 * without one character between. Whoever logs or shows a value that a client or an administrator gave asks here first.
 */
#pragma once
#include <stdbool.h>

#define REDACTED "[redacted]"

bool redact_is_secret(const char *key);

/* What may be shown for this key: the value itself (borrowed), or REDACTED. */
const char *redact_value(const char *key, const char *value);
