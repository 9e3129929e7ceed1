#include "api/host.h"
#include <arpa/inet.h>
#include <string.h>
#include <strings.h>

enum { HOST_MAX = 255 };

/* "[::1]:8998": is what stands between the brackets an address? */
static bool is_bracketed_address(const char *host)
{
	const char *end = strchr(host, ']');
	char address[INET6_ADDRSTRLEN] = "";
	struct in6_addr six;

	if (!end || (size_t)(end - host) > sizeof address || (end[1] && end[1] != ':'))
		return false;
	memcpy(address, host + 1, (size_t)(end - host) - 1);
	return inet_pton(AF_INET6, address, &six) == 1;
}

static bool is_listed(const char *name, const char *list)
{
	size_t n = strlen(name), len;

	for (const char *p = list; *p; p += len + (p[len] != '\0')) {
		len = strcspn(p, ", \t");
		if ((len == 1 && *p == '*') || (len == n && n > 0 && strncasecmp(p, name, n) == 0))
			return true;
	}
	return false;
}

bool host_is_ours(const char *host, const char *own, const char *allowed)
{
	size_t n = host ? strcspn(host, ":") : 0;
	char name[HOST_MAX + 1];
	struct in_addr four;

	if (!host)
		return true;
	if (host[0] == '[')
		return is_bracketed_address(host) || is_listed("*", allowed ? allowed : "");
	if (n > HOST_MAX)
		return false;
	memcpy(name, host, n);
	name[n] = '\0';
	if (n > 0 && name[n - 1] == '.')
		name[n - 1] = '\0';
	return inet_pton(AF_INET, name, &four) == 1 || strcasecmp(name, "localhost") == 0 ||
	       strcasecmp(name, own) == 0 || is_listed(name, allowed ? allowed : "");
}
