/*
 * All pods of ours: listed once, in pages, then watched from there on, one JSON object a line. A watch that ends is
 * begun again where it stood; one that is told "gone" (410), falls silent, or cannot be read, comes after a new list.
 * While a list misses an app, lists go on, so that the misses are counted.
 */
#include "base/clock.h"
#include "base/str.h"
#include "cluster/kube/wire.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* --- one pod --- */

/* The API server has no word for it: a pod that went away before it ended was deleted, by us or somebody else. */
static void end_deleted(struct kube_pod *pod)
{
	if (pod->status.state >= APP_SUCCEEDED)
		return;
	pod->status.state = APP_KILLED;
	pod->status.diagnostics = pod->status.why = "the driver's pod was deleted";
}

void kube_saw(struct cluster *c, struct kube_pod *pod, bool deleted)
{
	_sbuf_ struct sbuf handle = SBUF_INIT(CLUSTER_HANDLE_MAX);
	struct kube *w = c->wire;

	sbuf_addf(&handle, "%s/%s", pod->ns, pod->name);
	struct cluster_app *app = map_get(c->by_handle, sbuf_str(&handle));
	if (!app && pod->tag)
		app = map_get(c->by_tag, pod->tag);
	if (!app || !str_eq(pod->tag, app->tag))
		return;
	if (app->phase != APP_WATCHED) {
		/* The answer that makes it watched is still on the way: a watch says nothing twice, so a list must. */
		w->news_missed |=
			app->phase < APP_WATCHED && (pod->status.state != APP_PENDING || pod->stuck || deleted);
		return;
	}
	struct kube_app *own = kube_own(app);
	kube_learn(own, pod);
	(void)snprintf(own->stuck, sizeof own->stuck, "%s", pod->stuck ? pod->stuck : "");
	if (!own->pending_since_ms)
		own->pending_since_ms = clock_now_ms();
	if (pod->unknown && !deleted) {
		app->seen_round = c->round;
		app->misses = 0;
		return;
	}
	if (deleted)
		end_deleted(pod);
	if (app->kill && pod->status.state == APP_FAILED)
		pod->status.state = APP_KILLED;
	cluster_saw(c, sbuf_str(&handle), pod->tag, &pod->status);
}

/*
 * A driver that cannot start, as its image cannot be had, would wait for ever. How long it has been so is told by our
 * own clock since we first saw it: the API server's may be hours from ours. After a restart of ours the wait begins
 * anew, which errs on the safe side.
 */
static void give_up_stuck(struct cluster *c)
{
	int64_t now = clock_now_ms();

	for (struct cluster_app *app = c->apps.next, *next; app != &c->apps; app = next) {
		struct kube_app *own = app->own;
		char why[300];

		next = app->next;
		if (app->phase != APP_WATCHED || app->state != APP_PENDING || !own || !own->stuck[0] ||
		    now - own->pending_since_ms < c->profile->pending_max_ms)
			continue;
		(void)snprintf(why, sizeof why, "the driver could not start: %s", own->stuck);
		cluster_saw(c, app->handle, NULL,
			    &(struct app_status){
				    .state = APP_FAILED, .exit_code = -1, .why = why, .diagnostics = why });
	}
}

/* --- the watch --- */

static void forget_version(struct kube *w)
{
	w->version[0] = '\0';
}

/* An event was lost, and those that follow have a version: the list is due all the same. */
static void lose_event(struct kube *w)
{
	forget_version(w);
	w->news_missed = true;
}

static void note_version(struct kube *w, const struct jr *object)
{
	const struct jr *metadata = jr_get(object, "metadata");
	const char *version =
		metadata && metadata->type == JR_OBJECT ? jr_text(metadata, "resourceVersion", JR_STRING) : NULL;

	if (version && strlen(version) < sizeof w->version)
		(void)snprintf(w->version, sizeof w->version, "%s", version);
}

/* {"type":"MODIFIED","object":{…}} */
static void take_event(struct cluster *c, const char *line, size_t n)
{
	_arena_ struct arena *a = arena_new(8 * (size_t)KUBE_POD_MAX);
	struct kube *w = c->wire;
	const struct jr *top, *object;
	struct kube_pod pod;
	struct error e;

	if (!jr_parse(a, line, n, &top, &e) || top->type != JR_OBJECT || !(object = jr_get(top, "object")) ||
	    object->type != JR_OBJECT || str_eq(jr_text(top, "type", JR_STRING), "ERROR")) {
		lose_event(w); /* most often 410: too old; a list tells all */
		return;
	}
	note_version(w, object);
	if (kube_read_pod(object, &pod))
		kube_saw(c, &pod, str_eq(jr_text(top, "type", JR_STRING), "DELETED"));
}

static bool on_events(void *arg, const char *bytes, size_t n)
{
	struct cluster *c = arg;
	struct kube *w = c->wire;

	for (size_t i = 0; i < n;) {
		const char *end = memchr(bytes + i, '\n', n - i);
		size_t len = end ? (size_t)(end - bytes) - i : n - i;

		sbuf_add(&w->line, bytes + i, len);
		i += len + (end != NULL);
		if (!end)
			break;
		if (!sbuf_ok(&w->line))
			lose_event(w);
		else if (w->line.len > 0)
			take_event(c, w->line.data, w->line.len);
		sbuf_clear(&w->line);
	}
	return true;
}

