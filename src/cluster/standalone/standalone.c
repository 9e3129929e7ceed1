/*
 * standalone - Spark's own cluster manager, by its REST server (port 6066) and its web pages (docs/standalone.md).
 *
 * One GET of /json/ per interval tells the states of all drivers; the masters are tried in turn until one is active.
 */
#include "base/privatefile.h"
#include "base/str.h"
#include "cluster/standalone/jws.h"
#include "cluster/list.h"
#include "cluster/standalone/create.h"
#include "cluster/standalone/wire.h"
#include <stdio.h>
#include <string.h>

enum { REST_PORT = 6066, WEB_PORT = 8080, SECRET_MAX = 1024 * 1024, WAIT_MS = 1000 };

static bool mine(const struct profile *p)
{
	return str_starts(p->master, "spark://");
}

/* --- requests --- */

struct http_call *standalone_get(struct cluster *c, const char *base, const char *path, size_t answer_max,
				 http_call_done_fn *done, void *arg)
{
	struct standalone *w = c->wire;
	_sbuf_ struct sbuf url = SBUF_INIT(HTTP_CALL_URL_MAX);

	sbuf_addf(&url, "%s%s", base, path);
	return http_call(w->calls,
			 &(struct http_call_request){ .method = "GET",
						      .url = sbuf_str(&url),
						      .timeout_ms = STANDALONE_TIMEOUT_MS,
						      .answer_max = answer_max },
			 done, arg);
}

struct http_call *standalone_post(struct cluster *c, const char *base, const char *path, const char *body, size_t n,
				  http_call_done_fn *done, void *arg)
{
	static const char *const headers[] = { "Content-Type: application/json;charset=utf-8", NULL };
	struct standalone *w = c->wire;
	_sbuf_ struct sbuf url = SBUF_INIT(HTTP_CALL_URL_MAX);

	sbuf_addf(&url, "%s%s", base, path);
	return http_call(w->calls,
			 &(struct http_call_request){ .method = "POST",
						      .url = sbuf_str(&url),
						      .headers = headers,
						      .body = body,
						      .body_len = n,
						      .timeout_ms = STANDALONE_TIMEOUT_MS },
			 done, arg);
}

bool standalone_log_url(const struct cluster *c, const char *worker, const char *driver, const char *page,
			const char *type, bool by_proxy, struct sbuf *to)
{
	const struct standalone *w = c->wire;
	const struct standalone_worker *known = str_empty(worker) ? NULL : map_get(w->workers, worker);

	if (!known)
		return false;
	if (by_proxy)
		sbuf_addf(to, "%s/proxy/%s/", w->web[w->web_at], known->id);
	else
		sbuf_addf(to, "%s/", known->web);
	sbuf_addf(to, "%s?driverId=%s&logType=%s", page, driver, type);
	return sbuf_ok(to);
}

/* --- opening --- */

static bool add_url(char *urls[MASTERS_MAX], int *count, const char *url, size_t n, struct error *e)
{
	if (*count == MASTERS_MAX)
		return error_set(e, ERR_CONFIG, "more than %d masters", MASTERS_MAX);
	while (n > 0 && url[n - 1] == '/')
		n--;
	urls[*count] = xcalloc(1, n + 1);
	memcpy(urls[(*count)++], url, n);
	return true;
}

static bool split_urls(const char *list, char *urls[MASTERS_MAX], int *count, struct error *e)
{
	for (const char *p = list; *p; p += strspn(p, ", ")) {
		size_t n = strcspn(p, ", ");

		if (!str_starts(p, "http://") && !str_starts(p, "https://"))
			return error_set(e, ERR_CONFIG, "%.*s is not a URL that begins with http:// or https://",
					 (int)n, p);
		if (!add_url(urls, count, p, n, e))
			return false;
		p += n;
	}
	return true;
}

