/* What the calls of one cluster have in common: options, libcurl's multi handle, and that one's place on the loop. */
#include "base/log.h"
#include "http/call-priv.h"
#include <string.h>

/* --- libcurl on the loop --- */

static void drain(struct http_calls *c)
{
	CURLMsg *m;
	int left;

	while ((m = curl_multi_info_read(c->multi, &left))) {
		struct http_call *call = NULL;
		CURLcode code = m->data.result;

		(void)curl_easy_getinfo(m->easy_handle, CURLINFO_PRIVATE, &call);
		if (call && !call->cancelled)
			hop_ended(call, code);
	}
}

static void act(struct http_calls *c, curl_socket_t fd)
{
	int running;

	calls_enter(c);
	c->in_curl = true;
	(void)curl_multi_socket_action(c->multi, fd, 0, &running); /* 0: it looks itself what fd is ready for */
	c->in_curl = false;
	if (!c->dead)
		drain(c);
	calls_leave(c);
}

static void on_curl_timer(void *arg)
{
	act(arg, CURL_SOCKET_TIMEOUT);
}

static int set_curl_timer(CURLM *multi, long after_ms, void *arg)
{
	struct http_calls *c = arg;

	(void)multi;
	if (after_ms < 0)
		loop_timer_stop(c->timer);
	else
		loop_timer_set(c->timer, after_ms, 0);
	return 0;
}

struct calls_socket {
	struct http_calls *calls;
	struct loop_watch *watch;
	curl_socket_t fd;
};

static void on_socket(void *arg)
{
	struct calls_socket *s = arg;

	act(s->calls, s->fd);
}

static struct calls_socket *watch_socket(struct http_calls *c, curl_socket_t fd)
{
	struct calls_socket *s = xcalloc(1, sizeof *s);
	struct error e;

	s->calls = c;
	s->fd = fd;
	if (!loop_watch_new(c->loop, fd, on_socket, s, &s->watch, &e)) {
		log_debug("a connection is not watched, and its call will run into its deadline",
			  LOG_STR("why", e.msg));
		free(s);
		return NULL;
	}
	(void)curl_multi_assign(c->multi, fd, s);
	return s;
}

static int set_socket(CURL *easy, curl_socket_t fd, int what, void *arg, void *socket)
{
	struct http_calls *c = arg;
	struct calls_socket *s = socket;

	(void)easy;
	if (what == CURL_POLL_REMOVE) {
		if (s)
			(void)loop_watch_free(s->watch);
		free(s);
		return 0;
	}
	if (!s && !(s = watch_socket(c, fd)))
		return 0;
	loop_watch_set(s->watch, (what & CURL_POLL_IN) != 0, (what & CURL_POLL_OUT) != 0);
	return 0;
}

/* --- all of them --- */

enum { OPTION_STRINGS = 13 };

static void option_strings(struct http_calls_options *o, const char **to[OPTION_STRINGS])
{
	const char **all[] = { &o->user_agent, &o->ca_file,         &o->ca_pem,  &o->cert_file,
			       &o->key_file,   &o->cert_pem,        &o->key_pem, &o->user,
			       &o->password,   &o->tls_server_name, &o->ccache,  &o->keytab };

	_Static_assert(sizeof all / sizeof all[0] == OPTION_STRINGS - 1, "every string of the options");
	memcpy(to, all, sizeof all);
	to[OPTION_STRINGS - 1] = NULL;
}

static bool check_options(const struct http_calls_options *o, struct error *e)
{
	if (!o->cert_pem != !o->key_pem)
		return error_set(e, ERR_INVALID, "a certificate and its key belong together");
	if (o->password && !o->user)
		return error_set(e, ERR_INVALID, "a password without a user");
	for (const char *const *origin = o->origins; origin && *origin; origin++) {
		_free_ char *as_written = call_origin(*origin);

		if (!as_written)
			return error_set(e, ERR_INVALID, "%.200s is not a URL such as https://host:port", *origin);
	}
	return true;
}

