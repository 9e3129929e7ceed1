/*
 * web - the files of web/, compiled in by tools/embed. Constant data.
 */
#pragma once
#include <stddef.h>

struct web_file {
	const char *name; /* "app.js" */
	const char *type; /* what Content-Type says */
	const char *etag; /* with its quotes; changes with the bytes */
	const unsigned char *bytes;
	size_t len;
};

extern const struct web_file web_page;    /* the one page there is; ui.c says what WEB_UP in it becomes */
extern const struct web_file web_files[]; /* what it loads, by name; the last has name NULL */

#define WEB_UP "@up@" /* stands for the way from the page's address up to the root: "", "../" … */
