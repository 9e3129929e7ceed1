#include "api/api.h"

/* What it says of itself: clients compare versions as text, and take 0.10 for older than 0.5 (D24). */
void health_on_version(struct call *c, const char *id)
{
	_sbuf_ struct sbuf body = SBUF_INIT(1024);
	struct jw w = { .out = &body };

	(void)id;
	jw_open(&w, NULL, '{');
	jw_str(&w, "url", "https://github.com/apache/incubator-livy");
	jw_str(&w, "branch", "florus");
	jw_str(&w, "revision", FLORUS_VERSION);
	jw_str(&w, "version", "0.9.0-florus");
	jw_str(&w, "date", FLORUS_BUILD_DATE);
	jw_str(&w, "user", "florus");
	jw_close(&w, '}');
	api_answer(c, 200, &body);
}

static void say(struct call *c, bool well, const char *what)
{
	_sbuf_ struct sbuf body = SBUF_INIT(256);
	struct jw w = { .out = &body };

	jw_open(&w, NULL, '{');
	jw_str(&w, "status", what);
	jw_close(&w, '}');
	api_answer(c, well ? 200 : 503, &body);
}

/* The process turns its loop. */
void health_on_live(struct call *c, const char *id)
{
	(void)id;
	say(c, true, "ok");
}

/* It can accept and keep batches and sessions. */
void health_on_ready(struct call *c, const char *id)
{
	const struct api *api = c->api;

	(void)id;
	if (api->draining)
		say(c, false, "stopping");
	else if (!store_healthy(api->store) || !store_healthy(api->sessions_store))
		say(c, false, "the store has failed");
	else if (store_full(api->store) || store_full(api->sessions_store))
		say(c, false, "the store does not keep up");
	else
		say(c, true, "ok");
}
