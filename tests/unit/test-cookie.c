/* hadoop.auth: what is made is read, and nothing else is. */
#include "base/base64.h"
#include "auth/cookie.h"
#include "base/cleanup.h"
#include "t.h"
#include <string.h>

enum { NOW_MS = 1000000 };

static struct mac *new_mac(void)
{
	struct mac *m;
	struct error e;

	CHECK_OK(mac_new(&m, &e), e);
	return m;
}

/* "hadoop.auth=…", without its attributes: what a browser sends back. */
static char *made(struct mac *m, const char *user, int64_t expires_ms)
{
	struct sbuf to = SBUF_INIT(2 * COOKIE_MAX);

	CHECK(cookie_make(m, user, "alice@EXAMPLE.COM", expires_ms, false, &to));
	char *attributes = strchr(to.data, ';');
	CHECK(attributes);
	*attributes = '\0';
	return sbuf_take(&to);
}

static const char *read_at(struct mac *m, const char *header, int64_t now_ms)
{
	static char user[AUTH_NAME_MAX + 1];

	return cookie_read(m, header, now_ms, user) ? user : NULL;
}

TEST(a_cookie_comes_back_as_its_user)
{
	struct mac *m = new_mac();
	_free_ char *cookie = made(m, "alice", NOW_MS + 1);
	char with_others[1024];

	CHECK_STR(read_at(m, cookie, NOW_MS), "alice");
	(void)snprintf(with_others, sizeof with_others, "a=b; xhadoop.auth=1;%s; hadoop.auth2=x; c=\"d\"", cookie);
	CHECK_STR(read_at(m, with_others, NOW_MS), "alice");
	CHECK(!read_at(m, cookie, NOW_MS + 1)); /* too old */
	m = mac_free(m);
}

TEST(its_attributes_keep_it_from_scripts_and_other_sites)
{
	struct mac *m = new_mac();
	_sbuf_ struct sbuf plain = SBUF_INIT(2 * COOKIE_MAX), tls = SBUF_INIT(2 * COOKIE_MAX);

	CHECK(cookie_make(m, "alice", "alice@X", NOW_MS, false, &plain));
	CHECK(cookie_make(m, "alice", "alice@X", NOW_MS, true, &tls));
	CHECK_STR(strchr(plain.data, ';'), "; Path=/; HttpOnly; SameSite=Strict");
	CHECK_STR(strchr(tls.data, ';'), "; Path=/; HttpOnly; SameSite=Strict; Secure");
	m = mac_free(m);
}

TEST(no_byte_of_it_can_be_changed)
{
	struct mac *m = new_mac();
	_free_ char *cookie = made(m, "alice", NOW_MS + 1);
	size_t value = strlen("hadoop.auth=\""), n = strlen(cookie);

	for (size_t i = value; i < n - 1; i++) {
		for (int bit = 0; bit < 8; bit++) {
			cookie[i] ^= (char)(1 << bit);
			if (read_at(m, cookie, NOW_MS))
				t_fail(__FILE__, __LINE__, "taken: %s", cookie);
			cookie[i] ^= (char)(1 << bit);
		}
	}
	CHECK_STR(read_at(m, cookie, NOW_MS), "alice");
	m = mac_free(m);
}

TEST(a_cookie_of_another_process_is_none)
{
	struct mac *ours = new_mac(), *theirs = new_mac();
	_free_ char *cookie = made(theirs, "alice", NOW_MS + 1);

	CHECK(!read_at(ours, cookie, NOW_MS));
	ours = mac_free(ours);
	theirs = mac_free(theirs);
}

TEST(two_cookies_are_none)
{
	struct mac *m = new_mac();
	_free_ char *one = made(m, "alice", NOW_MS + 1), *other = made(m, "bob", NOW_MS + 1);
	char both[1024];

	(void)snprintf(both, sizeof both, "%s; %s", one, other);
	CHECK(!read_at(m, both, NOW_MS));
	m = mac_free(m);
}

TEST(garbage_is_no_cookie)
{
	static const char *const headers[] = { "",
					       ";;; ;",
					       "hadoop.auth",
					       "hadoop.auth=",
					       "hadoop.auth=\"",
					       "hadoop.auth=\"\"",
					       "hadoop.auth=\"&s=\"",
					       "hadoop.auth=&s=&s=&s=",
					       "hadoop.auth=\"u=root&p=root@X&t=kerberos&e=9999999999999&s=\"",
					       "hadoop.auth=\"u=root&p=root@X&t=kerberos&e=9999999999999\"",
					       "hadoop.auth=\"s=AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\"",
					       "hadoop.auth=\"&s=AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\"",
					       "hadoop.auth=\"u=root&s=AAAA\"" };
	struct mac *m = new_mac();
	char longest[3 * COOKIE_MAX];

	for (size_t i = 0; i < ARRAY_LEN(headers); i++)
		CHECK(!read_at(m, headers[i], NOW_MS));
	memset(longest, 'a', sizeof longest);
	memcpy(longest, "hadoop.auth=", 12);
	longest[sizeof longest - 1] = '\0';
	CHECK(!read_at(m, longest, NOW_MS));
	m = mac_free(m);
}

TEST(names_that_would_break_a_cookie_get_none)
{
	static const char *const names[] = { "a&b",     "a\"b", "a;b", "a,b", "a\\b", "a b", "a\r\nSet-Cookie: x",
					     "\xc3\xa9" };
	struct mac *m = new_mac();

	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		_sbuf_ struct sbuf to = SBUF_INIT(2 * COOKIE_MAX);

		CHECK(!cookie_make(m, names[i], "alice@X", NOW_MS, false, &to));
		CHECK(!cookie_make(m, "alice", names[i], NOW_MS, false, &to));
		CHECK_INT(to.len, 0);
	}
	m = mac_free(m);
}

TEST(base64_has_one_spelling)
{
	static const char *const texts[] = { "QQ==", "QUI=", "QUJD", "AP/+" };
	char bytes[8];
	size_t n;

	for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
		_sbuf_ struct sbuf again = SBUF_INIT(16);

		CHECK(base64_decode(texts[i], strlen(texts[i]), bytes, sizeof bytes, &n));
		base64_encode(bytes, n, &again);
		CHECK_STR(again.data, texts[i]);
	}
	CHECK(!base64_decode("QR==", 4, bytes, sizeof bytes, &n)); /* bits that stand for nothing */
	CHECK(!base64_decode("QQ", 2, bytes, sizeof bytes, &n));
	CHECK(!base64_decode("QUJD", 4, bytes, 2, &n));
}
