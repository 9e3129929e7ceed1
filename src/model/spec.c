#include "model/spec.h"
#include "base/str.h"
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#define CLASS "org.apache.livy.server.batch.CreateBatchRequest"

enum { ECHO_MAX_BYTES = 64 }; /* how much of a client's text a refusal repeats */

enum kind { KIND_TEXT, KIND_COUNT, KIND_LIST, KIND_CONF };

/* What is asked of a text, or of each item of a list. */
enum rule {
	RULE_ONE_LINE = 1 << 0,  /* no control characters */
	RULE_SHORT = 1 << 1,     /* at most SPEC_NAME_MAX bytes */
	RULE_SKIP_EMPTY = 1 << 2 /* list: "" is no item */
};

struct field {
	const char *name;
	enum kind kind;
	unsigned rules;
	size_t offset;
};

static const struct field fields[] = {
	{ "file", KIND_TEXT, RULE_ONE_LINE, offsetof(struct spec, file) },
	{ "proxyUser", KIND_TEXT, RULE_ONE_LINE | RULE_SHORT, offsetof(struct spec, proxy_user) },
	{ "args", KIND_LIST, 0, offsetof(struct spec, args) },
	{ "className", KIND_TEXT, RULE_ONE_LINE | RULE_SHORT, offsetof(struct spec, class_name) },
	{ "jars", KIND_LIST, RULE_ONE_LINE | RULE_SKIP_EMPTY, offsetof(struct spec, jars) },
	{ "pyFiles", KIND_LIST, RULE_ONE_LINE | RULE_SKIP_EMPTY, offsetof(struct spec, py_files) },
	{ "files", KIND_LIST, RULE_ONE_LINE | RULE_SKIP_EMPTY, offsetof(struct spec, files) },
	{ "driverMemory", KIND_TEXT, RULE_ONE_LINE | RULE_SHORT, offsetof(struct spec, driver_memory) },
	{ "driverCores", KIND_COUNT, 0, offsetof(struct spec, driver_cores) },
	{ "executorMemory", KIND_TEXT, RULE_ONE_LINE | RULE_SHORT, offsetof(struct spec, executor_memory) },
	{ "executorCores", KIND_COUNT, 0, offsetof(struct spec, executor_cores) },
	{ "numExecutors", KIND_COUNT, 0, offsetof(struct spec, executor_count) },
	{ "archives", KIND_LIST, RULE_ONE_LINE | RULE_SKIP_EMPTY, offsetof(struct spec, archives) },
	{ "queue", KIND_TEXT, RULE_ONE_LINE | RULE_SHORT, offsetof(struct spec, queue) },
	{ "name", KIND_TEXT, RULE_ONE_LINE | RULE_SHORT, offsetof(struct spec, name) },
	{ "conf", KIND_CONF, 0, offsetof(struct spec, conf) },
};

/* How Livy's mapper calls what a field wants. */
static const char *const type_names[] = {
	[KIND_TEXT] = "java.lang.String",
	[KIND_COUNT] = "int",
	[KIND_LIST] = "scala.collection.immutable.List<java.lang.String>",
	[KIND_CONF] = "scala.collection.immutable.Map<java.lang.String,java.lang.String>",
};

struct echo {
	char text[ECHO_MAX_BYTES + 1];
};

/* The beginning of a client's text, fit to stand in a message: whole characters, control bytes as '?'. */
static struct echo echo(const char *s)
{
	struct echo out = { 0 };
	size_t left = strlen(s), used = 0;

	while (left > 0) {
		size_t len = str_utf8_len((const unsigned char *)s, left);

		if (len == 0 || used + len > ECHO_MAX_BYTES)
			break;
		memcpy(out.text + used, s, len);
		if (len == 1 && (*s < ' ' || *s == 127))
			out.text[used] = '?';
		used += len;
		s += len;
		left -= len;
	}
	return out;
}

static bool too_large(struct error *e)
{
	return error_set(e, ERR_TOO_LARGE, "the submission is too large");
}

/* `inside` leads to the value from the field: "", "[3]" or "[\"key\"]". */
static bool wrong_type(const struct field *f, enum kind wanted, const char *inside, const struct jr *v, struct error *e)
{
	return error_set(e, ERR_MALFORMED,
			 "Cannot deserialize value of type `%s` from %s (through reference chain: " CLASS "[\"%s\"]%s)",
			 type_names[wanted], jr_type_name(v->type), f->name, inside);
}

