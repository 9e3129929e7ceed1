/*
 * share - GET /share/…: a driver fetches a file of this host that its job names (service/share.h).
 *
 * Whoever comes has no credentials but the URL. What is not to be had is a 404 without a word, whatever the reason is.
 * More than SHARE_UNDER_WAY_MAX at once wait for each other: a refusal would be the end of a driver.
 */
#include "service/share.h"
#include "api/api.h"
#include "base/log.h"
#include <string.h>

enum { SHARE_UNDER_WAY_MAX = 64 };

/* As it stands in the request: what was signed. */
static const char *name_of(const struct call *c)
{
	return strrchr(http_path(c->rq), '/') + 1;
}

static void refuse(struct call *c, const struct shared_file *f, const struct error *e)
{
	if (e->code == ERR_NOT_FOUND)
		log_warn("file not shared", LOG_INT("batch", f->batch_id), LOG_STR("file", name_of(c)),
			 LOG_STR("reason", e->msg), LOG_STR("peer", http_peer(c->rq)),
			 LOG_STR("request", http_request_id(c->rq)));
	api_answer_empty(c, 404, API_HTML);
}

static void let_next(void *api);

static void send_file(struct call *c, struct shared_file *f)
{
	c->api->sharing.under_way++;
	log_info("file shared", LOG_INT("batch", f->batch_id), LOG_STR("file", name_of(c)), LOG_INT("bytes", f->len),
		 LOG_STR("method", http_method_name(c->rq)), LOG_STR("peer", http_peer(c->rq)),
		 LOG_STR("request", http_request_id(c->rq)));
	http_reply_header(c->rq, "Cache-Control", "no-store");
	http_reply_header(c->rq, "Content-Disposition", "attachment"); /* a browser shows none of it under our name */
	http_reply_file(c->rq, "application/octet-stream", f->fd, f->len, let_next, c->api);
	api_done(c);
}

/* False: it waits. */
static bool serve(struct call *c)
{
	struct sharing *s = &c->api->sharing;
	struct shared_file f;
	struct error e;

	if (!batches_shared_file(c->api->batches, c->id, name_of(c), &f, &e)) {
		refuse(c, &f, &e);
		return true;
	}
	if (s->under_way < SHARE_UNDER_WAY_MAX) {
		send_file(c, &f);
		return true;
	}
	(void)close(f.fd);
	return false;
}

/* One has ended: those who wait are looked at anew, as their job may have ended meanwhile. */
static void let_next(void *arg)
{
	struct api *api = arg;
	struct sharing *s = &api->sharing;

	s->under_way--;
	while (s->first && !s->stopped && s->under_way < SHARE_UNDER_WAY_MAX) {
		struct call *c = s->first;

		s->first = c->next_sharing;
		(void)serve(c);
	}
}

void share_on_get(struct call *c, const char *id)
{
	struct sharing *s = &c->api->sharing;

	(void)id;
	if (serve(c))
		return;
	c->next_sharing = NULL;
	if (s->first)
		s->last->next_sharing = c;
	else
		s->first = c;
	s->last = c;
}

void share_stop(struct api *api)
{
	struct sharing *s = &api->sharing;

	s->stopped = true;
	while (s->first) {
		struct call *c = s->first;

		s->first = c->next_sharing;
		api_answer_empty(c, 503, API_HTML);
	}
}
