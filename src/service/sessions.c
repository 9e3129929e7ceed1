/*
 * sessions - their life beside that of their jobs: made when the job is, told of by the driver, ended when unused.
 */
#include "base/clock.h"
#include "base/log.h"
#include "base/map.h"
#include "base/str.h"
#include "auth/secret.h"
#include "model/hostport.h"
#include "service/sessions-priv.h"
#include "service/uploads.h"
#include <stdio.h>
#include <string.h>

enum { TICK_MS = 1000, TEXT_MAX = 1024, KEY_MAX = 24 };

/* As text, for the map. For each request, so not by printf. */
static const char *key_of(int64_t id, char to[KEY_MAX])
{
	uint64_t rest = (uint64_t)id;
	char *at = to + KEY_MAX - 1;

	*at = '\0';
	do
		*--at = (char)('0' + rest % 10);
	while (rest /= 10);
	return at;
}

struct session *session_by_id(const struct sessions *s, int64_t id)
{
	char key[KEY_MAX];

	return map_get(s->by_id, key_of(id, key));
}

/*
 * Asked once for what is stored: from then on a wall clock that is set changes nothing. Of a time in the future, it is
 * now.
 */
static int64_t on_our_clock(int64_t wall_ms)
{
	int64_t ago_ms = clock_wall_ms() - wall_ms;

	return clock_now_ms() - (ago_ms > 0 ? ago_ms : 0);
}

void session_used_at(struct session *en, int64_t wall_ms)
{
	int64_t at_ms = on_our_clock(wall_ms);

	if (at_ms > en->used_ms)
		en->used_ms = at_ms;
}

static void session_free(struct session *en)
{
	char key[KEY_MAX];

	map_del(en->of->by_id, key_of(en->id, key));
	if (en->channel)
		channel_close(en->channel);
	questions_end_all(en);
	jobs_free_all(en);
	statements_free_all(en);
	free(en->kind);
	free(en->app_id);
	free(en->ui_url);
	free(en->fault);
	free(en);
}

/* --- secrets --- */

static bool prove(void *arg, int64_t id, const char *text, char to[CHANNEL_PROOF_HEX + 1])
{
	struct sessions *s = arg;
	const struct batch *job = batches_by_id(s->jobs, id);
	char secret[SECRET_DIGEST_HEX + 1];
	struct digest d;

	if (!job || !session_by_id(s, id))
		return false;
	session_secret(s, id, job->nonce, secret);
	secret_hmac(secret, SECRET_DIGEST_HEX, text, strlen(text), &d);
	secret_to_hex(&d, to);
	return true;
}

/* --- the driver --- */

static void set_text(char **to, const struct jr *message, const char *key)
{
	const char *text = jr_text(message, key, JR_STRING);

	if (!text || strlen(text) > TEXT_MAX)
		return;
	free(*to);
	*to = xstrdup(text);
}

static bool is_spare(const struct session *en)
{
	const struct batch *job = batches_by_id(en->of->jobs, en->id);

	return job && job->spare;
}

static void take_state(struct session *en, const struct jr *message, bool hello)
{
	const char *state = jr_text(message, "state", JR_STRING);
	enum driver_state driver;
	_free_ char *reason = NULL;

	if (en->fault || !state || !driver_state_parse(state, &driver))
		return;
	set_text(&en->app_id, message, "app_id");
	set_text(&en->ui_url, message, "ui");
	set_text(&reason, message, "reason");
	if (driver == DRIVER_ERROR && en->driver != DRIVER_ERROR)
		log_warn("session failed to start", LOG_INT("session", en->id), LOG_STR("reason", reason));
	if (driver == DRIVER_IDLE && !en->ready && is_spare(en))
		spares_ready(en->of->spares, en->id);
	if (driver == DRIVER_IDLE && en->app_id)
		batches_set_app_id(en->of->jobs, en->id, en->app_id);
	/* One that was up before it came to us has been idle for longer. */
	if (!hello && driver == DRIVER_IDLE && en->driver == DRIVER_STARTING)
		en->touched_ms = en->used_ms = clock_now_ms();
	en->driver = driver;
	en->ready = en->ready || driver == DRIVER_IDLE;
	batches_forget_view(en->of->jobs, en->id);
}

