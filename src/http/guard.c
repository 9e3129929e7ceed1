#include "http/guard.h"
#include "http/server.h"
#include <string.h>
#include <strings.h>

enum { CONTENT_LENGTH_DIGITS_MAX = 18 };

static void refuse(struct guard *g, int status, const char *reason)
{
	if (g->status == 0) {
		g->status = status;
		g->reason = reason;
	}
}

static bool is_token(const char *s, size_t n)
{
	static const char others[] = "!#$%&'*+-.^_`|~";

	for (size_t i = 0; i < n; i++) {
		char c = s[i], lower = (char)(c | 0x20);

		if (!(lower >= 'a' && lower <= 'z') && !(c >= '0' && c <= '9') && !(c && strchr(others, c)))
			return false;
	}
	return n > 0;
}

static bool has_control(const char *s, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (((unsigned char)s[i] < 0x20 && s[i] != '\t') || s[i] == 0x7f)
			return true;
	return false;
}

static bool host_ok(const char *s, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		char c = s[i], lower = (char)(c | 0x20);

		if (!(lower >= 'a' && lower <= 'z') && !(c >= '0' && c <= '9') &&
		    !(c && strchr("-._~:[]%!$&'()*+,;=", c)))
			return false;
	}
	return true;
}

static void on_length(struct guard *g, const char *value, size_t n)
{
	if (g->lengths++ > 0)
		refuse(g, 400, "more than one Content-Length");
	if (n == 0 || n > CONTENT_LENGTH_DIGITS_MAX || strspn(value, "0123456789") != n) {
		refuse(g, 400, "Content-Length is not a number");
		return;
	}
	g->content_length = 0;
	for (size_t i = 0; i < n; i++)
		g->content_length = g->content_length * 10 + (value[i] - '0');
}

static void on_coding(struct guard *g, const char *value, size_t n)
{
	if (g->codings++ > 0)
		refuse(g, 400, "more than one Transfer-Encoding");
	g->chunked = n == 7 && strncasecmp(value, "chunked", 7) == 0;
	if (!g->chunked)
		refuse(g, strcasestr(value, "chunked") ? 400 : 501, "Transfer-Encoding must be chunked");
}

static void on_expect(struct guard *g, const char *value, size_t n)
{
	g->expects = true;
	if (n != 12 || strncasecmp(value, "100-continue", 12) != 0)
		refuse(g, 417, "only Expect: 100-continue is known");
}

static bool is(const char *name, size_t n, const char *known)
{
	return strlen(known) == n && strncasecmp(name, known, n) == 0;
}

static bool only_blanks(const char *from, const char *to)
{
	for (; from < to; from++)
		if (*from != ' ' && *from != '\t')
			return false;
	return from == to;
}

bool guard_target(const char *target)
{
	return !strchr(target, ' ') && !strchr(target, '\t') && !has_control(target, strlen(target));
}

void guard_begin(struct guard *g, const char *method, const char *target, size_t target_len, const char *version,
		 size_t block_bytes)
{
	*g = (struct guard){
		.content_length = -1,
		.next = version + strlen(version) + 2,
		.end = method + block_bytes,
	};
	if (method + strlen(method) + 1 != target || target + target_len + 1 != version)
		refuse(g, 400, "the request line is malformed");
}

void guard_field(struct guard *g, const char *name, size_t name_len, const char *value, size_t value_len)
{
	if (name != g->next || !only_blanks(name + name_len + 1, value))
		refuse(g, 400, "a header line is malformed");
	g->next = value + value_len + 2;
	if (++g->fields > HTTP_FIELDS_MAX)
		refuse(g, 431, "too many header fields");
	if (!is_token(name, name_len))
		refuse(g, 400, "a header name is malformed");
	if (has_control(value, value_len))
		refuse(g, 400, "a header value holds control characters");
	if (is(name, name_len, "Content-Length"))
		on_length(g, value, value_len);
	else if (is(name, name_len, "Transfer-Encoding"))
		on_coding(g, value, value_len);
	else if (is(name, name_len, "Expect"))
		on_expect(g, value, value_len);
	else if (is(name, name_len, "Host") && (g->hosts++ > 0 || !host_ok(value, value_len)))
		refuse(g, 400, "Host is malformed or given twice");
}

int guard_end(struct guard *g, const char *method, const char *version)
{
	bool old = strcmp(version, "HTTP/1.0") == 0;
	bool body = g->chunked || g->content_length > 0;

	/* A NUL that hides one byte and two bare LFs are as long as two proper ends. */
	if (g->next + 2 != g->end || memcmp(g->next - 2, "\0\0\0\0", 4) != 0)
		refuse(g, 400, "a header line is malformed");
	if (!old && strcmp(version, "HTTP/1.1") != 0)
		refuse(g, 505, "only HTTP/1.1 and 1.0 are spoken here");
	if (!is_token(method, strlen(method)))
		refuse(g, 400, "the method is malformed");
	if (!old && g->hosts == 0)
		refuse(g, 400, "Host is missing");
	if (g->lengths && g->codings)
		refuse(g, 400, "both Content-Length and Transfer-Encoding");
	if (old && g->codings)
		refuse(g, 400, "Transfer-Encoding in HTTP/1.0");
	if (old && body && strcmp(method, "POST") != 0)
		refuse(g, 400, "a body on this method in HTTP/1.0");
	return g->status;
}
