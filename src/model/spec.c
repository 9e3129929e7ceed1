#include "model/spec.h"
#include "base/str.h"
#include "model/session.h"
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

/* Whose field a row is; what Livy's mapper calls the whole. */
enum { BOTH = SPEC_BATCH | SPEC_SESSION, TYPES = BOTH + 1 };

static const char *const class_names[TYPES] = {
	[SPEC_BATCH] = "org.apache.livy.server.batch.CreateBatchRequest",
	[SPEC_SESSION] = "org.apache.livy.server.interactive.CreateInteractiveRequest",
};

enum { ECHO_MAX_BYTES = 64 }; /* how much of a client's text a refusal repeats */

enum kind { KIND_TEXT, KIND_COUNT, KIND_LIST, KIND_CONF, KIND_KIND, KIND_SECONDS };

/* What is asked of a text, or of each item of a list. */
enum rule {
	RULE_ONE_LINE = 1 << 0,   /* no control characters */
	RULE_SHORT = 1 << 1,      /* at most SPEC_NAME_MAX bytes */
	RULE_SKIP_EMPTY = 1 << 2, /* list: "" is no item */
	RULE_TIME = 1 << 3        /* a time string (livy.md 1.6) */
};

struct field {
	const char *name;
	unsigned of; /* enum spec_type */
	enum kind kind;
	unsigned rules;
	size_t offset;
};

static const struct field fields[] = {
	{ "kind", SPEC_SESSION, KIND_KIND, 0, offsetof(struct spec, kind) },
	{ "file", SPEC_BATCH, KIND_TEXT, RULE_ONE_LINE, offsetof(struct spec, file) },
	{ "proxyUser", BOTH, KIND_TEXT, RULE_ONE_LINE | RULE_SHORT, offsetof(struct spec, proxy_user) },
	{ "args", SPEC_BATCH, KIND_LIST, 0, offsetof(struct spec, args) },
	{ "className", SPEC_BATCH, KIND_TEXT, RULE_ONE_LINE | RULE_SHORT, offsetof(struct spec, class_name) },
	{ "jars", BOTH, KIND_LIST, RULE_ONE_LINE | RULE_SKIP_EMPTY, offsetof(struct spec, jars) },
	{ "pyFiles", BOTH, KIND_LIST, RULE_ONE_LINE | RULE_SKIP_EMPTY, offsetof(struct spec, py_files) },
	{ "files", BOTH, KIND_LIST, RULE_ONE_LINE | RULE_SKIP_EMPTY, offsetof(struct spec, files) },
	{ "driverMemory", BOTH, KIND_TEXT, RULE_ONE_LINE | RULE_SHORT, offsetof(struct spec, driver_memory) },
	{ "driverCores", BOTH, KIND_COUNT, 0, offsetof(struct spec, driver_cores) },
	{ "executorMemory", BOTH, KIND_TEXT, RULE_ONE_LINE | RULE_SHORT, offsetof(struct spec, executor_memory) },
	{ "executorCores", BOTH, KIND_COUNT, 0, offsetof(struct spec, executor_cores) },
	{ "numExecutors", BOTH, KIND_COUNT, 0, offsetof(struct spec, executor_count) },
	{ "archives", BOTH, KIND_LIST, RULE_ONE_LINE | RULE_SKIP_EMPTY, offsetof(struct spec, archives) },
	{ "queue", BOTH, KIND_TEXT, RULE_ONE_LINE | RULE_SHORT, offsetof(struct spec, queue) },
	{ "name", BOTH, KIND_TEXT, RULE_ONE_LINE | RULE_SHORT, offsetof(struct spec, name) },
	{ "conf", BOTH, KIND_CONF, 0, offsetof(struct spec, conf) },
	{ "heartbeatTimeoutInSecond", SPEC_SESSION, KIND_SECONDS, 0, offsetof(struct spec, heartbeat_s) },
	{ "ttl", SPEC_SESSION, KIND_TEXT, RULE_ONE_LINE | RULE_SHORT | RULE_TIME, offsetof(struct spec, ttl) },
	{ "idleTimeout", SPEC_SESSION, KIND_TEXT, RULE_ONE_LINE | RULE_SHORT | RULE_TIME,
	  offsetof(struct spec, idle_timeout) },
};

