#include "cluster/kube/template.h"
#include "base/str.h"
#include "cluster/kube/spec.h"
#include <string.h>
#include <strings.h>
#include <yaml.h>

/* --- YAML to JSON --- */

struct reading {
	yaml_parser_t parser;
	struct jw w;
	struct error *e;
};

static bool refuse(struct reading *r, const yaml_event_t *event, const char *what)
{
	return error_set(r->e, ERR_MALFORMED, "line %zu: %s", event->start_mark.line + 1, what);
}

static bool next(struct reading *r, yaml_event_t *event)
{
	return yaml_parser_parse(&r->parser, event) ||
	       error_set(r->e, ERR_MALFORMED, "line %zu: this is not YAML", r->parser.problem_mark.line + 1);
}

static bool is_one_of(const char *const *words, size_t count, const char *text)
{
	for (size_t i = 0; i < count; i++)
		if (strcasecmp(words[i], text) == 0)
			return true;
	return false;
}

/* A number to everybody: without an exponent, a sign of its own, or a zero before it. */
static bool is_number(const char *text)
{
	const char *p = text + (*text == '-');
	size_t whole = strspn(p, "0123456789");

	if (whole == 0 || (whole > 1 && *p == '0'))
		return false;
	p += whole;
	if (*p != '.')
		return *p == '\0';
	size_t fraction = strspn(p + 1, "0123456789");
	return fraction > 0 && p[1 + fraction] == '\0';
}

/* A number, or a truth, to some readers and a text to others. */
static bool is_disputed(const char *text)
{
	static const char *const words[] = { "yes", "no", "on", "off", ".inf", "+.inf", "-.inf", ".nan", "<<" };
	const char *p = text + (*text == '-' || *text == '+'), *dot = strchr(p, '.');

	if (is_one_of(words, ARRAY_LEN(words), text))
		return true;
	if (p[0] == '0' && p[1] && strchr("xXoObB", p[1]))
		return p[2 + strspn(p + 2, "0123456789abcdefABCDEF_")] == '\0';
	if (!strpbrk(p, "0123456789") || strspn(p, "0123456789_:.eE+-") != strlen(p))
		return false;
	/* two points are an address or a version, a '-' that follows no 'e' a date */
	for (const char *c = p; *c; c++)
		if ((*c == '-' || *c == '+') && (c == p || (c[-1] | 0x20) != 'e'))
			return false;
	return (*p == '.' || (*p >= '0' && *p <= '9')) && !(dot && strchr(dot + 1, '.'));
}

/* What is a text wherever a pod has it: readers that know its type take `version: 3` for one. */
static bool is_text_key(const char *key)
{
	static const char *const keys[] = { "labels", "annotations", "matchLabels", "nodeSelector",
					    "args",   "command",     "value",       "values" };

	for (size_t i = 0; key && i < ARRAY_LEN(keys); i++)
		if (str_eq(keys[i], key))
			return true;
	return false;
}

static bool scalar(struct reading *r, const yaml_event_t *event, const char *key, bool text)
{
	static const char *const nothing[] = { "", "~", "null" }, *const truths[] = { "true", "false" };
	const char *value = (const char *)event->data.scalar.value;
	size_t n = event->data.scalar.length;

	if (event->data.scalar.tag)
		return refuse(r, event, "tags are not for templates");
	if (strlen(value) != n)
		return refuse(r, event, "a NUL");
	if (event->data.scalar.style != YAML_PLAIN_SCALAR_STYLE)
		jw_str(&r->w, key, value);
	else if (is_one_of(nothing, ARRAY_LEN(nothing), value))
		jw_null(&r->w, key);
	else if (is_disputed(value) && !is_number(value))
		return refuse(
			r, event,
			"some readers of YAML take this for a number or a truth: put it in quotes, or write it plainly");
	else if (!text && is_number(value))
		jw_raw(&r->w, key, value, n);
	else if (!text && is_one_of(truths, ARRAY_LEN(truths), value))
		jw_bool(&r->w, key, strcasecmp(value, "true") == 0);
	else
		jw_str(&r->w, key, value);
	return true;
}

static bool value(struct reading *r, const yaml_event_t *event, const char *key, bool text, int depth);

static bool items(struct reading *r, bool text, int depth)
{
	for (;;) {
		yaml_event_t event;

		if (!next(r, &event))
			return false;
		bool over = event.type == YAML_SEQUENCE_END_EVENT, ok = over || value(r, &event, NULL, text, depth);
		yaml_event_delete(&event);
		if (over || !ok)
			return ok;
	}
}

