#include "auth/namerules.h"
#include "auth/authorization.h"
#include "base/sbuf.h"
#include "base/str.h"
#include <ctype.h>
#include <regex.h>
#include <string.h>

enum { GROUPS_MAX = 10, SHOWN_MAX = 80 };

struct rule {
	bool is_default;
	int components;
	char *format;
	bool has_match, has_from, global, lower;
	regex_t match, from;
	char *to;
};

struct namerules {
	struct rule rules[NAMERULES_MAX];
	int count;
};

/* --- reading --- */

/* What Java's regexes have and ours have not, or have with another meaning; NULL: nothing. */
static const char *find_foreign(const char *p)
{
	bool in_set = false;
	char before = 0; /* 0 also after an escape */

	for (; *p; p++) {
		if (in_set && strchr("[\\&", *p))
			return "[, \\ or & inside [...]";
		if (before == '(' && *p == '?')
			return "(?";
		if (before && strchr("*+?}", before) && strchr("?+", *p))
			return "a lazy or possessive quantifier";
		if (*p == '\\' && isalnum((unsigned char)p[1]) && !strchr("wWsSbB", p[1]))
			return "an escaped letter or digit";
		in_set = in_set ? *p != ']' : *p == '[';
		before = in_set || *p == '\\' ? 0 : *p;
		p += *p == '\\' && p[1];
	}
	return NULL;
}

static bool compile(const char *pattern, bool whole, regex_t *ret, struct error *e)
{
	_sbuf_ struct sbuf text = SBUF_INIT(strlen(pattern) + 8);
	const char *foreign = find_foreign(pattern);
	char why[128];

	if (foreign)
		return error_set(e, ERR_CONFIG, "the regex %.80s has %s, which POSIX has not", pattern, foreign);
	sbuf_addf(&text, whole ? "^(%s)$" : "%s", pattern);
	int rc = regcomp(ret, sbuf_str(&text), REG_EXTENDED);
	if (rc == 0)
		return true;
	(void)regerror(rc, NULL, why, sizeof why);
	return error_set(e, ERR_CONFIG, "the regex %.80s: %s", pattern, why);
}

static bool take(const char **p, const char *word)
{
	if (!str_starts(*p, word))
		return false;
	*p += strlen(word);
	return true;
}

/* A copy of what stands before `stop`, which is passed over too; NULL: there is none. */
static char *take_until(const char **p, char stop)
{
	const char *end = strchr(*p, stop);
	char *text;

	if (!end)
		return NULL;
	size_t n = (size_t)(end - *p);
	text = xmalloc(n + 1);
	memcpy(text, *p, n);
	text[n] = '\0';
	*p = end + 1;
	return text;
}

/* Each $ must be followed by one digit, at most `max`. */
static bool dollars_ok(const char *s, int max)
{
	for (; *s; s++) {
		if (*s == '\\' && s[1])
			s++;
		else if (*s == '$' && (s[1] < '0' || s[1] > '0' + max || isdigit((unsigned char)s[2])))
			return false;
	}
	return true;
}

static bool parse_format(const char **p, struct rule *r, struct error *e)
{
	_free_ char *digits = take_until(p, ':');

	if (!digits || !digits[0] || digits[1] || digits[0] < '1' || digits[0] > '0' + NAMERULES_COMPONENTS_MAX)
		return error_set(e, ERR_CONFIG, "expected a number of components from 1 to %d after RULE:[",
				 NAMERULES_COMPONENTS_MAX);
	r->components = digits[0] - '0';
	r->format = take_until(p, ']');
	if (!r->format)
		return error_set(e, ERR_CONFIG, "the ] after the format is missing");
	return (!strchr(r->format, '\\') && dollars_ok(r->format, r->components)) ||
	       error_set(e, ERR_CONFIG, "the format %.80s may hold $0 (the realm) and $1 to $%d", r->format,
			 r->components);
}

