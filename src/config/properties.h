/*
 * properties - the text format of java.util.Properties, read strictly.
 *
 * Comments # and !, continuation by a backslash at the end of a line, separators = : or blanks,
 * escapes \t \n \r \f \\ \uXXXX, line ends \n \r\n \r. Text is UTF-8. Values are trimmed, as Livy and Spark do.
 * Stricter than Java: a broken \u escape, half a surrogate pair, NUL and text that is not UTF-8
 * are errors that name file and line. Pure but for properties_load(). Any thread.
 */
#pragma once
#include "base/error.h"
#include "base/sbuf.h"

enum { PROPERTIES_FILE_MAX = 1024 * 1024 };

/* Given each pair in the order written, keys that come twice included. False with *e set ends the reading. */
typedef bool properties_fn(void *arg, int line, const char *key, const char *value, struct error *e);

/* `name` is how errors call the text: "name:12: …". */
MUST_CHECK bool properties_parse(const char *name, const char *text, size_t n, properties_fn *fn, void *arg,
				 struct error *e);

/* The same for a file of at most PROPERTIES_FILE_MAX bytes. Blocks. */
MUST_CHECK bool properties_load(const char *path, properties_fn *fn, void *arg, struct error *e);

/* Appends the value so that properties_parse() reads it back. */
void properties_escape(struct sbuf *out, const char *value);
