/*
 * Submitting: pod, service, config maps, each by a POST; and whether they are there.
 *
 * Names are ours, so a POST that is repeated makes nothing twice: 409 says that it is there. A pod without its config
 * map never starts; one that a former florusd left so is removed, since the text of the map is gone with it.
 */
#include "base/str.h"
#include "cluster/kube/wire.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* --- preparing --- */

static bool is_elsewhere(const struct cluster_app *app, const struct submission *s, const char **ret)
{
	const struct kube *w = app->of->wire;

	*ret = submission_conf(s, KUBE_NAMESPACE_KEY);
	return *ret && !str_eq(*ret, w->ns);
}

void kube_prepare(struct cluster_app *app, const struct submission *s)
{
	struct kube_app *own = kube_own(app);
	const struct kube *w = app->of->wire;
	const struct kube_target to = { w->ns, app->tag, cluster_instance(app->of), app->of->profile->spark_version };
	char handle[CLUSTER_HANDLE_MAX];
	const char *other;
	struct error e;

	if (is_elsewhere(app, s, &other)) {
		app_refused(app, ATTEMPT_NEVER_AGAIN, 0,
			    "jobs of this cluster run in the namespace %.64s, not %.64s: leave " KUBE_NAMESPACE_KEY
			    " out, or ask for a cluster that is that namespace",
			    w->ns, other);
		return;
	}
	if (!kube_objects_build(s, &to, &own->objects, &e)) {
		app_refused(app, e.code == ERR_TOO_LARGE ? ATTEMPT_NEVER_AGAIN : ATTEMPT_BY_SUBMIT, 0, "%s", e.msg);
		return;
	}
	(void)snprintf(handle, sizeof handle, "%s/%s", w->ns, own->objects.pod_name);
	app_prepared(app, handle);
}

/* --- submitting --- */

enum { STEP_POD, STEP_SERVICE, STEP_HADOOP, STEP_TEMPLATES, STEP_MAP, STEPS };

static const struct {
	const char *path, *what;
} steps[STEPS] = { { "/pods", "pod" },
		   { "/services", "service" },
		   { "/configmaps", "config map of Hadoop" },
		   { "/configmaps", "config map of executors' template" },
		   { "/configmaps", "config map" } };

static void judge(struct cluster_app *app, const struct http_call_answer *answer);
static void on_pod(void *arg, const struct http_call_answer *answer);

static void on_made(void *arg, const struct http_call_answer *answer);

static const struct kube_object *object_of(const struct kube_app *own, int step)
{
	const struct kube_object *const objects[STEPS] = { &own->objects.pod, &own->objects.service,
							   &own->objects.hadoop, &own->objects.templates,
							   &own->objects.map };

	return objects[step];
}

static void make_next(struct cluster_app *app)
{
	struct kube_app *own = app->own;
	const struct kube_object *o = object_of(own, own->step);
	_sbuf_ struct sbuf body = SBUF_INIT(2 * KUBE_OBJECT_MAX);

	sbuf_add(&body, o->json, o->uid_at);
	if (o->uid_at)
		sbuf_adds(&body, own->uid);
	sbuf_add(&body, o->json + o->uid_at, o->len - o->uid_at);
	own->call = kube_call(app->of, "POST", steps[own->step].path, sbuf_str(&body), body.len, KUBE_POD_MAX, on_made,
			      app);
}

void kube_submit(struct cluster_app *app)
{
	int64_t quiet = kube_quiet_ms(app->of);

	kube_own(app)->step = STEP_POD;
	if (quiet > 0)
		app_refused(app, ATTEMPT_WAIT, quiet, "the API server asked to be left alone for a while");
	else
		make_next(app);
}

/* The answer belongs to whoever asked: submit(), or find(). */
static void all_made(struct cluster_app *app)
{
	char handle[CLUSTER_HANDLE_MAX];

	(void)snprintf(handle, sizeof handle, "%s", app->handle);
	kube_objects_done(&((struct kube_app *)app->own)->objects);
	if (app->phase == APP_SUBMITTING)
		app_submitted(app, handle);
	else
		app_found(app, handle, NULL);
}

static void made(struct cluster_app *app)
{
	struct kube_app *own = app->own;

	do
		own->step++;
	while (own->step < STEPS && !object_of(own, own->step)->json);
	if (own->step < STEPS)
		make_next(app);
	else
		all_made(app);
}

static bool learn_pod(struct cluster_app *app, const struct http_call_answer *answer, struct kube_pod *pod,
		      struct arena *a)
{
	const struct jr *top;
	struct error e;

