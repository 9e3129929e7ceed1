#include "http/client.h"
#include "base/str.h"
#include "http/curlerror.h"
#include <string.h>
#include <strings.h>

enum { RETRY_AFTER_MAX_S = 3600, TARGET_MAX = 64 * 1024 };

struct http_client {
	CURL *curl;
	char *url; /* no user, no password, no trailing slash */
	char *user, *password;
	char *user_agent, *ca_file, *cert_file;
	const volatile sig_atomic_t *stop;
	bool answered; /* once at least */
	bool local;    /* a loopback host: never through a proxy */
	char why[CURL_ERROR_SIZE];
};

static void curl_string_freep(char **s)
{
	curl_free(*s);
}

static void url_freep(CURLU **u)
{
	curl_url_cleanup(*u);
}

static void slist_freep(struct curl_slist **l)
{
	curl_slist_free_all(*l);
}

#define _curl_string_ _cleanup_(curl_string_freep)

static bool is_loopback(const char *host)
{
	return strcasecmp(host, "localhost") == 0 || str_starts(host, "127.") || str_eq(host, "[::1]");
}

/* Takes the credentials out of the URL: what remains may be shown. */
static bool split_url(struct http_client *c, const char *base_url, struct error *e)
{
	_cleanup_(url_freep) CURLU *u = curl_url();
	_curl_string_ char *scheme = NULL, *host = NULL, *user = NULL, *password = NULL, *shown = NULL;

	if (!u || curl_url_set(u, CURLUPART_URL, base_url, 0) != CURLUE_OK ||
	    curl_url_get(u, CURLUPART_SCHEME, &scheme, 0) != CURLUE_OK ||
	    curl_url_get(u, CURLUPART_HOST, &host, 0) != CURLUE_OK)
		return error_set(e, ERR_INVALID, "the server's address is not a URL such as http://127.0.0.1:8998");
	if (strcmp(scheme, "http") != 0 && strcmp(scheme, "https") != 0)
		return error_set(e, ERR_INVALID, "the server's address must begin with http:// or https://");
	if (curl_url_get(u, CURLUPART_USER, &user, CURLU_URLDECODE) == CURLUE_OK) {
		(void)curl_url_get(u, CURLUPART_PASSWORD, &password, CURLU_URLDECODE);
		c->user = xstrdup(user);
		c->password = xstrdup(password ? password : "");
	}
	if (curl_url_set(u, CURLUPART_USER, NULL, 0) != CURLUE_OK ||
	    curl_url_set(u, CURLUPART_PASSWORD, NULL, 0) != CURLUE_OK ||
	    curl_url_set(u, CURLUPART_QUERY, NULL, 0) != CURLUE_OK ||
	    curl_url_set(u, CURLUPART_FRAGMENT, NULL, 0) != CURLUE_OK ||
	    curl_url_get(u, CURLUPART_URL, &shown, 0) != CURLUE_OK)
		return error_set(e, ERR_INVALID, "the server's address cannot be read");
	c->url = xstrdup(shown);
	for (size_t n = strlen(c->url); n > 0 && c->url[n - 1] == '/'; n--)
		c->url[n - 1] = '\0';
	c->local = is_loopback(host);
	return true;
}

bool http_client_new(const char *base_url, const struct http_client_options *options, struct http_client **ret,
		     struct error *e)
{
	_cleanup_(http_client_freep) struct http_client *c = xcalloc(1, sizeof *c);

	if (!split_url(c, base_url, e))
		return false;
	if (!c->user && options->user) {
		c->user = xstrdup(options->user);
		c->password = xstrdup(options->password ? options->password : "");
	}
	c->user_agent = xstrdup(options->user_agent);
	c->ca_file = xstrdup(options->ca_file);
	c->cert_file = xstrdup(options->cert_file);
	c->stop = options->stop;
	if (!(c->curl = curl_easy_init()))
		return error_set(e, ERR_INTERNAL, "libcurl does not start");
	*ret = TAKE(c);
	return true;
}

struct http_client *http_client_free(struct http_client *c)
{
	if (!c)
		return NULL;
	curl_easy_cleanup(c->curl);
	if (c->password)
		explicit_bzero(c->password, strlen(c->password));
	free(c->password);
	free(c->user);
	free(c->user_agent);
	free(c->ca_file);
	free(c->cert_file);
	free(c->url);
	free(c);
	return NULL;
}

const char *http_client_url(const struct http_client *c)
{
	return c->url;
}

static size_t take_body(char *bytes, size_t size, size_t n, void *to)
{
	struct http_answer *a = to;

	sbuf_add(&a->body, bytes, size * n);
	return sbuf_ok(&a->body) ? size * n : 0;
}

static int check_stop(void *arg, curl_off_t down_total, curl_off_t down, curl_off_t up_total, curl_off_t up)
{
	const struct http_client *c = arg;

	(void)down_total, (void)down, (void)up_total, (void)up;
	return c->stop && *c->stop;
}

/* All options are set anew for each request; curl keeps the connection. False: one was refused. */
static bool prepare(struct http_client *c, const struct http_request *r, const char *url, struct curl_slist *headers,
		    struct http_answer *ret)
{
	CURL *h = c->curl;
	bool ok = true;

