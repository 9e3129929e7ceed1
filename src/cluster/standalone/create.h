/*
 * standalone-create - the body of POST /v1/submissions/create. Pure.
 *
 * Source: RestSubmissionClient.scala, StandaloneRestServer.scala. A jar is run by its main class. A Python program
 * cannot be (spark-submit refuses it in this mode), but the driver may be SparkSubmit itself in client mode, which then
 * runs the program beside itself; it reads its master, deploy mode, name and Python files from arguments, all else from
 * properties.
 */
#pragma once
#include "base/sbuf.h"
#include "model/submission.h"

enum { STANDALONE_CREATE_MAX = 4 * 1024 * 1024 };

#define STANDALONE_TAG_KEY "spark.florus.tag" /* in the driver's command line, at the head of its stderr */

struct standalone_target {
	const char *masters; /* spark://host:7077,… : all of them, so that a driver survives a failover */
	const char *version; /* of its Spark; NULL: unknown */
	const char *tag;
};

/* Appends the body. False: it is over STANDALONE_CREATE_MAX, or the arena is full. */
MUST_CHECK bool standalone_create_body(struct arena *a, const struct submission *s, const struct standalone_target *to,
				       struct sbuf *out);

/* Why a job cannot go this way; NULL: it can. */
const char *standalone_gate(const struct submission *s);