/* Here the shim ends it; elsewhere nobody else does. It hangs up itself, as it may hear nothing after we have. */
static void end_driver(struct session *en)
{
	if (!en->channel)
		return; /* told when it comes */
	if (channel_is_network(en->channel))
		session_send_about(en, "shutdown", 0);
	else if (state_is_final(en->job) || en->fault)
		channel_close(en->channel);
}

/*
 * A driver that comes before its statements were read is sent away: it dials anew. One that is not wanted any more is
 * told so.
 */
static void up(void *arg, int64_t id, struct channel *c, const struct jr *hello)
{
	struct sessions *s = arg;
	struct session *en = session_by_id(s, id);

	if (!en || !en->loaded) {
		channel_close(c);
		return;
	}
	if (en->fault || en->job == STATE_KILLING || state_is_final(en->job)) {
		en->channel = c;
		end_driver(en);
		return;
	}
	questions_end_all(en); /* what the old connection was asked is not known to be heard */
	jobs_disconnect(en);
	en->channel = c;
	take_state(en, hello, true);
	statements_send_all(en);
}

static void down(void *arg, int64_t id)
{
	struct session *en = session_by_id(arg, id);

	if (!en)
		return;
	en->channel = NULL;
	questions_end_all(en);
	jobs_disconnect(en);
}

static void message(void *arg, int64_t id, const char *type, const struct jr *m, struct sbuf *text)
{
	struct session *en = session_by_id(arg, id);

	if (!en)
		return;
	if (str_eq(type, "state"))
		take_state(en, m, false);
	else if (str_eq(type, "completion") || str_eq(type, "added"))
		questions_take(en, m);
	else if (str_eq(type, "job"))
		jobs_take(en, m, text);
	else
		statements_take(en, type, m, text);
}

static void refused(void *arg, int64_t id, const char *why)
{
	struct session *en = session_by_id(arg, id);

	if (en)
		session_end_faulty(en, why);
}

/* --- the job --- */

static bool read_ms(const char *text, int64_t *to)
{
	return !text || str_to_ms(text, 1, to);
}

/* What the request says of the session itself. */
static void read_request(struct session *en, const struct batch *job)
{
	_arena_ struct arena *a = arena_new(SPEC_ARENA_MAX);
	const struct config *c = en->of->config;
	struct spec spec;
	struct error e;

	if (!job->request || !spec_parse(a, SPEC_SESSION, job->request, strlen(job->request), NULL, &spec, &e))
		return;
	free(en->kind);
	en->kind = xstrdup(spec.kind);
	en->heartbeat_ms = 1000LL * spec.heartbeat_s;
	en->ttl_ms = c->livy_server_session_ttl_check ? c->livy_server_session_ttl_ms : 0;
	en->idle_ms = c->livy_server_session_timeout_check ? c->livy_server_session_timeout_ms : 0;
	(void)read_ms(spec.ttl, &en->ttl_ms);
	(void)read_ms(spec.idle_timeout, &en->idle_ms);
}

static struct session *make(struct sessions *s, const struct batch *job)
{
	struct session *en = xcalloc(1, sizeof *en);

	en->of = s;
	en->id = job->id;
	en->kind = xstrdup("shared");
	en->last = &en->first;
	en->created_ms = on_our_clock(job->created_ms);
	/* Nobody could be heard while we were away: heartbeats count from now. When it was used last is known. */
	en->touched_ms = clock_now_ms();
	en->used_ms = INT64_MIN;
	session_used_at(en, job->started_ms ? job->started_ms : job->created_ms);
	/* Only one that was ready has an application: so it is still, though its driver has yet to dial anew. */
	en->app_id = xstrdup(job->app_id);
	en->ready = job->app_id != NULL;
	en->driver = en->ready ? DRIVER_IDLE : DRIVER_STARTING;
	map_set(s->by_id, key_of(en->id, en->key), en);
	read_request(en, job);
	statements_load(en);
	return en;
}

