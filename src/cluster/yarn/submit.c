/*
 * One job on its way to YARN. backend.h's prepare() asks for an id; submit() does the rest, once the id is on the disk.
 */
#include "cluster/yarn/submit.h"
#include "base/json.h"
#include "base/str.h"
#include "cluster/hadoop/hdfs-token.h"
#include "cluster/yarn/archive.h"
#include "cluster/yarn/making.h"
#include "cluster/yarn/read.h"
#include "cluster/yarn/upload.h"
#include "http/call.h"
#include <stdio.h>
#include <string.h>

enum {
	MAKING_MAX = 64 * 1024 * 1024, /* bytes of one job on its way */
	ANSWER_MAX = 1 << 20,
	DIR_MODE = 0700,
};

/* The words of a RemoteException. */
static const char *words_of(struct arena *a, const struct http_call_answer *answer)
{
	const struct jr *top, *remote;
	struct error e;

	if (answer->error.code)
		return answer->error.msg;
	if (!jr_parse_answer(a, answer->body, answer->body_len, &top, &e) || top->type != JR_OBJECT)
		return "";
	remote = jr_get(top, "RemoteException");
	const char *words = remote && remote->type == JR_OBJECT ? jr_text(remote, "message", JR_STRING) : NULL;
	return words ? words : "";
}

/* A resource manager that is away, in standby, or starting: another one may not be. */
static bool is_away(const struct http_call_answer *answer)
{
	return (answer->error.code && !answer->sent) || answer->status == 307 || answer->status == 503;
}

static void refuse_manager(struct cluster_app *app, const struct http_call_answer *answer)
{
	_arena_ struct arena *a = arena_new(4 * (size_t)ANSWER_MAX);
	const char *words = words_of(a, answer);
	bool closed = answer->status == 401 || answer->status == 404 || answer->status == 405 ||
		      (answer->status == 403 && strstr(words, "disabled"));

	if (is_away(answer)) {
		yarn_next_manager(app->of);
		yarn_refuse(app, ATTEMPT_WAIT, YARN_WAIT_MS, "the resource manager gives no answer: %.180s", words);
		return;
	}
	yarn_refuse(app, closed ? ATTEMPT_BY_SUBMIT : ATTEMPT_NEVER_AGAIN, 0,
		    "the resource manager refuses it with status %d: %.180s", answer->status, words);
}

/* --- an id --- */

static void ask_id(struct cluster_app *app);

/* It gave none, for no fault of the job's: the next one is asked. When none is who it should be, waiting is in vain. */
static void next_for_id(struct cluster_app *app, const struct http_call_answer *answer)
{
	_arena_ struct arena *a = arena_new(4 * (size_t)ANSWER_MAX);
	const struct yarn *w = app->of->wire;
	struct yarn_making *m = yarn_making(app);

	if (answer->error.code == ERR_FORBIDDEN)
		m->unbelieved |= 1U << m->asked_at;
	bool in_vain = m->unbelieved == (1U << w->count) - 1;
	if (w->at == m->asked_at) /* unless another question has moved us on */
		yarn_next_manager(app->of);
	if (++m->asked < w->count)
		ask_id(app);
	else
		yarn_refuse(app, in_vain ? ATTEMPT_NEVER_AGAIN : ATTEMPT_WAIT, YARN_WAIT_MS,
			    "the resource manager gives no answer: %.180s", words_of(a, answer));
}

static void on_id(void *arg, const struct http_call_answer *answer)
{
	_arena_ struct arena *a = arena_new(4 * (size_t)ANSWER_MAX);
	struct cluster_app *app = arg;
	const struct jr *top;
	struct error e;
	const char *id = NULL;

	yarn_own(app)->call = NULL;
	if (!answer->error.code && answer->status == 200 &&
	    jr_parse_answer(a, answer->body, answer->body_len, &top, &e) && top->type == JR_OBJECT)
		id = jr_text(top, "application-id", JR_STRING);
	if (yarn_read_id(id))
		app_prepared(app, id);
	else if (answer->error.code || answer->status < 400 || answer->status >= 500)
		next_for_id(app, answer);
	else
		refuse_manager(app, answer);
}

static void ask_id(struct cluster_app *app)
{
	const struct yarn *w = app->of->wire;

	yarn_making(app)->asked_at = w->at;
	yarn_own(app)->call = yarn_ask(app->of,
				       &(struct yarn_question){ .method = "POST",
								.path = "apps/new-application",
								.as = yarn_as(app),
								.answer_max = ANSWER_MAX },
				       on_id, app);
}