/* spark://a:7077,b → http://a:PORT and http://b:PORT */
static bool guess_urls(const char *master, int port, char *urls[MASTERS_MAX], int *count, struct error *e)
{
	for (const char *p = master + strlen("spark://"); *p; p += strspn(p, ", ")) {
		size_t n = strcspn(p, ", "), host = n;
		_sbuf_ struct sbuf url = SBUF_INIT(1024);

		while (host > 0 && p[host - 1] >= '0' && p[host - 1] <= '9')
			host--;
		host = host > 0 && host < n && p[host - 1] == ':' ? host - 1 : n;
		sbuf_addf(&url, "http://%.*s:%d", (int)host, p, port);
		if (!sbuf_ok(&url) || !add_url(urls, count, url.data, url.len, e))
			return sbuf_ok(&url) ? false : error_set(e, ERR_CONFIG, "master is too long");
		p += n;
	}
	return true;
}

static bool find_masters(const struct profile *p, struct standalone *w, struct error *e)
{
	int web = 0;

	if (!(p->rest ? split_urls(p->rest, w->rest, &w->count, e)
		      : guess_urls(p->master, REST_PORT, w->rest, &w->count, e)) ||
	    !(p->web ? split_urls(p->web, w->web, &web, e) : guess_urls(p->master, WEB_PORT, w->web, &web, e)))
		return false;
	return (w->count == web && web > 0) ||
	       error_set(e, ERR_CONFIG, "rest has %d URLs and web %d; each master has one of both", w->count, web);
}

static bool read_secret(const struct profile *p, struct sbuf *to, struct error *e)
{
	struct stat st;

	if (!privatefile_read(p->secret_file, PRIVATEFILE_TRUST, to, &st, e))
		return error_wrap(e, "secret-file %s", p->secret_file);
	while (to->len && (unsigned char)to->data[to->len - 1] <= ' ')
		to->data[--to->len] = '\0';
	return true;
}

static bool authenticate(const struct profile *p, const char *secret, struct standalone *w, struct error *e)
{
	_sbuf_ struct sbuf token = SBUF_INIT(1024);

	if (p->auth != PROFILE_AUTH_JWS && p->auth != PROFILE_AUTH_BEARER)
		return true;
	if (p->auth == PROFILE_AUTH_JWS ? !jws_token(secret, &token, e) : (sbuf_adds(&token, secret), !sbuf_ok(&token)))
		return p->auth == PROFILE_AUTH_JWS ? false : error_set(e, ERR_CONFIG, "the token is too long");
	bool ok = http_calls_set_bearer(w->calls, sbuf_str(&token), e);
	explicit_bzero(token.data, token.len);
	return ok;
}

static void close_wire(struct cluster *c);

static bool open_wire(struct cluster *c, struct error *e)
{
	const struct profile *p = c->profile;
	struct standalone *w = c->wire = xcalloc(1, sizeof *w);
	_sbuf_ struct sbuf secret = SBUF_INIT(SECRET_MAX);
	const char *origins[2 * MASTERS_MAX + 1] = { NULL };

	w->workers = map_new();
	bool ok = find_masters(p, w, e) && (!p->secret_file || read_secret(p, &secret, e));
	for (int i = 0; i < w->count && ok; i++) {
		origins[2 * i] = w->rest[i];
		origins[2 * i + 1] = w->web[i];
	}
	struct http_calls_options options = {
		.loop = cluster_loop(c), .user_agent = "florus", .origins = origins, .ca_file = p->ca_file
	};
	if (p->auth == PROFILE_AUTH_BASIC) {
		options.user = p->user ? p->user : "";
		options.password = sbuf_str(&secret);
	}
	ok = ok && http_calls_new(&options, &w->calls, e) && authenticate(p, sbuf_str(&secret), w, e);
	if (secret.data)
		explicit_bzero(secret.data, secret.len);
	if (!ok)
		close_wire(c);
	return ok;
}

static void forget_workers(struct standalone *w)
{
	while (w->all_workers) {
		struct standalone_worker *one = w->all_workers;

		w->all_workers = one->next;
		free(one->id);
		free(one->web);
		free(one);
	}
}

