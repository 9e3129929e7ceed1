/* kube-wire - what the files of the Kubernetes backend share: the API server, what is known of an app, requests. */
#pragma once
#include "cluster/backend.h"
#include "cluster/kube/read.h"
#include "cluster/kube/spec.h"
#include "http/call.h"

enum {
	KUBE_TIMEOUT_MS = 15000,          /* of one request */
	KUBE_PAGE = 500,                  /* pods of one page of a list */
	KUBE_PAGE_MAX = 32 * 1024 * 1024, /* bytes of one */
	KUBE_POD_MAX = 2 * 1024 * 1024,   /* bytes of an answer about one pod, or of one event */
	KUBE_WATCH_S = 300,               /* how long the API server keeps a watch */
	KUBE_SILENT_POLLS = 100,          /* so many intervals without a byte end one */
	KUBE_LOG_MAX = 64 * 1024 * 1024,  /* bytes of a log of one second */
	KUBE_TOKEN_MS = 60000,            /* how often a token's file is read again */
	KUBE_TOKEN_MAX = 64 * 1024,
	KUBE_WAIT_MS = 5000,   /* until a full or absent cluster is asked again */
	KUBE_QUIET_MAX_S = 60, /* a Retry-After is obeyed up to that */
	KUBE_DENIED_MS =
		60000,     /* so long a submission waits for credentials that are refused; gaps as long end the count */
	KUBE_GRACE_S = 30, /* a killed driver's */
};

struct kube {
	struct http_calls *calls;
	char *server; /* base URL */
	char *ns;
	char *token_file;
	bool token_is_private; /* it is for us alone, as secret-file is */
	int64_t token_due_ms;
	int64_t denied_since_ms, denied_last_ms; /* 401s in a row; 0: the last answer was none */
	bool denied_told;
	int64_t quiet_until_ms; /* it asked to be left alone */
	struct http_call *list, *watch;
	struct sbuf line; /* of the watch, until it ends */
	char version[64]; /* resourceVersion: from where the watch goes on; "": a list comes first */
	char *next_page;  /* of the list that is under way */
	bool listed;      /* once, so that we may */
	bool news_missed; /* of an app that was not watched yet, or in words that could not be read */
};

struct kube_app {
	struct kube_objects objects; /* until they are there */
	int step;                    /* how many of them are */
	char uid[64], map_name[KUBE_NAME_MAX];
	char container[KUBE_NAME_MAX]; /* the driver's; "": not known yet */
	char why[256];                 /* of a refusal, while what was made is removed */
	enum attempt_again again;
	struct http_call *call, *kill, *log;
	size_t log_limit;
	char stuck[256];          /* "": it is not */
	int64_t pending_since_ms; /* by our own clock, since it was first seen so; 0: it was not */
};

struct kube_app *kube_own(struct cluster_app *app); /* made when it is not there */
const char *kube_pod_name(const struct cluster_app *app);
void kube_learn(struct kube_app *own, const struct kube_pod *pod); /* what stays as it is while the pod is there */

/* `path` is below the namespace: "/pods/x". n 0: no body. */
struct http_call *kube_call(struct cluster *c, const char *method, const char *path, const char *body, size_t n,
			    size_t answer_max, http_call_done_fn *done, void *arg);
struct http_call *kube_delete(struct cluster *c, const char *pod, const char *uid, http_call_done_fn *done, void *arg);
/* The driver's pod of an app, whose handle is known: app->own->call. */
void kube_ask_pod(struct cluster_app *app, http_call_done_fn *done);
MUST_CHECK bool kube_read_token(struct cluster *c, struct error *e); /* from w->token_file */
void kube_token_again(struct cluster *c);                            /* the same; the old one stays when it fails */
/*
 * Of each answer to a question that anything hangs on: whether the server knows us (after a 401 a token's file is read
 * again, as it may just have been replaced; after the second in a row the log is told, once), and whether it wants to
 * be left alone.
 */
void kube_heard(struct cluster *c, const struct http_call_answer *answer);
/* The same, of the one to app->own->call, which is over. */
void kube_heard_of(struct cluster_app *app, const struct http_call_answer *answer);
bool kube_is_denied(const struct cluster *c);   /* for KUBE_DENIED_MS by now: our credentials do not do */
int64_t kube_quiet_ms(const struct cluster *c); /* so long it is to be left alone; 0: it is not */

/* submit.c */
void kube_prepare(struct cluster_app *app, const struct submission *s);
void kube_submit(struct cluster_app *app);
void kube_find(struct cluster_app *app);
/* watch.c */
void kube_poll(struct cluster *c);
void kube_watch_close(struct kube *w);
void kube_saw(struct cluster *c, struct kube_pod *pod, bool deleted);
/* log.c */
void kube_log(struct cluster_app *app);
