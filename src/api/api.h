/*
 * api - requests in, use cases of service/ called, answers out: the wire contract and nothing else.
 *
 * routes.c is the table of everything the daemon answers; one file per resource has its handlers. The
 * mounts (/batches, /livy/batches) differ only where struct call says so (differences.md). Loop thread only.
 */
#pragma once
#include "auth/authorization.h"
#include "config/config.h"
#include "http/route.h"
#include "model/access.h"
#include "service/sessions.h"

enum { ANSWER_MAX = 64 * 1024 * 1024 }; /* bytes of an answer that is not streamed: 100 objects are 1 MB at the worst */

/* share.c: files that are on their way out, and calls that wait until there are fewer. */
struct sharing {
	struct call *first, *last;
	int under_way;
	bool stopped;
};

struct api {
	const struct config *config;
	struct batches *batches;
	struct sessions *sessions;
	struct store *store, *sessions_store;
	struct auth *auth; /* NULL: nobody has a name */
	const struct access *access;
	struct call *asking; /* calls whose user is being found out */
	struct sharing sharing;
	bool draining;
	int64_t trouble_tell_at_ms, trouble_untold; /* answer.c */
};

/* identify.c: a call while auth works on it, in api->asking. Part of the call, since each has one. */
struct asking {
	struct call *prev, *next;
	struct auth_waiter *waiter;
	void (*go)(struct call *c);
	bool has_credentials;
};

/* A request on its way through the handlers; freed by the answer. */
struct call {
	struct api *api;
	struct http_request *rq;
	size_t mount_len; /* bytes of "/livy" when it came in there: the HDInsight page's dialect; else 0 */
	char name[AUTH_NAME_MAX + 1];
	const char *user;            /* who proved to be whom: name; NULL: nobody */
	struct access_caller caller; /* the same, with what the lists say */
	struct access_caller acting; /* whose rights count: the caller's, or of whom he named by doAs */
	const struct route *route;
	struct batches *jobs;      /* what the route is about: batches or sessions */
	char id[ROUTE_ID_MAX + 2]; /* of the path, decoded */
	char number[ROUTE_NUMBER_MAX + 1];
	int64_t from, size; /* of a log */
	struct asking asking;
	struct call *next_sharing;
};

void api_handle(void *api, struct http_request *rq); /* the http_handler */

/*
 * The http_courtesy: probes and kills get in when nothing else does; proxies and this machine may connect as they like.
 */
bool api_is_urgent(void *api, const struct http_request *rq);
bool api_is_exempt(void *api, const char *peer);

/* May the caller, or whom he acts for? `batch` NULL: the right concerns none. */
bool api_may(const struct call *c, enum access_right right, const struct batch *batch);

bool api_is_upload(void *api, const struct http_request *rq); /* http_courtesy.upload */

void api_done(struct call *c); /* after the answer */

/* identify.c: finds out who asks, then calls `go`; or refuses, and the call is over. */
void identify(struct call *c, void (*go)(struct call *c));
void identify_stop(struct api *api); /* before auth_free(): those who wait get 503 */

/* answer.c */
#define API_JSON "application/json;charset=utf-8"
#define API_HTML "text/html;charset=utf-8"
void api_answer(struct call *c, int status, struct sbuf *body); /* JSON; takes the bytes */
void api_answer_error(struct call *c, const struct error *e);   /* Livy's shapes (livy.md 1.1) */
void api_answer_forbidden(struct call *c);                      /* 403 {}: he may not, and Livy does not say why */
void api_answer_empty(struct call *c, int status, const char *content_type);
void api_answer_page(struct call *c, int status,
		     const char *message);           /* Jetty's page; message is ours, not a client's */
void api_location(struct call *c, const char *path); /* base path and mount go in front */

/* An int parameter of the query, as Java reads it. ERR_INVALID: For input string: "x". */
MUST_CHECK bool api_query_int(struct call *c, const char *name, int64_t standard, int64_t *ret, struct error *e);

/* view.c */
/* The object of livy.md 1.4; without the right to it, its log is []. */
void view_log(struct jw *w, struct batches *b, const struct batch *batch,
	      bool with_log); /* the last lines, as an array */
void view_batch(struct jw *w, struct batches *b, const struct batch *batch, bool with_log);
bool view_is_fresh(struct batches *b, const struct batch *batch); /* does *batch->view still show it? */
struct blob *view_batch_blob(struct batches *b,
			     const struct batch *batch); /* with the log; kept until it changes; borrowed */

/* batches.c: what batches and sessions share. `created` and `view` write the object of their kind. */
typedef void api_view_fn(struct jw *w, const struct call *c, const struct batch *job);
void api_create_job(struct call *c, batches_fn *created);
void api_list_jobs(struct call *c, api_view_fn *view);

/* handlers; `id` is decoded; a batch is one that the caller has the route's right to, borrowed for the call */
typedef void api_fn(struct call *c, const char *id);
typedef void api_batch_fn(struct call *c, const struct batch *batch);
api_fn batches_on_list, batches_on_create;
api_fn sessions_on_list, sessions_on_create;
api_batch_fn sessions_on_get, sessions_on_state, sessions_on_stop, sessions_on_interrupt, sessions_on_connect;
api_batch_fn questions_on_completion, questions_on_add_jar, questions_on_add_pyfile, questions_on_add_file;
api_fn share_on_get;
void share_stop(struct api *api); /* before http_server_free(): those who wait get 503 */
api_batch_fn uploads_on_jar, uploads_on_pyfile, uploads_on_file;
question_fn questions_added; /* of a call: the answer to add-* */
api_batch_fn jobs_on_submit, jobs_on_get, jobs_on_cancel;
api_batch_fn statements_on_list, statements_on_create, statements_on_get, statements_on_cancel;
api_batch_fn batches_on_get, batches_on_state, batches_on_log, batches_on_delete;
api_fn health_on_version, health_on_live, health_on_ready;
api_fn metrics_on_get;
api_fn ui_on_root, ui_on_lists, ui_on_one, ui_on_log, ui_on_static;
