#include "cluster/hadoop/hdfs.h"
#include "base/sbuf.h"
#include "base/str.h"
#include "cluster/hadoop/hdfs-read.h"
#include "cluster/hadoop/hdfs-token.h"
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/queue.h>

enum {
	ANSWER_MAX = 64 * 1024,
	ARENA_MAX = 1 << 20,
	MORE_MAX = 4 * HDFS_PATH_MAX, /* bytes of an operation's own parameters */
	SHOWN_MAX = 160,              /* bytes of a path that people are shown */
};

TAILQ_HEAD(calls, hdfs_call);

struct hdfs {
	struct http_calls *http;
	struct loop *loop;
	char *nodes[HDFS_NODES_MAX];
	int count, at; /* which answered last */
	char *user;
	struct calls all;
};

/* What distinguishes the operations. */
struct op {
	const char *method, *name, *doing;
	bool once; /* not to be repeated when it may have been carried out */
	bool (*read)(const struct jr *top,
		     struct hdfs_answer *ret); /* its answer; NULL: that of a name node, for put */
};

struct hdfs_call {
	TAILQ_ENTRY(hdfs_call) entry;
	struct hdfs *of;
	const struct op *op;
	char *path, *target;
	int node, tries; /* name nodes that were asked */
	int puts;        /* data nodes that did not answer */
	struct http_call *call;
	struct loop_timer *soon; /* it was refused here */
	struct hdfs_answer answer;
	void *bytes; /* of a put */
	size_t len;
	int fd;
	int64_t fd_len;
	hdfs_done_fn *done;
	void *arg;
};

/* --- ends --- */

static void dispose(struct hdfs_call *call)
{
	http_call_cancel(call->call);
	(void)loop_timer_free(call->soon);
	closep(&call->fd);
	free(call->bytes);
	free(call->target);
	free(call->path);
	free(call);
}

void hdfs_cancel(struct hdfs_call *call)
{
	if (!call)
		return;
	TAILQ_REMOVE(&call->of->all, call, entry);
	dispose(call);
}

/* With call->answer. Afterwards also `of` may be gone. */
static void finish(struct hdfs_call *call)
{
	if (call->answer.error.code)
		(void)error_wrap(&call->answer.error, "HDFS: %s %.*s", call->op->doing, SHOWN_MAX, call->path);
	TAILQ_REMOVE(&call->of->all, call, entry);
	call->done(call->arg, &call->answer);
	dispose(call);
}

static void fail(struct hdfs_call *call, const struct error *e)
{
	call->answer = (struct hdfs_answer){ .error = *e };
	finish(call);
}

static void on_soon(void *arg)
{
	finish(arg);
}

/* Before anything was asked: `done` comes later. */
static void refuse(struct hdfs_call *call, const struct error *e)
{
	call->answer.error = *e;
	call->soon = loop_timer_new(call->of->loop, on_soon, call);
	loop_timer_set(call->soon, 0, 0);
}

/* --- questions to name nodes --- */

static const char *const headers[] = { "X-XSRF-HEADER: 1", "Content-Type: application/octet-stream", NULL };

static void on_answer(void *arg, const struct http_call_answer *answer);

static void ask(struct hdfs_call *call)
{
	struct hdfs *h = call->of;
	_sbuf_ struct sbuf url = SBUF_INIT(HTTP_CALL_URL_MAX);

	sbuf_addf(&url, "%s%s", h->nodes[call->node], call->target);
	call->call = http_call(h->http,
			       &(struct http_call_request){ .method = call->op->method,
							    .url = sbuf_str(&url),
							    .headers = headers,
							    .timeout_ms = HDFS_TIMEOUT_MS,
							    .answer_max = ANSWER_MAX,
							    .redirects_max = call->op->read ? HDFS_REDIRECTS_MAX : 0 },
			       on_answer, call);
}

/* Why it was not done, and whether another name node may be asked. */
static bool explain(struct arena *a, const struct http_call_answer *answer, const struct jr *top, bool once,
		    struct error *e)
{
	struct hdfs_refusal refusal;

	if (answer->error.code) {
		*e = answer->error;
		return e->code == ERR_UNAVAILABLE && !(once && answer->sent);
	}
	if (top && hdfs_read_refusal(a, top, &refusal)) {
		(void)error_set(e, refusal.code, "%s", refusal.message);
		return refusal.elsewhere;
	}
	if (answer->status == 401 || answer->status == 403)
		return error_set(e, ERR_FORBIDDEN, "status %d: it does not let us in", answer->status);
	(void)error_set(e, ERR_UNAVAILABLE, "status %d, and not in the words of WebHDFS", answer->status);
	return answer->status >= 500 && !once;
}

