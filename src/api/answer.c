#include "api/api.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/str.h"

enum { RETRY_AFTER_S = 1, TROUBLE_TELL_EVERY_MS = 1000 };

void api_done(struct call *c)
{
	free(c);
}

void api_answer(struct call *c, int status, struct sbuf *body)
{
	http_reply(c->rq, status, API_JSON, body);
	api_done(c);
}

void api_answer_empty(struct call *c, int status, const char *content_type)
{
	_sbuf_ struct sbuf nothing = SBUF_INIT(1);

	http_reply(c->rq, status, content_type, &nothing);
	api_done(c);
}

/*
 * While the store does not keep up there are thousands a second of one kind: the log is told of the first, and counts.
 */
static bool is_worth_a_line(struct api *api, const struct error *e)
{
	int64_t now_ms = clock_now_ms();

	if (e->code != ERR_UNAVAILABLE && e->code != ERR_NO_SPACE)
		return true;
	if (now_ms < api->trouble_tell_at_ms) {
		api->trouble_untold++;
		return false;
	}
	api->trouble_tell_at_ms = now_ms + TROUBLE_TELL_EVERY_MS;
	return true;
}

static void log_failure(struct call *c, const struct error *e)
{
	if (!is_worth_a_line(c->api, e))
		return;
	log_error("request failed", LOG_STR("request", http_request_id(c->rq)), LOG_STR("path", http_path(c->rq)),
		  LOG_STR("error", error_name(e->code)), LOG_STR("reason", e->msg),
		  LOG_INT("more_before", c->api->trouble_untold));
	c->api->trouble_untold = 0;
}

void api_answer_error(struct call *c, const struct error *e)
{
	_sbuf_ struct sbuf body = SBUF_INIT(8 * sizeof e->msg);
	struct jw w = { .out = &body };
	char seconds[16];

	if (e->code == ERR_MALFORMED || e->code == ERR_SESSION_STATE) {
		jw_str(&w, NULL, e->msg);
	} else {
		jw_open(&w, NULL, '{');
		jw_str(&w, "msg", e->msg);
		jw_close(&w, '}');
	}
	(void)snprintf(seconds, sizeof seconds, "%d", RETRY_AFTER_S);
	if (e->code == ERR_BUSY || e->code == ERR_UNAVAILABLE || e->code == ERR_NO_SPACE || e->code == ERR_CONFLICT)
		http_reply_header(c->rq, "Retry-After", seconds);
	if (error_http_status(e->code) >= 500 && e->code != ERR_SESSION_STATE)
		log_failure(c, e);
	api_answer(c, error_http_status(e->code), &body);
}

void api_answer_forbidden(struct call *c)
{
	_sbuf_ struct sbuf body = SBUF_INIT(4);

	sbuf_adds(&body, "{}");
	api_answer(c, 403, &body);
}

void api_location(struct call *c, const char *path)
{
	_sbuf_ struct sbuf location = SBUF_INIT(8192);

	if (c->api->config->florus_http_base_path)
		sbuf_adds(&location, c->api->config->florus_http_base_path);
	if (c->mount_len)
		sbuf_adds(&location, "/livy");
	sbuf_adds(&location, path);
	http_reply_header(c->rq, "Location", sbuf_str(&location));
}

bool api_query_int(struct call *c, const char *name, int64_t standard, int64_t *ret, struct error *e)
{
	const char *text = http_query(c->rq, name);
	int32_t n;

	*ret = standard;
	if (!text)
		return true;
	if (!str_to_i32(text, &n))
		return error_set(e, ERR_INVALID, "For input string: \"%.64s\"", text);
	*ret = n;
	return true;
}
