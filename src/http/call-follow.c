/* What follows the end of a hop: another one, at the place of a redirect or with a ticket, or the end of the call. */
#include "base/str.h"
#include "http/call-priv.h"
#include "http/curlerror.h"
#include <string.h>

static void hop_failed(struct http_call *call, CURLcode code)
{
	const char *why = call->why[0] ? call->why : curl_easy_strerror(code);
	bool first = call->answer.status == 0 && call->redirects_left == call->redirects_max;

	if (call->file_failed)
		call_fail(call, ERR_INTERNAL,
			  "the file that is the request's body cannot be read, or has become shorter");
	else if (call->headers_over || code == CURLE_OUT_OF_MEMORY) /* a line beyond libcurl's own ceiling */
		call_fail(call, ERR_TOO_LARGE, "the header of the answer from %s is larger than %d bytes", call->origin,
			  HTTP_CALL_HEADERS_MAX);
	else if (!sbuf_ok(&call->answer_body))
		call_fail(call, ERR_TOO_LARGE, "the answer from %s is larger than %zu bytes", call->origin,
			  call->answer_body.limit);
	else
		call_fail(call, curl_error_code(code, call->why), "no answer from %s: %s%s", call->origin, why,
			  first ? curl_language_hint(str_starts(call->url, "https:"), code, call->why) : "");
}

/* --- redirects --- */

/* True: the answer asks for another hop, and call->method is what that one needs. http/call.h says which do. */
static bool redirect_method(struct http_call *call, int status)
{
	bool reads = str_eq(call->method, "GET") || str_eq(call->method, "HEAD");

	switch (status) {
	case 307:
	case 308:
		return true;
	case 303:
		if (!reads) {
			free(call->method);
			call->method = xstrdup("GET");
			closep(&call->body_fd);
			call->body_fd = -1;
			call->body_len = 0;
		}
		return true;
	case 301:
	case 302:
		return reads;
	default:
		return false;
	}
}

/* True: the call goes on, or has failed, because its answer was a redirect. */
static bool follow_redirect(struct http_call *call)
{
	_free_ char *origin = NULL;

	if (call->redirects_max <= 0 || !call->location || !redirect_method(call, call->answer.status))
		return false;
	origin = call_origin(call->location);
	if (call->redirects_left-- == 0) {
		call_fail(call, ERR_UNAVAILABLE, "%s redirects for more than %d times", call->origin,
			  call->redirects_max);
	} else if (!origin || strlen(call->location) > HTTP_CALL_URL_MAX) {
		call_fail(call, ERR_UNAVAILABLE, "%s redirects to something that is not a plain http or https URL",
			  call->origin);
	} else if (str_starts(call->origin, "https:") && !str_starts(origin, "https:")) {
		call_fail(call, ERR_FORBIDDEN, "%s redirects to %s, which is without TLS", call->origin, origin);
	} else {
		if (!str_eq(origin, call->origin))
			call->token = call_token_free(call->token); /* it is for one host */
		free(call->origin);
		call->origin = TAKE(origin);
		free(call->url);
		call->url = TAKE(call->location);
		hop_start(call);
	}
	return true;
}

/* --- tickets --- */

static bool asks_for_ticket(const struct http_call *call)
{
	const char *challenge = http_call_header(call, "WWW-Authenticate");

	return call->answer.status == 401 && call->owner->o.negotiate && (call->trusted || call->ticket_anywhere) &&
	       !call->token && challenge && strncasecmp(challenge, "Negotiate", 9) == 0;
}

void call_got_ticket(struct http_call *call, char *token, const struct error *e)
{
	call->ticket = NULL;
	if (!token) {
		call_fail(call, ERR_UNAVAILABLE, "no ticket for %s: %s", call->origin, e->msg);
		return;
	}
	call->token = token;
	hop_start(call);
}

/* --- the answer --- */

static void read_head(struct http_call *call)
{
	struct http_call_answer *a = &call->answer;
	long status = 0;
	curl_off_t retry_after = 0;
	char *type = NULL;

	(void)curl_easy_getinfo(call->easy, CURLINFO_RESPONSE_CODE, &status);
	(void)curl_easy_getinfo(call->easy, CURLINFO_RETRY_AFTER, &retry_after);
	(void)curl_easy_getinfo(call->easy, CURLINFO_CONTENT_TYPE, &type);
	a->status = (int)status;
	a->retry_after_s = (int)(retry_after < HTTP_CALL_RETRY_AFTER_MAX_S ? retry_after : HTTP_CALL_RETRY_AFTER_MAX_S);
	a->content_type = type;
	free(call->location);
	call->location = hop_location(call);
}

void hop_ended(struct http_call *call, CURLcode code)
{
	hop_leave(call);
	if (code != CURLE_OK) {
		hop_failed(call, code);
		return;
	}
	read_head(call);
	if (asks_for_ticket(call)) {
		hop_stop(call);
		call->ticket = call_ticket_fetch(call);
	} else if (!follow_redirect(call)) {
		call_end(call);
	}
}
