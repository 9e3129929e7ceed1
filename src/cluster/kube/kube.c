/*
 * kube - Kubernetes, by its API server (docs/kubernetes.md): opening, requests, and the short questions about one app.
 *
 * A handle is "namespace/pod". All of a cluster's jobs are in one namespace, which is listed once and then watched.
 */
#include "base/clock.h"
#include "base/fdio.h"
#include "base/log.h"
#include "base/privatefile.h"
#include "base/str.h"
#include "cluster/kube/wire.h"
#include "cluster/kube/kubeconfig.h"
#include "model/localfiles.h"
#include "model/logview.h"
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { CONNECTIONS_MAX = 24 };

#define SCHEME "k8s://"

static bool mine(const struct profile *p)
{
	return str_starts(p->master, SCHEME);
}

/* --- requests --- */

struct http_call *kube_call(struct cluster *c, const char *method, const char *path, const char *body, size_t n,
			    size_t answer_max, http_call_done_fn *done, void *arg)
{
	static const char *const headers[] = { "Content-Type: application/json", "Accept: application/json, */*",
					       NULL };
	struct kube *w = c->wire;
	_sbuf_ struct sbuf url = SBUF_INIT(HTTP_CALL_URL_MAX);

	sbuf_addf(&url, "%s/api/v1/namespaces/%s%s", w->server, w->ns, path);
	return http_call(w->calls,
			 &(struct http_call_request){ .method = method,
						      .url = sbuf_str(&url),
						      .headers = headers,
						      .body = n ? body : NULL,
						      .body_len = n,
						      .timeout_ms = KUBE_TIMEOUT_MS,
						      .answer_max = answer_max,
						      .repeatable = true }, /* names are ours: 409, or 404 */
			 done, arg);
}

struct http_call *kube_delete(struct cluster *c, const char *pod, const char *uid, http_call_done_fn *done, void *arg)
{
	_sbuf_ struct sbuf path = SBUF_INIT(1024), body = SBUF_INIT(1024);

	sbuf_addf(&path, "/pods/%s", pod);
	sbuf_addf(&body,
		  "{\"kind\":\"DeleteOptions\",\"apiVersion\":\"v1\",\"gracePeriodSeconds\":%d,"
		  "\"propagationPolicy\":\"Background\"",
		  KUBE_GRACE_S);
	if (!str_empty(uid))
		sbuf_addf(&body, ",\"preconditions\":{\"uid\":\"%s\"}", uid);
	sbuf_addc(&body, '}');
	return kube_call(c, "DELETE", sbuf_str(&path), sbuf_str(&body), body.len, KUBE_POD_MAX, done, arg);
}

/* --- who we are --- */

static bool read_token(struct cluster *c, struct error *e)
{
	_sbuf_ struct sbuf token = SBUF_INIT(KUBE_TOKEN_MAX);
	struct kube *w = c->wire;
	struct stat st;

	w->token_due_ms = clock_now_ms() + KUBE_TOKEN_MS;
	bool ok = w->token_is_private ? privatefile_read(w->token_file, PRIVATEFILE_TRUST, &token, &st, e)
				      : fdio_read_plain_file(AT_FDCWD, w->token_file, &token, e);
	while (ok && token.len && (unsigned char)token.data[token.len - 1] <= ' ')
		token.data[--token.len] = '\0';
	ok = ok && http_calls_set_bearer(w->calls, sbuf_str(&token), e);
	if (token.data)
		explicit_bzero(token.data, token.len);
	return ok || error_wrap(e, "the token in %.200s", w->token_file);
}

void kube_token_again(struct cluster *c)
{
	struct kube *w = c->wire;
	struct error e;

	if (w->token_file && !read_token(c, &e))
		log_warn("token not read again; the old one stays", LOG_STR("cluster", c->profile->name),
			 LOG_STR("reason", e.msg));
}

