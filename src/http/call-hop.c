/* One exchange of bytes of a call: what libcurl is told, and what its callbacks do. */
#include "base/str.h"
#include "http/call-priv.h"
#include <string.h>

/* An upload of less needs no question whether it is wanted. */
enum { EXPECT_FROM = 1024 * 1024 };

static void curl_string_freep(char **s)
{
	curl_free(*s);
}

static void url_freep(CURLU **u)
{
	curl_url_cleanup(*u);
}

#define _curl_string_ _cleanup_(curl_string_freep)
#define _curl_url_ _cleanup_(url_freep)

/* --- addresses --- */

static bool get_part(CURLU *u, CURLUPart part, char **to, unsigned flags)
{
	return curl_url_get(u, part, to, flags) == CURLUE_OK;
}

/* A URL with user and password is none: they would go to hosts that nobody named. */
char *call_origin(const char *url)
{
	_curl_url_ CURLU *u = curl_url();
	_curl_string_ char *scheme = NULL, *host = NULL, *port = NULL;
	_sbuf_ struct sbuf origin = SBUF_INIT(HTTP_CALL_URL_MAX);

	if (!u || curl_url_set(u, CURLUPART_URL, url, CURLU_DISALLOW_USER) != CURLUE_OK ||
	    !get_part(u, CURLUPART_SCHEME, &scheme, 0) || !get_part(u, CURLUPART_HOST, &host, 0) ||
	    !get_part(u, CURLUPART_PORT, &port, CURLU_DEFAULT_PORT))
		return NULL;
	if (!str_eq(scheme, "http") && !str_eq(scheme, "https"))
		return NULL;
	for (char *c = host; *c; c++)
		if (*c >= 'A' && *c <= 'Z')
			*c = (char)(*c - 'A' + 'a');
	sbuf_addf(&origin, "%s://%s:%s", scheme, host, port);
	return sbuf_take(&origin);
}

char *hop_location(const struct http_call *call)
{
	_curl_url_ CURLU *u = curl_url();
	_curl_string_ char *absolute = NULL;
	const char *location = http_call_header(call, "Location");

	if (!u || !location || curl_url_set(u, CURLUPART_URL, call->url, 0) != CURLUE_OK ||
	    curl_url_set(u, CURLUPART_URL, location, 0) != CURLUE_OK || !get_part(u, CURLUPART_URL, &absolute, 0))
		return NULL;
	return xstrdup(absolute);
}

static bool is_trusted(const struct http_calls *c, const char *origin)
{
	for (char *const *o = c->origins; *o; o++)
		if (str_eq(*o, origin))
			return true;
	return false;
}

/* --- what libcurl calls --- */

static bool is_unwanted(const struct http_call *call)
{
	return call->cancelled || call->owner->dead;
}

static size_t on_header(char *bytes, size_t size, size_t n, void *arg)
{
	struct http_call *call = arg;

	(void)bytes;
	call_heard(call);
	call->headers_bytes += size * n;
	call->headers_over = call->headers_bytes > HTTP_CALL_HEADERS_MAX;
	return call->headers_over || is_unwanted(call) ? 0 : size * n;
}

static size_t on_body(char *bytes, size_t size, size_t n, void *arg)
{
	struct http_call *call = arg;
	long status = 0;

	call_heard(call);
	if (is_unwanted(call))
		return 0;
	(void)curl_easy_getinfo(call->easy, CURLINFO_RESPONSE_CODE, &status);
	if (!call->data || status < 200 || status > 299) {
		sbuf_add(&call->answer_body, bytes, size * n);
		return sbuf_ok(&call->answer_body) ? size * n : 0;
	}
	if (call->data(call->arg, bytes, size * n))
		return size * n;
	call->resting = true;
	return CURL_WRITEFUNC_PAUSE;
}

static size_t read_memory(struct http_call *call, char *to, size_t room)
{
	size_t left = (size_t)(call->body_len - call->body_at), n = left < room ? left : room;

	if (n > 0)
		memcpy(to, call->body + call->body_at, n);
	return n;
}

static size_t read_file(struct http_call *call, char *to, size_t room)
{
	int64_t left = call->body_len - call->body_at;
	ssize_t n = left > 0 ? pread(call->body_fd, to, left < (int64_t)room ? (size_t)left : room, call->body_at) : 0;

	call->file_failed = n < 0 || (n == 0 && left > 0); /* also: it has become shorter */
	return call->file_failed ? CURL_READFUNC_ABORT : (size_t)n;
}

static size_t on_read(char *to, size_t size, size_t n, void *arg)
{
	struct http_call *call = arg;
	size_t got;

	call_heard(call);
	if (is_unwanted(call))
		return CURL_READFUNC_ABORT;
	got = call->body_fd >= 0 ? read_file(call, to, size * n) : read_memory(call, to, size * n);
	if (got != CURL_READFUNC_ABORT)
		call->body_at += (int64_t)got;
	return got;
}

