/*
 * json - writing it by streaming (jw), reading it strictly (jr).
 *
 * The writer appends to an sbuf and owns commas, quoting and escaping; output is compact, UTF-8
 * raw, control characters as \u00XX, `/` unescaped, as Jackson writes it (livy.md 1.1).
 * Bytes that are not UTF-8 come out as U+FFFD.
 *
 * The reader takes one complete value or refuses it: duplicate keys (D5), trailing bytes (D5),
 * comments, NaN, invalid UTF-8, NUL, depth over JR_DEPTH_MAX are errors. Numbers keep
 * their text (`2.50` stays "2.50", livy.md 1.3), since all that clients send as numbers ends as text.
 */
#pragma once
#include "base/arena.h"
#include "base/error.h"
#include "base/sbuf.h"
#include <stdint.h>

/* --- writer --- */

struct jw {
	struct sbuf *out;
	bool comma; /* the next value needs one before it */
};

/* In all calls a NULL key means: an array element or the top value. */
void jw_open(struct jw *w, const char *key, char bracket);     /* '{' or '[' */
void jw_close(struct jw *w, char bracket);                     /* '}' or ']' */
void jw_str(struct jw *w, const char *key, const char *value); /* NULL value writes null */
void jw_int(struct jw *w, const char *key, int64_t value);
void jw_bool(struct jw *w, const char *key, bool value);
void jw_null(struct jw *w, const char *key);
void jw_raw(struct jw *w, const char *key, const char *json, size_t n); /* already JSON */

/* Appends the inside of a JSON string (no quotes) for n bytes, replacing invalid UTF-8 by U+FFFD. */
void json_escape(struct sbuf *out, const char *bytes, size_t n);

/* --- reader --- */

enum { JR_DEPTH_MAX = 64 };

enum jr_type { JR_NULL, JR_BOOL, JR_NUMBER, JR_STRING, JR_ARRAY, JR_OBJECT };

/* A value that was read; all its memory belongs to the arena given to jr_parse. */
struct jr {
	enum jr_type type;
	const char *text; /* JR_STRING: decoded, no NUL inside; JR_NUMBER, JR_BOOL: as written; else NULL */
	size_t count;     /* JR_ARRAY, JR_OBJECT: members */
	const struct jr *items;
	const char **keys; /* JR_OBJECT: keys[i] names items[i], in the order written */
};

/*
 * Reads one value from n bytes. ERR_MALFORMED says what and where, in Livy's shape
 * ("…\n at [Source: (request body); line: 1, column: 6]"); ERR_TOO_LARGE when the arena is full.
 */
MUST_CHECK bool jr_parse(struct arena *a, const char *text, size_t n, const struct jr **ret, struct error *e);

/* The same of what a cluster answers, not a client: YARN writes a key twice in one object. The last one counts. */
MUST_CHECK bool jr_parse_answer(struct arena *a, const char *text, size_t n, const struct jr **ret, struct error *e);

/* The member of an object, NULL when absent. */
const struct jr *jr_get(const struct jr *object, const char *key);

/* The text of a member of this type, NULL when there is none such. */
const char *jr_text(const struct jr *object, const char *key, enum jr_type type);
/* A whole number, or a string of one; `otherwise` when there is none such. */
int64_t jr_int(const struct jr *object, const char *key, int64_t otherwise);

/* "Array value", "Object value", … : how a refusal names a type. */
const char *jr_type_name(enum jr_type type);