static void count_denial(struct cluster *c, int64_t now)
{
	struct kube *w = c->wire;

	kube_token_again(c);
	if (!w->denied_since_ms || now - w->denied_last_ms > KUBE_DENIED_MS) {
		w->denied_since_ms = now;
	} else if (!w->denied_told) {
		w->denied_told = true;
		log_error("API server does not know us (401): see kubeconfig or secret-file of the cluster",
			  LOG_STR("cluster", c->profile->name), LOG_STR("server", w->server));
	}
	w->denied_last_ms = now;
}

void kube_heard(struct cluster *c, const struct http_call_answer *answer)
{
	struct kube *w = c->wire;
	int64_t now = clock_now_ms(), s = answer->retry_after_s;

	if (answer->status == 0)
		return;
	if ((answer->status == 429 || answer->status == 503) && s > 0)
		w->quiet_until_ms = now + 1000 * (s < KUBE_QUIET_MAX_S ? s : KUBE_QUIET_MAX_S);
	if (answer->status == 401) {
		count_denial(c, now);
		return;
	}
	if (w->denied_told)
		log_info("API server knows us again", LOG_STR("cluster", c->profile->name));
	w->denied_told = false;
	w->denied_since_ms = 0;
}

bool kube_is_denied(const struct cluster *c)
{
	const struct kube *w = c->wire;

	return w->denied_since_ms && clock_now_ms() - w->denied_since_ms >= KUBE_DENIED_MS;
}

int64_t kube_quiet_ms(const struct cluster *c)
{
	int64_t left = ((const struct kube *)c->wire)->quiet_until_ms - clock_now_ms();

	return left > 0 ? left : 0;
}

/* --- opening --- */

static bool read_file(struct arena *a, const char *path, const char *context, struct kube_access *ret, struct error *e)
{
	_sbuf_ struct sbuf text = SBUF_INIT(KUBECONFIG_MAX);
	const char *slash = strrchr(path, '/');
	const char *dir = slash ? arena_strndup(a, path, (size_t)(slash - path)) : ".";

	bool ok = fdio_read_plain_file(AT_FDCWD, path, &text, e) &&
		  kubeconfig_read(a, sbuf_str(&text), text.len, dir ? dir : ".", context, ret, e);
	if (text.data)
		explicit_bzero(text.data, text.len);
	if (ok)
		return true;
	return error_set(e, ERR_CONFIG, "kubeconfig %.200s: %.200s", path, (const char *)e->msg);
}

/* A pod's token is for its own API server: another one that is given it could act there in our name. */
static bool is_pods_own(const struct profile *p, const struct kube_access *in_pod)
{
	const char *url = p->master + strlen(SCHEME);
	_sbuf_ struct sbuf server = SBUF_INIT(HTTP_CALL_URL_MAX);

	sbuf_addf(&server, "%s%s", strstr(url, "://") ? "" : "https://", url);
	if (!*url || kubeconfig_is_pods_own(in_pod, sbuf_str(&server)))
		return true;
	log_warn("master names another API server than that of the pod we run in: its service account is not used",
		 LOG_STR("cluster", p->name), LOG_STR("master", p->master));
	return false;
}

static bool find_access(struct arena *a, const struct profile *p, struct kube_access *ret, struct error *e)
{
	const char *home = getenv("HOME");
	char path[4096];

	*ret = (struct kube_access){ 0 };
	if (p->kubeconfig)
		return read_file(a, p->kubeconfig, p->context, ret, e);
	if (kubeconfig_in_pod(a, ret) && is_pods_own(p, ret))
		return true;
	*ret = (struct kube_access){ 0 };
	(void)snprintf(path, sizeof path, "%s/.kube/config", home ? home : "");
	if (!p->secret_file && home && access(path, R_OK) == 0)
		return read_file(a, path, p->context, ret, e);
	return true;
}