static void close_wire(struct cluster *c)
{
	struct standalone *w = c->wire;

	w->calls = http_calls_free(w->calls);
	w->workers = map_free(w->workers);
	forget_workers(w);
	for (int i = 0; i < MASTERS_MAX; i++) {
		free(w->rest[i]);
		free(w->web[i]);
	}
	free(w);
	c->wire = NULL;
}

/* --- the list --- */

/* Also of those that are gone: their pages may still answer. */
static void know_worker(struct standalone *w, const struct jr *worker)
{
	const char *id = worker->type == JR_OBJECT ? jr_text(worker, "id", JR_STRING) : NULL;
	const char *web = id ? jr_text(worker, "webuiaddress", JR_STRING) : NULL;

	if (!web || map_get(w->workers, id))
		return;
	struct standalone_worker *one = xcalloc(1, sizeof *one);
	*one = (struct standalone_worker){ .next = w->all_workers, .id = xstrdup(id), .web = xstrdup(web) };
	w->all_workers = one;
	map_set(w->workers, one->id, one);
}

static void know_workers(struct standalone *w, const struct jr *workers)
{
	for (size_t i = 0; workers && workers->type == JR_ARRAY && i < workers->count; i++)
		know_worker(w, &workers->items[i]);
}

bool standalone_read_list(struct cluster *c, struct arena *a, const struct http_call_answer *answer,
			  const struct jr **ret)
{
	struct error e;

	if (answer->error.code != ERR_NONE || answer->status != 200 ||
	    !jr_parse(a, answer->body, answer->body_len, ret, &e) || (*ret)->type != JR_OBJECT ||
	    !str_eq(jr_text(*ret, "status", JR_STRING), "ALIVE"))
		return false;
	know_workers(c->wire, jr_get(*ret, "workers"));
	return true;
}

static void on_why(void *arg, const struct http_call_answer *answer);

/* The list says that a driver could not be started; why, only its status says. */
static void ask_why(struct cluster_app *app)
{
	struct standalone *w = app->of->wire;
	struct standalone_app *own = app->own;
	_sbuf_ struct sbuf path = SBUF_INIT(1024);

	if (own->call)
		return;
	sbuf_addf(&path, "/v1/submissions/status/%s", app->handle);
	own->call = standalone_get(app->of, w->rest[w->rest_at], sbuf_str(&path), 1 << 20, on_why, app);
}

/* What Spark says, without the stack below it, and not twice. */
static void shorten(const char *message, struct sbuf *to)
{
	static const char before[] = "Exception from the cluster:\n";

	if (str_starts(message, before))
		message += sizeof before - 1;
	sbuf_add(to, message, strcspn(message, "\n"));
}

static void on_why(void *arg, const struct http_call_answer *answer)
{
	_arena_ struct arena *a = arena_new(1 << 20);
	_sbuf_ struct sbuf why = SBUF_INIT(1 << 20);
	struct cluster_app *app = arg;
	struct standalone_app *own = app->own;
	struct standalone_reply reply = { .message = "" };

	own->call = NULL;
	if (answer->error.code != ERR_NONE)
		return; /* asked again with the next list */
	if (!standalone_read_reply(a, answer->body, answer->body_len, &reply))
		reply.message = "the master does not say why";
	sbuf_adds(&why, "the driver could not be started: ");
	shorten(reply.message, &why);
	cluster_saw(app->of, app->handle, NULL,
		    &(struct app_status){ .state = APP_FAILED, .exit_code = -1, .why = sbuf_str(&why) });
}

static const char *ui_url_of(const struct standalone *w, const char *app_id, struct sbuf *to)
{
	sbuf_addf(to, "%s/app/?appId=%s", w->web[w->web_at], app_id);
	return sbuf_str(to);
}

