/*
 * standalone-wire - what the files of the standalone backend share: its masters, its workers, its requests. Private to
 * them.
 */
#pragma once
#include "base/jscan.h"
#include "cluster/backend.h"
#include "cluster/standalone/read.h"
#include "http/call.h"

enum {
	MASTERS_MAX = 8,
	STANDALONE_TIMEOUT_MS = 10000, /* of one request */
	STANDALONE_REPLY_MAX = 1 << 20,
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
	int tries;   /* masters asked */
	int kill_at; /* which master the kill went to */
	int stream;  /* of the log: 0 stderr, 1 stdout */
	bool more, asking_why, by_proxy;
	char app_id[64], worker[160];
	char (*candidates)[CLUSTER_HANDLE_MAX]; /* drivers that may be ours, and their workers */
	char (*candidate_workers)[160];
	int candidate_count, candidate_active_count, candidate_at; /* active ones come first */
	bool unsure;                                               /* one has no log yet */
};

struct standalone_app *standalone_own(struct cluster_app *app); /* made when it is not there yet; freed by cancel() */

/* --- wire.c: requests --- */

struct http_call *standalone_get(struct cluster *c, const char *base, const char *path, size_t answer_max,
				 http_call_done_fn *done, void *arg);
struct http_call *standalone_post(struct cluster *c, const char *base, const char *path, const char *body, size_t n,
				  http_call_done_fn *done, void *arg);
/* The REST server's status of an app whose handle is known: app->own->call. */
void standalone_ask_status(struct cluster_app *app, http_call_done_fn *done);
void standalone_next_rest(struct standalone *w); /* the one that was asked did not answer, or is not active */

/* --- workers.c: all that were ever listed, as pages of those that are gone may still answer --- */

void standalone_know_workers(struct standalone *w, const struct jr *workers);
/* The same from text, of which only those that are new are parsed. False: it cannot be read. */
MUST_CHECK bool standalone_meet_workers(struct standalone *w, struct jslice workers);
void standalone_forget_workers(struct standalone *w);
/* The URL of a worker's log page; false: the worker is not known. */
bool standalone_log_url(const struct cluster *c, const char *worker, const char *driver, const char *page,
			const char *type, bool by_proxy, struct sbuf *to);

/* --- what backend.h asks, above these --- */

/* open.c */
MUST_CHECK bool standalone_open(struct cluster *c, struct error *e);
void standalone_close(struct cluster *c);
/* poll.c */
void standalone_poll(struct cluster *c);
/* Reads a whole /json/ answer; false: it is not one of an active master. */
bool standalone_read_list(struct cluster *c, struct arena *a, const struct http_call_answer *answer,
			  const struct jr **ret);
/* find.c */
void standalone_find(struct cluster_app *app);
/* log.c */
void standalone_log(struct cluster_app *app);