static bool parse_match(const char **p, struct rule *r, struct error *e)
{
	if (!take(p, "("))
		return true;
	_free_ char *pattern = take_until(p, ')');
	if (!pattern)
		return error_set(e, ERR_CONFIG, "the ) after the regex is missing");
	r->has_match = compile(pattern, true, &r->match, e);
	return r->has_match;
}

static bool parse_substitution(const char **p, struct rule *r, struct error *e)
{
	if (!take(p, "s/"))
		return true;
	_free_ char *from = take_until(p, '/');
	r->to = from ? take_until(p, '/') : NULL;
	if (!r->to)
		return error_set(e, ERR_CONFIG, "expected s/from/to/");
	r->has_from = compile(from, false, &r->from, e);
	if (!r->has_from)
		return false;
	int groups = r->from.re_nsub < GROUPS_MAX ? (int)r->from.re_nsub : GROUPS_MAX - 1;
	if (!dollars_ok(r->to, groups))
		return error_set(e, ERR_CONFIG, "s/from/%.80s/: a $ needs a digit up to the number of groups, %d",
				 r->to, groups);
	r->global = take(p, "g");
	return true;
}

static bool parse_rule(const char **p, struct rule *r, struct error *e)
{
	r->is_default = take(p, "DEFAULT");
	if (!r->is_default && !take(p, "RULE:["))
		return error_set(e, ERR_CONFIG, "expected DEFAULT or RULE:[n:format](regex)s/from/to/gL");
	if (!r->is_default && (!parse_format(p, r, e) || !parse_match(p, r, e) || !parse_substitution(p, r, e)))
		return false;
	(void)take(p, "/");
	r->lower = take(p, "L");
	return true;
}

bool namerules_parse(const char *text, struct namerules **ret, struct error *e)
{
	static const char blanks[] = " \t\r\n\f\v";
	struct namerules *r = xcalloc(1, sizeof *r);

	if (!text || !text[strspn(text, blanks)])
		text = "DEFAULT";
	for (const char *p = text; p += strspn(p, blanks), *p;) {
		const char *start = p;

		if (r->count == NAMERULES_MAX)
			(void)error_set(e, ERR_CONFIG, "more than %d rules", NAMERULES_MAX);
		if (r->count == NAMERULES_MAX || !parse_rule(&p, &r->rules[r->count++], e)) {
			r = namerules_free(r);
			return error_wrap(e, "\"%.*s\"", (int)strnlen(start, SHOWN_MAX), start);
		}
	}
	*ret = r;
	return true;
}

struct namerules *namerules_free(struct namerules *r)
{
	for (int i = 0; r && i < r->count; i++) {
		struct rule *rule = &r->rules[i];

		if (rule->has_match)
			regfree(&rule->match);
		if (rule->has_from)
			regfree(&rule->from);
		free(rule->format);
		free(rule->to);
	}
	free(r);
	return NULL;
}

/* --- applying --- */

struct name {
	char text[PRINCIPAL_MAX + 1]; /* cut up at / and @ */
	const char *parts[1 + NAMERULES_COMPONENTS_MAX];
	int components;
};

/* "alice/admin@REALM". A backslash hides one of our separators, and so is no part of a name that rules could judge. */
static bool take_apart(const char *principal, struct name *ret)
{
	size_t n = strlen(principal);
	const char *at = strchr(principal, '@');
	char *rest = ret->text, *part;

	if (n > PRINCIPAL_MAX || !at || !at[1] || strpbrk(at + 1, "/@") || strchr(principal, '\\'))
		return false;
	memcpy(ret->text, principal, n + 1);
	ret->text[at - principal] = '\0';
	ret->parts[0] = ret->text + (at - principal) + 1;
	ret->components = 0;
	while ((part = strsep(&rest, "/")) != NULL) {
		if (!*part || ret->components == NAMERULES_COMPONENTS_MAX)
			return false;
		ret->parts[++ret->components] = part;
	}
	return true;
}

