#include "model/hostport.h"
#include "base/str.h"
#include <string.h>

enum { PORT_MAX = 65535 };

static bool host_ok(const char *host, size_t n, bool bracketed)
{
	static const char name[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._",
			  six[] = "0123456789abcdefABCDEF:.";

	return n > 0 && n < HOSTPORT_HOST_MAX && strspn(host, bracketed ? six : name) == n;
}

bool hostport_parse(const char *text, char host[HOSTPORT_HOST_MAX], int *ret_port)
{
	const char *colon = strrchr(text, ':');
	bool bracketed = text[0] == '[';
	int32_t port;

	if (!colon || !str_all_digits(colon + 1) || !str_to_i32(colon + 1, &port) || port < 1 || port > PORT_MAX)
		return false;
	size_t n = (size_t)(colon - text);
	if (bracketed && (n < 3 || text[n - 1] != ']'))
		return false;
	const char *begin = text + bracketed;
	n -= bracketed ? 2 : 0;
	if (!host_ok(begin, n, bracketed))
		return false;
	memcpy(host, begin, n);
	host[n] = '\0';
	*ret_port = port;
	return true;
}
