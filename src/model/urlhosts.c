#include "model/urlhosts.h"
#include "base/arena.h"
#include "base/str.h"
#include <string.h>
#include <strings.h>

enum { URLS_SHOWN_MAX = 120, HOSTS_MAX = 1000, LIST_MAX_BYTES = 1024 * 1024 };

struct entry {
	bool tls;
	const char *host, *port;
};

struct urlhosts {
	struct arena *arena;
	struct entry *entries;
	size_t count;
};

static const struct {
	const char *prefix, *port;
	bool tls;
} web[] = { { "https://", "443", true }, { "http://", "80", false } };

/* Schemes by which Java, Spark, Hadoop or Hive (pfile) would fetch something or look into something else. */
static const char *const never[] = { "ftp",    "ftps",   "jar",  "data", "javascript", "har",         "jrt",  "netdoc",
				     "mailto", "gopher", "ldap", "rmi",  "jndi",       "view-source", "pfile" };

/* --- the list --- */

/* Takes "https://", a host in brackets or without, and ":8443" apart. `text` is changed. */
static bool read_entry(char *text, struct entry *ret)
{
	static const char host_chars[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-*";
	size_t which = 0;

	for (size_t i = 0; i < ARRAY_LEN(web); i++) {
		if (strncmp(text, web[i].prefix, strlen(web[i].prefix)) != 0)
			continue;
		which = i;
		text += strlen(web[i].prefix);
		break;
	}
	size_t host = *text == '[' ? strcspn(text, "]") + 1 : strspn(text, host_chars);
	if (*text == '[' ? !strchr(text, ']') : host == 0)
		return false;
	const char *port = text[host] == ':' ? text + host + 1 : web[which].port;
	if (text[host] != '\0' && (text[host] != ':' || !str_all_digits(port)))
		return false;
	text[host] = '\0';
	if (strchr(text + 1, '*') || (*text == '*' && text[1] != '\0' && text[1] != '.'))
		return false;
	*ret = (struct entry){ web[which].tls, text, port };
	return true;
}

bool urlhosts_new(const char *list, struct urlhosts **ret, struct error *e)
{
	struct urlhosts *h = xcalloc(1, sizeof *h);
	char *rest, *text;

	h->arena = arena_new(LIST_MAX_BYTES);
	h->entries = xcalloc(HOSTS_MAX, sizeof *h->entries);
	rest = arena_strdup(h->arena, list);
	if (!arena_ok(h->arena)) {
		(void)urlhosts_free(h);
		return error_set(e, ERR_CONFIG, "florus.job.url-hosts is longer than %d bytes", LIST_MAX_BYTES);
	}
	while ((text = strsep(&rest, ", \t")) != NULL) {
		const char *fault = NULL;

		if (!*text)
			continue;
		if (h->count == HOSTS_MAX)
			fault = "is one too many";
		else if (!read_entry(text, &h->entries[h->count++]))
			fault = "is not of the form [http://|https://]HOST[:PORT]; HOST is a name, *.name, an address or *";
		if (fault) {
			(void)error_set(e, ERR_CONFIG, "florus.job.url-hosts: %.80s %s", text, fault);
			(void)urlhosts_free(h);
			return false;
		}
	}
	*ret = h;
	return true;
}

struct urlhosts *urlhosts_free(struct urlhosts *h)
{
	if (h) {
		(void)arena_free(h->arena);
		free(h->entries);
	}
	free(h);
	return NULL;
}

/* --- URLs --- */

/* A host that may mean an address or this network, however that is written: 127.1, 0x7f.1, [::1], localhost, nas. */
static bool is_address_like(const char *host)
{
	const char *last = strrchr(host, '.');

	if (!last || *host == '[')
		return true;
	last++;
	return !((*last | 0x20) >= 'a' && (*last | 0x20) <= 'z') || strcasecmp(last, "localhost") == 0;
}

static bool host_matches(const char *entry, const char *host)
{
	size_t n = strlen(host), tail = strlen(entry) - 1;

	if (*entry != '*')
		return strcasecmp(entry, host) == 0;
	if (is_address_like(host))
		return false;
	return entry[1] == '\0' || (n > tail && strcasecmp(host + n - tail, entry + 1) == 0);
}

/* The authority of the URL in plain form into `to`; false when it holds anything but host and port. */
static bool plain_authority(const char *from, char *to, size_t room, const char **port)
{
	static const char name[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-";
	static const char address[] = "0123456789abcdefABCDEF:.[]";
	size_t n = strcspn(from, "/?#"), host;

	if (n == 0 || n >= room)
		return false;
	memcpy(to, from, n);
	to[n] = '\0';
	host = *to == '[' ? strspn(to, address) : strspn(to, name);
	if (*to == '[') {
		char *end = strchr(to, ']');
		if (!end || (size_t)(end - to) >= host)
			return false;
		host = (size_t)(end - to) + 1;
	}
	if (to[host] == ':' && str_all_digits(to + host + 1))
		*port = to + host + 1;
	else if (to[host] != '\0')
		return false;
	to[host] = '\0';
	return *to != '.' && host > 0 && to[host - 1] != '.' && !strstr(to, "..");
}

static bool refuse_host(const char *uri, const char *why, struct error *e)
{
	return error_set(e, ERR_INVALID,
			 "Rejected, Reason: %.*s is refused: %s. The administrator permits hosts with "
			 "florus.job.url-hosts.",
			 URLS_SHOWN_MAX, uri, why);
}

static bool check_web(const struct urlhosts *h, const char *uri, size_t which, struct error *e)
{
	char authority[256 + 8];
	const char *port = web[which].port;

	if (!plain_authority(uri + strlen(web[which].prefix), authority, sizeof authority, &port))
		return refuse_host(uri, "its host is not written plainly", e);
	for (size_t i = 0; i < h->count; i++)
		if (h->entries[i].tls == web[which].tls && strcmp(h->entries[i].port, port) == 0 &&
		    host_matches(h->entries[i].host, authority))
			return true;
	return refuse_host(uri, "jobs may not fetch from that host", e);
}

bool urlhosts_check(const struct urlhosts *h, const char *uri, struct error *e)
{
	size_t scheme = strcspn(uri, ":");

	for (size_t i = 0; i < ARRAY_LEN(web); i++)
		if (strncmp(uri, web[i].prefix, strlen(web[i].prefix)) == 0)
			return check_web(h, uri, i, e);
	/* HTTP:, or https: without // */
	if ((scheme == 4 || scheme == 5) && strncasecmp(uri, "https", scheme) == 0)
		return refuse_host(uri, "a URL begins with https:// or http://", e);
	for (size_t i = 0; i < ARRAY_LEN(never); i++)
		if (scheme == strlen(never[i]) && strncasecmp(uri, never[i], scheme) == 0)
			return error_set(e, ERR_INVALID,
					 "Rejected, Reason: %.*s is refused: jobs take no files by the scheme %s:.",
					 URLS_SHOWN_MAX, uri, never[i]);
	return true;
}