static void add_formatted(const char *format, const struct name *name, struct sbuf *to)
{
	for (; *format; format++) {
		if (*format == '$')
			sbuf_adds(to, name->parts[*++format - '0']);
		else
			sbuf_addc(to, *format);
	}
}

static void add_replacement(const char *to, const char *base, const regmatch_t groups[GROUPS_MAX], struct sbuf *out)
{
	for (; *to; to++) {
		const regmatch_t *g = NULL;

		if (*to == '$')
			g = &groups[*++to - '0'];
		else if (*to == '\\' && to[1])
			to++;
		if (!g) {
			sbuf_addc(out, *to);
			continue;
		}
		if (g->rm_so >= 0)
			sbuf_add(out, base + g->rm_so, (size_t)(g->rm_eo - g->rm_so));
	}
}

static void substitute(const struct rule *r, const char *base, size_t n, struct sbuf *out)
{
	regmatch_t groups[GROUPS_MAX];
	size_t at = 0;

	do {
		groups[0] = (regmatch_t){ .rm_so = (regoff_t)at, .rm_eo = (regoff_t)n };
		if (regexec(&r->from, base, GROUPS_MAX, groups, REG_STARTEND) != 0)
			break;
		sbuf_add(out, base + at, (size_t)groups[0].rm_so - at);
		add_replacement(r->to, base, groups, out);
		at = (size_t)groups[0].rm_eo;
		if (groups[0].rm_so == groups[0].rm_eo && at < n) /* nothing was matched: go on behind one byte */
			sbuf_addc(out, base[at++]);
		else if (groups[0].rm_so == groups[0].rm_eo)
			break;
	} while (r->global);
	sbuf_add(out, base + at, n - at);
}

/* False: the rule is not for this name. */
static bool apply_rule(const struct rule *r, const struct name *name, const char *default_realm, struct sbuf *out)
{
	_sbuf_ struct sbuf base = SBUF_INIT(PRINCIPAL_MAX * NAMERULES_COMPONENTS_MAX);

	if (r->is_default) {
		sbuf_adds(out, name->parts[1]);
		return str_eq(name->parts[0], default_realm);
	}
	if (r->components != name->components)
		return false;
	add_formatted(r->format, name, &base);
	if (!sbuf_ok(&base) || (r->has_match && regexec(&r->match, sbuf_str(&base), 0, NULL, 0) != 0))
		return false;
	if (r->has_from)
		substitute(r, sbuf_str(&base), base.len, out);
	else
		sbuf_add(out, sbuf_str(&base), base.len);
	for (size_t i = 0; r->lower && i < out->len; i++)
		if (out->data[i] >= 'A' && out->data[i] <= 'Z')
			out->data[i] |= 0x20;
	return true;
}

bool namerules_apply(const struct namerules *r, const char *principal, const char *default_realm, char *to, size_t size,
		     struct error *e)
{
	_sbuf_ struct sbuf user = SBUF_INIT(PRINCIPAL_MAX * NAMERULES_COMPONENTS_MAX);
	struct name name;
	bool applied = false;

	if (!take_apart(principal, &name))
		return error_set(e, ERR_FORBIDDEN, "the principal %.200s is not of a form that name rules know",
				 principal);
	for (int i = 0; !applied && i < r->count; i++) {
		sbuf_clear(&user);
		applied = apply_rule(&r->rules[i], &name, default_realm, &user);
	}
	if (!applied)
		return error_set(
			e, ERR_FORBIDDEN,
			"no rule of livy.server.auth.kerberos.name-rules applies to %.200s; DEFAULT is for the "
			"realm %.100s",
			principal, default_realm);
	if (!sbuf_ok(&user) || user.len >= size || strpbrk(sbuf_str(&user), "/@") ||
	    !authorization_name_ok(sbuf_str(&user), user.len))
		return error_set(e, ERR_FORBIDDEN, "the name rules make \"%.100s\" of %.200s, which is no user's name",
				 sbuf_str(&user), principal);
	memcpy(to, sbuf_str(&user), user.len + 1);
	return true;
}
