#include "auth/tokens.h"
#include "auth/secretfile.h"
#include "base/str.h"
#include <string.h>
#include <time.h>

enum { FIELDS_MAX = 4, TIME_TEXT_MAX = 40 };

struct token {
	struct digest mac; /* of `digest`: the order of the array */
	struct digest digest;
	const char *owner; /* part of `text` */
	int64_t expires_wall_ms;
};

struct tokens {
	struct token *rows; /* ordered by mac once all are there */
	size_t count, cap;
	struct mac *m; /* borrowed while reading */
	char *text;
};

static bool digits(const char *s, size_t n, int min, int max, int *ret)
{
	int value = 0;

	for (size_t i = 0; i < n; i++) {
		if (s[i] < '0' || s[i] > '9')
			return false;
		value = value * 10 + (s[i] - '0');
	}
	*ret = value;
	return value >= min && value <= max;
}

/* "Z" or "+01:00" up to the end. */
static bool parse_zone(const char *s, int64_t *ret_ms)
{
	int hours, minutes;

	*ret_ms = 0;
	if (str_eq(s, "Z"))
		return true;
	if ((s[0] != '+' && s[0] != '-') || strlen(s) != 6 || s[3] != ':' || !digits(s + 1, 2, 0, 23, &hours) ||
	    !digits(s + 4, 2, 0, 59, &minutes))
		return false;
	*ret_ms = (s[0] == '-' ? -1 : 1) * (hours * 60 + minutes) * 60000LL;
	return true;
}

bool tokens_parse_time(const char *text, int64_t *ret_wall_ms)
{
	static const char shape[] = "dddd-dd-ddTdd:dd:dd";
	struct tm tm = { 0 };
	int64_t zone_ms;
	int year, month;

	if (strlen(text) < sizeof shape || strlen(text) > TIME_TEXT_MAX)
		return false;
	for (size_t i = 0; shape[i]; i++)
		if (shape[i] != 'd' && text[i] != shape[i])
			return false;
	if (!digits(text, 4, 1970, 9999, &year) || !digits(text + 5, 2, 1, 12, &month) ||
	    !digits(text + 8, 2, 1, 31, &tm.tm_mday) || !digits(text + 11, 2, 0, 23, &tm.tm_hour) ||
	    !digits(text + 14, 2, 0, 59, &tm.tm_min) || !digits(text + 17, 2, 0, 59, &tm.tm_sec))
		return false;
	tm.tm_year = year - 1900;
	tm.tm_mon = month - 1;

	const char *rest = text + sizeof shape - 1;
	if (*rest == '.') {
		size_t n = strspn(rest + 1, "0123456789");

		if (n == 0)
			return false;
		rest += 1 + n;
	}
	int64_t seconds = timegm(&tm);
	if (!parse_zone(rest, &zone_ms) || tm.tm_mon != month - 1) /* timegm makes 31 February into a day of March */
		return false;
	*ret_wall_ms = seconds * 1000 - zone_ms;
	return true;
}

static size_t split(char *line, char *fields[FIELDS_MAX + 1])
{
	size_t count = 0;

	for (char *p = line; count <= FIELDS_MAX;) {
		p += strspn(p, " \t");
		if (!*p)
			break;
		fields[count++] = p;
		p += strcspn(p, " \t");
		if (*p)
			*p++ = '\0';
	}
	return count;
}

static bool add_line(void *arg, char *line, struct error *e)
{
	struct tokens *t = arg;
	char *fields[FIELDS_MAX + 1];
	size_t count = split(line, fields);
	struct token token;

	if (count < 3 || count > FIELDS_MAX)
		return error_set(e, ERR_CONFIG,
				 "expected a token's SHA-256, its owner, when it ends, and perhaps a name");
	if (!secret_from_hex(fields[0], strlen(fields[0]), &token.digest))
		return error_set(e, ERR_CONFIG, "the token's SHA-256 is not %d hexadecimal digits", SECRET_DIGEST_HEX);
	if (!authorization_name_ok(fields[1], strlen(fields[1])))
		return error_set(e, ERR_CONFIG, "the owner is not a user's name");
	if (!tokens_parse_time(fields[2], &token.expires_wall_ms))
		return error_set(e, ERR_CONFIG, "expected a time such as 2027-02-28T12:00:00Z, not %.64s", fields[2]);
	if (t->count == TOKENS_MAX)
		return error_set(e, ERR_TOO_LARGE, "more than %d tokens", TOKENS_MAX);
	if (t->count == t->cap) {
		t->cap = t->cap ? t->cap * 2 : 16;
		t->rows = xrealloc(t->rows, t->cap * sizeof *t->rows);
	}
	token.owner = fields[1];
	mac_of(t->m, 't', &token.digest, sizeof token.digest, &token.mac);
	t->rows[t->count++] = token;
	return true;
}

static int compare(const void *a, const void *b)
{
	return memcmp(a, b, sizeof(struct digest)); /* mac stands first */
}

static bool check_twice(const struct tokens *t, const char *path, struct error *e)
{
	for (size_t i = 1; i < t->count; i++)
		if (secret_equal(&t->rows[i - 1].mac, &t->rows[i].mac))
			return error_set(e, ERR_CONFIG, "%s: a token of %.64s stands there twice", path,
					 t->rows[i].owner);
	return true;
}

bool tokens_load(const char *path, struct mac *m, struct tokens **ret, struct error *e)
{
	_sbuf_ struct sbuf text = SBUF_INIT(SECRETFILE_BYTES_MAX);
	struct tokens *t;

	if (!secretfile_read(path, &text, e))
		return false;
	t = xcalloc(1, sizeof *t);
	t->m = m;
	t->text = sbuf_take(&text);
	bool ok = secretfile_each_line(path, t->text, add_line, t, e);
	t->m = NULL;
	if (ok && t->count)
		qsort(t->rows, t->count, sizeof *t->rows, compare);
	if (!ok || !check_twice(t, path, e)) {
		t = tokens_free(t);
		return false;
	}
	*ret = t;
	return true;
}

struct tokens *tokens_free(struct tokens *t)
{
	if (!t)
		return NULL;
	free(t->rows);
	free(t->text);
	free(t);
	return NULL;
}

size_t tokens_count(const struct tokens *t)
{
	return t->count;
}

const char *tokens_owner(const struct tokens *t, struct mac *m, const char *token, int64_t wall_ms, bool *ret_expired)
{
	struct token wanted = { 0 };
	const struct token *found;

	*ret_expired = false;
	secret_sha256(token, strlen(token), &wanted.digest);
	mac_of(m, 't', &wanted.digest, sizeof wanted.digest, &wanted.mac);
	found = t->count ? bsearch(&wanted, t->rows, t->count, sizeof *t->rows, compare) : NULL;
	if (!found || !secret_equal(&found->digest, &wanted.digest))
		return NULL;
	*ret_expired = wall_ms >= found->expires_wall_ms;
	return *ret_expired ? NULL : found->owner;
}
