#include "cluster/hadoop/xml.h"
#include "base/sbuf.h"
#include "base/str.h"
#include "cluster/hadoop/conf.h"
#include <expat.h>
#include <string.h>

enum field { FIELD_NAME, FIELD_VALUE, FIELD_FINAL, FIELDS };

static const char *const fields[FIELDS] = { "name", "value", "final" }; /* elements, and attributes of <property> */

struct reading {
	XML_Parser parser;
	hadoop_xml_fn *fn;
	void *arg;
	struct sbuf text[FIELDS]; /* of the property so far */
	bool given[FIELDS];
	int at; /* the field whose element we are in; FIELDS: none */
	int depth;
	const char *why; /* it was given up */
};

static void give_up(struct reading *r, const char *why)
{
	if (!r->why)
		r->why = why;
	(void)XML_StopParser(r->parser, XML_FALSE);
}

static int field_of(const char *name)
{
	int i = 0;

	while (i < FIELDS && !str_eq(fields[i], name))
		i++;
	return i;
}

static void add_text(struct reading *r, const char *text, size_t n)
{
	sbuf_add(&r->text[r->at], text, n);
	if (!sbuf_ok(&r->text[r->at]))
		give_up(r, "a name or a value is too long");
}

static void begin_property(struct reading *r, const char **attributes)
{
	for (int i = 0; i < FIELDS; i++) {
		sbuf_clear(&r->text[i]);
		r->given[i] = false;
	}
	for (; *attributes; attributes += 2) {
		r->at = field_of(attributes[0]);
		if (r->at == FIELDS)
			continue;
		r->given[r->at] = true;
		add_text(r, attributes[1], strlen(attributes[1]));
	}
	r->at = FIELDS;
}

static void on_start(void *arg, const char *name, const char **attributes)
{
	struct reading *r = arg;

	if (++r->depth > HADOOP_CONF_NESTING_MAX)
		give_up(r, "elements are nested too deeply");
	else if (str_eq(name, "include") || str_ends(name, ":include"))
		give_up(r, "it includes another file (XInclude), which is not supported");
	else if (str_eq(name, "property"))
		begin_property(r, attributes);
	else if ((r->at = field_of(name)) < FIELDS)
		sbuf_clear(&r->text[r->at]);
}

static const char *trim(struct sbuf *text)
{
	static const char blanks[] = " \t\r\n";
	char *s = text->data;

	while (text->len && strchr(blanks, s[text->len - 1]))
		s[--text->len] = '\0';
	return text->len ? s + strspn(s, blanks) : "";
}

static void end_property(struct reading *r)
{
	const char *name = trim(&r->text[FIELD_NAME]);

	if (*name && !r->fn(r->arg, name, r->given[FIELD_VALUE] ? sbuf_str(&r->text[FIELD_VALUE]) : NULL,
			    str_eq(trim(&r->text[FIELD_FINAL]), "true")))
		give_up(r, "there are too many properties");
}

static void on_end(void *arg, const char *name)
{
	struct reading *r = arg;

	r->depth--;
	/* As in Hadoop, an element with nothing in it gives nothing: <value/> leaves a default as it is. */
	if (r->at < FIELDS && str_eq(name, fields[r->at]))
		r->given[r->at] |= r->text[r->at].len > 0;
	r->at = FIELDS;
	if (str_eq(name, "property"))
		end_property(r);
}

static void on_text(void *arg, const char *text, int n)
{
	struct reading *r = arg;

	if (r->at < FIELDS)
		add_text(r, text, (size_t)n);
}

static void on_doctype(void *arg, const char *name, const char *system, const char *public, int internal)
{
	(void)name, (void)system, (void)public, (void)internal;
	give_up(arg, "it has a DOCTYPE, which is not supported");
}

static bool parse(struct reading *r, const char *text, size_t n, struct error *e)
{
	XML_SetUserData(r->parser, r);
	XML_SetElementHandler(r->parser, on_start, on_end);
	XML_SetCharacterDataHandler(r->parser, on_text);
	XML_SetStartDoctypeDeclHandler(r->parser, on_doctype);
	if (XML_Parse(r->parser, text, (int)n, XML_TRUE) == XML_STATUS_OK)
		return true;
	return error_set(e, ERR_CONFIG, "line %lu: %s", XML_GetCurrentLineNumber(r->parser),
			 r->why ? r->why : XML_ErrorString(XML_GetErrorCode(r->parser)));
}

bool hadoop_xml_read(const char *text, size_t n, hadoop_xml_fn *fn, void *arg, struct error *e)
{
	struct reading r = { .fn = fn, .arg = arg, .at = FIELDS, .parser = XML_ParserCreate(NULL) };

	if (!r.parser || n > HADOOP_CONF_FILE_MAX) {
		XML_ParserFree(r.parser);
		return error_set(e, ERR_CONFIG, "it is too large");
	}
	for (int i = 0; i < FIELDS; i++)
		r.text[i] = (struct sbuf)SBUF_INIT(HADOOP_CONF_VALUE_MAX);
	bool ok = parse(&r, text, n, e);
	for (int i = 0; i < FIELDS; i++)
		sbuf_done(&r.text[i]);
	XML_ParserFree(r.parser);
	return ok;
}