static int on_seek(void *arg, curl_off_t offset, int origin)
{
	struct http_call *call = arg;

	if (origin != SEEK_SET || offset < 0 || offset > call->body_len)
		return CURL_SEEKFUNC_FAIL;
	call->answer.repeated |= call->body_at > 0;
	call->body_at = offset;
	return CURL_SEEKFUNC_OK;
}

/* --- what libcurl is told --- */

static bool add(struct curl_slist **list, const char *line)
{
	struct curl_slist *longer = curl_slist_append(*list, line);

	if (longer)
		*list = longer;
	return longer != NULL;
}

static bool add_credentials(struct http_call *call)
{
	const char *scheme = call->token ? "Negotiate" : "Bearer",
		   *word = call->token ? call->token : call->owner->bearer;
	_sbuf_ struct sbuf line = SBUF_INIT(HTTP_CALL_HEADERS_MAX);
	bool ok;

	if (!word || !(call->trusted || (call->token && call->ticket_anywhere)))
		return true;
	sbuf_addf(&line, "Authorization: %s %s", scheme, word);
	ok = sbuf_ok(&line) && add(&call->hop_headers, sbuf_str(&line));
	if (line.data)
		explicit_bzero(line.data, line.len);
	return ok;
}

static bool add_headers(struct http_call *call)
{
	bool asks = call->body_fd >= 0 && call->body_len >= EXPECT_FROM;
	bool ok = add(&call->hop_headers, asks ? "Expect: 100-continue" : "Expect:");

	for (const struct curl_slist *h = call->headers; h; h = h->next)
		ok = ok && add(&call->hop_headers, h->data);
	return ok && add_credentials(call);
}

#define SET(option, value) (ok = ok && curl_easy_setopt(h, option, value) == CURLE_OK)

static bool set_method(struct http_call *call, CURL *h)
{
	bool ok = true, sends = call->body_len > 0 || str_eq(call->method, "POST") || str_eq(call->method, "PUT");

	if (sends) {
		SET(CURLOPT_UPLOAD, 1L);
		SET(CURLOPT_INFILESIZE_LARGE, (curl_off_t)call->body_len);
		SET(CURLOPT_READFUNCTION, on_read);
		SET(CURLOPT_READDATA, call);
		SET(CURLOPT_SEEKFUNCTION, on_seek);
		SET(CURLOPT_SEEKDATA, call);
	}
	if (str_eq(call->method, "HEAD"))
		SET(CURLOPT_NOBODY, 1L);
	else if (!str_eq(call->method, "GET") || sends)
		SET(CURLOPT_CUSTOMREQUEST, call->method);
	if (!call->repeatable && !str_eq(call->method, "GET") && !str_eq(call->method, "HEAD"))
		SET(CURLOPT_FRESH_CONNECT, 1L); /* or it might be sent twice: http/call.h */
	return ok;
}

static bool set_blob(CURL *h, CURLoption option, const char *text)
{
	struct curl_blob blob = { (void *)(uintptr_t)text, text ? strlen(text) : 0, CURL_BLOB_NOCOPY };

	return !text || curl_easy_setopt(h, option, &blob) == CURLE_OK;
}

static bool set_trust(const struct http_calls_options *o, CURL *h)
{
	bool ok = set_blob(h, CURLOPT_CAINFO_BLOB, o->ca_pem);

	SET(CURLOPT_SSL_VERIFYPEER, o->insecure ? 0L : 1L);
	SET(CURLOPT_SSL_VERIFYHOST, o->insecure ? 0L : 2L);
	if (o->ca_file || o->ca_pem)
		SET(CURLOPT_CAPATH, NULL); /* who names authorities does not mean the system's as well */
	if (o->ca_file && !o->ca_pem)
		SET(CURLOPT_CAINFO, o->ca_file);
	return ok;
}

static bool set_certificate(const struct http_calls_options *o, CURL *h)
{
	bool ok = set_blob(h, CURLOPT_SSLCERT_BLOB, o->cert_pem) && set_blob(h, CURLOPT_SSLKEY_BLOB, o->key_pem);

	if (o->cert_file && !o->cert_pem)
		SET(CURLOPT_SSLCERT, o->cert_file);
	if (o->key_file && !o->key_pem)
		SET(CURLOPT_SSLKEY, o->key_file);
	return ok;
}