static void send_bytes(struct hdfs_call *call, const char *location);

/* {"Location":…}, or in the manner of old servers, and of HttpFS, a redirect. */
static const char *location_of(const struct http_call_answer *answer, const struct jr *top)
{
	if (answer->status == 307)
		return answer->location;
	return answer->status == 200 && top && top->type == JR_OBJECT ? jr_text(top, "Location", JR_STRING) : NULL;
}

/* True: it is an answer to the question, by which the call ended or goes on. */
static bool take(struct hdfs_call *call, const struct http_call_answer *answer, const struct jr *top)
{
	if (!call->op->read) {
		const char *url = location_of(answer, top);

		if (!str_empty(url))
			send_bytes(call, url);
		return !str_empty(url);
	}
	call->answer = (struct hdfs_answer){ 0 };
	if (answer->status != 200 || !top || !call->op->read(top, &call->answer))
		return false;
	finish(call);
	return true;
}

static bool is_absent(struct arena *a, const struct hdfs_call *call, const struct http_call_answer *answer,
		      const struct jr *top)
{
	struct hdfs_refusal refusal;

	return str_eq(call->op->name, "GETFILESTATUS") && answer->status == 404 && top &&
	       hdfs_read_refusal(a, top, &refusal) && refusal.code == ERR_NOT_FOUND;
}

static void on_answer(void *arg, const struct http_call_answer *answer)
{
	_arena_ struct arena *a = arena_new(ARENA_MAX);
	struct hdfs_call *call = arg;
	struct hdfs *h = call->of;
	const struct jr *top = NULL;
	struct error e;

	call->call = NULL;
	if (answer->error.code || !jr_parse_answer(a, answer->body, answer->body_len, &top, &e))
		top = NULL;
	int node = call->node, before = h->at;
	h->at = node;
	if (answer->error.code == ERR_NONE && take(call, answer, top))
		return;
	if (answer->error.code == ERR_NONE && is_absent(a, call, answer, top)) {
		call->answer = (struct hdfs_answer){ .yes = false };
		finish(call);
		return;
	}
	bool elsewhere = explain(a, answer, top, call->op->once, &e);
	if (!elsewhere) {
		fail(call, &e);
		return;
	}
	h->at = before;
	call->node = (node + 1) % h->count;
	if (++call->tries < h->count)
		ask(call);
	else
		fail(call, &e);
}

/* --- bytes to data nodes --- */

static void on_sent(void *arg, const struct http_call_answer *answer)
{
	_arena_ struct arena *a = arena_new(ARENA_MAX);
	struct hdfs_call *call = arg;
	const struct jr *top = NULL;
	struct error e;

	call->call = NULL;
	if (answer->error.code == ERR_NONE && (answer->status == 201 || answer->status == 200)) {
		call->answer = (struct hdfs_answer){ .yes = true };
		finish(call);
		return;
	}
	if (answer->error.code == ERR_UNAVAILABLE && ++call->puts < HDFS_PUTS_MAX) {
		call->tries = 0;
		ask(call); /* the name node may choose another one */
		return;
	}
	if (answer->error.code || !jr_parse_answer(a, answer->body, answer->body_len, &top, &e))
		top = NULL;
	(void)explain(a, answer, top, true, &e);
	if (answer->error.code)
		(void)error_wrap(&e, "a data node");
	fail(call, &e);
}

static void send_bytes(struct hdfs_call *call, const char *location)
{
	_sbuf_ struct sbuf url = SBUF_INIT(HTTP_CALL_URL_MAX);
	struct hdfs *h = call->of;
	struct error e;

	hdfs_mend(&url, location);
	if (!sbuf_ok(&url)) {
		(void)error_set(&e, ERR_UNAVAILABLE, "the name node's URL of a data node is too long");
		fail(call, &e);
		return;
	}
	if (str_starts(h->nodes[call->node], "https:") && !str_starts(location, "https:")) {
		(void)error_set(&e, ERR_FORBIDDEN, "the name node wants the bytes to go to a data node without TLS");
		fail(call, &e);
		return;
	}
	call->call = http_call(h->http,
			       &(struct http_call_request){ .method = "PUT",
							    .url = sbuf_str(&url),
							    .headers = headers,
							    .body = call->bytes,
							    .body_len = call->len,
							    .body_fd = call->fd,
							    .body_fd_len = call->fd_len,
							    .timeout_ms = HDFS_PUT_MS,
							    .silence_ms = HDFS_SILENCE_MS,
							    .answer_max = ANSWER_MAX },
			       on_sent, call);
}

