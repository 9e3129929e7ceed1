/*
 * yarn-wire - what all parts of the YARN backend stand on: its connections, what is known of an app, questions to the
 * resource manager. Private to them.
 */
#pragma once
#include "cluster/backend.h"
#include "http/call.h"

struct hadoop_conf;
struct yarn_here;
struct yarn_making;

enum {
	YARN_MANAGERS_MAX = 8,
	YARN_TIMEOUT_MS = 15000, /* of one request */
	YARN_REDIRECTS_MAX = 3,  /* from a standby to the active one */
};

/* A cluster's connections: c->wire. */
struct yarn {
	struct hadoop_conf
		*conf; /* owned; NULL: there are no files, or none that can be read, and `rest` said where it is */
	struct http_calls *calls;
	char *managers[YARN_MANAGERS_MAX];
	int count, at;          /* which answered last */
	char *who;              /* "&user.name=x", or "" */
	struct yarn_here *here; /* owned; NULL: jobs are given by spark-submit alone, as */
	const char *no_native;  /* says */
	char *history; /* where the history server shows logs: "http://host:19888/jobhistory/logs"; NULL: nobody said */
	struct http_call *list;
	int tries;
	int leaves; /* in leave_out[] */
};

/* What is known of an app: app->own. Requests are NULL when none is on its way. */
struct yarn_own {
	struct http_call *call, *kill, *log;
	int kill_at;                /* which manager the kill went to */
	struct yarn_making *making; /* on its way there; owned */
	char *as;                   /* whom it runs as; NULL: ourselves */
	char *logs;                 /* URL of its container's */
	char *node;                 /* where that was; NULL: not said */
	int stream;
	int64_t from, to; /* which of its bytes were asked for */
	bool more, seen_end;
	bool by_history; /* its node manager does not have it */
	bool anew;       /* its container is another one, of which nothing was read */
};

/* A question to the resource manager that answered last. */
struct yarn_question {
	const char *method, *path; /* below /ws/v1/cluster */
	const char *body;          /* NULL: none */
	bool xml;                  /* the body, else JSON */
	const char *as;            /* doAs; NULL: ourselves */
	size_t answer_max;
};
struct http_call *yarn_ask(struct cluster *c, const struct yarn_question *q, http_call_done_fn *done, void *arg);
void yarn_next_manager(struct cluster *c); /* it did not answer */

struct yarn_own *yarn_own(struct cluster_app *app); /* made when it is not there yet; freed by cancel() */

/* Whom it is done for; NULL: ourselves. */
static inline const char *yarn_as(const struct cluster_app *app)
{
	return ((struct yarn_own *)app->own)->as;
}
