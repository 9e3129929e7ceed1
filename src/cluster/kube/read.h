/*
 * kube-read - what an API server answers: pods, refusals, logs with times. Pure.
 */
#pragma once
#include "base/json.h"
#include "cluster/backend.h"

struct kube_pod {
	const char *ns, *name, *uid, *tag, *app_id; /* tag NULL: none of ours. Strings are of the JSON */
	const char *map_name;                       /* of its spark.properties; NULL: none */
	const char *container;                      /* the driver's: a template may call it as it likes */
	const char *stuck;        /* why it does not start, when only people can mend that; NULL: it may yet */
	bool unknown;             /* its node is away, and nobody knows its state */
	bool native;              /* made here, not by spark-submit */
	struct app_status status; /* `why` is in why_text */
	char why_text[256];
};
/* False: not a pod. */
MUST_CHECK bool kube_read_pod(const struct jr *pod, struct kube_pod *ret);

/* A `Status` object in words: its message; else "status N". The result is of the arena. */
const char *kube_read_refusal(struct arena *a, const char *body, size_t n, int status);

/* "2026-11-25T08:09:10Z", with or without a fraction; 0: not a time. Milliseconds, and nanoseconds, since 1970. */
int64_t kube_time_ms(const char *text);
int64_t kube_time_ns(const char *text, size_t n);

/*
 * How far a log was read: to the time of the latest line, of which so many were there. Several lines may have one time.
 */
struct kube_log_place {
	int64_t ns, lines;
};

/*
 * A log whose lines begin with times; all that have the time of *at are in it, as far as they are there. Appends to
 * `to`, without their times, the whole lines after *at, and moves it; `last`: also one that has no end.
 */
void kube_read_log(const char *text, size_t n, bool last, struct kube_log_place *at, struct sbuf *to);
