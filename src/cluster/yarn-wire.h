/*
 * yarn-wire - what the parts of the YARN backend share: yarn.c (requests to the resource manager), yarn-log.c (an app's log).
 * Private to them.
 */
#pragma once
#include "cluster/backend.h"

struct hadoop_conf;

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
	int count, at; /* which answered last */
	char *who;     /* "&user.name=x", or "" */
	struct http_call *list;
	int tries;
	int leaves; /* in leave_out[] */
};

/* What is known of an app: app->own. Requests are NULL when none is on its way. */
struct yarn_own {
	struct http_call *call, *kill, *log;
	int kill_at, kill_tries; /* which manager the kill went to, and how many before it did not take it */
	char *logs;              /* URL of its container's */
	int stream;
	bool more, seen_end;
};

struct yarn_own *yarn_own(struct cluster_app *app); /* made when it is not there yet; freed by cancel() */

/* backend.h's log(). */
void yarn_log(struct cluster_app *app);