/* `name` is as it stands in the text; in JSON it has escapes. */
static bool member(struct reading *r, const char *name, bool text, int depth)
{
	_sbuf_ struct sbuf key = SBUF_INIT(KUBE_OBJECT_MAX);
	yaml_event_t event;

	json_escape(&key, name, strlen(name));
	if (!next(r, &event))
		return false;
	bool ok = value(r, &event, sbuf_str(&key), text || is_text_key(name), depth);
	yaml_event_delete(&event);
	return ok;
}

static bool members(struct reading *r, bool text, int depth)
{
	for (;;) {
		yaml_event_t event;
		bool over, ok = true;

		if (!next(r, &event))
			return false;
		over = event.type == YAML_MAPPING_END_EVENT;
		if (!over && (event.type != YAML_SCALAR_EVENT || event.data.scalar.tag ||
			      strlen((const char *)event.data.scalar.value) != event.data.scalar.length))
			ok = refuse(r, &event, "a key that is not a plain text");
		else if (!over && event.data.scalar.style == YAML_PLAIN_SCALAR_STYLE &&
			 is_disputed((const char *)event.data.scalar.value))
			ok = refuse(r, &event, "some readers of YAML take this key for a number or a truth");
		else if (!over)
			ok = member(r, (const char *)event.data.scalar.value, text, depth);
		yaml_event_delete(&event);
		if (over || !ok)
			return ok;
	}
}

static bool value(struct reading *r, const yaml_event_t *event, const char *key, bool text, int depth)
{
	bool list = event->type == YAML_SEQUENCE_START_EVENT;
	bool ok;

	if (event->type == YAML_SCALAR_EVENT)
		return scalar(r, event, key, text);
	if (event->type == YAML_ALIAS_EVENT)
		return refuse(r, event, "aliases are not for templates");
	if (list ? event->data.sequence_start.tag : event->data.mapping_start.tag)
		return refuse(r, event, "tags are not for templates");
	if (depth == KUBE_TEMPLATE_DEPTH_MAX)
		return refuse(r, event, "it nests too deep");
	jw_open(&r->w, key, list ? '[' : '{');
	ok = list ? items(r, text, depth + 1) : members(r, text, depth + 1);
	jw_close(&r->w, list ? ']' : '}');
	return ok;
}

/* Passes over an event that must be there. */
static bool expect(struct reading *r, yaml_event_type_t type)
{
	yaml_event_t event;

	if (!next(r, &event))
		return false;
	bool ok = event.type == type || refuse(r, &event, "one document is wanted, no more and no less");
	yaml_event_delete(&event);
	return ok;
}

static bool document(struct reading *r)
{
	yaml_event_t event;

	if (!expect(r, YAML_STREAM_START_EVENT) || !expect(r, YAML_DOCUMENT_START_EVENT) || !next(r, &event))
		return false;
	bool ok = value(r, &event, NULL, false, 0);
	yaml_event_delete(&event);
	return ok && expect(r, YAML_DOCUMENT_END_EVENT) && expect(r, YAML_STREAM_END_EVENT);
}

static bool to_json(const char *text, size_t n, struct sbuf *json, struct error *e)
{
	struct reading r = { .w = { .out = json }, .e = e };

	if (n > KUBE_TEMPLATE_MAX)
		return error_set(e, ERR_TOO_LARGE, "it is over %d KiB", KUBE_TEMPLATE_MAX / 1024);
	if (!yaml_parser_initialize(&r.parser))
		return error_set(e, ERR_TOO_LARGE, "there is no memory for YAML");
	yaml_parser_set_input_string(&r.parser, (const unsigned char *)text, n);
	bool ok = document(&r);
	yaml_parser_delete(&r.parser);
	return ok && (sbuf_ok(json) || error_set(e, ERR_TOO_LARGE, "it is too large"));
}

/* --- a pod --- */

static bool has(const struct jr *object, const char *key, enum jr_type type)
{
	const struct jr *found = object->type == JR_OBJECT ? jr_get(object, key) : NULL;

	return found && found->type == type;
}

static bool is_pod(const struct jr *top)
{
	if (top->type != JR_OBJECT || !str_eq(jr_text(top, "kind", JR_STRING), "Pod") ||
	    !str_eq(jr_text(top, "apiVersion", JR_STRING), "v1") || !has(top, "spec", JR_OBJECT))
		return false;
	const struct jr *containers = jr_get(jr_get(top, "spec"), "containers");
	if (!containers)
		return true;
	if (containers->type != JR_ARRAY)
		return false;
	for (size_t i = 0; i < containers->count; i++)
		if (containers->items[i].type != JR_OBJECT)
			return false;
	return true;
}