static bool unknown_field(const char *name, struct error *e)
{
	_sbuf_ struct sbuf known = SBUF_INIT(sizeof e->msg);

	for (size_t i = 0; i < ARRAY_LEN(fields); i++)
		sbuf_addf(&known, "%s\"%s\"", i ? ", " : "", fields[i].name);
	return error_set(e, ERR_MALFORMED,
			 "Unrecognized field \"%s\" (class " CLASS
			 "), not marked as ignorable (%zu known properties: %s])",
			 echo(name).text, ARRAY_LEN(fields), sbuf_str(&known));
}

static bool is_scalar(const struct jr *v)
{
	return v->type == JR_STRING || v->type == JR_NUMBER || v->type == JR_BOOL;
}

static bool read_text(const struct field *f, const struct jr *v, const char **to, struct error *e)
{
	if (!is_scalar(v))
		return wrong_type(f, KIND_TEXT, "", v, e);
	*to = v->text;
	return true;
}

static bool read_count(const struct field *f, const struct jr *v, int *to, struct error *e)
{
	int64_t count;

	if (v->type != JR_NUMBER && v->type != JR_STRING)
		return wrong_type(f, KIND_COUNT, "", v, e);
	if (!str_to_i64(v->text, &count) || count < 1 || count > INT32_MAX)
		return error_set(e, ERR_MALFORMED,
				 "Cannot deserialize value of type `int` from %s: not a whole number from 1 to %d "
				 "(through reference chain: " CLASS "[\"%s\"])",
				 jr_type_name(v->type), INT32_MAX, f->name);
	*to = (int)count;
	return true;
}

static bool read_list(struct arena *a, const struct field *f, const struct jr *v, struct spec_list *to, struct error *e)
{
	if (v->type != JR_ARRAY)
		return wrong_type(f, KIND_LIST, "", v, e);

	const char **items = arena_alloc(a, v->count * sizeof *items);
	size_t count = 0;
	if (!items)
		return too_large(e);
	for (size_t i = 0; i < v->count; i++) {
		const struct jr *item = &v->items[i];
		char inside[32];

		(void)snprintf(inside, sizeof inside, "[%zu]", i);
		if (!is_scalar(item))
			return wrong_type(f, KIND_TEXT, inside, item, e);
		if (!(f->rules & RULE_SKIP_EMPTY) || *item->text)
			items[count++] = item->text;
	}
	*to = (struct spec_list){ items, count };
	return true;
}

static bool read_conf(struct arena *a, const struct field *f, const struct jr *v, struct spec *to, struct error *e)
{
	if (v->type != JR_OBJECT)
		return wrong_type(f, KIND_CONF, "", v, e);

	struct spec_pair *pairs = arena_alloc(a, v->count * sizeof *pairs);
	if (!pairs)
		return too_large(e);
	for (size_t i = 0; i < v->count; i++) {
		const struct jr *item = &v->items[i];
		char inside[ECHO_MAX_BYTES + 8];

		(void)snprintf(inside, sizeof inside, "[\"%s\"]", echo(v->keys[i]).text);
		if (!is_scalar(item) && item->type != JR_NULL)
			return wrong_type(f, KIND_TEXT, inside, item, e);
		/* Livy's text for null (D27); clients rely on it being accepted. */
		pairs[i] = (struct spec_pair){ v->keys[i], item->type == JR_NULL ? "null" : item->text };
	}
	to->conf = pairs;
	to->conf_count = v->count;
	return true;
}

static const struct field *find_field(const char *name)
{
	for (size_t i = 0; i < ARRAY_LEN(fields); i++)
		if (strcmp(fields[i].name, name) == 0)
			return &fields[i];
	return NULL;
}

static bool read_field(struct arena *a, const char *name, const struct jr *v, struct spec *spec, struct error *e)
{
	const struct field *f = find_field(name);

	if (!f)
		return unknown_field(name, e);
	if (v->type == JR_NULL)
		return true; /* as if it were not there (D3) */

	void *to = (char *)spec + f->offset;
	switch (f->kind) {
	case KIND_TEXT:
		return read_text(f, v, to, e);
	case KIND_COUNT:
		return read_count(f, v, to, e);
	case KIND_LIST:
		return read_list(a, f, v, to, e);
	case KIND_CONF:
		break;
	}
	return read_conf(a, f, v, spec, e);
}

/* Any of Unicode's control characters: C0, DEL, C1 (U+0080–U+009F). */
static bool has_control(const char *s)
{
	for (const unsigned char *p = (const unsigned char *)s; *p; p++)
		if (*p < ' ' || *p == 127 || (*p == 0xC2 && p[1] >= 0x80 && p[1] <= 0x9F))
			return true;
	return false;
}