/* libcurl checks the name of the URL: so that name gets the other address, and the Host header its own. */
static bool set_server_name(struct http_call *call, CURL *h)
{
	_curl_url_ CURLU *u = curl_url();
	_curl_string_ char *host = NULL, *port = NULL, *url = NULL;
	_sbuf_ struct sbuf line = SBUF_INIT(HTTP_CALL_URL_MAX);
	bool ok = u && curl_url_set(u, CURLUPART_URL, call->url, 0) == CURLUE_OK;

	ok = ok && get_part(u, CURLUPART_HOST, &host, 0) && get_part(u, CURLUPART_PORT, &port, CURLU_DEFAULT_PORT);
	if (!ok)
		return false;
	sbuf_addf(&line, "Host: %s:%s", host, port);
	ok = add(&call->hop_headers, sbuf_str(&line));
	sbuf_clear(&line);
	sbuf_addf(&line, "::%s:%s", host, port);
	ok = ok && add(&call->connect_to, sbuf_str(&line));
	ok = ok && curl_url_set(u, CURLUPART_HOST, call->owner->o.tls_server_name, 0) == CURLUE_OK;
	ok = ok && get_part(u, CURLUPART_URL, &url, 0);
	SET(CURLOPT_URL, url);
	SET(CURLOPT_CONNECT_TO, call->connect_to);
	return ok;
}

/* What only origins get; the headers of it are add_credentials()'s. */
static bool set_credentials(struct http_call *call, CURL *h)
{
	const struct http_calls_options *o = &call->owner->o;
	bool ok = set_certificate(o, h);

	if (o->tls_server_name && str_starts(call->url, "https:"))
		ok = ok && set_server_name(call, h);
	SET(CURLOPT_SHARE, call->owner->share); /* a cookie knows no port, so that others on a host must not see it */
	if (o->negotiate)
		SET(CURLOPT_COOKIEFILE, ""); /* cookies are kept and sent, without a file */
	if (o->user && !call->owner->bearer && !o->negotiate) {
		SET(CURLOPT_HTTPAUTH, (long)CURLAUTH_BASIC);
		SET(CURLOPT_USERNAME, o->user);
		SET(CURLOPT_PASSWORD, o->password ? o->password : "");
	}
	return ok;
}

static bool set_transport(struct http_call *call, CURL *h)
{
	bool ok = true;

	SET(CURLOPT_URL, call->url);
	SET(CURLOPT_PROTOCOLS_STR, "http,https");
	SET(CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
	SET(CURLOPT_PROXY, "");
	SET(CURLOPT_NOPROXY, "*");
	SET(CURLOPT_PATH_AS_IS, 1L);
	SET(CURLOPT_FOLLOWLOCATION, 0L); /* call-follow.c does, with what it knows of origins */
	SET(CURLOPT_NOSIGNAL, 1L);
	SET(CURLOPT_QUICK_EXIT, 1L); /* or the end of a call would wait for the thread that looks its name up */
	SET(CURLOPT_CONNECTTIMEOUT_MS, (long)call->connect_ms);
	SET(CURLOPT_PRIVATE, call);
	SET(CURLOPT_ERRORBUFFER, call->why);
	return ok;
}

static bool set_up(struct http_call *call, CURL *h)
{
	bool ok = add_headers(call) && set_transport(call, h) && set_method(call, h) && set_trust(&call->owner->o, h);

	if (call->trusted)
		ok = ok && set_credentials(call, h);
	if (call->owner->o.user_agent)
		SET(CURLOPT_USERAGENT, call->owner->o.user_agent);
	SET(CURLOPT_HEADERFUNCTION, on_header);
	SET(CURLOPT_HEADERDATA, call);
	SET(CURLOPT_WRITEFUNCTION, on_body);
	SET(CURLOPT_WRITEDATA, call);
	SET(CURLOPT_HTTPHEADER, call->hop_headers);
	return ok;
}
#undef SET

void hop_start(struct http_call *call)
{
	hop_stop(call);
	call->why[0] = '\0';
	call->headers_bytes = 0;
	call->body_at = 0;
	call->headers_over = call->file_failed = call->resting = false;
	sbuf_clear(&call->answer_body);
	call->trusted = is_trusted(call->owner, call->origin);
	call_heard(call);
	if (!(call->easy = curl_easy_init()) || !set_up(call, call->easy) ||
	    curl_multi_add_handle(call->owner->multi, call->easy) != CURLM_OK)
		call_fail(call, ERR_INTERNAL, "libcurl refuses the request's options");
}

void hop_leave(struct http_call *call)
{
	long bytes = 0;

	if (!call->easy)
		return;
	if (curl_easy_getinfo(call->easy, CURLINFO_REQUEST_SIZE, &bytes) == CURLE_OK && bytes > 0)
		call->answer.sent = true;
	call->answer.sent |= call->answer.repeated;
	(void)curl_multi_remove_handle(call->owner->multi, call->easy);
}

void hop_stop(struct http_call *call)
{
	hop_leave(call);
	call->answer.content_type = NULL; /* is the handle's */
	curl_easy_cleanup(TAKE(call->easy));
	curl_slist_free_all(TAKE(call->hop_headers));
	curl_slist_free_all(TAKE(call->connect_to));
}
