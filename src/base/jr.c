#include "base/json.h"
#include "base/jscan.h"
#include "base/str.h"
#include <jansson.h>
#include <string.h>

/*
 * jansson turns numbers into int64 or double and so loses their text. Before it reads, each
 * number is rewritten as a string that starts with this mark; a string of the client's that
 * happens to start with the mark (written \u0001) gets it twice.
 */
enum { NUMBER_MARK = 1 };
#define NUMBER_MARK_ESCAPED "\\u0001"

static bool delimiter(char c)
{
	return c == '\0' || strchr(",]} \t\r\n", c);
}

/* Length of a number by RFC 8259 at s; 0 when it is none. */
static size_t number_len(const char *s)
{
	const char *p = s + (*s == '-');
	size_t n;

	if (*p == '0')
		p++;
	else if ((n = strspn(p, "0123456789")) > 0)
		p += n;
	else
		return 0;
	if (*p == '.') {
		if ((n = strspn(p + 1, "0123456789")) == 0)
			return 0;
		p += 1 + n;
	}
	if (*p == 'e' || *p == 'E') {
		p += 1 + (p[1] == '+' || p[1] == '-');
		if ((n = strspn(p, "0123456789")) == 0)
			return 0;
		p += n;
	}
	return delimiter(*p) ? (size_t)(p - s) : 0;
}

static size_t string_len(const char *s)
{
	const char *p = s + 1;

	while (*p && *p != '"')
		p += *p == '\\' && p[1] ? 2 : 1;
	return (size_t)(p - s) + (*p == '"');
}

/* Where the next string or number may begin, from s + 1 on. */
static size_t other_len(const char *s)
{
	size_t n = 1;

	while (s[n] && s[n] != '"' && s[n] != '-' && !(s[n] >= '0' && s[n] <= '9'))
		n++;
	return n;
}

static void mark_numbers(const char *s, struct sbuf *out)
{
	while (*s) {
		size_t n;

		if (*s == '"') {
			n = string_len(s);
			sbuf_addc(out, '"');
			if (str_starts(s + 1, NUMBER_MARK_ESCAPED))
				sbuf_adds(out, NUMBER_MARK_ESCAPED);
			sbuf_add(out, s + 1, n - 1);
		} else if ((*s == '-' || (*s >= '0' && *s <= '9')) && (n = number_len(s)) > 0) {
			sbuf_adds(out, "\"" NUMBER_MARK_ESCAPED);
			sbuf_add(out, s, n);
			sbuf_addc(out, '"');
		} else {
			n = other_len(s);
			if (*s == '-' || (*s >= '0' && *s <= '9'))
				n = 1 + strcspn(s + 1, ",]} \t\r\n"); /* no number: jansson says so */
			sbuf_add(out, s, n);
		}
		s += n;
	}
}

static bool convert(struct arena *a, json_t *from, int depth, struct jr *to, struct error *e);

static bool convert_array(struct arena *a, json_t *from, int depth, struct jr *to, struct error *e)
{
	size_t count = json_array_size(from);
	struct jr *items = arena_alloc(a, count * sizeof *items);

	if (!items)
		return error_set(e, ERR_TOO_LARGE, "the JSON document is too large");
	for (size_t i = 0; i < count; i++)
		if (!convert(a, json_array_get(from, i), depth + 1, &items[i], e))
			return false;
	*to = (struct jr){ .type = JR_ARRAY, .count = count, .items = items };
	return true;
}

/* A string of the client's that began with the mark carries it twice; a number once. */
static const char *unmarked(const char *s)
{
	return s[0] == NUMBER_MARK && s[1] == NUMBER_MARK ? s + 1 : s;
}

/* A mark of ours, not of the client's. Where it is a key, the client wrote {1 : …}. */
static bool is_number(const char *s)
{
	return s[0] == NUMBER_MARK && s[1] != NUMBER_MARK;
}

static bool convert_object(struct arena *a, json_t *from, int depth, struct jr *to, struct error *e)
{
	size_t count = json_object_size(from), i = 0;
	struct jr *items = arena_alloc(a, count * sizeof *items);
	const char **keys = arena_alloc(a, count * sizeof *keys);
	const char *key;
	json_t *value;

	if (!items || !keys)
		return error_set(e, ERR_TOO_LARGE, "the JSON document is too large");
	json_object_foreach (from, key, value) {
		if (is_number(key))
			return error_set(e, ERR_MALFORMED, "string or '}' expected near %.32s", key + 1);
		if (!(keys[i] = arena_strdup(a, unmarked(key))))
			return error_set(e, ERR_TOO_LARGE, "the JSON document is too large");
		if (!convert(a, value, depth + 1, &items[i++], e))
			return false;
	}
	*to = (struct jr){ .type = JR_OBJECT, .count = count, .items = items, .keys = keys };
	return true;
}

