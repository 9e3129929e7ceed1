/*
 * fuzz-namerules - any bytes as name rules, and behind the first NUL a principal.
 *
 * Must hold: whoever the rules make of a principal is a user's name that fits, without a realm or an instance.
 */
#include "auth/authorization.h"
#include "auth/namerules.h"
#include <stdint.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static void must(bool holds)
{
	if (!holds)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	_free_ char *text = xcalloc(1, n + 2);
	char user[AUTH_NAME_MAX + 1];
	struct namerules *rules;
	struct error e;

	if (n)
		memcpy(text, data, n);
	const char *principal = text + strlen(text) + 1;
	if (strchr(text, '{')) /* nested repetitions take the regex library minutes; rules are the administrator's */
		return 0;
	if (!namerules_parse(text, &rules, &e))
		return 0;
	if (principal <= text + n && namerules_apply(rules, principal, "R", user, sizeof user, &e)) {
		must(authorization_name_ok(user, strlen(user)));
		must(!strpbrk(user, "/@"));
	}
	rules = namerules_free(rules);
	return 0;
}
