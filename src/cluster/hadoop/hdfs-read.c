#include "cluster/hadoop/hdfs-read.h"
#include "base/str.h"
#include <string.h>

enum { MESSAGE_MAX = 300 /* bytes of HDFS's words that people are shown */ };

bool hdfs_path_check(const char *path, struct error *e)
{
	if (*path != '/' || !str_utf8_ok(path, strlen(path)))
		return error_set(e, ERR_INVALID, "a path in HDFS begins with / and is UTF-8");
	if (strlen(path) > HDFS_PATH_MAX)
		return error_set(e, ERR_INVALID, "a path in HDFS has at most %d bytes", HDFS_PATH_MAX);
	for (const char *s = path + 1; path[1]; s++) {
		size_t n = strcspn(s, "/");

		if (n == 0 || (n == 1 && s[0] == '.') || (n == 2 && s[0] == '.' && s[1] == '.'))
			return error_set(e, ERR_INVALID, "a path in HDFS has no empty part, no . and no ..");
		s += n;
		if (!*s)
			break;
	}
	return true;
}

void hdfs_encode(struct sbuf *to, const char *text, bool keep_slash)
{
	static const char plain[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~";

	for (; *text; text++)
		if (strchr(plain, *text) || (keep_slash && *text == '/'))
			sbuf_addc(to, *text);
		else
			sbuf_addf(to, "%%%02X", (unsigned char)*text);
}

void hdfs_target(struct sbuf *to, const char *path, const char *op, const char *more, const char *user, const char *as)
{
	sbuf_adds(to, "/webhdfs/v1");
	hdfs_encode(to, path, true);
	sbuf_addf(to, "?op=%s%s", op, more);
	if (user) {
		sbuf_adds(to, "&user.name=");
		hdfs_encode(to, user, false);
	}
	if (as) {
		sbuf_adds(to, "&doas="); /* name nodes ignore doAs */
		hdfs_encode(to, as, false);
	}
}

/* --- answers --- */

void hdfs_mend(struct sbuf *to, const char *url)
{
	for (; *url; url++)
		if (*url <= ' ' || *url > '~' || strchr("\"<>\\^`{|}", *url))
			sbuf_addf(to, "%%%02X", (unsigned char)*url);
		else
			sbuf_addc(to, *url);
}

static int octal(const char *s)
{
	int mode = 0;

	if (str_empty(s) || strlen(s) > 5)
		return -1;
	for (; *s; s++) {
		if (*s < '0' || *s > '7')
			return -1;
		mode = mode * 8 + (*s - '0');
	}
	return mode;
}

bool hdfs_read_status(const struct jr *top, struct hdfs_status *ret)
{
	const struct jr *s = top->type == JR_OBJECT ? jr_get(top, "FileStatus") : NULL;

	if (!s || s->type != JR_OBJECT)
		return false;
	const char *type = jr_text(s, "type", JR_STRING);
	*ret = (struct hdfs_status){
		.length = jr_int(s, "length", -1),
		.modified_ms = jr_int(s, "modificationTime", -1),
		.dir = str_eq(type, "DIRECTORY"),
		.mode = octal(jr_text(s, "permission", JR_STRING)),
		.owner = jr_text(s, "owner", JR_STRING),
		.group = jr_text(s, "group", JR_STRING),
	};
	return (ret->dir || str_eq(type, "FILE")) && ret->length >= 0 && ret->modified_ms >= 0 && ret->mode >= 0 &&
	       ret->owner && ret->group;
}

bool hdfs_read_yes(const struct jr *top, bool *ret)
{
	const char *text = top->type == JR_OBJECT ? jr_text(top, "boolean", JR_BOOL) : NULL;

	*ret = str_eq(text, "true");
	return text != NULL;
}

/* Others are trouble that may pass: ERR_UNAVAILABLE. */
static const struct {
	const char *exception;
	enum error_code code;
	bool elsewhere;
} refusals[] = {
	{ "StandbyException", ERR_UNAVAILABLE, true },
	{ "SafeModeException", ERR_UNAVAILABLE, true },
	{ "RetriableException", ERR_UNAVAILABLE, true },
	{ "AccessControlException", ERR_FORBIDDEN, false },
	{ "AuthenticationException", ERR_FORBIDDEN, false },
	{ "AuthorizationException", ERR_FORBIDDEN, false },
	{ "SecurityException", ERR_FORBIDDEN, false },
	{ "InvalidToken", ERR_FORBIDDEN, false },
	{ "FileNotFoundException", ERR_NOT_FOUND, false },
	{ "FileAlreadyExistsException", ERR_CONFLICT, false },
	{ "ParentNotDirectoryException", ERR_CONFLICT, false },
	{ "PathIsNotDirectoryException", ERR_CONFLICT, false },
	{ "PathIsNotEmptyDirectoryException", ERR_CONFLICT, false },
	{ "NSQuotaExceededException", ERR_NO_SPACE, false },
	{ "DSQuotaExceededException", ERR_NO_SPACE, false },
	{ "IllegalArgumentException", ERR_INVALID, false },
	{ "InvalidPathException", ERR_INVALID, false },
	{ "UnsupportedOperationException", ERR_INVALID, false },
};

bool hdfs_read_refusal(struct arena *a, const struct jr *top, struct hdfs_refusal *ret)
{
	const struct jr *r = top->type == JR_OBJECT ? jr_get(top, "RemoteException") : NULL;
	const char *exception = r && r->type == JR_OBJECT ? jr_text(r, "exception", JR_STRING) : NULL;
	size_t i = 0;

	if (!exception)
		return false;
	const char *message = jr_text(r, "message", JR_STRING);
	message = str_empty(message) ? exception : message;
	size_t n = strcspn(message, "\r\n");
	while (i < ARRAY_LEN(refusals) && !str_eq(refusals[i].exception, exception))
		i++;
	bool known = i < ARRAY_LEN(refusals);
	*ret = (struct hdfs_refusal){
		.exception = exception,
		.message = arena_strndup(a, message, n < MESSAGE_MAX ? n : MESSAGE_MAX),
		.code = known ? refusals[i].code : ERR_UNAVAILABLE,
		.elsewhere = known && refusals[i].elsewhere,
	};
	return ret->message != NULL;
}
