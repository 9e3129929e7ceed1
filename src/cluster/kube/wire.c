#include "cluster/kube/wire.h"
#include "base/clock.h"
#include "base/fdio.h"
#include "base/log.h"
#include "base/privatefile.h"
#include "base/str.h"
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

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

void kube_ask_pod(struct cluster_app *app, http_call_done_fn *done)
{
	_sbuf_ struct sbuf path = SBUF_INIT(1024);

	sbuf_addf(&path, "/pods/%s", kube_pod_name(app));
	kube_own(app)->call = kube_call(app->of, "GET", sbuf_str(&path), NULL, 0, KUBE_POD_MAX, done, app);
}

/* --- who we are --- */

bool kube_read_token(struct cluster *c, struct error *e)
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

	if (w->token_file && !kube_read_token(c, &e))
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

void kube_heard_of(struct cluster_app *app, const struct http_call_answer *answer)
{
	kube_own(app)->call = NULL;
	kube_heard(app->of, answer);
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
