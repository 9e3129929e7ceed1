/*
 * multipart - finding one part in a multipart/form-data body (RFC 7578, RFC 2046). Pure.
 *
 * Strict where it matters: the delimiter stands at the start of a line, the closing one must be there, a part's header
 * is small, and a file's name is a base name whatever the client wrote (D20).
 */
#pragma once
#include "base/error.h"
#include <stddef.h>

enum {
	MULTIPART_BOUNDARY_MAX = 70,      /* RFC 2046 5.1.1 */
	MULTIPART_HEADER_MAX = 16 * 1024, /* bytes of a part's header */
	MULTIPART_PARTS_MAX = 64,         /* parts that are looked at */
	MULTIPART_FILE_NAME_MAX = 255,
};

/*
 * The boundary of a Content-Type. ERR_UNSUPPORTED: it is not multipart/form-data; ERR_MALFORMED: it has none, or a bad
 * one.
 */
MUST_CHECK bool multipart_boundary(const char *content_type, char to[MULTIPART_BOUNDARY_MAX + 1], struct error *e);

struct multipart_part {
	char file_name[MULTIPART_FILE_NAME_MAX + 1]; /* a base name; "": none was given */
	size_t offset, len;                          /* of its content in the body */
};

/*
 * The first part with this name. ERR_NOT_FOUND: there is none; ERR_MALFORMED: the body is not well-formed; ERR_INVALID:
 * the part's file name cannot be used.
 */
MUST_CHECK bool multipart_find(const char *body, size_t n, const char *boundary, const char *name,
			       struct multipart_part *ret, struct error *e);
