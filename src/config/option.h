/*
 * option - one row of the table of options: finding it, reading its value, describing it. Pure.
 *
 * For the files of config/ only; everybody else includes config.h.
 */
#pragma once
#include "base/sbuf.h"
#include "config/config.h"

enum {
	OPTION_KEY_MAX = 96,   /* bytes of a longest key, NUL included */
	OPTION_SHOWN_MAX = 80, /* bytes of a bad key or value that an error repeats */
};

const struct config_option *option_find(const char *key);                /* NULL: no such option */
const struct config_option *option_find_env(const char *name, size_t n); /* "FLORUS_LOG_MAX" */
size_t option_index(const struct config_option *o);

/*
 * Reads the text into the option's field of a struct config (or profile); strings are borrowed. False, it is untouched:
 * not what the option takes.
 */
MUST_CHECK bool option_parse(const struct config_option *o, const char *text, void *of);

/* "a whole number from 0 to 65535". */
void option_describe(const struct config_option *o, struct sbuf *to);

/*
 * Refusals, with the place and the cure: what option_parse() would not take, and a key that is none (near: what was
 * meant, or NULL).
 */
bool option_refuse(const struct config_option *o, const char *key, const char *text, const char *origin,
		   struct error *e);
bool option_refuse_key(const char *key, const char *near, const char *origin, struct error *e);

/* Prints "<before>key = value" as a line of a file, escaped. */
void option_show(FILE *to, const char *before, const char *key, const char *value);

/* Few enough changes apart to be a slip of the pen (at most two)? */
bool option_is_near(const char *a, const char *b);
