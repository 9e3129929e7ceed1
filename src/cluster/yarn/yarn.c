/*
 * yarn - Hadoop's YARN, watched by its resource manager's REST API (docs/yarn.md): one GET per interval tells the
 * states of all. Jobs get there by submit.c, or by spark-submit, which leaves as soon as they are accepted.
 */
#include "base/str.h"
#include "cluster/hadoop/conf.h"
#include "cluster/hadoop/hdfs-read.h"
#include "cluster/list.h"
#include "cluster/yarn/here.h"
#include "cluster/yarn/log.h"
#include "cluster/yarn/making.h"
#include "cluster/yarn/read.h"
#include "cluster/yarn/submit.h"
#include "cluster/yarn/sweep.h"
#include "http/call.h"
#include "model/logview.h"
#include <stdio.h>
#include <string.h>

enum {
	LIST_MAX = 64 * 1024 * 1024,
	WHERE_MAX = 64 * 1024, /* URLs of resource managers */
};

/* --- where --- */

/* What its files say, if it has some. False: they cannot be read; ERR_NOT_FOUND: there are none. */
static bool read_conf(const struct profile *p, struct hadoop_conf **ret, struct error *e)
{
	const char *dir = hadoop_conf_dir(p->hadoop_conf_dir);

	return dir ? hadoop_conf_load(dir, ret, e) : error_set(e, ERR_NOT_FOUND, "nobody said where its files are");
}

/* Files that cannot be read make it ours, too: open_wire() says what is wrong with them. */
static bool mine(const struct profile *p)
{
	_arena_ struct arena *a = arena_new(WHERE_MAX);
	struct hadoop_conf *conf = NULL;
	struct error e;

	if (!str_starts(p->master, "yarn"))
		return false;
	if (p->rest)
		return true;
	bool ok = read_conf(p, &conf, &e) ? hadoop_rm_urls(conf, a) != NULL : e.code != ERR_NOT_FOUND;
	(void)hadoop_conf_free(conf);
	return ok;
}

/* --- requests --- */

static struct http_call *get(struct cluster *c, const char *path, size_t answer_max, http_call_done_fn *done, void *arg)
{
	return yarn_ask(c, &(struct yarn_question){ .method = "GET", .path = path, .answer_max = answer_max }, done,
			arg);
}

static bool read_answer(struct arena *a, const struct http_call_answer *answer, const struct jr **ret)
{
	struct error e;

	return answer->error.code == ERR_NONE && answer->status == 200 &&
	       jr_parse_answer(a, answer->body, answer->body_len, ret, &e) && (*ret)->type == JR_OBJECT;
}

/* Is it the resource manager itself that does not know the app, and not a proxy that does not know the page? */
static bool is_unknown(struct arena *a, const struct http_call_answer *answer)
{
	const struct jr *top;
	struct error e;

	return answer->error.code == ERR_NONE && answer->status == 404 &&
	       jr_parse_answer(a, answer->body, answer->body_len, &top, &e) && yarn_read_unknown(top);
}

static void say_why(const struct http_call_answer *answer, struct error *e)
{
	if (answer->error.code)
		*e = answer->error;
	else
		(void)error_set(e, ERR_UNAVAILABLE, "the resource manager answers with status %d", answer->status);
}

/* --- opening --- */

static bool add_managers(struct yarn *w, const char *urls, struct error *e)
{
	for (const char *p = urls; *p; p += strspn(p, ", ")) {
		size_t n = strcspn(p, ", ");

		if (!str_starts(p, "http://") && !str_starts(p, "https://"))
			return error_set(e, ERR_CONFIG, "%.*s is not a URL that begins with http:// or https://",
					 (int)n, p);
		if (w->count == YARN_MANAGERS_MAX)
			return error_set(e, ERR_CONFIG, "more than %d resource managers", YARN_MANAGERS_MAX);
		char *url = xcalloc(1, n + 1);

		memcpy(url, p, p[n - 1] == '/' ? n - 1 : n);
		w->managers[w->count++] = url;
		p += n;
	}
	return true;
}