static bool see(struct cluster *c, struct arena *a, const struct jr *driver)
{
	struct app_status s = { .exit_code = -1, .started_ms = jr_int(driver, "starttime", 0) };
	const char *id = jr_text(driver, "id", JR_STRING), *word = jr_text(driver, "state", JR_STRING);
	const char *worker = jr_text(driver, "worker", JR_STRING);
	_sbuf_ struct sbuf log_url = SBUF_INIT(4096), ui_url = SBUF_INIT(4096);
	struct cluster_app *app = id ? map_get(c->by_handle, id) : NULL;

	(void)a;
	if (!app || app->phase != APP_WATCHED || !standalone_state(word, &s.state))
		return false;
	struct standalone_app *own = app->own;
	if (!own)
		own = app->own = xcalloc(1, sizeof *own);
	if (worker)
		(void)snprintf(own->worker, sizeof own->worker, "%s", worker);
	if (own->app_id[0]) {
		s.app_id = own->app_id;
		s.ui_url = ui_url_of(c->wire, own->app_id, &ui_url);
	}
	if (standalone_log_url(c, own->worker, id, "logPage/", "stderr", false, &log_url))
		s.log_url = sbuf_str(&log_url);
	if (str_eq(word, "ERROR")) {
		app->seen_round = c->round;
		ask_why(app);
		return false;
	}
	if (s.state == APP_FAILED)
		s.why = "the driver failed; its log says why";
	cluster_saw(c, id, NULL, &s);
	return s.log_url || !worker;
}

/* A worker that is known already needs no parsing, although its heartbeat makes it look new each time. */
static bool meet_workers(struct standalone *w, struct jslice workers)
{
	struct jscan s = jscan_in(workers.text, workers.len);
	struct jslice key, one, id;
	const struct jr *parsed;
	struct error e;

	while (jscan_next(&s, &key, &one)) {
		_sbuf_ struct sbuf name = SBUF_INIT(1024);

		if (*one.text != '{' || !jscan_member(one, "id", &id) || id.len < 2)
			continue;
		sbuf_add(&name, id.text + 1, id.len - 2);
		if (map_get(w->workers, sbuf_str(&name)))
			continue;
		_arena_ struct arena *a = arena_new(LIST_APP_MAX);
		if (!jr_parse(a, one.text, one.len, &parsed, &e))
			return false;
		know_worker(w, parsed);
	}
	return !s.bad;
}

/* {"status":"ALIVE","workers":[…],"activedrivers":[…],"completeddrivers":[…],…}: the workers first, as drivers are on them. */
static bool see_all(struct cluster *c, const struct http_call_answer *answer)
{
	static const char *const members[] = { "id", "state", "worker", "starttime", NULL };
	static const struct list_kind drivers = {
		.members = members, .ours_by_handle = true, .parse = jr_parse, .see = see
	};
	const struct jslice top = { answer->body, answer->body_len };
	struct standalone *w = c->wire;
	struct jslice status, workers, active, over;

	return jscan_member(top, "status", &status) && jscan_is(status, "\"ALIVE\"") &&
	       jscan_member(top, "workers", &workers) && jscan_member(top, "activedrivers", &active) &&
	       jscan_member(top, "completeddrivers", &over) && (!workers.text || meet_workers(w, workers)) &&
	       (!active.text || list_see_all(c, &drivers, (uint64_t)w->web_at, active)) &&
	       (!over.text || list_see_all(c, &drivers, (uint64_t)w->web_at, over));
}

static void ask_list(struct cluster *c);

static void on_list(void *arg, const struct http_call_answer *answer)
{
	struct cluster *c = arg;
	struct standalone *w = c->wire;
	struct error e;

	w->list = NULL;
	if (answer->error.code == ERR_NONE && answer->status == 200 && see_all(c, answer)) {
		w->web_answers = true;
		cluster_polled(c, NULL);
		return;
	}
	w->web_at = (w->web_at + 1) % w->count;
	if (++w->list_tries < w->count) {
		ask_list(c);
		return;
	}
	w->web_answers = false;
	(void)error_set(&e, ERR_UNAVAILABLE, "%s",
			answer->error.code ? answer->error.msg
					   : "no master is active, or its web page is not at `web`");
	cluster_polled(c, &e);
}

static void ask_list(struct cluster *c)
{
	struct standalone *w = c->wire;

	w->list = standalone_get(c, w->web[w->web_at], "/json/", STANDALONE_LIST_MAX, on_list, c);
}