static bool making_new(struct cluster_app *app, const struct submission *s, struct error *e)
{
	struct yarn_own *own = yarn_own(app);
	struct yarn_here *h = yarn_here(app);
	struct yarn_making *m = own->making = xcalloc(1, sizeof *m);
	_sbuf_ struct sbuf tags = SBUF_INIT(4096);
	const char *more;

	m->arena = arena_new(MAKING_MAX);
	if (!submission_copy(m->arena, s, &m->s, e) || !yarn_plan(m->arena, &m->s, &h->site, &m->plan, e))
		return false;
	if (m->s.proxy_user && !str_eq(m->s.proxy_user, h->user))
		own->as = xstrdup(m->s.proxy_user);
	more = submission_conf(&m->s, "spark.yarn.tags");
	sbuf_addf(&tags, "florus-%s,%s%s%s", cluster_instance(app->of), app->tag, more ? "," : "", more ? more : "");
	m->job = (struct yarn_job){ .s = &m->s,
				    .site = &h->site,
				    .plan = &m->plan,
				    .user = own->as ? own->as : h->user,
				    .us = h->user,
				    .tags = arena_strdup(m->arena, sbuf_str(&tags)) };
	return (m->job.tags && sbuf_ok(&tags)) || error_set(e, ERR_INVALID, "spark.yarn.tags is too long");
}

void yarn_prepare(struct cluster_app *app, const struct submission *s)
{
	struct error e;

	if (!making_new(app, s, &e)) {
		yarn_refuse(app, ATTEMPT_BY_SUBMIT, 0, "%s", e.msg);
		return;
	}
	ask_id(app);
}

/* --- the context --- */

static void on_posted(void *arg, const struct http_call_answer *answer)
{
	_arena_ struct arena *a = arena_new(4 * (size_t)ANSWER_MAX);
	struct cluster_app *app = arg;
	char handle[CLUSTER_HANDLE_MAX];

	yarn_own(app)->call = NULL;
	(void)snprintf(handle, sizeof handle, "%s", app->handle);
	bool odd = answer->status >= 500 || answer->status / 100 == 2; /* 503 and 200, too: they may be a proxy's */

	if (!answer->error.code && answer->status == 202) {
		yarn_making_end(app);
		app_submitted(app, handle);
	} else if ((answer->error.code && answer->sent) || odd) {
		char why[256];

		(void)snprintf(why, sizeof why, "no answer to the submission: %.200s", words_of(a, answer));
		yarn_making_end(app);
		yarn_next_manager(app->of);
		app_doubtful(app, why);
	} else {
		refuse_manager(app, answer);
	}
}

static void post(struct cluster_app *app)
{
	_sbuf_ struct sbuf xml = SBUF_INIT(YARN_CONTEXT_MAX);
	struct yarn_making *m = yarn_making(app);

	if (!yarn_context(&m->job, &xml)) {
		yarn_refuse(app, ATTEMPT_BY_SUBMIT, 0, "its context is over %d bytes", YARN_CONTEXT_MAX);
		return;
	}
	yarn_own(app)->call = yarn_ask(app->of,
				       &(struct yarn_question){ .method = "POST",
								.path = "apps",
								.as = yarn_as(app),
								.body = sbuf_str(&xml),
								.xml = true,
								.answer_max = ANSWER_MAX },
				       on_posted, app);
}

/* --- the token --- */

/* What only a name node gives: HttpFS and gateways have tokens of their own. */
static void keep_token(struct cluster_app *app, const char *text)
{
	struct yarn_making *m = yarn_making(app);
	struct hdfs_token token;

	if (!hdfs_token_read(text, &token) || !str_eq(token.kind, HDFS_TOKEN_KIND))
		yarn_refuse(app, ATTEMPT_BY_SUBMIT, 0, "WebHDFS there gives no tokens for HDFS itself");
	else if (!str_eq(token.owner, m->job.user))
		yarn_refuse(app, ATTEMPT_NEVER_AGAIN, 0, "HDFS takes %.64s for %.64s (florus.cluster.*.user)",
			    m->job.user, token.owner);
	else {
		m->job.token = arena_strdup(m->arena, text);
		m->job.token_service = arena_strdup(m->arena, token.service);
		if (m->job.token && m->job.token_service)
			post(app);
		else
			yarn_refuse(app, ATTEMPT_BY_SUBMIT, 0, "the submission is too large");
	}
}

static void on_token(void *arg, const struct hdfs_answer *answer)
{
	struct cluster_app *app = arg;

	yarn_making(app)->call = NULL;
	if (answer->error.code)
		yarn_refuse_files(app, &answer->error);
	else
		keep_token(app, answer->token);
}

/* The last thing before the context: YARN renews it from now on, and cancels it when the job ends. */
static void authorize(struct cluster_app *app)
{
	struct yarn_here *h = yarn_here(app);

	if (h->renewer)
		yarn_making(app)->call = hdfs_token(h->hdfs, h->renewer, h->token_service, yarn_as(app), on_token, app);
	else
		post(app);
}