/* By `rest`, or else by its files, which may have changed since mine() looked. */
static bool find_managers(struct yarn *w, const struct profile *p, struct error *e)
{
	_arena_ struct arena *a = arena_new(WHERE_MAX);

	bool read = read_conf(p, &w->conf, e);
	if (p->rest)
		return add_managers(w, p->rest, e);
	if (!read)
		return error_wrap(e, "without florus.cluster.%s.rest its files must say where YARN is", p->name);
	const char *urls = hadoop_rm_urls(w->conf, a);
	return urls ? add_managers(w, urls, e)
		    : error_set(e, ERR_CONFIG, "yarn-site.xml does not say any more where the resource manager is");
}

static void close_wire(struct cluster *c)
{
	struct yarn *w = c->wire;

	w->here = yarn_here_close(w->here);
	w->calls = http_calls_free(w->calls);
	for (int i = 0; i < w->count; i++)
		free(w->managers[i]);
	w->conf = hadoop_conf_free(w->conf);
	free(w->who);
	free(w->history);
	free(w);
	c->wire = NULL;
}

static bool open_wire(struct cluster *c, struct error *e)
{
	struct yarn *w = c->wire = xcalloc(1, sizeof *w);
	_sbuf_ struct sbuf who = SBUF_INIT(1024);
	const struct profile *p = c->profile;
	const char *origins[YARN_MANAGERS_MAX + 2] = { NULL };

	const char *user = yarn_user(p);

	if (user && p->auth == PROFILE_AUTH_NONE) {
		sbuf_adds(&who, "&user.name=");
		hdfs_encode(&who, user, false);
	}
	w->who = xstrdup(sbuf_str(&who));
	bool ok = find_managers(w, p, e) && yarn_log_find_history(w, p, e);
	for (int i = 0; i < w->count; i++)
		origins[i] = w->managers[i];
	origins[w->count] = w->history;
	ok = ok && http_calls_new(&(struct http_calls_options){ .loop = cluster_loop(c),
								.user_agent = "florus",
								.origins = origins,
								.ca_file = p->ca_file,
								.negotiate = p->auth == PROFILE_AUTH_NEGOTIATE },
				  &w->calls, e);
	if (ok)
		w->here = yarn_here_open(c, &w->no_native);
	if (ok && !w->here && p->launcher == LAUNCHER_NATIVE)
		ok = error_set(e, ERR_CONFIG,
			       "launcher is native, and would refuse every job: %s; mend that, or set launcher = auto",
			       w->no_native);
	if (!ok)
		close_wire(c);
	return ok;
}

/* --- the list --- */

/* Adopted after a restart: its directory in HDFS is another's, if it runs as another. */
static void know_user(struct cluster_app *app, const char *user)
{
	const struct yarn *w = app->of->wire;
	struct yarn_own *own = yarn_own(app);

	if (!own->as && w->here && !str_eq(user, w->here->user))
		own->as = xstrdup(user);
}

static bool see(struct cluster *c, struct arena *a, const struct jr *element)
{
	struct yarn_app found;

	if (!yarn_read_app(element, &found))
		return false;
	const char *tag = yarn_own_tag(a, found.tags, "florus-");
	struct cluster_app *app = map_get(c->by_handle, found.id);
	if (!app && tag)
		app = map_get(c->by_tag, tag);
	if (app && found.logs) {
		struct yarn_own *own = yarn_own(app);

		own->anew |= own->logs && !str_eq(own->logs, found.logs);
		free(own->logs);
		own->logs = xstrdup(found.logs);
		free(own->node);
		own->node = xstrdup(found.node);
	}
	if (app && found.user)
		know_user(app, found.user);
	cluster_saw(c, found.id, tag, &found.status);
	return true;
}