/* --- operations --- */

static bool read_done(const struct jr *top, struct hdfs_answer *ret)
{
	if (!hdfs_read_yes(top, &ret->yes))
		return false;
	if (!ret->yes)
		(void)error_set(&ret->error, ERR_CONFLICT, "it says no");
	return true;
}

static bool read_yes(const struct jr *top, struct hdfs_answer *ret)
{
	return hdfs_read_yes(top, &ret->yes);
}

static bool read_status(const struct jr *top, struct hdfs_answer *ret)
{
	ret->yes = true;
	return hdfs_read_status(top, &ret->status);
}

static bool read_home(const struct jr *top, struct hdfs_answer *ret)
{
	struct error e;

	ret->yes = true;
	ret->home = top->type == JR_OBJECT ? jr_text(top, "Path", JR_STRING) : NULL;
	return ret->home && hdfs_path_check(ret->home, &e);
}

static bool read_token(const struct jr *top, struct hdfs_answer *ret)
{
	const struct jr *token = top->type == JR_OBJECT ? jr_get(top, "Token") : NULL;

	ret->yes = true;
	ret->token = token && token->type == JR_OBJECT ? jr_text(token, "urlString", JR_STRING) : NULL;
	return ret->token != NULL;
}

static const struct op mkdirs = { "PUT", "MKDIRS", "making the directory", false, read_done };
static const struct op stat_op = { "GET", "GETFILESTATUS", "looking at", false, read_status };
static const struct op remove_op = { "DELETE", "DELETE", "removing", false, read_yes };
static const struct op home = { "GET", "GETHOMEDIRECTORY", "asking for the home directory, from", false, read_home };
static const struct op rename_op = { "PUT", "RENAME", "renaming", true, read_yes };
static const struct op token_op = { "GET", "GETDELEGATIONTOKEN", "asking for a token, from", false, read_token };
static const struct op create = { "PUT", "CREATE", "writing", false, NULL };

/* more: "&x=y". To be begun, or refused. */
static struct hdfs_call *new_call(struct hdfs *h, const struct op *op, const char *path, const char *more,
				  const char *as, hdfs_done_fn *done, void *arg)
{
	struct hdfs_call *call = xcalloc(1, sizeof *call);
	_sbuf_ struct sbuf target = SBUF_INIT(HTTP_CALL_URL_MAX);

	hdfs_target(&target, path, op->name, more, h->user, str_eq(as, h->user) ? NULL : as);
	call->of = h;
	call->op = op;
	call->path = xstrdup(path);
	call->target = sbuf_ok(&target) ? xstrdup(sbuf_str(&target)) : NULL;
	call->node = h->at;
	call->fd = -1;
	call->done = done;
	call->arg = arg;
	TAILQ_INSERT_TAIL(&h->all, call, entry);
	return call;
}

static struct hdfs_call *begin(struct hdfs_call *call)
{
	struct error e;

	if (!hdfs_path_check(call->path, &e))
		refuse(call, &e);
	else if (!call->target) {
		(void)error_set(&e, ERR_INVALID, "the question is too long");
		refuse(call, &e);
	} else
		ask(call);
	return call;
}

struct hdfs_call *hdfs_mkdirs(struct hdfs *h, const char *path, int mode, const char *as, hdfs_done_fn *done, void *arg)
{
	_sbuf_ struct sbuf more = SBUF_INIT(MORE_MAX);

	sbuf_addf(&more, "&permission=%o", (unsigned)mode);
	return begin(new_call(h, &mkdirs, path, sbuf_str(&more), as, done, arg));
}

struct hdfs_call *hdfs_stat(struct hdfs *h, const char *path, const char *as, hdfs_done_fn *done, void *arg)
{
	return begin(new_call(h, &stat_op, path, "", as, done, arg));
}

struct hdfs_call *hdfs_remove(struct hdfs *h, const char *path, bool recursive, const char *as, hdfs_done_fn *done,
			      void *arg)
{
	return begin(new_call(h, &remove_op, path, recursive ? "&recursive=true" : "", as, done, arg));
}