/* --- the archive of the configuration --- */

static void on_conf_there(void *arg, const struct hdfs_answer *answer)
{
	struct cluster_app *app = arg;
	struct yarn_making *m = yarn_making(app);

	m->call = NULL;
	if (answer->error.code || !answer->yes) {
		yarn_refuse(app, ATTEMPT_WAIT, YARN_WAIT_MS, "the archive of its configuration is not there");
		return;
	}
	m->job.conf.size = answer->status.length;
	m->job.conf.mtime_ms = answer->status.modified_ms;
	authorize(app);
}

static void on_conf(void *arg, const struct hdfs_answer *answer)
{
	struct cluster_app *app = arg;
	struct yarn_making *m = yarn_making(app);

	m->call = NULL;
	if (answer->error.code)
		yarn_refuse_files(app, &answer->error);
	else
		m->call = hdfs_stat(yarn_here(app)->hdfs, m->job.conf.path, yarn_as(app), on_conf_there, app);
}

static void make_archive(struct cluster_app *app)
{
	_sbuf_ struct sbuf zip = SBUF_INIT(YARN_CONF_MAX);
	struct yarn_making *m = yarn_making(app);
	struct error e;

	m->job.conf = (struct yarn_file){ .path = yarn_in_staging(m, "__spark_conf__.zip"),
					  .link = "__spark_conf__",
					  .archive = true };
	if (!m->job.conf.path || !yarn_conf_archive(m->arena, app->of, &m->job, &zip, &e)) {
		yarn_refuse(app, ATTEMPT_BY_SUBMIT, 0, "its configuration is too large");
		return;
	}
	m->call = hdfs_put(yarn_here(app)->hdfs,
			   &(struct hdfs_put){ .path = m->job.conf.path,
					       .mode = YARN_FILE_MODE,
					       .bytes = sbuf_str(&zip),
					       .len = zip.len },
			   yarn_as(app), on_conf, app);
}

/* --- where --- */

static void on_dir(void *arg, const struct hdfs_answer *answer)
{
	struct cluster_app *app = arg;

	yarn_making(app)->call = NULL;
	if (answer->error.code)
		yarn_refuse_files(app, &answer->error);
	else
		yarn_upload(app, make_archive);
}

static void make_dir(struct cluster_app *app, const char *home)
{
	struct yarn_making *m = yarn_making(app);
	_sbuf_ struct sbuf path = SBUF_INIT(YARN_PATH_MAX);

	sbuf_addf(&path, "%s/" YARN_STAGING, home);
	m->base = arena_strdup(m->arena, sbuf_str(&path));
	sbuf_addf(&path, "/%s", app->handle);
	m->job.app_id = app->handle;
	m->job.staging = sbuf_ok(&path) ? arena_strdup(m->arena, sbuf_str(&path)) : NULL;
	if (!m->base || !m->job.staging)
		yarn_refuse(app, ATTEMPT_BY_SUBMIT, 0, "its directory in HDFS has too long a name");
	else
		m->call = hdfs_mkdirs(yarn_here(app)->hdfs, m->job.staging, DIR_MODE, yarn_as(app), on_dir, app);
}

static void on_home(void *arg, const struct hdfs_answer *answer)
{
	struct cluster_app *app = arg;

	yarn_making(app)->call = NULL;
	if (answer->error.code)
		yarn_refuse_files(app, &answer->error);
	else
		make_dir(app, answer->home);
}

void yarn_submit(struct cluster_app *app)
{
	struct yarn_making *m = yarn_making(app);
	const struct yarn_here *h = yarn_here(app);
	_sbuf_ struct sbuf home = SBUF_INIT(YARN_PATH_MAX);

	if (!h->staging_root) {
		m->call = hdfs_home(h->hdfs, yarn_as(app), on_home, app);
		return;
	}
	sbuf_addf(&home, "%s/%s", h->staging_root, m->job.user);
	make_dir(app, sbuf_str(&home));
}

const char *yarn_gate(const struct cluster *c, struct arena *a, const struct submission *s)
{
	const struct yarn *w = c->wire;
	struct yarn_plan plan;
	struct error e;

	if (!w->here)
		return w->no_native;
	if (submission_conf(s, "spark.yarn.stagingDir"))
		return "spark.yarn.stagingDir (florus.cluster.*.staging-dir is ours)";
	if (!yarn_plan(a, s, &w->here->site, &plan, &e))
		return arena_strdup(a, e.msg);
	for (size_t i = 0; i < plan.count; i++)
		if (plan.files[i].local && !plan.files[i].kept && !c->of->setup.open_file)
			return "files of this host, which only the job's user may read (florus.launch.run-as)";
	return NULL;
}