	curl_easy_reset(h);
#define SET(option, value) (ok = curl_easy_setopt(h, option, value) == CURLE_OK && ok)
	SET(CURLOPT_URL, url);
	SET(CURLOPT_PROTOCOLS_STR, "http,https");
	SET(CURLOPT_PATH_AS_IS, 1L); /* a batch may be named ".." */
	SET(CURLOPT_FOLLOWLOCATION, 0L);
	SET(CURLOPT_CONNECTTIMEOUT_MS, (long)HTTP_CLIENT_CONNECT_MS);
	SET(CURLOPT_TIMEOUT_MS, r->timeout_ms);
	SET(CURLOPT_USERAGENT, c->user_agent);
	SET(CURLOPT_HTTPHEADER, headers);
	SET(CURLOPT_ERRORBUFFER, c->why);
	SET(CURLOPT_WRITEFUNCTION, take_body);
	SET(CURLOPT_WRITEDATA, ret);
	SET(CURLOPT_NOPROGRESS, 0L);
	SET(CURLOPT_XFERINFOFUNCTION, check_stop);
	SET(CURLOPT_XFERINFODATA, c);
	if (c->local)
		SET(CURLOPT_PROXY, "");
	if (c->ca_file) {
		SET(CURLOPT_CAINFO, c->ca_file);
		SET(CURLOPT_CAPATH, NULL); /* and nobody else: Debian's libcurl would look there, too */
	}
	if (c->cert_file)
		SET(CURLOPT_SSLCERT, c->cert_file);
	if (c->user) {
		SET(CURLOPT_HTTPAUTH, (long)CURLAUTH_BASIC);
		SET(CURLOPT_USERNAME, c->user);
		SET(CURLOPT_PASSWORD, c->password);
	}
	if (r->body) {
		SET(CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)r->body_len);
		SET(CURLOPT_POSTFIELDS, r->body);
	}
	if (strcmp(r->method, "GET") != 0 || r->body)
		SET(CURLOPT_CUSTOMREQUEST, r->method);
#undef SET
	return ok;
}

static bool no_answer(struct http_client *c, CURLcode code, struct http_answer *ret, struct error *e)
{
	long request_bytes = 0;

	if (!sbuf_ok(&ret->body))
		return error_set(e, ERR_TOO_LARGE, "the answer is larger than %zu bytes", ret->body.limit);
	(void)curl_easy_getinfo(c->curl, CURLINFO_REQUEST_SIZE, &request_bytes);
	ret->sent = request_bytes > 0;
	if (code == CURLE_ABORTED_BY_CALLBACK)
		return error_set(e, ERR_UNAVAILABLE, "interrupted");
	return error_set(e, curl_error_code(code, c->why), "no answer from %s: %s%s", c->url,
			 c->why[0] ? c->why : curl_easy_strerror(code),
			 c->answered ? "" : curl_language_hint(str_starts(c->url, "https:"), code, c->why));
}

static void copy_info(CURL *h, CURLINFO what, char *to, size_t size)
{
	char *value = NULL;

	(void)curl_easy_getinfo(h, what, &value);
	(void)snprintf(to, size, "%s", value ? value : "");
}

static void describe(struct http_client *c, struct http_answer *ret)
{
	long status = 0;
	curl_off_t retry_after = 0;

	(void)curl_easy_getinfo(c->curl, CURLINFO_RESPONSE_CODE, &status);
	(void)curl_easy_getinfo(c->curl, CURLINFO_RETRY_AFTER, &retry_after);
	copy_info(c->curl, CURLINFO_CONTENT_TYPE, ret->content_type, sizeof ret->content_type);
	copy_info(c->curl, CURLINFO_REDIRECT_URL, ret->location, sizeof ret->location);
	ret->status = (int)status;
	ret->retry_after_s = (int)(retry_after < RETRY_AFTER_MAX_S ? retry_after : RETRY_AFTER_MAX_S);
	ret->sent = true;
}

bool http_client_request(struct http_client *c, const struct http_request *r, struct http_answer *ret, struct error *e)
{
	_sbuf_ struct sbuf url = SBUF_INIT(TARGET_MAX);
	_cleanup_(slist_freep) struct curl_slist *headers = curl_slist_append(NULL, "Expect:"); /* bodies are small */

	sbuf_clear(&ret->body);
	ret->sent = false;
	ret->status = ret->retry_after_s = 0;
	ret->content_type[0] = ret->location[0] = '\0';
	for (const char *const *h = r->headers; h && *h; h++) {
		struct curl_slist *longer = curl_slist_append(headers, *h);

		if (!longer)
			return error_set(e, ERR_INTERNAL, "libcurl is out of memory");
		headers = longer;
	}
	sbuf_adds(&url, c->url);
	sbuf_adds(&url, r->path);
	if (!sbuf_ok(&url))
		return error_set(e, ERR_INVALID, "the request's address is longer than %d bytes", TARGET_MAX);
	c->why[0] = '\0';
	if (!headers || !prepare(c, r, url.data, headers, ret))
		return error_set(e, ERR_INTERNAL, "libcurl refuses the request's options");

	CURLcode code = curl_easy_perform(c->curl);
	if (code != CURLE_OK)
		return no_answer(c, code, ret, e);
	describe(c, ret);
	c->answered = true;
	return true;
}

const char *http_client_header(const struct http_client *c, const char *name)
{
	struct curl_header *found;

	return curl_easy_header(c->curl, name, 0, CURLH_HEADER, -1, &found) == CURLHE_OK ? found->value : NULL;
}