static void poll_all(struct cluster *c)
{
	struct standalone *w = c->wire;

	w->list_tries = 0;
	ask_list(c);
}

/* --- one --- */

static const char *gate(const struct cluster *c, struct arena *a, const struct submission *s)
{
	(void)c;
	(void)a;
	return standalone_gate(s);
}

static const struct spec_pair *submit_conf(const struct cluster *c, struct arena *a, const struct cluster_job *job,
					   const char *tag, size_t *ret_count)
{
	struct spec_pair *pair = arena_alloc(a, sizeof *pair);

	(void)c;
	(void)job;
	*ret_count = pair != NULL;
	if (pair)
		*pair = (struct spec_pair){ STANDALONE_TAG_KEY, arena_strdup(a, tag) };
	return pair;
}

static void prepare(struct cluster_app *app, const struct submission *s)
{
	_arena_ struct arena *a = arena_new(4 * (size_t)STANDALONE_CREATE_MAX);
	const struct standalone_target to = { app->of->profile->master, app->of->profile->spark_version, app->tag };
	_sbuf_ struct sbuf body = SBUF_INIT(STANDALONE_CREATE_MAX);
	struct standalone_app *own = app->own = xcalloc(1, sizeof *own);

	if (!standalone_create_body(a, s, &to, &body)) {
		app_refused(app, ATTEMPT_NEVER_AGAIN, 0, "the submission is too large");
		return;
	}
	own->body_len = body.len;
	own->body = sbuf_take(&body);
	app_prepared(app, NULL);
}

static void submit(struct cluster_app *app);

/* Not this master; the next one, unless all were asked. */
static void ask_next_master(struct cluster_app *app, const char *why)
{
	struct standalone *w = app->of->wire;
	struct standalone_app *own = app->own;

	w->rest_at = (w->rest_at + 1) % w->count;
	if (++own->tries < w->count)
		submit(app);
	else if (w->web_answers)
		app_refused(app, ATTEMPT_BY_SUBMIT, 0,
			    "the master answers, but not its REST server: set spark.master.rest.enabled there (%.120s)",
			    why);
	else
		app_refused(app, ATTEMPT_WAIT, WAIT_MS, "no master answers: %.180s", why);
}

static void judge_reply(struct cluster_app *app, const struct http_call_answer *answer,
			const struct standalone_reply *reply)
{
	if (reply->success && reply->id)
		app_submitted(app, reply->id);
	else if (reply->standby)
		app_refused(app, ATTEMPT_WAIT, WAIT_MS, "no master is active now");
	else if (answer->status == 200 || answer->status == 400)
		app_refused(app, ATTEMPT_NEVER_AGAIN, 0, "the master refuses the job: %.200s", reply->message);
	else if (answer->status == 468)
		app_refused(app, ATTEMPT_BY_SUBMIT, 0, "the master speaks another version of the protocol");
	else
		app_doubtful(app, reply->message);
}

static void on_created(void *arg, const struct http_call_answer *answer)
{
	_arena_ struct arena *a = arena_new(1 << 20);
	struct cluster_app *app = arg;
	struct standalone *w = app->of->wire;
	struct standalone_app *own = app->own;
	struct standalone_reply reply;

	own->call = NULL;
	if (answer->error.code != ERR_NONE && !answer->sent)
		ask_next_master(app, answer->error.msg);
	else if (answer->error.code != ERR_NONE)
		app_doubtful(app, answer->error.msg);
	else if (answer->status == 401 || answer->status == 403)
		app_refused(app, ATTEMPT_NEVER_AGAIN, 0,
			    "the master does not let us in (%d): see auth and secret-file of the cluster",
			    answer->status);
	else if (answer->status == 404)
		app_refused(app, ATTEMPT_BY_SUBMIT, 0, "there is no REST server at %.120s", w->rest[w->rest_at]);
	else if (!standalone_read_reply(a, answer->body, answer->body_len, &reply))
		app_doubtful(app, "the master's answer cannot be read");
	else if (reply.standby && own->tries + 1 < w->count)
		ask_next_master(app, reply.message);
	else
		judge_reply(app, answer, &reply);
}