/* Told of each job when it appears and whenever its state changes. */
static void changed(void *arg, const struct batch *job)
{
	struct sessions *s = arg;
	struct session *en = session_by_id(s, job->id);

	if (!en && !state_is_final(job->state))
		en = make(s, job);
	if (!en)
		return;
	if (job->state == STATE_RUNNING && !en->starting_ms)
		en->starting_ms = clock_now_ms();
	en->job = job->state;
	if (job->spare)
		spares_changed(s->spares, job);
	if (job->state == STATE_KILLING || state_is_final(job->state))
		end_driver(en);
	if (!state_is_final(job->state))
		return;
	questions_end_all(en);
	jobs_end_all(en);
	statements_end_all(en);
}

/* Nobody could use it until now. */
static void claimed(void *arg, const struct batch *job)
{
	struct session *en = session_by_id(arg, job->id);

	if (!en)
		return;
	read_request(en, job);
	en->created_ms = on_our_clock(job->created_ms);
	en->touched_ms = en->used_ms = clock_now_ms();
}

static int64_t find_spare(void *arg, const struct batch *wanted, const struct spec *spec)
{
	const struct sessions *s = arg;

	return spares_find(s->spares, wanted, spec);
}

static void gone(void *arg, int64_t id)
{
	struct session *en = session_by_id(arg, id);

	if (en)
		session_free(en);
}

/* --- what goes unused --- */

static void stopped(void *arg, const struct error *e)
{
	(void)arg, (void)e; /* not yet: the next tick tries again */
}

static void look_after_spare(void *arg, const struct batch *job)
{
	struct session *en = session_by_id(arg, job->id);

	if (!en)
		return;
	session_end_if_late(en, clock_now_ms());
	statements_load(en); /* if that failed */
}

static void tick(void *arg)
{
	struct sessions *s = arg;
	int64_t now_ms = clock_now_ms();

	batches_each_spare(s->jobs, look_after_spare, s);
	spares_tick(s->spares);
	for (int64_t i = 0; i < batches_count(s->jobs); i++) {
		const struct batch *job = batches_at(s->jobs, i);
		struct session *en = session_by_id(s, job->id);
		const char *why = en && job->state == STATE_RUNNING ? session_overdue(en, now_ms) : NULL;

		if (en) {
			session_end_if_late(en, now_ms);
			questions_expire(en, now_ms);
			jobs_expire(en, now_ms);
			statements_load(en); /* if that failed */
		}
		if (en && state_is_final(job->state))
			statements_end_all(en); /* if that failed */
		if (!why)
			continue;
		log_info("session ended: unused for too long", LOG_INT("session", en->id), LOG_STR("limit", why));
		batches_kill(s->jobs, job->id, stopped, NULL);
	}
}

/* --- what clients see --- */

struct session_view sessions_view(const struct sessions *s, const struct batch *job)
{
	const struct session *en = session_by_id(s, job->id);
	bool reading = en && en->ready && !en->loaded; /* after a restart: does one of its statements run? */

	return (struct session_view){
		.state = session_state_name(job->state, en && (en->loaded || reading) ? en->driver : DRIVER_STARTING,
					    en && (en->unfinished > 0 || reading)),
		.app_id = en ? en->app_id : job->app_id,
		.ui_url = en ? en->ui_url : NULL,
	};
}

void sessions_touch(struct sessions *s, const struct batch *job)
{
	struct session *en = session_by_id(s, job->id);

	if (en)
		en->touched_ms = clock_now_ms();
}

void sessions_use(struct sessions *s, const struct batch *job)
{
	struct session *en = session_by_id(s, job->id);

	if (en)
		en->touched_ms = en->used_ms = clock_now_ms();
}

struct batches *sessions_jobs(const struct sessions *s)
{
	return s->jobs;
}

/* --- life --- */

