/*
 * fuzz-multipart - a first line as a Content-Type, the rest as the body that it says it is.
 *
 * Must hold: a part lies within the body and is followed by the boundary; a file's name is a base name; a refusal says
 * why.
 */
#include "base/str.h"
#include "http/multipart.h"
#include <stdint.h>
#include <stdio.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static void must(bool holds)
{
	if (!holds)
		abort();
}

static void check_part(const char *body, size_t n, const char *boundary, const struct multipart_part *part)
{
	char after[MULTIPART_BOUNDARY_MAX + 5];
	size_t len = (size_t)snprintf(after, sizeof after, "\r\n--%s", boundary), end = part->offset + part->len;

	must(part->offset <= n && part->len <= n - part->offset);
	/* An empty part may share its line end with the header. */
	must((n - end >= len && memcmp(body + end, after, len) == 0) ||
	     (part->len == 0 && end >= 2 && memcmp(body + end - 2, after, len) == 0));
	must(!strpbrk(part->file_name, "/\\") && !str_eq(part->file_name, "..") && !str_eq(part->file_name, "."));
	must(str_utf8_ok(part->file_name, strlen(part->file_name)) || part->file_name[MULTIPART_FILE_NAME_MAX - 1]);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	const uint8_t *eol = memchr(data, '\n', n);
	size_t head = eol ? (size_t)(eol - data) : n;
	char type[512], boundary[MULTIPART_BOUNDARY_MAX + 1];
	struct multipart_part part;
	struct error e = { 0 };

	(void)snprintf(type, sizeof type, "%.*s", (int)(head < sizeof type ? head : sizeof type - 1),
		       (const char *)data);
	if (!multipart_boundary(type, boundary, &e)) {
		must(e.code != ERR_NONE && e.msg[0]);
		return 0;
	}
	/* A copy of its own length, so that a byte too far is noticed. */
	size_t left = eol ? n - head - 1 : 0;
	char *body = calloc(1, left + 1);
	must(body);
	memcpy(body, data + n - left, left);
	if (multipart_find(body, left, boundary, "file", &part, &e))
		check_part(body, left, boundary, &part);
	else
		must(e.code != ERR_NONE && e.msg[0]);
	free(body);
	return 0;
}
