/*
 * yarn-read - what YARN's resource manager and node managers answer. Pure.
 *
 * Sources: RMWebServices.java, AppInfo.java (/ws/v1/cluster/apps), ContainerLogsPage.java (/node/containerlogs/…).
 */
#pragma once
#include "base/json.h"
#include "cluster/backend.h"

struct yarn_app {
	const char *id, *tags, *logs; /* of the arena; logs: URL of the AM container's, or NULL */
	struct app_status status;
};

/* One element of apps.app. False: it is none, or its state is unknown to us. */
bool yarn_read_app(const struct jr *app, struct yarn_app *ret);

/*
 * The app in an answer about one: {"app":{…}}, or a list that was asked for by a tag, of which the first counts. What is neither that
 * nor an empty list says nothing: taken for "not there", it would have a job submitted twice.
 */
enum { YARN_ID_MAX = 128 };
/* "application_<digits>_<digits>": safe in a path. */
bool yarn_read_id(const char *id);

enum yarn_found { YARN_THERE, YARN_NOT_THERE, YARN_UNREADABLE };
enum yarn_found yarn_read_found(const struct jr *top, struct yarn_app *ret);

/* Is this the body of a 404 by which YARN says that it does not know an app? */
bool yarn_read_unknown(const struct jr *top);

/* The tag of ours in a list "a,b,c" that begins with `prefix` and has one more part; NULL: there is none. Of the arena. */
const char *yarn_own_tag(struct arena *a, const char *tags, const char *prefix);

/*
 * The text between <pre> and </pre> of a log page, unescaped. False: it is no such page. What a page of a log that is asked for from
 * `start` to `end` has in it is those bytes, as long as they are UTF-8.
 */
bool yarn_read_log(const char *page, size_t n, struct sbuf *to);
