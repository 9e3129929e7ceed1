/*
 * identify - who is asking: hands the credentials of a request to auth/ and the request on to its route, or refuses it.
 */
#include "api/api.h"
#include "auth/auth.h"
#include "base/log.h"
#include <string.h>

static void refuse(struct call *c, const struct auth_result *r, bool has_credentials)
{
	static const struct {
		int status;
		const char *text;
	} texts[] = {
		{ 400, "the credentials are malformed" },
		{ 401, "Authentication required" },
		{ 429, "too many failed logins; try again later" },
		{ 503, "too many logins at once; try again" },
	};
	_sbuf_ struct sbuf body = SBUF_INIT(256);
	struct jw w = { .out = &body };
	const char *text = "";
	char seconds[16];

	for (size_t i = 0; i < ARRAY_LEN(texts); i++)
		if (texts[i].status == r->status)
			text = texts[i].text;
	for (int i = 0; i < r->challenge_count; i++)
		http_reply_header(c->rq, "WWW-Authenticate", r->challenges[i]);
	(void)snprintf(seconds, sizeof seconds, "%d", r->retry_after_s);
	if (r->retry_after_s)
		http_reply_header(c->rq, "Retry-After", seconds);
	if (has_credentials) /* those without come all the time: some clients begin each request so */
		log_info("login refused", LOG_INT("status", r->status), LOG_STR("why", r->why),
			 LOG_STR("request", http_request_id(c->rq)));
	jw_open(&w, NULL, '{');
	jw_str(&w, "msg", text);
	jw_close(&w, '}');
	api_answer(c, r->status, &body);
}

static void link_asking(struct call *c)
{
	struct api *api = c->api;

	c->asking.next = api->asking;
	if (c->asking.next)
		c->asking.next->asking.prev = c;
	api->asking = c;
}

/* It need not be there: what is answered at once never was. */
static void unlink_asking(struct call *c)
{
	struct asking *a = &c->asking;

	if (a->next)
		a->next->asking.prev = a->prev;
	if (a->prev)
		a->prev->asking.next = a->next;
	else if (c->api->asking == c)
		c->api->asking = a->next;
}

static void answered(void *arg, const struct auth_result *r)
{
	struct call *c = arg;

	unlink_asking(c);
	if (r->negotiate)
		http_reply_header(c->rq, "WWW-Authenticate", r->negotiate);
	if (r->set_cookie)
		http_reply_header(c->rq, "Set-Cookie", r->set_cookie);
	if (r->status == 200) {
		c->user = memcpy(c->name, r->user, strlen(r->user) + 1);
		c->asking.go(c);
	} else {
		refuse(c, r, c->asking.has_credentials);
	}
}

/* What is not there is not counted either: this is done for every request. name NULL: not wanted. */
static const char *header(struct call *c, const char *name, int *ret_count)
{
	const char *value = name ? http_header(c->rq, name) : NULL;

	*ret_count = value ? http_header_count(c->rq, name) : 0;
	return value;
}

void identify(struct call *c, void (*go)(struct call *c))
{
	struct api *api = c->api;
	struct auth_request rq = { .peer = http_peer(c->rq) };

	rq.authorization = header(c, "Authorization", &rq.authorization_count);
	rq.proxy_user = header(c, auth_proxy_header(api->auth), &rq.proxy_user_count);
	rq.cookie = header(c, "Cookie", &rq.cookie_count);
	c->asking.go = go;
	c->asking.has_credentials = rq.authorization != NULL;
	struct auth_waiter *waiter = auth_check(api->auth, &rq, answered, c);
	if (!waiter)
		return; /* answered already, and the call is gone */
	c->asking.waiter = waiter;
	link_asking(c);
}

bool api_is_exempt(void *arg, const char *peer)
{
	const struct api *api = arg;

	return config_is_loopback(peer) || (api->auth && auth_is_proxy(api->auth, peer));
}

void identify_stop(struct api *api)
{
	const struct auth_result stopping = { .status = 503, .retry_after_s = 1, .why = "Florus is stopping" };

	for (struct call *c = api->asking, *next; c; c = next) {
		next = c->asking.next;
		auth_cancel(c->asking.waiter);
		answered(c, &stopping);
	}
}
