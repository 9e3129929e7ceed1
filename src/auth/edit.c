#include "auth/edit.h"
#include "auth/hash.h"
#include "auth/secretfile.h"
#include "base/clock.h"
#include "base/id.h"
#include "base/str.h"
#include <string.h>

enum { TIME_TEXT_BYTES = 40 };

struct new_password {
	const char *user, *hash;
	bool was_there;
};

/* n bytes at `line` are a line of this user's; *ret_disabled: with the word behind the hash. */
static bool is_of_user(const char *line, size_t n, const char *user, bool *ret_disabled)
{
	static const char word[] = ":disabled";
	size_t user_len = strlen(user), word_len = sizeof word - 1;

	if (n <= user_len || memcmp(line, user, user_len) != 0 || line[user_len] != ':')
		return false;
	*ret_disabled = n > word_len && memcmp(line + n - word_len, word, word_len) == 0;
	return true;
}

static bool put_password(void *arg, char *old, struct sbuf *to, struct error *e)
{
	struct new_password *p = arg;
	bool disabled = false;

	(void)e;
	for (size_t n; *old; old += n + (old[n] == '\n')) {
		n = strcspn(old, "\n");
		size_t bare = n && old[n - 1] == '\r' ? n - 1 : n;

		if (is_of_user(old, bare, p->user, &disabled) && !p->was_there) {
			p->was_there = true;
			sbuf_addf(to, "%s:%s%s", p->user, p->hash, disabled ? ":disabled" : "");
		} else {
			sbuf_add(to, old, n);
		}
		sbuf_addc(to, '\n');
	}
	if (!p->was_there)
		sbuf_addf(to, "%s:%s\n", p->user, p->hash);
	return true;
}

bool edit_set_password(const char *path, const char *user, const char *password, bool *ret_is_new, struct error *e)
{
	char hash[HASH_TEXT_MAX];
	struct new_password p = { .user = user, .hash = hash };

	if (!authorization_name_ok(user, strlen(user)) || user[0] == '#')
		return error_set(e, ERR_INVALID,
				 "a user's name is 1 to %d bytes of UTF-8 without blanks, commas and colons, does not "
				 "begin with '-' or '#' and is not '*'",
				 AUTH_NAME_MAX);
	if (!authorization_password_ok(password, strlen(password)))
		return error_set(e, ERR_INVALID, "a password is 1 to %d bytes of UTF-8 without control characters",
				 AUTH_PASSWORD_MAX);
	if (!hash_make(password, hash, e) || !secretfile_change(path, put_password, &p, e))
		return false;
	*ret_is_new = !p.was_there;
	return true;
}

static bool token_name_ok(const char *name)
{
	size_t n = strlen(name);

	if (n == 0 || n > TOKEN_NAME_MAX || !str_utf8_ok(name, n))
		return false;
	for (size_t i = 0; i < n; i++)
		if ((unsigned char)name[i] <= ' ' || name[i] == 127)
			return false;
	return true;
}

bool edit_make_token(const char *owner, const char *name, int64_t expires_wall_ms, char token[EDIT_TOKEN_BYTES],
		     struct sbuf *line, struct error *e)
{
	char hex[SECRET_DIGEST_HEX + 1], expires[TIME_TEXT_BYTES];
	struct digest d;

	if (!authorization_name_ok(owner, strlen(owner)))
		return error_set(e, ERR_INVALID,
				 "an owner's name is 1 to %d bytes of UTF-8 without blanks, commas and colons, does "
				 "not begin with '-' and is not '*'",
				 AUTH_NAME_MAX);
	if (name && !token_name_ok(name))
		return error_set(e, ERR_INVALID, "a token's name is 1 to %d bytes of UTF-8 without blanks",
				 TOKEN_NAME_MAX);
	memcpy(token, TOKEN_PREFIX, sizeof TOKEN_PREFIX);
	id_random_hex(token + sizeof TOKEN_PREFIX - 1, TOKEN_HEX);
	secret_sha256(token, strlen(token), &d);
	secret_to_hex(&d, hex);
	clock_rfc3339(expires_wall_ms, expires, sizeof expires);
	sbuf_addf(line, "%s %s %s%s%s", hex, owner, expires, name ? " " : "", name ? name : "");
	return sbuf_ok(line) || error_set(e, ERR_TOO_LARGE, "the line of the token is too long");
}

static bool append_line(void *arg, char *old, struct sbuf *to, struct error *e)
{
	const char *line = arg;
	size_t n = strlen(old);

	(void)e;
	sbuf_add(to, old, n);
	if (n && old[n - 1] != '\n')
		sbuf_addc(to, '\n');
	sbuf_adds(to, line);
	sbuf_addc(to, '\n');
	return true;
}

bool edit_add_line(const char *path, const char *line, struct error *e)
{
	_free_ char *copy = xstrdup(line);

	return secretfile_change(path, append_line, copy, e);
}
