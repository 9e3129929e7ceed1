#include "base/sbuf.h"
#include "base/str.h"
#include "http/multipart.h"
#include "t.h"
#include <stdio.h>
#include <string.h>

TEST(boundaries)
{
	static const struct {
		const char *type, *want; /* NULL: refused */
	} cases[] = {
		{ "multipart/form-data; boundary=abc", "abc" },
		{ "Multipart/Form-Data;boundary=\"a b:c\"", "a b:c" },
		{ "multipart/form-data; charset=utf-8; BOUNDARY=x-1", "x-1" },
		{ "multipart/form-data; boundary=a;b=c", "a" },
		{ "multipart/form-data", NULL },
		{ "multipart/form-data; boundary=", NULL },
		{ "multipart/form-data; boundary=\"\"", NULL },
		{ "multipart/form-data; boundary=\"abc", NULL },
		{ "multipart/form-data; boundary=a\x01", NULL },
		{ "multipart/form-data; boundary=\"ends with a blank \"", NULL },
		{ "multipart/form-data; boundary=1234567890123456789012345678901234567890123456789012345678901234567890",
		  "1234567890123456789012345678901234567890123456789012345678901234567890" },
		{ "multipart/form-data; boundary=12345678901234567890123456789012345678901234567890123456789012345678901",
		  NULL },
		{ "multipart/mixed; boundary=a", NULL },
		{ "multipart/form-dataX; boundary=a", NULL },
		{ "application/json", NULL },
		{ "", NULL },
		{ NULL, NULL },
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		char got[MULTIPART_BOUNDARY_MAX + 1];
		struct error e = { 0 };
		bool ok = multipart_boundary(cases[i].type, got, &e);

		CHECK_INT(ok, cases[i].want != NULL);
		if (ok)
			CHECK_STR(got, cases[i].want);
		else
			CHECK_INT(e.code, i == 14 || i == 12 || i == 13 || i >= 15 ? ERR_UNSUPPORTED : ERR_MALFORMED);
	}
}

#define N64 "0123456789012345678901234567890123456789012345678901234567890123"
#define PART(name, more, text) "--b\r\nContent-Disposition: form-data; name=\"" name "\"" more "\r\n\r\n" text "\r\n"

TEST(parts_are_found)
{
	static const struct {
		const char *body, *want, *file;
	} cases[] = {
		{ PART("file", "; filename=\"a.py\"", "text") "--b--", "text", "a.py" },
		{ PART("file", "; filename=a.py", "text") "--b--\r\n", "text", "a.py" },
		{ PART("other", "", "1") PART("file", "; filename=\"x\"", "2") "--b--", "2", "x" },
		{ "preamble\r\n" PART("file", "; filename=\"x\"", "2") "--b--", "2", "x" },
		{ PART("file", "; filename=\"x\"", "") "--b--", "", "x" },
		{ PART("file", "; filename=\"x\"", "a\r\n--bc\r\n--b x") "--b--", "a\r\n--bc\r\n--b x", "x" },
		{ PART("file", "; filename=\"../../etc/passwd\"", "t") "--b--", "t", "passwd" },
		{ PART("file", "; filename=\"C:\\temp\\x.jar\"", "t") "--b--", "t", "x.jar" },
		{ PART("file", "; filename=\"a\\\"b\"", "t") "--b--", "t", "a\"b" },
		{ PART("file", "", "t") "--b--", "t", "" },
		{ "--b\r\ncontent-disposition:form-data;NAME=file;FileName=x\r\nContent-Type: a/b\r\n\r\nt\r\n--b--",
		  "t", "x" },
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct multipart_part part;
		struct error e = { 0 };

		CHECK_OK(multipart_find(cases[i].body, strlen(cases[i].body), "b", "file", &part, &e), e);
		CHECK_INT(part.len, strlen(cases[i].want));
		CHECK(memcmp(cases[i].body + part.offset, cases[i].want, part.len) == 0);
		CHECK_STR(part.file_name, cases[i].file);
	}
}

TEST(what_is_not_well_formed_is_refused)
{
	static const struct {
		const char *body;
		enum error_code code;
	} cases[] = {
		{ "", ERR_MALFORMED },
		{ "no boundary", ERR_MALFORMED },
		{ "--b", ERR_MALFORMED },
		{ "--b--", ERR_NOT_FOUND },
		{ "--b\r\n", ERR_MALFORMED },
		{ "--b\nContent-Disposition: form-data; name=file\n\nt\n--b--", ERR_MALFORMED },
		{ "--b\r\nContent-Disposition: form-data; name=file\r\n\r\nno end", ERR_MALFORMED },
		{ PART("other", "", "1") "--b--", ERR_NOT_FOUND },
		{ PART("file", "; filename=\"..\"", "1") "--b--", ERR_INVALID },
		{ PART("file", "; filename=\"a/\"", "1") "--b--", ERR_INVALID },
		{ PART("file", "; filename=\"a\tb\"", "1") "--b--", ERR_INVALID },
		{ PART("file", "; filename=\"\xff\"", "1") "--b--", ERR_INVALID },
		{ PART("file", "; filename=\"" N64 N64 N64 N64 "\"", "1") "--b--", ERR_INVALID },
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct multipart_part part;
		struct error e = { 0 };

		CHECK(!multipart_find(cases[i].body, strlen(cases[i].body), "b", "file", &part, &e));
		CHECK_INT(e.code, cases[i].code);
	}
}

TEST(many_parts_and_long_headers_have_an_end)
{
	_sbuf_ struct sbuf body = SBUF_INIT(1 << 20);
	struct multipart_part part;
	struct error e = { 0 };

	for (int i = 0; i < MULTIPART_PARTS_MAX + 1; i++)
		sbuf_adds(&body, PART("other", "", "1"));
	sbuf_adds(&body, PART("file", "", "1") "--b--");
	CHECK(!multipart_find(body.data, body.len, "b", "file", &part, &e));
	CHECK_INT(e.code, ERR_MALFORMED);

	sbuf_clear(&body);
	sbuf_adds(&body, "--b\r\nX: ");
	for (int i = 0; i < MULTIPART_HEADER_MAX; i++)
		sbuf_addc(&body, 'x');
	sbuf_adds(&body, "\r\n\r\nt\r\n--b--");
	CHECK(!multipart_find(body.data, body.len, "b", "file", &part, &e));
	CHECK_INT(e.code, ERR_MALFORMED);
}
