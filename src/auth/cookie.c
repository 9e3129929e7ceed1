#include "auth/cookie.h"
#include "base/base64.h"
#include "base/str.h"
#include <string.h>

#define COOKIE_NAME "hadoop.auth"
#define SIGNATURE_MARK "&s="

/* Printable ASCII without what cookies (RFC 6265) or the fields of the value are split at. */
static bool text_ok(const char *s)
{
	for (; *s; s++)
		if (*s <= ' ' || *s > '~' || strchr("\",;\\&", *s))
			return false;
	return true;
}

static void add_signature(struct mac *m, const char *text, size_t n, struct sbuf *to)
{
	struct digest d;

	mac_of(m, 'k', text, n, &d);
	base64_encode(d.bytes, sizeof d.bytes, to);
}

bool cookie_make(struct mac *m, const char *user, const char *principal, int64_t expires_wall_ms, bool only_tls,
		 struct sbuf *to)
{
	_sbuf_ struct sbuf text = SBUF_INIT(COOKIE_MAX);

	if (!text_ok(user) || !text_ok(principal))
		return false;
	sbuf_addf(&text, "u=%s&p=%s&t=kerberos&e=%lld", user, principal, (long long)expires_wall_ms);
	sbuf_addf(to, COOKIE_NAME "=\"%s" SIGNATURE_MARK, sbuf_str(&text));
	add_signature(m, sbuf_str(&text), text.len, to);
	sbuf_addf(to, "\"; Path=/; HttpOnly; SameSite=Strict%s", only_tls ? "; Secure" : "");
	return sbuf_ok(&text) && sbuf_ok(to);
}

/* The value, without its quotes; NULL: there is none, or more than one. */
static const char *find_value(const char *header, size_t *ret_n)
{
	const char *found = NULL;

	for (const char *p = header; p += strspn(p, "; "), *p; p += strcspn(p, ";")) {
		if (!str_starts(p, COOKIE_NAME "="))
			continue;
		if (found)
			return NULL;
		found = p + strlen(COOKIE_NAME "=");
	}
	if (!found)
		return NULL;
	*ret_n = strcspn(found, "; ");
	if (*ret_n >= 2 && found[0] == '"' && found[*ret_n - 1] == '"') {
		found++;
		*ret_n -= 2;
	}
	return found;
}

/* Cuts the signature off `text` if it is ours. */
static bool check_signature(struct mac *m, char *text)
{
	char *mark = strstr(text, SIGNATURE_MARK);
	struct digest given, ours;
	size_t n;

	if (!mark)
		return false;
	const char *signature = mark + strlen(SIGNATURE_MARK);
	if (!base64_decode(signature, strlen(signature), (char *)given.bytes, sizeof given.bytes, &n) ||
	    n != sizeof given.bytes)
		return false;
	mac_of(m, 'k', text, (size_t)(mark - text), &ours);
	*mark = '\0';
	return secret_equal(&given, &ours);
}

bool cookie_read(struct mac *m, const char *header, int64_t now_wall_ms, char user[AUTH_NAME_MAX + 1])
{
	char text[COOKIE_MAX + 1];
	int64_t expires_wall_ms;
	size_t n = 0;
	const char *value = find_value(header, &n);

	if (!value || n > COOKIE_MAX)
		return false;
	memcpy(text, value, n);
	text[n] = '\0';
	if (!check_signature(m, text))
		return false;
	/* From here on it is what cookie_make() wrote. */
	const char *expires = strstr(text, "&e="), *user_end = strchr(text, '&');
	if (!expires || !str_to_i64(expires + strlen("&e="), &expires_wall_ms) || expires_wall_ms <= now_wall_ms)
		return false;
	n = (size_t)(user_end - text) - strlen("u=");
	if (n == 0 || n > AUTH_NAME_MAX)
		return false;
	memcpy(user, text + strlen("u="), n);
	user[n] = '\0';
	return true;
}