bool kube_template_read(struct arena *a, const char *text, size_t n, const struct jr **ret, struct error *e)
{
	_sbuf_ struct sbuf json = SBUF_INIT(KUBE_OBJECT_MAX);

	if (!to_json(text, n, &json, e))
		return false;
	if (!jr_parse(a, sbuf_str(&json), json.len, ret, e))
		return e->code == ERR_TOO_LARGE || error_set(e, ERR_MALFORMED, "an object has a key twice");
	return is_pod(*ret) ||
	       error_set(e, ERR_MALFORMED, "it is not a v1 Pod with a spec, or its containers are not objects");
}

const struct jr *kube_template_container(const struct jr *pod, const char *name)
{
	const struct jr *containers = jr_get(jr_get(pod, "spec"), "containers"), *found = NULL;
	size_t named = 0;

	for (size_t i = 0; containers && name && i < containers->count; i++)
		if (str_eq(jr_text(&containers->items[i], "name", JR_STRING), name)) {
			found = &containers->items[i];
			named++;
		}
	if (named == 1)
		return found;
	return containers && containers->count ? &containers->items[0] : NULL;
}

/* --- one laid over the other --- */

static void put(struct jw *w, const char *key, const struct jr *v)
{
	_sbuf_ struct sbuf escaped = SBUF_INIT(KUBE_OBJECT_MAX);

	if (key)
		json_escape(&escaped, key, strlen(key));
	key = key ? sbuf_str(&escaped) : NULL;
	switch (v->type) {
	case JR_NULL:
		jw_null(w, key);
		break;
	case JR_STRING:
		jw_str(w, key, v->text);
		break;
	case JR_BOOL:
	case JR_NUMBER:
		jw_raw(w, key, v->text, strlen(v->text));
		break;
	case JR_ARRAY:
	case JR_OBJECT:
		jw_open(w, key, v->type == JR_ARRAY ? '[' : '{');
		for (size_t i = 0; i < v->count; i++)
			put(w, v->type == JR_OBJECT ? v->keys[i] : NULL, &v->items[i]);
		jw_close(w, v->type == JR_ARRAY ? ']' : '}');
		break;
	}
}

/* What is not as `ours` has it is left as it is. */
struct merging {
	const struct jr *containers, *container; /* the template's */
};

static void both(struct jw *w, const struct merging *m, const char *key, const struct jr *theirs,
		 const struct jr *ours);

static void objects(struct jw *w, const struct merging *m, const struct jr *theirs, const struct jr *ours)
{
	for (size_t i = 0; i < theirs->count; i++) {
		const struct jr *same = jr_get(ours, theirs->keys[i]);

		if (same)
			both(w, m, theirs->keys[i], &theirs->items[i], same);
		else
			put(w, theirs->keys[i], &theirs->items[i]);
	}
	for (size_t i = 0; i < ours->count; i++)
		if (!jr_get(theirs, ours->keys[i]))
			put(w, ours->keys[i], &ours->items[i]);
}

static void containers(struct jw *w, const struct merging *m, const struct jr *ours)
{
	for (size_t i = 0; i < m->containers->count; i++)
		if (&m->containers->items[i] != m->container)
			put(w, NULL, &m->containers->items[i]);
	if (m->container)
		both(w, m, NULL, m->container, &ours->items[0]);
	else
		put(w, NULL, &ours->items[0]);
}

static void both(struct jw *w, const struct merging *m, const char *key, const struct jr *theirs, const struct jr *ours)
{
	bool name = theirs->type == JR_STRING && key && str_eq(key, "name") && m->container &&
		    theirs == jr_get(m->container, "name");

	if (name) {
		put(w, key, theirs);
	} else if (theirs->type == JR_OBJECT && ours->type == JR_OBJECT) {
		jw_open(w, key, '{'); /* a key of ours, too: it needs no escapes */
		objects(w, m, theirs, ours);
		jw_close(w, '}');
	} else if (theirs->type == JR_ARRAY && ours->type == JR_ARRAY) {
		jw_open(w, key, '[');
		if (theirs == m->containers)
			containers(w, m, ours);
		for (size_t i = 0; theirs != m->containers && i < theirs->count; i++)
			put(w, NULL, &theirs->items[i]);
		for (size_t i = 0; theirs != m->containers && i < ours->count; i++)
			put(w, NULL, &ours->items[i]);
		jw_close(w, ']');
	} else {
		put(w, key, ours);
	}
}

void kube_template_merge(struct jw *w, const struct jr *pod, const struct jr *container, const struct jr *ours)
{
	const struct merging m = { jr_get(jr_get(pod, "spec"), "containers"), container };

	both(w, &m, NULL, pod, ours);
}