/*
 * {"apps":{"app":[…]}}, {"apps":null}, {"apps":{}}; one alone may be an object. Times and resources change all the
 * time, and do not count.
 */
static bool see_all(struct cluster *c, const struct http_call_answer *answer)
{
	static const char *const members[] = { "id",          "state",
					       "finalStatus", "applicationTags",
					       "trackingUrl", "amContainerLogs",
					       "startedTime", "finishedTime",
					       "diagnostics", "user",
					       NULL };
	static const struct list_kind kind = { .members = members, .parse = jr_parse_answer, .see = see };
	struct jslice apps, list = { 0 };

	return jscan_member((struct jslice){ answer->body, answer->body_len }, "apps", &apps) &&
	       (!apps.text || *apps.text != '{' || jscan_member(apps, "app", &list)) &&
	       (!list.text || (*list.text != '{' && *list.text != '[') || list_see_all(c, &kind, 0, list));
}

/* What of an app we do not read need not be sent. Older resource managers refuse the words that they do not know. */
static const char *const leave_out[] = {
	"&deSelects=resourceRequests,timeouts,appNodeLabelExpression,amNodeLabelExpression,resourceInfo",
	"&deSelects=resourceRequests",
	"",
};

static void ask_list(struct cluster *c);

static void on_list(void *arg, const struct http_call_answer *answer)
{
	struct cluster *c = arg;
	struct yarn *w = c->wire;
	struct error e;

	w->list = NULL;
	if (answer->error.code == ERR_NONE && answer->status == 200 && see_all(c, answer)) {
		cluster_polled(c, NULL);
		return;
	}
	if (answer->status == 400 && *leave_out[w->leaves]) {
		w->leaves++; /* it does not know these words */
		ask_list(c);
		return;
	}
	yarn_next_manager(c);
	if (++w->tries < w->count) {
		ask_list(c);
		return;
	}
	say_why(answer, &e);
	cluster_polled(c, &e);
}

static void ask_list(struct cluster *c)
{
	struct yarn *w = c->wire;
	_sbuf_ struct sbuf path = SBUF_INIT(256);

	sbuf_addf(&path, "apps?applicationTags=florus-%s%s", cluster_instance(c), leave_out[w->leaves]);
	w->list = get(c, sbuf_str(&path), LIST_MAX, on_list, c);
}

static void poll_all(struct cluster *c)
{
	struct yarn *w = c->wire;

	w->tries = 0;
	ask_list(c);
}

/* --- one --- */

static const struct spec_pair *submit_conf(const struct cluster *c, struct arena *a, const struct cluster_job *job,
					   const char *tag, size_t *ret_count)
{
	struct spec_pair *pairs = arena_alloc(a, 2 * sizeof *pairs);
	_sbuf_ struct sbuf tags = SBUF_INIT(256);

	(void)job;
	*ret_count = 0;
	if (!pairs)
		return NULL;
	sbuf_addf(&tags, "florus-%s,%s", cluster_instance(c), tag);
	pairs[(*ret_count)++] = (struct spec_pair){ "spark.yarn.tags", arena_strdup(a, sbuf_str(&tags)) };
	pairs[(*ret_count)++] = (struct spec_pair){ "spark.yarn.submit.waitAppCompletion", "false" };
	return pairs;
}

static void on_found(void *arg, const struct http_call_answer *answer)
{
	_arena_ struct arena *a = arena_new(1 << 22);
	struct cluster_app *app = arg;
	const struct jr *top;
	struct yarn_app found;
	struct error e;

	yarn_own(app)->call = NULL;
	if (app->handle[0] && is_unknown(a, answer)) {
		if (app->answers > 0)
			yarn_clean(app);
		app_found(app, NULL, NULL);
		return;
	}
	if (!read_answer(a, answer, &top)) {
		yarn_next_manager(app->of);
		say_why(answer, &e);
		app_found(app, NULL, &e);
		return;
	}
	switch (yarn_read_found(top, &found)) {
	case YARN_THERE:
		app_found(app, found.id, NULL);
		return;
	case YARN_NOT_THERE:
		app_found(app, NULL, NULL);
		return;
	case YARN_UNREADABLE:
		(void)error_set(&e, ERR_UNAVAILABLE, "the resource manager's answer cannot be read");
		app_found(app, NULL, &e);
		return;
	}
}

