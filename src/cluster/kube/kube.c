/*
 * kube - Kubernetes, by its API server (docs/kubernetes.md): opening, and the short questions about one app.
 *
 * A handle is "namespace/pod". All of a cluster's jobs are in one namespace, which is listed once and then watched.
 */
#include "base/fdio.h"
#include "base/log.h"
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
	return !w->token_file || kube_read_token(c, e);
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

	kube_heard_of(app, answer);
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
	kube_ask_pod(app, on_looked);
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
