#include "http/multipart.h"
#include "base/sbuf.h"
#include "base/str.h"
#include <stdio.h>
#include <string.h>
#include <strings.h>

/* --- parameters: ; name=token or ; name="quoted \" string" --- */

struct parameter {
	const char *name, *value;
	size_t name_len;
	bool quoted;
	size_t value_len; /* as it stands there, escapes included */
};

/* Reads one at *at, which begins with a semicolon or blanks; false: there is none, or it is broken. */
static bool next_parameter(const char **at, const char *end, struct parameter *p)
{
	const char *s = *at;

	while (s < end && (*s == ';' || *s == ' ' || *s == '\t'))
		s++;
	p->name = s;
	while (s < end && *s != '=' && *s != ';')
		s++;
	if (s == end || *s != '=')
		return false;
	p->name_len = (size_t)(s++ - p->name);
	p->quoted = s < end && *s == '"';
	s += p->quoted;
	p->value = s;
	while (s < end && (p->quoted ? *s != '"' : *s != ';' && *s != ' ' && *s != '\t'))
		s += p->quoted && *s == '\\' && s + 1 < end ? 2 : 1;
	if (s > end || (p->quoted && s == end))
		return false;
	p->value_len = (size_t)(s - p->value);
	*at = s + p->quoted;
	return true;
}

static bool is_named(const struct parameter *p, const char *name)
{
	return p->name_len == strlen(name) && strncasecmp(p->name, name, p->name_len) == 0;
}

/* False: it does not fit. */
static bool copy_value(const struct parameter *p, char *to, size_t room)
{
	size_t n = 0;

	for (size_t i = 0; i < p->value_len; i++) {
		/* Browsers send backslashes of Windows paths as they are: only \" and \\ are escapes. */
		if (p->quoted && p->value[i] == '\\' && i + 1 < p->value_len &&
		    (p->value[i + 1] == '"' || p->value[i + 1] == '\\'))
			i++;
		if (n + 1 >= room || p->value[i] == '\0')
			return false;
		to[n++] = p->value[i];
	}
	to[n] = '\0';
	return true;
}

static bool boundary_ok(const char *b)
{
	size_t n = strlen(b);

	return n > 0 && b[n - 1] != ' ' &&
	       strspn(b, "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ'()+_,-./:=? ") == n;
}

bool multipart_boundary(const char *content_type, char to[MULTIPART_BOUNDARY_MAX + 1], struct error *e)
{
	static const char type[] = "multipart/form-data";
	const char *at = content_type ? content_type + strcspn(content_type, "; ") : "";
	const char *end = at + strlen(at);
	struct parameter p;

	if (!content_type || (size_t)(at - content_type) != sizeof type - 1 ||
	    strncasecmp(content_type, type, sizeof type - 1) != 0)
		return error_set(e, ERR_UNSUPPORTED,
				 "the body is not multipart/form-data: send the file as a part of one");
	while (next_parameter(&at, end, &p))
		if (is_named(&p, "boundary"))
			return (copy_value(&p, to, MULTIPART_BOUNDARY_MAX + 1) && boundary_ok(to)) ||
			       error_set(e, ERR_MALFORMED, "the boundary of multipart/form-data is not well-formed");
	return error_set(e, ERR_MALFORMED, "multipart/form-data without a boundary");
}

/* --- parts --- */

static bool broken(struct error *e, const char *what)
{
	return error_set(e, ERR_MALFORMED, "the multipart body is not well-formed: %s", what);
}

static bool set_file_name(const char *given, struct multipart_part *part, struct error *e)
{
	const char *base = given;

	for (const char *p = given; *p; p++) {
		if ((unsigned char)*p < ' ' || *p == 0x7f)
			return error_set(e, ERR_INVALID, "the file's name has control characters");
		if (*p == '/' || *p == '\\')
			base = p + 1;
	}
	if (*given && (!*base || str_eq(base, ".") || str_eq(base, "..")))
		return error_set(e, ERR_INVALID, "the file's name is not one: %.80s", given);
	if (!str_utf8_ok(base, strlen(base)))
		return error_set(e, ERR_INVALID, "the file's name is not UTF-8");
	if (strlen(base) > MULTIPART_FILE_NAME_MAX)
		return error_set(e, ERR_INVALID, "the file's name has more than %d bytes", MULTIPART_FILE_NAME_MAX);
	(void)snprintf(part->file_name, sizeof part->file_name, "%s", base);
	return true;
}

