#include "cluster/hadoop/hdfs-token.h"
#include "base/base64.h"
#include "base/str.h"
#include <stdint.h>
#include <string.h>

struct bytes {
	const char *at;
	size_t left;
};

/* A length, in the manner of WritableUtils.writeVInt(): one byte up to 127; else one that says how many follow. */
static bool take_length(struct bytes *b, size_t *ret)
{
	if (b->left == 0)
		return false;
	size_t first = (unsigned char)*b->at++;
	b->left--;
	if (first <= INT8_MAX) {
		*ret = first;
		return true;
	}
	/* As a signed byte -113 to -116: one to four follow; what is beyond are numbers that no length is. */
	size_t more = 144 - first;
	if (first < 140 || first > 143 || more > b->left)
		return false;
	*ret = 0;
	for (size_t i = 0; i < more; i++)
		*ret = *ret << 8 | (uint8_t)b->at[i];
	b->at += more;
	b->left -= more;
	return true;
}

static bool take(struct bytes *b, struct bytes *ret)
{
	size_t n;

	if (!take_length(b, &n) || n > b->left)
		return false;
	*ret = (struct bytes){ b->at, n };
	b->at += n;
	b->left -= n;
	return true;
}

static bool take_word(struct bytes *b, char *to)
{
	struct bytes word;

	if (!take(b, &word) || word.left >= HDFS_TOKEN_WORD_MAX || memchr(word.at, '\0', word.left) ||
	    !str_utf8_ok(word.at, word.left))
		return false;
	memcpy(to, word.at, word.left);
	to[word.left] = '\0';
	return true;
}

static bool decode(const char *text, char *to, struct bytes *ret)
{
	char plain[HDFS_TOKEN_MAX + 4];
	size_t n = strlen(text);

	if (n == 0 || n > HDFS_TOKEN_MAX)
		return false;
	for (size_t i = 0; i < n; i++)
		plain[i] = (char)(text[i] == '-' ? '+' : text[i] == '_' ? '/' : text[i]);
	while (n % 4 != 0)
		plain[n++] = '=';
	ret->at = to;
	return base64_decode(plain, n, to, HDFS_TOKEN_MAX, &ret->left);
}

bool hdfs_token_read(const char *text, struct hdfs_token *ret)
{
	char raw[HDFS_TOKEN_MAX];
	struct bytes all, identifier, password;
	bool ok = decode(text, raw, &all) && take(&all, &identifier) && take(&all, &password) &&
		  take_word(&all, ret->kind) && take_word(&all, ret->service) && all.left == 0;

	ret->owner[0] = '\0';
	if (ok && str_eq(ret->kind, HDFS_TOKEN_KIND) && identifier.left > 0) {
		identifier.at++; /* the version */
		identifier.left--;
		ok = take_word(&identifier, ret->owner);
	}
	explicit_bzero(raw, sizeof raw);
	return ok;
}