struct hdfs_call *hdfs_home(struct hdfs *h, const char *as, hdfs_done_fn *done, void *arg)
{
	return begin(new_call(h, &home, "/", "", as, done, arg));
}

struct hdfs_call *hdfs_rename(struct hdfs *h, const char *path, const char *to, const char *as, hdfs_done_fn *done,
			      void *arg)
{
	_sbuf_ struct sbuf more = SBUF_INIT(MORE_MAX);
	struct error e;

	sbuf_adds(&more, "&destination=");
	hdfs_encode(&more, to, true);
	struct hdfs_call *call = new_call(h, &rename_op, path, sbuf_str(&more), as, done, arg);
	if (hdfs_path_check(to, &e))
		return begin(call);
	refuse(call, &e);
	return call;
}

struct hdfs_call *hdfs_token(struct hdfs *h, const char *renewer, const char *service, const char *as,
			     hdfs_done_fn *done, void *arg)
{
	_sbuf_ struct sbuf more = SBUF_INIT(MORE_MAX);

	sbuf_adds(&more, "&kind=" HDFS_TOKEN_KIND "&renewer=");
	hdfs_encode(&more, renewer, false);
	if (service) {
		sbuf_adds(&more, "&service=");
		hdfs_encode(&more, service, false);
	}
	return begin(new_call(h, &token_op, "/", sbuf_str(&more), as, done, arg));
}

struct hdfs_call *hdfs_put(struct hdfs *h, const struct hdfs_put *put, const char *as, hdfs_done_fn *done, void *arg)
{
	_sbuf_ struct sbuf more = SBUF_INIT(MORE_MAX);
	struct error e;

	sbuf_addf(&more, "&overwrite=true&noredirect=true&permission=%o", (unsigned)put->mode);
	struct hdfs_call *call = new_call(h, &create, put->path, sbuf_str(&more), as, done, arg);
	if (put->fd_len > 0) {
		call->fd_len = put->fd_len;
		call->fd = fcntl(put->fd, F_DUPFD_CLOEXEC, 0);
		if (call->fd < 0) {
			(void)error_errno(&e, errno, "the file's descriptor");
			refuse(call, &e);
			return call;
		}
	} else if (put->len > 0) {
		call->bytes = xmalloc(call->len = put->len);
		memcpy(call->bytes, put->bytes, put->len);
	}
	return begin(call);
}

/* --- all --- */

static bool add_nodes(struct hdfs *h, const char *urls, struct error *e)
{
	for (const char *s = urls + strspn(urls, ", "); *s; s += strspn(s, ", ")) {
		size_t n = strcspn(s, ", "), keep = n;

		if (!str_starts(s, "http://") && !str_starts(s, "https://"))
			return error_set(e, ERR_CONFIG, "%.*s is not a URL that begins with http:// or https://",
					 (int)n, s);
		if (h->count == HDFS_NODES_MAX)
			return error_set(e, ERR_CONFIG, "more than %d name nodes", HDFS_NODES_MAX);
		while (s[keep - 1] == '/')
			keep--;
		h->nodes[h->count] = xcalloc(1, keep + 1);
		memcpy(h->nodes[h->count++], s, keep);
		s += n;
	}
	return h->count > 0 || error_set(e, ERR_CONFIG, "no URL of WebHDFS");
}

struct hdfs *hdfs_free(struct hdfs *h)
{
	if (!h)
		return NULL;
	for (struct hdfs_call *call = TAILQ_FIRST(&h->all), *next; call; call = next) {
		next = TAILQ_NEXT(call, entry);
		dispose(call);
	}
	h->http = http_calls_free(h->http);
	for (int i = 0; i < h->count; i++)
		free(h->nodes[i]);
	free(h->user);
	free(h);
	return NULL;
}

bool hdfs_new(const struct hdfs_options *o, struct hdfs **ret, struct error *e)
{
	struct hdfs *h = xcalloc(1, sizeof *h);
	const char *origins[HDFS_NODES_MAX + 1] = { NULL };
	struct http_calls_options http = *o->http;

	TAILQ_INIT(&h->all);
	h->loop = http.loop;
	h->user = xstrdup(o->user);
	bool ok = add_nodes(h, o->urls, e);
	for (int i = 0; i < h->count; i++)
		origins[i] = h->nodes[i];
	http.origins = origins;
	if (!ok || !http_calls_new(&http, &h->http, e)) {
		(void)hdfs_free(h);
		return false;
	}
	*ret = h;
	return true;
}
