/*
 * standalone-read - what a standalone master and its workers answer. Pure.
 *
 * Sources: JsonProtocol.scala (/json/), SubmitRestProtocolResponse.scala, worker/ui/LogPage.scala.
 */
#pragma once
#include "base/json.h"
#include "cluster/backend.h"

/* An answer of the REST server. Strings are of the arena. */
struct standalone_reply {
	bool success, standby; /* standby: ask another master */
	const char *message, *id, *driver_state, *worker;
};
MUST_CHECK bool standalone_read_reply(struct arena *a, const char *body, size_t n, struct standalone_reply *ret);

/* What Spark says of an end, without the stack below it, and not twice. */
void standalone_read_why(const char *message, struct sbuf *to);

/* SUBMITTED, RUNNING, … ; false: one that says nothing (UNKNOWN while a master takes over). */
bool standalone_state(const char *word, enum app_state *ret);

/* The start of a log page: "==== Bytes 0-84 of 84 of /path ====\n". */
struct standalone_log {
	int64_t start, end, total;
	const char *bytes;
	size_t len;
};
MUST_CHECK bool standalone_read_log(const char *body, size_t n, struct standalone_log *ret);

/* "Connected to Spark cluster with app ID app-…" in a piece of stderr: the id, cut to fit. False: it is not there. */
bool standalone_find_app_id(const char *bytes, size_t n, char *to, size_t room);

/* Whose driver it is, by the command line at the head of its stderr. */
enum standalone_head {
	STANDALONE_HEAD_OURS,  /* it has the tag */
	STANDALONE_HEAD_OTHER, /* it is whole, and has not */
	STANDALONE_HEAD_CUT,   /* it goes on beyond what was read */
	STANDALONE_HEAD_NONE,  /* there is none: the driver is not started yet, or its log is gone */
};
enum standalone_head standalone_read_head(const char *bytes, size_t n, const char *tag);