static void copy_options(struct http_calls *c, const struct http_calls_options *o)
{
	const char **strings[OPTION_STRINGS];
	size_t n = 0;

	c->o = *o;
	option_strings(&c->o, strings);
	for (size_t i = 0; strings[i]; i++)
		*strings[i] = xstrdup(*strings[i]);
	while (o->origins && o->origins[n])
		n++;
	c->origins = xcalloc(n + 1, sizeof *c->origins);
	for (size_t i = 0; i < n; i++)
		c->origins[i] = call_origin(o->origins[i]);
	c->o.origins = NULL;
	c->o.connections_max = o->connections_max > 0 ? o->connections_max : HTTP_CALLS_CONNECTIONS;
	c->o.waiting_max = o->waiting_max > 0 ? o->waiting_max : HTTP_CALLS_WAITING;
}

static bool set_up_curl(struct http_calls *c, struct error *e)
{
	bool ok = (c->multi = curl_multi_init()) && (c->share = curl_share_init());

#define SET(option, value) (ok = ok && curl_multi_setopt(c->multi, option, value) == CURLM_OK)
	SET(CURLMOPT_SOCKETFUNCTION, set_socket);
	SET(CURLMOPT_SOCKETDATA, c);
	SET(CURLMOPT_TIMERFUNCTION, set_curl_timer);
	SET(CURLMOPT_TIMERDATA, c);
	SET(CURLMOPT_MAXCONNECTS, (long)c->o.connections_max);
	SET(CURLMOPT_MAX_TOTAL_CONNECTIONS, (long)c->o.connections_max);
#undef SET
	ok = ok && curl_share_setopt(c->share, CURLSHOPT_SHARE, CURL_LOCK_DATA_SSL_SESSION) == CURLSHE_OK;
	ok = ok &&
	     (!c->o.negotiate || curl_share_setopt(c->share, CURLSHOPT_SHARE, CURL_LOCK_DATA_COOKIE) == CURLSHE_OK);
	return ok || error_set(e, ERR_INTERNAL, "libcurl does not start");
}

static void free_secret(char *s)
{
	if (s)
		explicit_bzero(s, strlen(s));
	free(s);
}

static void free_origins(char **origins)
{
	for (size_t i = 0; origins && origins[i]; i++)
		free(origins[i]);
	free(origins);
}

static void destroy(struct http_calls *c)
{
	const char **strings[OPTION_STRINGS];

	call_dispose_all(&c->waiting);
	call_dispose_all(&c->running);
	call_dispose_all(&c->ended);
	(void)curl_multi_cleanup(c->multi);
	(void)curl_share_cleanup(c->share);
	c->timer = loop_timer_free(c->timer);
	c->kick = loop_timer_free(c->kick);
	option_strings(&c->o, strings);
	for (size_t i = 0; strings[i]; i++)
		free_secret((char *)(uintptr_t)*strings[i]);
	free_origins(c->origins);
	free_secret(c->bearer);
	free(c);
}

void calls_enter(struct http_calls *c)
{
	c->busy++;
}

void calls_leave(struct http_calls *c)
{
	if (--c->busy == 0 && c->dead)
		destroy(c);
}

struct http_calls *http_calls_free(struct http_calls *c)
{
	if (c && c->busy)
		c->dead = true;
	else if (c)
		destroy(c);
	return NULL;
}

bool http_calls_new(const struct http_calls_options *o, struct http_calls **ret, struct error *e)
{
	struct http_calls *c;

	if (!(curl_version_info(CURLVERSION_NOW)->features & CURL_VERSION_ASYNCHDNS))
		return error_set(e, ERR_INTERNAL,
				 "this libcurl has no thread to look names up, and would hold up the loop");
	if (!check_options(o, e))
		return false;
	c = xcalloc(1, sizeof *c);
	c->loop = o->loop;
	TAILQ_INIT(&c->waiting);
	TAILQ_INIT(&c->running);
	TAILQ_INIT(&c->ended);
	copy_options(c, o);
	c->timer = loop_timer_new(c->loop, on_curl_timer, c);
	c->kick = loop_timer_new(c->loop, calls_run_queue, c);
	if (!set_up_curl(c, e)) {
		destroy(c);
		return false;
	}
	*ret = c;
	return true;
}

bool http_calls_set_bearer(struct http_calls *c, const char *token, struct error *e)
{
	if (token && !call_is_word(token))
		return error_set(e, ERR_INVALID, "the bearer token is not one word of ASCII");
	free_secret(c->bearer);
	c->bearer = xstrdup(token);
	return true;
}