static void submit(struct cluster_app *app)
{
	struct standalone *w = app->of->wire;
	struct standalone_app *own = app->own;

	own->call = standalone_post(app->of, w->rest[w->rest_at], "/v1/submissions/create", own->body, own->body_len,
				    on_created, app);
}

static void on_looked(void *arg, const struct http_call_answer *answer)
{
	_arena_ struct arena *a = arena_new(1 << 20);
	_sbuf_ struct sbuf why = SBUF_INIT(1 << 20);
	struct cluster_app *app = arg;
	struct standalone *w = app->of->wire;
	struct standalone_app *own = app->own;
	struct app_status s = { .exit_code = -1 };
	struct standalone_reply reply;
	struct error e;

	own->call = NULL;
	if (answer->error.code != ERR_NONE || !standalone_read_reply(a, answer->body, answer->body_len, &reply) ||
	    reply.standby || (reply.success && !standalone_state(reply.driver_state, &s.state))) {
		w->rest_at = (w->rest_at + 1) % w->count;
		(void)error_set(&e, ERR_UNAVAILABLE, "no answer about the driver");
		app_looked(app, NULL, &e);
		return;
	}
	shorten(reply.message, &why);
	s.why = sbuf_str(&why);
	app_looked(app, reply.success ? &s : NULL, NULL);
}

static void look(struct cluster_app *app)
{
	struct standalone *w = app->of->wire;
	struct standalone_app *own = app->own;
	_sbuf_ struct sbuf path = SBUF_INIT(1024);

	if (!own)
		own = app->own = xcalloc(1, sizeof *own);
	sbuf_addf(&path, "/v1/submissions/status/%s", app->handle);
	own->call = standalone_get(app->of, w->rest[w->rest_at], sbuf_str(&path), 1 << 20, on_looked, app);
}

static void kill_one(struct cluster_app *app);

/* A master that is gone, or not active any more, did not take it: the next one is told at once, each one once. */
static void on_killed(void *arg, const struct http_call_answer *answer)
{
	_arena_ struct arena *a = arena_new(1 << 20);
	struct cluster_app *app = arg;
	struct standalone *w = app->of->wire;
	struct standalone_app *own = app->own;
	struct standalone_reply reply;

	own->kill = NULL;
	bool taken = answer->error.code == ERR_NONE &&
		     standalone_read_reply(a, answer->body, answer->body_len, &reply) && !reply.standby;
	if (!taken && w->rest_at == own->kill_at) /* unless another one's kill has moved us on */
		w->rest_at = (w->rest_at + 1) % w->count;
	if (!taken && ++own->kill_tries < w->count) {
		kill_one(app);
		return;
	}
	own->kill_tries = 0;
	app_killed(app);
}

static void kill_one(struct cluster_app *app)
{
	struct standalone *w = app->of->wire;
	struct standalone_app *own = app->own;
	_sbuf_ struct sbuf path = SBUF_INIT(1024);

	if (!own)
		own = app->own = xcalloc(1, sizeof *own);
	own->kill_at = w->rest_at;
	sbuf_addf(&path, "/v1/submissions/kill/%s", app->handle);
	own->kill = standalone_post(app->of, w->rest[w->rest_at], sbuf_str(&path), "", 0, on_killed, app);
}

static void cancel(struct cluster_app *app)
{
	struct standalone_app *own = app->own;

	if (!own)
		return;
	http_call_cancel(own->call);
	http_call_cancel(own->kill);
	http_call_cancel(own->log);
	free(own->body);
	free(own->candidates);
	free(own->candidate_workers);
	free(own);
	app->own = NULL;
}

const struct backend backend_standalone = {
	.name = "standalone",
	.reads_urls = true,
	.mine = mine,
	.open = open_wire,
	.close = close_wire,
	.gate = gate,
	.submit_conf = submit_conf,
	.prepare = prepare,
	.submit = submit,
	.find = standalone_find,
	.look = look,
	.kill = kill_one,
	.log = standalone_log,
	.cancel = cancel,
	.poll = poll_all,
};
