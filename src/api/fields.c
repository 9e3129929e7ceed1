#include "api/fields.h"
#include "base/str.h"
#include "model/session.h"
#include <string.h>

#define PACKAGE "org.apache.livy.server.interactive."

static bool refuse_unknown(const char *key, const char *class, const struct field *fields, size_t count,
			   struct error *e)
{
	_sbuf_ struct sbuf known = SBUF_INIT(256);

	for (size_t i = 0; i < count; i++)
		sbuf_addf(&known, "%s\"%s\"", i ? ", " : "", fields[i].key);
	return error_set(e, ERR_MALFORMED,
			 "Unrecognized field \"%.64s\" (class " PACKAGE "%s), not marked as ignorable (%zu known "
			 "properties: %s])",
			 key, class, count, sbuf_str(&known));
}

static bool read_number(const struct jr *v, int64_t *to)
{
	char whole[24];
	size_t n = v->type == JR_NUMBER || v->type == JR_STRING ? strcspn(v->text, v->type == JR_NUMBER ? "." : "") : 0;
	int32_t number;

	if (n == 0 || n >= sizeof whole)
		return false;
	memcpy(whole, v->text, n);
	whole[n] = '\0';
	if (!str_to_i32(whole, &number))
		return false;
	*to = number;
	return true;
}

static bool read_field(const struct field *f, const struct jr *v, const char *class, struct error *e)
{
	if (v->type == JR_NULL)
		return true;
	if (f->text && (v->type == JR_STRING || v->type == JR_NUMBER || v->type == JR_BOOL)) {
		*f->text = v->text;
		return true;
	}
	if (f->number && read_number(v, f->number))
		return true;
	return error_set(e, ERR_MALFORMED,
			 "Cannot deserialize value of type `%s` from %s (through reference chain: " PACKAGE
			 "%s[\"%s\"])",
			 f->text ? "java.lang.String" : "int", jr_type_name(v->type), class, f->key);
}

bool fields_read(struct arena *a, const char *body, size_t n, const char *class, const struct field *fields,
		 size_t count, struct error *e)
{
	const struct jr *object;

	if (!jr_parse(a, body, n, &object, e))
		return false;
	if (object->type != JR_OBJECT)
		return error_set(e, ERR_MALFORMED, "Cannot deserialize value of type `" PACKAGE "%s` from %s", class,
				 jr_type_name(object->type));
	for (size_t i = 0; i < object->count; i++) {
		const struct field *f = fields;

		while (f < fields + count && !str_eq(f->key, object->keys[i]))
			f++;
		if (f == fields + count)
			return refuse_unknown(object->keys[i], class, fields, count, e);
		if (!read_field(f, &object->items[i], class, e))
			return false;
	}
	return true;
}

bool fields_kind(const char **kind, struct error *e)
{
	const char *known = *kind ? session_kind(*kind) : NULL;

	if (*kind && (!known || str_eq(known, "shared")))
		return error_set(
			e, ERR_SESSION_STATE,
			"java.util.concurrent.ExecutionException: java.lang.IllegalArgumentException: Invalid kind: %.64s",
			*kind);
	*kind = known;
	return true;
}