static void find(struct cluster_app *app)
{
	const struct yarn *w = app->of->wire;
	_sbuf_ struct sbuf path = SBUF_INIT(512);

	if (app->handle[0])
		sbuf_addf(&path, "apps/%s", app->handle);
	else
		sbuf_addf(&path, "apps?applicationTags=%s%s", app->tag,
			  leave_out[w->leaves]); /* lists find out which */
	yarn_own(app)->call = get(app->of, sbuf_str(&path), 1 << 20, on_found, app);
}

static void on_looked(void *arg, const struct http_call_answer *answer)
{
	_arena_ struct arena *a = arena_new(1 << 22);
	struct cluster_app *app = arg;
	struct yarn_app found;
	const struct jr *top, *one;
	struct error e;

	yarn_own(app)->call = NULL;
	if (is_unknown(a, answer)) {
		app_looked(app, NULL, NULL);
	} else if (read_answer(a, answer, &top) && (one = jr_get(top, "app")) && yarn_read_app(one, &found)) {
		app_looked(app, &found.status, NULL);
	} else {
		yarn_next_manager(app->of);
		say_why(answer, &e);
		app_looked(app, NULL, &e);
	}
}

static void look(struct cluster_app *app)
{
	_sbuf_ struct sbuf path = SBUF_INIT(512);

	sbuf_addf(&path, "apps/%s", app->handle);
	yarn_own(app)->call = get(app->of, sbuf_str(&path), 1 << 20, on_looked, app);
}

/* A resource manager that is gone did not take it. */
static void on_killed(void *arg, const struct http_call_answer *answer)
{
	struct cluster_app *app = arg;
	struct yarn *w = app->of->wire;
	struct yarn_own *own = yarn_own(app);

	own->kill = NULL;
	bool taken = answer->error.code == ERR_NONE && answer->status < 500;
	if (!taken && w->at == own->kill_at) /* unless another question has moved us on */
		yarn_next_manager(app->of);
	if (taken)
		app_killed(app);
	else
		app_not_killed(app, w->count);
}

static void kill_one(struct cluster_app *app)
{
	struct yarn *w = app->of->wire;
	struct yarn_own *own = yarn_own(app);
	_sbuf_ struct sbuf path = SBUF_INIT(512);

	own->kill_at = w->at;
	sbuf_addf(&path, "apps/%s/state", app->handle);
	own->kill = yarn_ask(app->of,
			     &(struct yarn_question){ .method = "PUT",
						      .path = sbuf_str(&path),
						      .body = "{\"state\":\"KILLED\"}",
						      .answer_max = 1 << 20 },
			     on_killed, app);
}

/* --- the end --- */

static void cancel(struct cluster_app *app)
{
	struct yarn_own *own = app->own;

	if (!own)
		return;
	yarn_making_end(app);
	http_call_cancel(own->call);
	http_call_cancel(own->kill);
	http_call_cancel(own->log);
	free(own->logs);
	free(own->as);
	free(own->node);
	free(own);
	app->own = NULL;
}

const struct backend backend_yarn = {
	.name = "yarn",
	.diagnostics_head = LOGVIEW_YARN,
	.mine = mine,
	.open = open_wire,
	.close = close_wire,
	.gate = yarn_gate,
	.submit_conf = submit_conf,
	.prepare = yarn_prepare,
	.submit = yarn_submit,
	.find = find,
	.look = look,
	.kill = kill_one,
	.log = yarn_log,
	.clean = yarn_clean,
	.cancel = cancel,
	.poll = poll_all,
};