/* What the profile says goes before what the file says; k8s://host:port is k8s://https://host:port, as in Spark. */
static bool apply_profile(struct arena *a, const struct profile *p, struct kube_access *access, struct error *e)
{
	const char *url = p->master + strlen(SCHEME);
	char server[1024];

	if (*url) {
		(void)snprintf(server, sizeof server, "%s%s", strstr(url, "://") ? "" : "https://", url);
		access->server = arena_strdup(a, server);
	}
	if (str_empty(access->server))
		return error_set(e, ERR_CONFIG, "neither master nor the kubeconfig says where the API server is");
	if (p->ca_file) {
		access->ca_file = p->ca_file;
		access->ca_pem = NULL;
	}
	for (size_t i = 0; i < p->conf_count; i++)
		if (str_eq(p->conf[i].key, KUBE_NAMESPACE_KEY))
			access->ns = p->conf[i].value;
	if (p->namespace)
		access->ns = p->namespace;
	return true;
}

static char *without_slash(const char *url)
{
	char *copy = xstrdup(url);
	size_t n = strlen(copy);

	while (n > 0 && copy[n - 1] == '/')
		copy[--n] = '\0';
	return copy;
}

static bool authenticate(struct cluster *c, const struct kube_access *access, struct error *e)
{
	struct kube *w = c->wire;

	if (c->profile->secret_file) {
		w->token_file = xstrdup(c->profile->secret_file);
		w->token_is_private = true;
	} else if (access->token_file) {
		w->token_file = xstrdup(access->token_file);
	} else if (access->token) {
		return http_calls_set_bearer(w->calls, access->token, e);
	}
	return !w->token_file || read_token(c, e);
}

static bool connect_wire(struct cluster *c, struct arena *a, struct error *e)
{
	struct kube *w = c->wire;
	struct kube_access access;

	if (!find_access(a, c->profile, &access, e) || !apply_profile(a, c->profile, &access, e))
		return false;
	w->server = without_slash(access.server);
	w->ns = xstrdup(str_empty(access.ns) ? "default" : access.ns);
	const char *const origins[] = { w->server, NULL };
	const struct http_calls_options options = {
		.loop = cluster_loop(c),
		.user_agent = "florus",
		.origins = origins,
		.ca_file = access.ca_file,
		.ca_pem = access.ca_pem,
		.cert_file = access.cert_file,
		.cert_pem = access.cert_pem,
		.key_file = access.key_file,
		.key_pem = access.key_pem,
		.tls_server_name = access.tls_server_name,
		.insecure = access.insecure,
		.user = access.user,
		.password = access.password,
		.connections_max = CONNECTIONS_MAX,
	};
	return http_calls_new(&options, &w->calls, e) && authenticate(c, &access, e);
}

static void close_wire(struct cluster *c)
{
	struct kube *w = c->wire;

	w->calls = http_calls_free(w->calls);
	kube_watch_close(w);
	free(w->server);
	free(w->ns);
	free(w->token_file);
	free(w);
	c->wire = NULL;
}

static bool open_wire(struct cluster *c, struct error *e)
{
	_arena_ struct arena *a = arena_new(4 * (size_t)KUBECONFIG_MAX);
	struct kube *w = c->wire = xcalloc(1, sizeof *w);

	w->line = (struct sbuf)SBUF_INIT(KUBE_POD_MAX);
	if (connect_wire(c, a, e))
		return true;
	close_wire(c);
	return false;
}

/* --- of one app --- */

struct kube_app *kube_own(struct cluster_app *app)
{
	if (!app->own)
		app->own = xcalloc(1, sizeof(struct kube_app));
	return app->own;
}

void kube_learn(struct kube_app *own, const struct kube_pod *pod)
{
	(void)snprintf(own->uid, sizeof own->uid, "%s", pod->uid);
	(void)snprintf(own->map_name, sizeof own->map_name, "%s", pod->map_name ? pod->map_name : "");
	(void)snprintf(own->container, sizeof own->container, "%s", pod->container);
}

const char *kube_pod_name(const struct cluster_app *app)
{
	const char *slash = strchr(app->handle, '/');

	return slash ? slash + 1 : app->handle;
}

static const char *gate(const struct cluster *c, struct arena *a, const struct submission *s)
{
	const char *image = submission_conf(s, "spark.kubernetes.driver.container.image");

	(void)c;
	if (localfiles_any(s))
		return "files of this host that florus.share.url does not share";
	if (str_empty(image) && str_empty(submission_conf(s, "spark.kubernetes.container.image")))
		return "no spark.kubernetes.container.image";
	return kube_gate(a, s);
}