/* How Livy's mapper calls what a field wants. */
static const char *const type_names[] = {
	[KIND_TEXT] = "java.lang.String",
	[KIND_COUNT] = "int",
	[KIND_SECONDS] = "int",
	[KIND_KIND] = "org.apache.livy.sessions.Kind",
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

/* Who reads what. */
struct reader {
	struct arena *arena;
	enum spec_type type;
	const struct field *f;
};

static bool too_large(struct error *e)
{
	return error_set(e, ERR_TOO_LARGE, "the submission is too large");
}

/* `inside` leads to the value from the field: "", "[3]" or "[\"key\"]". */
static bool wrong_type(const struct reader *r, enum kind wanted, const char *inside, const struct jr *v,
		       struct error *e)
{
	return error_set(e, ERR_MALFORMED,
			 "Cannot deserialize value of type `%s` from %s (through reference chain: %s[\"%s\"]%s)",
			 type_names[wanted], jr_type_name(v->type), class_names[r->type], r->f->name, inside);
}

static bool unknown_field(enum spec_type type, const char *name, struct error *e)
{
	_sbuf_ struct sbuf known = SBUF_INIT(sizeof e->msg);
	int count = 0;

	for (size_t i = 0; i < ARRAY_LEN(fields); i++)
		if (fields[i].of & type)
			sbuf_addf(&known, "%s\"%s\"", count++ ? ", " : "", fields[i].name);
	return error_set(e, ERR_MALFORMED,
			 "Unrecognized field \"%s\" (class %s), not marked as ignorable (%d known properties: %s])",
			 echo(name).text, class_names[type], count, sbuf_str(&known));
}

static bool is_scalar(const struct jr *v)
{
	return v->type == JR_STRING || v->type == JR_NUMBER || v->type == JR_BOOL;
}

static bool read_text(const struct reader *r, const struct jr *v, const char **to, struct error *e)
{
	if (!is_scalar(v))
		return wrong_type(r, KIND_TEXT, "", v, e);
	*to = v->text;
	return true;
}

static bool read_count(const struct reader *r, const struct jr *v, int *to, struct error *e)
{
	int64_t count;

	if (v->type != JR_NUMBER && v->type != JR_STRING)
		return wrong_type(r, KIND_COUNT, "", v, e);
	if (!str_to_i64(v->text, &count) || count < 1 || count > INT32_MAX)
		return error_set(e, ERR_MALFORMED,
				 "Cannot deserialize value of type `int` from %s: not a whole number from 1 to %d "
				 "(through reference chain: %s[\"%s\"])",
				 jr_type_name(v->type), INT32_MAX, class_names[r->type], r->f->name);
	*to = (int)count;
	return true;
}

static bool read_list(const struct reader *r, const struct jr *v, struct spec_list *to, struct error *e)
{
	if (v->type != JR_ARRAY)
		return wrong_type(r, KIND_LIST, "", v, e);

	const char **items = arena_alloc(r->arena, v->count * sizeof *items);
	size_t count = 0;
	if (!items)
		return too_large(e);
	for (size_t i = 0; i < v->count; i++) {
		const struct jr *item = &v->items[i];
		char inside[32];

		(void)snprintf(inside, sizeof inside, "[%zu]", i);
		if (!is_scalar(item))
			return wrong_type(r, KIND_TEXT, inside, item, e);
		if (!(r->f->rules & RULE_SKIP_EMPTY) || *item->text)
			items[count++] = item->text;
	}
	*to = (struct spec_list){ items, count };
	return true;
}

static bool read_conf(const struct reader *r, const struct jr *v, struct spec *to, struct error *e)
{
	if (v->type != JR_OBJECT)
		return wrong_type(r, KIND_CONF, "", v, e);

	struct spec_pair *pairs = arena_alloc(r->arena, v->count * sizeof *pairs);
	if (!pairs)
		return too_large(e);
	for (size_t i = 0; i < v->count; i++) {
		const struct jr *item = &v->items[i];
		char inside[ECHO_MAX_BYTES + 8];

		(void)snprintf(inside, sizeof inside, "[\"%s\"]", echo(v->keys[i]).text);
		if (!is_scalar(item) && item->type != JR_NULL)
			return wrong_type(r, KIND_TEXT, inside, item, e);
		/* Livy's text for null (D27); clients rely on it being accepted. */
		pairs[i] = (struct spec_pair){ v->keys[i], item->type == JR_NULL ? "null" : item->text };
	}
	to->conf = pairs;
	to->conf_count = v->count;
	return true;
}

/* One of the kinds, or what stands for one (livy.md 1.6). */
static bool read_kind(const struct reader *r, const struct jr *v, const char **to, struct error *e)
{
	if (v->type != JR_STRING)
		return error_set(e, ERR_MALFORMED,
				 "requirement failed: Kind should be a string. (through reference chain: %s[\"kind\"])",
				 class_names[r->type]);
	*to = session_kind(v->text);
	return *to || error_set(e, ERR_MALFORMED, "Invalid kind: %s (through reference chain: %s[\"kind\"])",
				echo(v->text).text, class_names[r->type]);
}

/* Whole seconds of a number or a text of digits, from 0 on. */
static bool read_seconds(const struct reader *r, const struct jr *v, int *to, struct error *e)
{
	char whole[16] = "";
	int64_t n;

	if (v->type != JR_NUMBER && v->type != JR_STRING)
		return wrong_type(r, KIND_SECONDS, "", v, e);
	size_t len = v->type == JR_NUMBER ? strcspn(v->text, ".") : strlen(v->text);
	if (len < sizeof whole)
		memcpy(whole, v->text, len);
	if (!str_to_i64(whole, &n) || n < 0 || n > INT32_MAX)
		return error_set(e, ERR_MALFORMED,
				 "Cannot deserialize value of type `int` from %s: not a number of seconds from 0 to %d "
				 "(through reference chain: %s[\"%s\"])",
				 jr_type_name(v->type), INT32_MAX, class_names[r->type], r->f->name);
	*to = (int)n;
	return true;
}

static const struct field *find_field(enum spec_type type, const char *name)
{
	for (size_t i = 0; i < ARRAY_LEN(fields); i++)
		if (fields[i].of & type && strcmp(fields[i].name, name) == 0)
			return &fields[i];
	return NULL;
}

static bool read_field(struct arena *a, enum spec_type type, const char *name, const struct jr *v, struct spec *spec,
		       struct error *e)
{
	const struct reader r = { a, type, find_field(type, name) };

	if (!r.f)
		return unknown_field(type, name, e);
	if (v->type == JR_NULL)
		return true; /* as if it were not there (D3) */

	void *to = (char *)spec + r.f->offset;
	switch (r.f->kind) {
	case KIND_TEXT:
		return read_text(&r, v, to, e);
	case KIND_COUNT:
		return read_count(&r, v, to, e);
	case KIND_LIST:
		return read_list(&r, v, to, e);
	case KIND_KIND:
		return read_kind(&r, v, to, e);
	case KIND_SECONDS:
		return read_seconds(&r, v, to, e);
	case KIND_CONF:
		break;
	}
	return read_conf(&r, v, spec, e);
}

/* Any of Unicode's control characters: C0, DEL, C1 (U+0080–U+009F). */
static bool has_control(const char *s)
{
	for (const unsigned char *p = (const unsigned char *)s; *p; p++)
		if (*p < ' ' || *p == 127 || (*p == 0xC2 && p[1] >= 0x80 && p[1] <= 0x9F))
			return true;
	return false;
}

/* Livy's three ways to say that it is none. */
static bool check_time(const char *s, struct error *e)
{
	int64_t ms;
	size_t digits = strspn(s + (*s == '-'), "0123456789");

	if (str_to_ms(s, 1, &ms))
		return true;
	if (digits == 0 ||
	    strspn(s + (*s == '-') + digits, "abcdefghijklmnopqrstuvwxyz") != strlen(s) - digits - (*s == '-'))
		return error_set(e, ERR_INVALID, "Rejected, Reason: Invalid time string: %s", echo(s).text);
	if (*s == '-')
		return error_set(e, ERR_INVALID, "Rejected, Reason: Invalid value: %s", echo(s).text);
	return error_set(e, ERR_INVALID, "Rejected, Reason: Invalid suffix: \"%s\"", echo(s + digits).text);
}

static bool check_text(const struct field *f, const char *s, struct error *e)
{
	if (f->rules & RULE_TIME && !check_time(s, e))
		return false;
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
		if (str_starts(key, "florus.") && !str_eq(key, "florus.cluster") && !str_eq(key, "florus.launcher"))
			return error_set(e, ERR_INVALID,
					 "Rejected, Reason: there is no configuration key \"%s\"; of florus. there are "
					 "florus.cluster and florus.launcher.",
					 echo(key).text);
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
static bool check_spec(struct spec *spec, enum spec_type type, const struct map *denied, struct error *e)
{
	for (size_t i = 0; i < ARRAY_LEN(fields); i++)
		if (!check_field(&fields[i], spec, e))
			return false;
	return check_name(spec->name, e) && check_conf(spec, denied, e) &&
	       (type == SPEC_SESSION || check_file(spec->file, e)) && check_class_name(spec->class_name, e);
}

bool spec_parse(struct arena *a, enum spec_type type, const char *body, size_t n, const struct map *denied,
		struct spec *ret, struct error *e)
{
	const struct jr *top;
	struct spec spec = { .kind = "shared" };

	if (!jr_parse(a, body, n, &top, e))
		return false;
	if (top->type != JR_OBJECT)
		return error_set(e, ERR_MALFORMED, "Cannot deserialize value of type `%s` from %s", class_names[type],
				 jr_type_name(top->type));
	for (size_t i = 0; i < top->count; i++)
		if (!read_field(a, type, top->keys[i], &top->items[i], &spec, e))
			return false;
	if (!check_spec(&spec, type, denied, e))
		return false;
	*ret = spec;
	return true;
}