static bool check_text(const struct field *f, const char *s, struct error *e)
{
	if ((f->rules & RULE_ONE_LINE) && has_control(s))
		return error_set(e, ERR_INVALID,
				 "Rejected, Reason: requirement failed: %s must not contain control characters.",
				 f->name);
	if ((f->rules & RULE_SHORT) && strlen(s) > SPEC_NAME_MAX)
		return error_set(e, ERR_INVALID,
				 "Rejected, Reason: requirement failed: %s must not be longer than %d bytes.", f->name,
				 SPEC_NAME_MAX);
	return true;
}

static bool check_field(const struct field *f, const struct spec *spec, struct error *e)
{
	const void *at = (const char *)spec + f->offset;

	if (f->kind == KIND_TEXT) {
		const char *s = *(const char *const *)at;
		return !s || check_text(f, s, e);
	}
	if (f->kind == KIND_LIST) {
		const struct spec_list *list = at;
		for (size_t i = 0; i < list->count; i++)
			if (!check_text(f, list->items[i], e))
				return false;
	}
	return true;
}

/* A name is also a handle in URLs, where digits alone mean an id. */
static bool check_name(const char *name, struct error *e)
{
	if (name && (!*name || str_all_digits(name)))
		return error_set(e, ERR_INVALID, "Rejected, Reason: Invalid session name: %s", echo(name).text);
	return true;
}

static bool check_class_name(const char *name, struct error *e)
{
	if (name && (name[0] == '-' || strpbrk(name, " ;")))
		return error_set(e, ERR_INVALID,
				 "Rejected, Reason: requirement failed: className is not the name of a class.");
	return true;
}

/* That the path is absolute, allowed and well-formed is for those to say who know the file system. */
static bool check_file(const char *file, struct error *e)
{
	if (!file)
		return error_set(e, ERR_INVALID, "Rejected, Reason: requirement failed: File is required.");
	if (file[0] == '-' || strspn(file, " ") == strlen(file))
		return error_set(e, ERR_INVALID, "Rejected, Reason: requirement failed: Path '%s' is not absolute.",
				 echo(file).text);
	return true;
}

static bool key_is_clean(const char *key)
{
	static const char allowed[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-";

	size_t n = strspn(key, allowed);

	return n > 0 && n <= SPEC_KEY_MAX && key[n] == '\0';
}

/* Checks the keys and leaves out those of Livy's own, which its clients send along but no job reads. */
static bool check_conf(struct spec *spec, const struct map *denied, struct error *e)
{
	_sbuf_ struct sbuf found = SBUF_INIT(sizeof e->msg);
	size_t kept = 0;

	if (spec->conf_count > SPEC_CONF_MAX)
		return error_set(e, ERR_INVALID, "Rejected, Reason: conf has more than %d entries.", SPEC_CONF_MAX);
	for (size_t i = 0; i < spec->conf_count; i++) {
		const char *key = spec->conf[i].key;

		if (!key_is_clean(key))
			return error_set(
				e, ERR_INVALID,
				"Rejected, Reason: Invalid configuration key \"%s\": a key consists of letters, "
				"digits, '.', '_' and '-', at most %d.",
				echo(key).text, SPEC_KEY_MAX);
		if (denied && map_get(denied, key)) /* whole keys (D14) */
			sbuf_addf(&found, "%s%s", found.len ? ", " : "", key);
		if (!str_starts(key, "livy."))
			spec->conf[kept++] = spec->conf[i];
	}
	spec->conf_count = kept;
	if (found.len)
		return error_set(e, ERR_INVALID,
				 "Rejected, Reason: Blacklisted configuration values in session config: %s",
				 found.data);
	return true;
}

/* In the order in which Livy would have noticed: name, conf, file. */
static bool check_spec(struct spec *spec, const struct map *denied, struct error *e)
{
	for (size_t i = 0; i < ARRAY_LEN(fields); i++)
		if (!check_field(&fields[i], spec, e))
			return false;
	return check_name(spec->name, e) && check_conf(spec, denied, e) && check_file(spec->file, e) &&
	       check_class_name(spec->class_name, e);
}

bool spec_parse(struct arena *a, const char *body, size_t n, const struct map *denied, struct spec *ret,
		struct error *e)
{
	const struct jr *top;
	struct spec spec = { 0 };

	if (!jr_parse(a, body, n, &top, e))
		return false;
	if (top->type != JR_OBJECT)
		return error_set(e, ERR_MALFORMED, "Cannot deserialize value of type `" CLASS "` from %s",
				 jr_type_name(top->type));
	for (size_t i = 0; i < top->count; i++)
		if (!read_field(a, top->keys[i], &top->items[i], &spec, e))
			return false;
	if (!check_spec(&spec, denied, e))
		return false;
	*ret = spec;
	return true;
}
