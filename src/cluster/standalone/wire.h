/* standalone-wire - what the files of the standalone backend share: its masters, its workers, its requests. */
#pragma once
#include "cluster/backend.h"
#include "cluster/standalone/read.h"
#include "http/call.h"

enum {
	MASTERS_MAX = 8,
	STANDALONE_TIMEOUT_MS = 10000, /* of one request */
	STANDALONE_LIST_MAX = 64 * 1024 * 1024,
	STANDALONE_CANDIDATES_MAX = 1000, /* drivers whose command lines are looked at for a tag */
	STANDALONE_HEAD = 64 * 1024,      /* bytes of a stderr that hold its command line */
};

struct standalone {
	struct http_calls *calls;
	char *rest[MASTERS_MAX], *web[MASTERS_MAX]; /* base URLs, in the order of the masters */
	int count, rest_at, web_at;                 /* which answered last */
	struct http_call *list;
	int list_tries;
	bool web_answers;    /* so a refused REST port means that it is off */
	struct map *workers; /* by id */
	struct standalone_worker *all_workers;
};

/* A worker's web page, by its id. */
struct standalone_worker {
	struct standalone_worker *next;
	char *id, *web;
};

struct standalone_app {
	char *body; /* of the create; until it is there */
	size_t body_len;
	struct http_call *call, *kill, *log;
	int tries;               /* masters asked */
	int kill_at, kill_tries; /* which one the kill went to, and how many before it did not take it */
	int stream;              /* of the log: 0 stderr, 1 stdout */
	bool more, asking_why, by_proxy;
	char app_id[64], worker[160];
	char (*candidates)[CLUSTER_HANDLE_MAX]; /* drivers that may be ours, and their workers */
	char (*candidate_workers)[160];
	int candidate_count, candidate_active_count, candidate_at; /* active ones come first */
	bool unsure;                                               /* one has no log yet */
};

struct http_call *standalone_get(struct cluster *c, const char *base, const char *path, size_t answer_max,
				 http_call_done_fn *done, void *arg);
struct http_call *standalone_post(struct cluster *c, const char *base, const char *path, const char *body, size_t n,
				  http_call_done_fn *done, void *arg);
/* The URL of a worker's log page; false: the worker is not known. */
bool standalone_log_url(const struct cluster *c, const char *worker, const char *driver, const char *page,
			const char *type, bool by_proxy, struct sbuf *to);

/* find.c */
void standalone_find(struct cluster_app *app);
/* log.c */
void standalone_log(struct cluster_app *app);
/* standalone.c: reads a whole /json/ answer; false: it is not one of an active master */
bool standalone_read_list(struct cluster *c, struct arena *a, const struct http_call_answer *answer,
			  const struct jr **ret);