static void convert_string(struct arena *a, const json_t *from, struct jr *to)
{
	const char *s = json_string_value(from);
	bool number = is_number(s);

	*to = (struct jr){ .type = number ? JR_NUMBER : JR_STRING,
			   .text = arena_strdup(a, number ? s + 1 : unmarked(s)) };
}

static bool convert(struct arena *a, json_t *from, int depth, struct jr *to, struct error *e)
{
	if (depth > JR_DEPTH_MAX)
		return error_set(e, ERR_MALFORMED, "Nesting deeper than %d levels", JR_DEPTH_MAX);
	if (json_is_array(from))
		return convert_array(a, from, depth, to, e);
	if (json_is_object(from))
		return convert_object(a, from, depth, to, e);
	if (json_is_string(from))
		convert_string(a, from, to);
	else if (json_is_boolean(from))
		*to = (struct jr){ .type = JR_BOOL, .text = json_is_true(from) ? "true" : "false" };
	else
		*to = (struct jr){ .type = JR_NULL };
	if (!arena_ok(a))
		return error_set(e, ERR_TOO_LARGE, "the JSON document is too large");
	return true;
}

static bool syntax_error(const char *text, size_t n, json_error_t *marked, struct error *e)
{
	json_error_t plain;
	json_t *again = json_loadb(text, n, JSON_REJECT_DUPLICATES | JSON_DECODE_ANY, &plain);

	/* Marking moved the columns: what jansson says of the original is what the client can find. */
	const json_error_t *why = again ? marked : &plain;
	json_decref(again);
	return error_set(e, ERR_MALFORMED, "%s\n at [Source: (request body); line: %d, column: %d]", why->text,
			 why->line, why->column < 0 ? 0 : why->column);
}

static bool parse(struct arena *a, const char *bytes, size_t n, size_t flags, const struct jr **ret, struct error *e)
{
	size_t mark = jscan_mark(bytes, n);

	bytes += mark;
	n -= mark;
	_sbuf_ struct sbuf marked = SBUF_INIT(n * 9 + 16); /* the worst: [1,2,3…], two bytes become ten */
	_free_ char *copy = xmalloc(n + 1);                /* ended by a NUL, which the caller's bytes need not be */
	json_error_t why;

	if (n > 0)
		memcpy(copy, bytes, n);
	copy[n] = '\0';
	const char *text = copy;

	if (strspn(text, " \t\r\n") == n)
		return error_set(
			e, ERR_MALFORMED,
			"No content to map due to end-of-input\n at [Source: (request body); line: 1, column: 0]");
	if (memchr(text, '\0', n))
		return error_set(e, ERR_MALFORMED, "Illegal character ((CTRL-CHAR, code 0))");

	mark_numbers(text, &marked);
	json_t *root = json_loadb(sbuf_str(&marked), marked.len, flags | JSON_DECODE_ANY, &why);
	if (!root)
		return syntax_error(text, n, &why, e);

	struct jr *top = arena_alloc(a, sizeof *top);
	bool ok = top ? convert(a, root, 0, top, e) : error_set(e, ERR_TOO_LARGE, "the JSON document is too large");
	json_decref(root);
	*ret = ok ? top : *ret;
	return ok;
}

bool jr_parse(struct arena *a, const char *bytes, size_t n, const struct jr **ret, struct error *e)
{
	return parse(a, bytes, n, JSON_REJECT_DUPLICATES, ret, e);
}

bool jr_parse_answer(struct arena *a, const char *bytes, size_t n, const struct jr **ret, struct error *e)
{
	return parse(a, bytes, n, 0, ret, e);
}

const char *jr_text(const struct jr *object, const char *key, enum jr_type type)
{
	const struct jr *member = jr_get(object, key);

	return member && member->type == type ? member->text : NULL;
}

int64_t jr_int(const struct jr *object, const char *key, int64_t otherwise)
{
	const struct jr *member = jr_get(object, key);
	bool is_text = member && (member->type == JR_NUMBER || member->type == JR_STRING);
	int64_t n;

	return is_text && str_to_i64(member->text, &n) ? n : otherwise;
}

const struct jr *jr_get(const struct jr *object, const char *key)
{
	for (size_t i = 0; i < object->count; i++)
		if (strcmp(object->keys[i], key) == 0)
			return &object->items[i];
	return NULL;
}

const char *jr_type_name(enum jr_type type)
{
	static const char *const names[] = { "null",         "Boolean value", "Number value",
					     "String value", "Array value",   "Object value" };

	return names[type];
}