bool sessions_check(const struct config *c, struct error *e)
{
	return spares_check(c, e);
}

/* Where drivers of other hosts come in, if any may. */
static bool find_door(const struct config *c, char host[HOSTPORT_HOST_MAX], struct channels_setup *to, struct error *e)
{
	const char *told = c->florus_session_address, *listen = c->florus_session_listen;

	if (str_empty(told))
		return true;
	if (!hostport_parse(str_empty(listen) ? told : listen, host, &to->network_port))
		return error_set(e, ERR_CONFIG, "florus.session.address: no host:port");
	to->network_host = host;
	return true;
}

bool sessions_new(const struct sessions_setup *setup, struct sessions **ret, struct error *e)
{
	struct sessions *s = xcalloc(1, sizeof *s);
	struct digest name;
	char hex[SECRET_DIGEST_HEX + 1], host[HOSTPORT_HOST_MAX];

	s->loop = setup->loop;
	s->config = setup->config;
	s->store = setup->store;
	s->key = xstrdup(setup->key);
	s->driver = xstrdup(setup->driver);
	s->by_id = map_new();
	s->timer = loop_timer_new(s->loop, tick, s);

	/* The same at every start of this state directory, since drivers outlive us; and not the key itself. */
	_sbuf_ struct sbuf text = SBUF_INIT(TEXT_MAX);
	sbuf_addf(&text, "socket\n%s", s->key);
	secret_sha256(text.data, text.len, &name);
	secret_to_hex(&name, hex);
	sbuf_clear(&text);
	sbuf_addf(&text, "florus-%.32s", hex);
	s->socket_name = sbuf_take(&text);

	struct channels_setup channels = { .name = s->socket_name,
					   .dirfd = setup->dirfd,
					   .arg = s,
					   .prove = prove,
					   .up = up,
					   .message = message,
					   .refused = refused,
					   .down = down };
	const struct batches_kind kind = { .noun = "session",
					   .type = SPEC_SESSION,
					   .keeps_request = true,
					   .max_running = s->config->florus_session_max,
					   .max_per_user = s->config->florus_session_max_per_user,
					   .complete = session_complete,
					   .changed = changed,
					   .find_spare = find_spare,
					   .claimed = claimed,
					   .gone = gone,
					   .explain = session_explain,
					   .arg = s };
	const struct batches_setup jobs = { .loop = setup->loop,
					    .config = setup->config,
					    .env = setup->env,
					    .store = setup->store,
					    .runner = setup->runner,
					    .run_dirfd = setup->run_dirfd,
					    .access = setup->access,
					    .kind = &kind,
					    .fatal = setup->fatal,
					    .fatal_arg = setup->fatal_arg };
	if (!spares_new(s, &s->spares, e) || !find_door(s->config, host, &channels, e) ||
	    !channels_new(s->loop, &channels, &s->channels, e) || !batches_new(&jobs, &s->jobs, e)) {
		(void)sessions_free(s);
		return false;
	}
	loop_timer_set(s->timer, TICK_MS, TICK_MS);
	*ret = s;
	return true;
}

void sessions_stop(struct sessions *s)
{
	s->stopping = true;
	loop_timer_stop(s->timer);
	for (int64_t i = 0; i < batches_count(s->jobs); i++) {
		struct session *en = session_by_id(s, batches_at(s->jobs, i)->id);

		if (en) {
			questions_end_all(en);
			jobs_disconnect(en);
		}
	}
	uploads_stop(s);
	statements_stop(s);
	batches_stop(s->jobs);
}

struct sessions *sessions_free(struct sessions *s)
{
	if (!s)
		return NULL;
	s->jobs = batches_free(s->jobs); /* the sessions go with them, and hang up */
	s->channels = channels_free(s->channels);
	s->by_id = map_free(s->by_id);
	s->spares = spares_free(s->spares);
	s->timer = loop_timer_free(s->timer);
	free(s->key);
	free(s->driver);
	free(s->socket_name);
	free(s);
	return NULL;
}