	if (!jr_parse(a, answer->body, answer->body_len, &top, &e) || !kube_read_pod(top, pod))
		return false;
	kube_learn(app->own, pod);
	return true;
}

/* Nobody knows whether it is there; whoever asked is told so. */
static void in_doubt(struct cluster_app *app, const char *why)
{
	struct error e;

	if (app->phase == APP_SUBMITTING) {
		app_doubtful(app, why);
		return;
	}
	(void)error_set(&e, ERR_UNAVAILABLE, "%s", why);
	app_found(app, NULL, &e);
}

static void on_made(void *arg, const struct http_call_answer *answer)
{
	_arena_ struct arena *a = arena_new(8 * (size_t)KUBE_POD_MAX);
	struct cluster_app *app = arg;
	struct kube_app *own = app->own;
	struct kube_pod pod;

	kube_heard_of(app, answer);
	if (answer->error.code != ERR_NONE && !answer->sent && own->step == STEP_POD && app->phase == APP_SUBMITTING)
		app_refused(app, ATTEMPT_WAIT, KUBE_WAIT_MS, "the API server does not answer: %.180s",
			    answer->error.msg);
	else if (answer->error.code != ERR_NONE)
		in_doubt(app, answer->error.msg);
	else if (answer->status == 409 && own->step == STEP_POD && !strstr(answer->body, "exceeded quota"))
		kube_ask_pod(app, on_pod); /* ours, by a request whose answer was lost; or somebody else's */
	else if (answer->status == 409 && own->step != STEP_POD)
		made(app);
	else if (answer->status != 200 && answer->status != 201 && answer->repeated)
		in_doubt(app, "its connection broke, and what was sent again is refused");
	else if (answer->status != 200 && answer->status != 201)
		judge(app, answer);
	else if (own->step == STEP_POD && !learn_pod(app, answer, &pod, a))
		in_doubt(app, "the API server's answer cannot be read");
	else
		made(app);
}

/* --- refused --- */

static void refuse(struct cluster_app *app)
{
	struct kube_app *own = app->own;

	int64_t quiet = kube_quiet_ms(app->of);

	app_refused(app, own->again, quiet > KUBE_WAIT_MS ? quiet : KUBE_WAIT_MS, "%s", own->why);
}

static void on_undone(void *arg, const struct http_call_answer *answer)
{
	struct cluster_app *app = arg;

	((struct kube_app *)app->own)->call = NULL;
	if (answer->error.code == ERR_NONE && (answer->status / 100 == 2 || answer->status == 404))
		refuse(app);
	else
		in_doubt(app, "what was made of it could not be removed");
}

/* Full, or out of order: as often as it takes. Too many: so, too. Not known to it: for a while. Else it was judged. */
static enum attempt_again again_after(const struct cluster *c, const struct http_call_answer *answer)
{
	const struct kube *w = c->wire;
	bool full = answer->status == 403 && strstr(answer->body, "exceeded quota");
	/*
	 * One that has just begun to serve does not know yet who may do what: whom it let list before, it will again.
	 */
	bool begins = answer->status == 403 && w->listed && c->failures > 0;

	return full || begins || answer->status == 429 || answer->status == 401 || answer->status == 503
		       ? ATTEMPT_WAIT
		       : ATTEMPT_NEVER_AGAIN;
}

static void judge(struct cluster_app *app, const struct http_call_answer *answer)
{
	_arena_ struct arena *a = arena_new(1 << 20);
	struct kube_app *own = app->own;

	if (answer->status >= 500 && answer->status != 503) {
		in_doubt(app, kube_read_refusal(a, answer->body, answer->body_len, answer->status));
		return;
	}
	own->again =
		answer->status == 401 && kube_is_denied(app->of) ? ATTEMPT_NEVER_AGAIN : again_after(app->of, answer);
	(void)snprintf(own->why, sizeof own->why, "the API server refuses the %s: %s", steps[own->step].what,
		       kube_read_refusal(a, answer->body, answer->body_len, answer->status));
	if (own->step == STEP_POD)
		refuse(app);
	else
		own->call = kube_delete(app->of, kube_pod_name(app), own->uid, on_undone, app);
}

/* --- finding --- */

static void on_removed(void *arg, const struct http_call_answer *answer)
{
	struct cluster_app *app = arg;

	(void)answer; /* the next question tells */
	((struct kube_app *)app->own)->call = NULL;
	app_found(app, NULL, NULL);
}