static void on_watch_end(void *arg, const struct http_call_answer *answer)
{
	struct cluster *c = arg;
	struct kube *w = c->wire;

	w->watch = NULL;
	sbuf_clear(&w->line);
	kube_heard(c, answer);
	if (answer->error.code != ERR_NONE || answer->status != 200)
		forget_version(w); /* the list that comes next tells whether the cluster answers at all */
}

static void start_watch(struct cluster *c)
{
	struct kube *w = c->wire;
	_sbuf_ struct sbuf url = SBUF_INIT(HTTP_CALL_URL_MAX);

	sbuf_addf(&url,
		  "%s/api/v1/namespaces/%s/pods?watch=1&allowWatchBookmarks=true&timeoutSeconds=%d"
		  "&labelSelector=" KUBE_SERVER_LABEL "%%3D%s&resourceVersion=%s",
		  w->server, w->ns, KUBE_WATCH_S, cluster_instance(c), w->version);
	w->watch = http_call(w->calls,
			     &(struct http_call_request){ .method = "GET",
							  .url = sbuf_str(&url),
							  .timeout_ms = (KUBE_WATCH_S + 30) * 1000,
							  .silence_ms = KUBE_SILENT_POLLS * c->profile->poll_ms,
							  .data = on_events },
			     on_watch_end, c);
}

void kube_watch_close(struct kube *w)
{
	sbuf_done(&w->line);
	free(TAKE(w->next_page));
}

/* --- the list --- */

static void ask_page(struct cluster *c);

static void end_list(struct cluster *c, const struct error *e)
{
	free(TAKE(((struct kube *)c->wire)->next_page));
	cluster_polled(c, e);
}

static bool read_page(struct cluster *c, struct arena *a, const struct http_call_answer *answer)
{
	struct kube *w = c->wire;
	const struct jr *top, *items, *metadata;
	struct kube_pod pod;
	struct error e;

	if (answer->error.code != ERR_NONE || answer->status != 200 ||
	    !jr_parse(a, answer->body, answer->body_len, &top, &e) || top->type != JR_OBJECT)
		return false;
	items = jr_get(top, "items");
	metadata = jr_get(top, "metadata");
	if (!metadata || metadata->type != JR_OBJECT || (items && items->type != JR_ARRAY && items->type != JR_NULL))
		return false;
	for (size_t i = 0; items && i < items->count; i++)
		if (kube_read_pod(&items->items[i], &pod))
			kube_saw(c, &pod, false);
	const char *next = jr_text(metadata, "continue", JR_STRING);
	free(w->next_page);
	w->next_page = str_empty(next) ? NULL : xstrdup(next);
	note_version(w, top);
	return true;
}

static void on_page(void *arg, const struct http_call_answer *answer)
{
	_arena_ struct arena *a = arena_new(8 * (size_t)KUBE_PAGE_MAX);
	_arena_ struct arena *words = arena_new(1 << 20);
	struct cluster *c = arg;
	struct kube *w = c->wire;
	struct error e;

	w->list = NULL;
	kube_heard(c, answer);
	if (!read_page(c, a, answer)) {
		forget_version(w);
		if (answer->error.code != ERR_NONE)
			e = answer->error;
		else
			(void)error_set(&e, ERR_UNAVAILABLE, "the API server does not list pods: %.200s",
					kube_read_refusal(words, answer->body, answer->body_len, answer->status));
		end_list(c, &e);
		return;
	}
	if (w->next_page) {
		ask_page(c);
		return;
	}
	w->listed = true;
	end_list(c, NULL);
	if (!w->watch)
		start_watch(c);
}

static void ask_page(struct cluster *c)
{
	struct kube *w = c->wire;
	_sbuf_ struct sbuf path = SBUF_INIT(HTTP_CALL_URL_MAX);

	sbuf_addf(&path, "/pods?limit=%d&labelSelector=" KUBE_SERVER_LABEL "%%3D%s%s%s", KUBE_PAGE, cluster_instance(c),
		  w->next_page ? "&continue=" : "", w->next_page ? w->next_page : "");
	w->list = kube_call(c, "GET", sbuf_str(&path), NULL, 0, KUBE_PAGE_MAX, on_page, c);
}

static bool misses_one(const struct cluster *c)
{
	for (const struct cluster_app *app = c->apps.next; app != &c->apps; app = app->next)
		if (app->phase == APP_WATCHED && (app->misses > 0 || app->failures > 0))
			return true;
	return false;
}

void kube_poll(struct cluster *c)
{
	struct kube *w = c->wire;

	if (w->token_file && clock_now_ms() >= w->token_due_ms)
		kube_token_again(c);
	give_up_stuck(c);
	if (kube_quiet_ms(c) > 0) {
		cluster_still(c);
		return;
	}
	if (w->version[0] && !w->news_missed && !misses_one(c)) {
		if (!w->watch)
			start_watch(c);
		cluster_still(c);
		return;
	}
	w->news_missed = false;
	ask_page(c);
}
