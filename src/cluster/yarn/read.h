/*
 * yarn-read - what YARN's resource manager and node managers answer. Pure.
 *
 * Sources: RMWebServices.java, AppInfo.java (/ws/v1/cluster/apps), ContainerLogsPage.java (/node/containerlogs/…),
 * TFileAggregatedLogsBlock.java (the history server's /jobhistory/logs/…).
 */
#pragma once
#include "base/json.h"
#include "cluster/backend.h"

struct yarn_app {
	const char *id, *tags; /* of the arena, all of them */
	const char *logs;      /* URL of the AM container's; NULL: it has none yet */
	const char *node;      /* where that is, "host:port"; NULL: not said (before Hadoop 3) */
	const char *user;      /* whose it is; NULL: not said */
	struct app_status status;
};

/* One element of apps.app. False: it is none, or its state is unknown to us. */
bool yarn_read_app(const struct jr *app, struct yarn_app *ret);

/*
 * The app in an answer about one: {"app":{…}}, or a list that was asked for by a tag, of which the first counts. What
 * is neither that nor an empty list says nothing: taken for "not there", it would have a job submitted twice.
 */
enum { YARN_ID_MAX = 128 };
/* "application_<digits>_<digits>": safe in a path. */
bool yarn_read_id(const char *id);

enum yarn_found { YARN_THERE, YARN_NOT_THERE, YARN_UNREADABLE };
enum yarn_found yarn_read_found(const struct jr *top, struct yarn_app *ret);

/* Is this the body of a 404 by which YARN says that it does not know an app? */
bool yarn_read_unknown(const struct jr *top);

/*
 * The tag of ours in a list "a,b,c" that begins with `prefix` and has one more part; NULL: there is none. Of the arena.
 */
const char *yarn_own_tag(struct arena *a, const char *tags, const char *prefix);

/*
 * The text between <pre> and </pre> of a log page, unescaped. False: it is no such page. length: of a log that was
 * gathered from its node, how long it is; -1: the page is the node's own.
 *
 * What a page of a log that is asked for from `start` to `end` has in it begins with the byte `start`, as long as all
 * is UTF-8. A node's page has as many characters as it was asked for bytes. A page of a gathered log has exactly the
 * bytes, but each read of YARN's (64 KiB at most, from `start` on) becomes characters for itself, so that one that is
 * in two reads is shown as U+FFFD.
 */
bool yarn_read_log(const char *page, size_t n, struct sbuf *to, int64_t *ret_length);

/*
 * Where the log goes on after the first n bytes of the text of a page that was asked for [from, to): after n bytes,
 * unless there are U+FFFD among them, and the rest can be counted from the end of a gathered log's page instead. text:
 * not empty.
 */
int64_t yarn_log_offset(const struct sbuf *text, size_t n, int64_t from, int64_t to, int64_t length);