static const struct spec_pair *submit_conf(const struct cluster *c, struct arena *a, const struct cluster_job *job,
					   const char *tag, size_t *ret_count)
{
	const struct kube *w = c->wire;
	const struct spec_pair pairs[] = {
		{ KUBE_NAMESPACE_KEY, w->ns },
		{ "spark.kubernetes.driver.label." KUBE_TAG_LABEL, arena_strdup(a, tag) },
		{ "spark.kubernetes.driver.label." KUBE_SERVER_LABEL, cluster_instance(c) },
		{ "spark.kubernetes.submission.waitAppCompletion", "false" },
	};
	struct spec_pair *ret = arena_alloc(a, sizeof pairs);

	(void)job;
	*ret_count = ret ? ARRAY_LEN(pairs) : 0;
	if (ret)
		memcpy(ret, pairs, sizeof pairs);
	return ret;
}

static void on_looked(void *arg, const struct http_call_answer *answer)
{
	_arena_ struct arena *a = arena_new(8 * (size_t)KUBE_POD_MAX);
	struct cluster_app *app = arg;
	const struct jr *top;
	struct kube_pod pod;
	struct error e;

	kube_own(app)->call = NULL;
	kube_heard(app->of, answer);
	if (answer->error.code == ERR_NONE && answer->status == 404) {
		app_looked(app, NULL, NULL);
	} else if (answer->error.code == ERR_NONE && answer->status == 200 &&
		   jr_parse(a, answer->body, answer->body_len, &top, &e) && kube_read_pod(top, &pod) && !pod.unknown) {
		kube_learn(app->own, &pod);
		app_looked(app, &pod.status, NULL);
	} else {
		(void)error_set(&e, ERR_UNAVAILABLE, "no answer about the pod");
		app_looked(app, NULL, &e);
	}
}

static void look(struct cluster_app *app)
{
	_sbuf_ struct sbuf path = SBUF_INIT(1024);

	sbuf_addf(&path, "/pods/%s", kube_pod_name(app));
	kube_own(app)->call = kube_call(app->of, "GET", sbuf_str(&path), NULL, 0, KUBE_POD_MAX, on_looked, app);
}

static void on_killed(void *arg, const struct http_call_answer *answer)
{
	struct cluster_app *app = arg;

	kube_own(app)->kill = NULL;
	kube_heard(app->of, answer);
	app_killed(app);
}

static void kill_one(struct cluster_app *app)
{
	if (kube_quiet_ms(app->of) > 0)
		app_killed(app); /* it is repeated in any case */
	else
		kube_own(app)->kill = kube_delete(app->of, kube_pod_name(app), "", on_killed, app);
}

static void on_cleaned(void *arg, const struct http_call_answer *answer)
{
	(void)arg;
	(void)answer; /* a pod that stays is a line in a list, no more */
}

/* What it owns goes with it. A killed one's pod is gone already. */
static void clean(struct cluster_app *app)
{
	if (!app->of->profile->keep_pods && app->handle[0])
		(void)kube_delete(app->of, kube_pod_name(app), kube_own(app)->uid, on_cleaned, NULL);
}

static void cancel(struct cluster_app *app)
{
	struct kube_app *own = app->own;

	if (!own)
		return;
	http_call_cancel(own->call);
	http_call_cancel(own->kill);
	http_call_cancel(own->log);
	kube_objects_done(&own->objects);
	free(own);
	app->own = NULL;
}

const struct backend backend_kubernetes = {
	.name = "kubernetes",
	.reads_urls = true,
	.diagnostics_head = LOGVIEW_KUBERNETES,
	.mine = mine,
	.open = open_wire,
	.close = close_wire,
	.gate = gate,
	.submit_conf = submit_conf,
	.prepare = kube_prepare,
	.submit = kube_submit,
	.find = kube_find,
	.look = look,
	.kill = kill_one,
	.log = kube_log,
	.clean = clean,
	.cancel = cancel,
	.poll = kube_poll,
};
