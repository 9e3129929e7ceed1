/*
 * standalone - Spark's own cluster manager, by its REST server (port 6066) and its web pages (docs/standalone.md).
 *
 * What becomes of one app. A question goes to the master that answered last; one that is not active sends it to the
 * next.
 */
#include "base/str.h"
#include "cluster/standalone/create.h"
#include "cluster/standalone/wire.h"
#include <stdio.h>
#include <string.h>

enum { WAIT_MS = 1000 };

static bool mine(const struct profile *p)
{
	return str_starts(p->master, "spark://");
}

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
	struct standalone_app *own = standalone_own(app);

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

	standalone_next_rest(w);
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
		standalone_next_rest(w);
		(void)error_set(&e, ERR_UNAVAILABLE, "no answer about the driver");
		app_looked(app, NULL, &e);
		return;
	}
	standalone_read_why(reply.message, &why);
	s.why = sbuf_str(&why);
	app_looked(app, reply.success ? &s : NULL, NULL);
}

static void look(struct cluster_app *app)
{
	standalone_ask_status(app, on_looked);
}

/* A master that is gone, or not active any more, did not take it. */
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
		standalone_next_rest(w);
	if (taken)
		app_killed(app);
	else
		app_not_killed(app, w->count);
}

static void kill_one(struct cluster_app *app)
{
	struct standalone *w = app->of->wire;
	struct standalone_app *own = standalone_own(app);
	_sbuf_ struct sbuf path = SBUF_INIT(1024);

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
	.open = standalone_open,
	.close = standalone_close,
	.gate = gate,
	.submit_conf = submit_conf,
	.prepare = prepare,
	.submit = submit,
	.find = standalone_find,
	.look = look,
	.kill = kill_one,
	.log = standalone_log,
	.cancel = cancel,
	.poll = standalone_poll,
};