/* A header line of a part: is it the disposition, and whose? */
static bool read_disposition(const char *line, const char *end, char *name, size_t room, struct multipart_part *part,
			     struct error *e)
{
	static const char field[] = "Content-Disposition:";
	char given[4 * MULTIPART_FILE_NAME_MAX + 1];
	struct parameter p;

	if ((size_t)(end - line) < sizeof field || strncasecmp(line, field, sizeof field - 1) != 0)
		return true;
	const char *at = memchr(line, ';', (size_t)(end - line));
	while (at && next_parameter(&at, end, &p)) {
		if (is_named(&p, "name") && !copy_value(&p, name, room))
			return broken(e, "the name of a part is too long");
		if (!is_named(&p, "filename"))
			continue;
		if (!copy_value(&p, given, sizeof given))
			return error_set(e, ERR_INVALID, "the file's name is too long");
		if (!set_file_name(given, part, e))
			return false;
	}
	return true;
}

/* The lines up to the empty one. *at is set to the content. */
static bool read_header(const char **at, const char *end, char *name, size_t room, struct multipart_part *part,
			struct error *e)
{
	const char *start = *at;

	for (;;) {
		size_t left = (size_t)(end - *at);
		const char *eol = memmem(*at, left < MULTIPART_HEADER_MAX ? left : MULTIPART_HEADER_MAX, "\r\n", 2);

		if (!eol || *at - start > MULTIPART_HEADER_MAX)
			return broken(e, "the header of a part does not end");
		const char *line = *at;
		*at = eol + 2;
		if (eol == line)
			return true;
		if (!read_disposition(line, eol, name, room, part, e))
			return false;
	}
}

/* Where the next line with nothing but the boundary begins; NULL: there is none. One that only begins so is content. */
static const char *next_delimiter(const char *at, const char *end, const char *delimiter, size_t len)
{
	while ((at = memmem(at, (size_t)(end - at), delimiter, len)) != NULL) {
		const char *after = at + len;

		if (end - after >= 2 && memcmp(after, "--", 2) == 0)
			return at;
		while (after < end && (*after == ' ' || *after == '\t'))
			after++;
		if (end - after >= 2 && memcmp(after, "\r\n", 2) == 0)
			return at;
		at++;
	}
	return NULL;
}

bool multipart_find(const char *body, size_t n, const char *boundary, const char *name, struct multipart_part *ret,
		    struct error *e)
{
	char delimiter[MULTIPART_BOUNDARY_MAX + 5];
	const char *at, *end = body + n;
	size_t len = (size_t)snprintf(delimiter, sizeof delimiter, "\r\n--%s", boundary);

	/* The first one may stand at the very beginning. */
	if (n >= len - 2 && memcmp(body, delimiter + 2, len - 2) == 0)
		at = body + len - 2;
	else if ((at = next_delimiter(body, end, delimiter, len)) != NULL)
		at += len;
	else
		return broken(e, "the boundary does not occur");
	for (int parts = 0; parts < MULTIPART_PARTS_MAX; parts++) {
		char given[256] = "";

		*ret = (struct multipart_part){ 0 };
		if (end - at >= 2 && memcmp(at, "--", 2) == 0)
			return error_set(e, ERR_NOT_FOUND, "there is no part %s", name);
		while (at < end && (*at == ' ' || *at == '\t'))
			at++;
		if (end - at < 2 || memcmp(at, "\r\n", 2) != 0)
			return broken(e, "no line end after a boundary");
		at += 2;
		if (!read_header(&at, end, given, sizeof given, ret, e))
			return false;
		/* An empty part's delimiter shares the line end of the header's last line. */
		const char *next = next_delimiter(at - 2, end, delimiter, len);
		if (!next)
			return broken(e, "it is cut off");
		ret->offset = (size_t)(at - body);
		ret->len = next > at ? (size_t)(next - at) : 0;
		if (str_eq(given, name))
			return true;
		at = next + len;
	}
	return broken(e, "it has too many parts");
}
