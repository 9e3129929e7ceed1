#include "base/error.h"
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static const struct {
	const char *name;
	int http_status, exit_status;
} codes[] = {
#define X(code, name, http, exit) [code] = { name, http, exit },
	ERROR_CODES(X)
#undef X
};

bool(error_set)(struct error *e, enum error_code code, const char *fmt, ...)
{
	va_list ap;

	e->code = code;
	va_start(ap, fmt);
	(void)vsnprintf(e->msg, sizeof e->msg, fmt, ap);
	va_end(ap);
	return false;
}

bool(error_errno)(struct error *e, int err, const char *fmt, ...)
{
	va_list ap;
	char what[256], reason[128];

	va_start(ap, fmt);
	(void)vsnprintf(what, sizeof what, fmt, ap);
	va_end(ap);
	return error_set(e, err == ENOSPC || err == EDQUOT ? ERR_NO_SPACE : ERR_INTERNAL, "%s: %s", what,
			 strerror_r(err, reason, sizeof reason));
}

bool(error_wrap)(struct error *e, const char *fmt, ...)
{
	va_list ap;
	struct error old = *e;
	char what[256];

	va_start(ap, fmt);
	(void)vsnprintf(what, sizeof what, fmt, ap);
	va_end(ap);
	(void)snprintf(e->msg, sizeof e->msg, "%s: %.*s", what, (int)(sizeof e->msg - strlen(what) - 3), old.msg);
	return false;
}

const char *error_name(enum error_code code)
{
	return codes[code].name;
}

int error_http_status(enum error_code code)
{
	return codes[code].http_status;
}

int error_exit_status(enum error_code code)
{
	return codes[code].exit_status;
}