static void on_map(void *arg, const struct http_call_answer *answer)
{
	struct cluster_app *app = arg;
	struct kube_app *own = app->own;
	char handle[CLUSTER_HANDLE_MAX];

	own->call = NULL;
	(void)snprintf(handle, sizeof handle, "%s", app->handle);
	if (answer->error.code != ERR_NONE || (answer->status != 200 && answer->status != 404))
		in_doubt(app, "no answer about the config map");
	else if (answer->status == 200)
		app_found(app, handle, NULL);
	else if (app->answers == 0) /* its POST may still be on the way */
		app_found(app, NULL, NULL);
	else
		own->call = kube_delete(app->of, kube_pod_name(app), own->uid, on_removed, app);
}

static void ask_map(struct cluster_app *app)
{
	struct kube_app *own = app->own;
	_sbuf_ struct sbuf path = SBUF_INIT(1024);

	sbuf_addf(&path, "/configmaps/%s", own->map_name);
	own->call = kube_call(app->of, "GET", sbuf_str(&path), NULL, 0, KUBE_POD_MAX, on_map, app);
}

/* It is there, and may not be all of it. */
static void complete(struct cluster_app *app, const struct kube_pod *pod)
{
	struct kube_app *own = app->own;
	char handle[CLUSTER_HANDLE_MAX];

	(void)snprintf(handle, sizeof handle, "%s/%s", pod->ns, pod->name);
	if (own->objects.map.json) {
		own->step = STEP_SERVICE;
		make_next(app);
	} else if (pod->native && pod->status.state == APP_PENDING && own->map_name[0] && app->handle[0]) {
		ask_map(app);
	} else {
		app_found(app, handle, NULL);
	}
}

/* Not there, or another's. */
static void not_there(struct cluster_app *app, bool taken)
{
	if (taken && app->phase == APP_SUBMITTING)
		app_refused(
			app, ATTEMPT_NEVER_AGAIN, 0,
			"there is a pod of that name already: leave spark.kubernetes.driver.pod.name out, or delete it");
	else if (app->phase == APP_SUBMITTING)
		app_doubtful(app, "the pod was there, and is gone");
	else
		app_found(app, NULL, NULL);
}

static void on_pod(void *arg, const struct http_call_answer *answer)
{
	_arena_ struct arena *a = arena_new(8 * (size_t)KUBE_POD_MAX);
	struct cluster_app *app = arg;
	struct kube_pod pod;

	kube_heard_of(app, answer);
	if (answer->error.code == ERR_NONE && answer->status == 404)
		not_there(app, false);
	else if (answer->error.code != ERR_NONE || answer->status != 200 || !learn_pod(app, answer, &pod, a))
		in_doubt(app, answer->error.code ? answer->error.msg : "no answer about the pod");
	else if (!str_eq(pod.tag, app->tag))
		not_there(app, true);
	else
		complete(app, &pod);
}

static void on_list(void *arg, const struct http_call_answer *answer)
{
	_arena_ struct arena *a = arena_new(8 * (size_t)KUBE_POD_MAX);
	struct cluster_app *app = arg;
	const struct jr *top, *items = NULL;
	struct kube_pod pod;
	struct error e;
	char handle[CLUSTER_HANDLE_MAX];

	((struct kube_app *)app->own)->call = NULL;
	if (answer->error.code == ERR_NONE && answer->status == 200 &&
	    jr_parse(a, answer->body, answer->body_len, &top, &e) && top->type == JR_OBJECT)
		items = jr_get(top, "items");
	if (!items || items->type != JR_ARRAY) {
		in_doubt(app, answer->error.code ? answer->error.msg : "no list of pods");
		return;
	}
	if (items->count == 0 || !kube_read_pod(&items->items[0], &pod)) {
		app_found(app, NULL, NULL);
		return;
	}
	(void)snprintf(handle, sizeof handle, "%s/%s", pod.ns, pod.name);
	app_found(app, handle, NULL);
}

void kube_find(struct cluster_app *app)
{
	_sbuf_ struct sbuf path = SBUF_INIT(1024);

	if (app->handle[0]) {
		kube_ask_pod(app, on_pod);
		return;
	}
	sbuf_addf(&path, "/pods?limit=2&labelSelector=" KUBE_TAG_LABEL "%%3D%s", app->tag);
	kube_own(app)->call = kube_call(app->of, "GET", sbuf_str(&path), NULL, 0, KUBE_POD_MAX, on_list, app);
}
