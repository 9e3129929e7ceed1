/*
 * fuzz-json - any bytes through the JSON reader; what it takes, back through the writer.
 *
 * Must hold: a refusal says why; an accepted value, written and read again, is the same value, and a walk through its
 * text finds its members; any text can be written as a string, and is itself again if it was UTF-8.
 */
#include "base/jscan.h"
#include "base/json.h"
#include "base/str.h"
#include <stdint.h>
#include <string.h>

enum { INPUT_MAX_BYTES = 256 * 1024, ARENA_MAX_BYTES = 32 * 1024 * 1024 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static void must(bool holds)
{
	if (!holds)
		abort();
}

static void write_value(struct jw *w, const char *key, const struct jr *v)
{
	switch (v->type) {
	case JR_NULL:
		jw_null(w, key);
		return;
	case JR_BOOL:
		jw_bool(w, key, strcmp(v->text, "true") == 0);
		return;
	case JR_NUMBER:
		jw_raw(w, key, v->text, strlen(v->text));
		return;
	case JR_STRING:
		jw_str(w, key, v->text);
		return;
	case JR_ARRAY:
		jw_open(w, key, '[');
		for (size_t i = 0; i < v->count; i++)
			write_value(w, NULL, &v->items[i]);
		jw_close(w, ']');
		return;
	case JR_OBJECT:
		break;
	}
	jw_open(w, key, '{');
	for (size_t i = 0; i < v->count; i++) {
		_sbuf_ struct sbuf escaped = SBUF_INIT(6 * strlen(v->keys[i]) + 1);

		json_escape(&escaped, v->keys[i], strlen(v->keys[i]));
		write_value(w, sbuf_str(&escaped), &v->items[i]);
	}
	jw_close(w, '}');
}

static void must_equal(const struct jr *a, const struct jr *b)
{
	must(a->type == b->type && a->count == b->count);
	must(str_eq(a->text, b->text));
	for (size_t i = 0; i < a->count; i++) {
		if (a->type == JR_OBJECT)
			must(strcmp(a->keys[i], b->keys[i]) == 0 && jr_get(a, a->keys[i]) == &a->items[i]);
		must_equal(&a->items[i], &b->items[i]);
	}
}

/* What the reader takes, the walker finds its way through; the other way round need not be. */
static void walk(const char *text, size_t n, const struct jr *v)
{
	struct jscan s = jscan_in(text, n);
	struct jslice key, value;
	size_t count = 0;

	for (; jscan_next(&s, &key, &value); count++)
		if (v && value.text[0] != '{' && value.text[0] != '[')
			must(v->items[count].type < JR_ARRAY);
		else
			walk(value.text, value.len, v ? &v->items[count] : NULL);
	must(!v || v->type < JR_ARRAY || (!s.bad && count == v->count));
}

static void read_write_read(const char *text, size_t n)
{
	_arena_ struct arena *a = arena_new(ARENA_MAX_BYTES);
	_sbuf_ struct sbuf out = SBUF_INIT(6 * n + 16);
	struct jw w = { .out = &out };
	const struct jr *first, *again;
	struct error e = { 0 };

	if (!jr_parse(a, text, n, &first, &e)) {
		must(e.msg[0] && (e.code == ERR_MALFORMED || e.code == ERR_TOO_LARGE));
		walk(text, n, NULL);
		return;
	}
	walk(text, n, first);
	write_value(&w, NULL, first);
	must(sbuf_ok(&out));
	must(jr_parse(a, out.data, out.len, &again, &e));
	must_equal(first, again);
}

static void write_as_string(const char *text, size_t n)
{
	_arena_ struct arena *a = arena_new(ARENA_MAX_BYTES);
	_sbuf_ struct sbuf out = SBUF_INIT(6 * n + 2);
	const struct jr *v;
	struct error e = { 0 };

	sbuf_addc(&out, '"');
	json_escape(&out, text, n);
	sbuf_addc(&out, '"');
	must(sbuf_ok(&out));
	if (memchr(text, '\0', n)) {
		must(!jr_parse(a, out.data, out.len, &v, &e)); /* \u0000 is written, never read */
		return;
	}
	must(jr_parse(a, out.data, out.len, &v, &e) && v->type == JR_STRING);
	if (str_utf8_ok(text, n))
		must(strlen(v->text) == n && memcmp(v->text, text, n) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	const char *text = n ? (const char *)data : "";

	if (n > INPUT_MAX_BYTES)
		return 0;
	read_write_read(text, n);
	write_as_string(text, n);
	return 0;
}
