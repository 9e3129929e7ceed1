#include "cluster/kube/read.h"
#include "base/str.h"
#include "cluster/kube/spec.h"
#include <stdio.h>
#include <string.h>
#include <time.h>

enum { NS_DIGITS = 9, TIME_MAX = 48 };

static const int64_t NS_PER_S = 1000000000;

/* --- times --- */

int64_t kube_time_ns(const char *text, size_t n)
{
	char copy[TIME_MAX];
	struct tm tm = { 0 };
	int64_t fraction = 0;
	int digits = 0;

	if (n >= sizeof copy)
		return 0;
	memcpy(copy, text, n);
	copy[n] = '\0';
	const char *end = strptime(copy, "%Y-%m-%dT%H:%M:%S", &tm);
	if (!end)
		return 0;
	if (*end == '.')
		for (end++; *end >= '0' && *end <= '9' && digits < NS_DIGITS; digits++)
			fraction = fraction * 10 + (*end++ - '0');
	for (; digits < NS_DIGITS; digits++)
		fraction *= 10;
	int64_t seconds = (int64_t)timegm(&tm);
	if (*end == '+' || *end == '-') { /* a kubelet of another time zone */
		int hours = 0, minutes = 0;

		if (sscanf(end + 1, "%2d:%2d", &hours, &minutes) != 2) // NOLINT(cert-err34-c): two digits each
			return 0;
		seconds -= (*end == '+' ? 1 : -1) * (hours * 3600 + minutes * 60);
	}
	return seconds > 0 && seconds < INT64_MAX / NS_PER_S ? seconds * NS_PER_S + fraction : 0;
}

int64_t kube_time_ms(const char *text)
{
	return text ? kube_time_ns(text, strlen(text)) / 1000000 : 0;
}

/* --- pods --- */

static const struct jr *in(const struct jr *object, const char *key, enum jr_type type)
{
	const struct jr *found = object && object->type == JR_OBJECT ? jr_get(object, key) : NULL;

	return found && found->type == type ? found : NULL;
}

static const char *text_in(const struct jr *object, const char *key)
{
	return object ? jr_text(object, key, JR_STRING) : NULL;
}

/* The item of a list whose `key` is `value`. */
static const struct jr *item_of(const struct jr *list, const char *key, const char *value)
{
	for (size_t i = 0; list && i < list->count; i++)
		if (list->items[i].type == JR_OBJECT && str_eq(text_in(&list->items[i], key), value))
			return &list->items[i];
	return NULL;
}

/* Whom waiting does not help, unless somebody mends something. */
static bool is_stuck_reason(const char *reason)
{
	static const char *const reasons[] = {
		"ErrImagePull",      "ImagePullBackOff",           "InvalidImageName",
		"ErrImageNeverPull", "CreateContainerConfigError", "CreateContainerError",
		"RunContainerError", "RegistryUnavailable"
	};

	for (size_t i = 0; i < ARRAY_LEN(reasons); i++)
		if (str_eq(reasons[i], reason))
			return true;
	return false;
}

static void read_waiting(const struct jr *container, const struct jr *conditions, struct kube_pod *ret)
{
	const struct jr *waiting = in(in(container, "state", JR_OBJECT), "waiting", JR_OBJECT),
			*scheduled = item_of(conditions, "type", "PodScheduled");
	const char *reason = text_in(waiting, "reason"), *message = text_in(waiting, "message");

	if (!is_stuck_reason(reason)) {
		if (!str_eq(text_in(scheduled, "status"), "False"))
			return;
		reason = text_in(scheduled, "reason");
		message = text_in(scheduled, "message");
	}
	(void)snprintf(ret->why_text, sizeof ret->why_text, "%.60s: %.180s", reason ? reason : "not scheduled",
		       message ? message : "no more is said");
	ret->stuck = ret->why_text;
}

static void read_end(const struct jr *status, const struct jr *container, struct kube_pod *ret)
{
	const struct jr *ended = in(in(container, "state", JR_OBJECT), "terminated", JR_OBJECT);
	const char *reason = text_in(ended, "reason"), *message = text_in(ended, "message");

	if (ended) {
		ret->status.exit_code = (int)jr_int(ended, "exitCode", -1);
		ret->status.started_ms = kube_time_ms(text_in(ended, "startedAt"));
		ret->status.ended_ms = kube_time_ms(text_in(ended, "finishedAt"));
	}
	if (ret->status.state != APP_FAILED)
		return;
	if (!ended || text_in(status, "reason")) { /* evicted, or lost with its node */
		reason = text_in(status, "reason");
		message = text_in(status, "message");
		ret->status.exit_code = -1;
	}
	(void)snprintf(ret->why_text, sizeof ret->why_text, "the driver's pod failed: %.60s%s%.150s",
		       reason ? reason : "its log says why", message ? ": " : "", message ? message : "");
	ret->status.why = ret->why_text;
}

/* The one that mounts Spark's configuration. */
static const char *driver_of(const struct jr *spec)
{
	const struct jr *all = in(spec, "containers", JR_ARRAY);

	for (size_t i = 0; all && i < all->count; i++)
		if (item_of(in(&all->items[i], "volumeMounts", JR_ARRAY), "name", KUBE_CONF_VOLUME))
			return text_in(&all->items[i], "name");
	return NULL;
}

static void read_state(const struct jr *status, struct kube_pod *ret)
{
	static const struct {
		const char *phase;
		enum app_state state;
	} phases[] = { { "Pending", APP_PENDING },
		       { "Running", APP_RUNNING },
		       { "Succeeded", APP_SUCCEEDED },
		       { "Failed", APP_FAILED } };
	const struct jr *container = item_of(in(status, "containerStatuses", JR_ARRAY), "name", ret->container);
	const struct jr *running = in(in(container, "state", JR_OBJECT), "running", JR_OBJECT),
			*ended = in(in(container, "state", JR_OBJECT), "terminated", JR_OBJECT);
	const char *phase = text_in(status, "phase");
	size_t i = 0;

	while (i < ARRAY_LEN(phases) && !str_eq(phases[i].phase, phase))
		i++;
	ret->unknown = i == ARRAY_LEN(phases);
	if (ret->unknown)
		return;
	ret->status.state = phases[i].state;
	if (ret->status.state == APP_RUNNING && ended) /* containers beside it are still there */
		ret->status.state = jr_int(ended, "exitCode", -1) == 0 ? APP_SUCCEEDED : APP_FAILED;
	if (ret->status.state == APP_RUNNING)
		ret->status.started_ms = kube_time_ms(text_in(running, "startedAt"));
	else if (ret->status.state == APP_PENDING)
		read_waiting(container, in(status, "conditions", JR_ARRAY), ret);
	else
		read_end(status, container, ret);
	ret->status.diagnostics = ret->why_text;
}

bool kube_read_pod(const struct jr *pod, struct kube_pod *ret)
{
	const struct jr *metadata = in(pod, "metadata", JR_OBJECT), *labels = in(metadata, "labels", JR_OBJECT);
	const struct jr *spec = in(pod, "spec", JR_OBJECT),
			*volume = item_of(in(spec, "volumes", JR_ARRAY), "name", KUBE_CONF_VOLUME);
	const char *container = driver_of(spec);

	*ret = (struct kube_pod){
		.ns = text_in(metadata, "namespace"),
		.name = text_in(metadata, "name"),
		.uid = text_in(metadata, "uid"),
		.tag = text_in(labels, KUBE_TAG_LABEL),
		.app_id = text_in(labels, "spark-app-selector"),
		.map_name = text_in(in(volume, "configMap", JR_OBJECT), "name"),
		.container = container ? container : KUBE_CONTAINER,
		.native = str_eq(text_in(labels, KUBE_MAKER_LABEL), "native"),
		.status = { .exit_code = -1 },
	};
	ret->status.app_id = ret->app_id;
	read_state(in(pod, "status", JR_OBJECT), ret);
	return ret->ns && ret->name && ret->uid;
}

const char *kube_read_refusal(struct arena *a, const char *body, size_t n, int status)
{
	const struct jr *top;
	struct error e;
	const char *message = jr_parse(a, body, n, &top, &e) && top->type == JR_OBJECT ? text_in(top, "message") : NULL;
	char *plain = arena_alloc(a, 32);

	if (!str_empty(message) || !plain)
		return message ? message : "refused";
	(void)snprintf(plain, 32, "status %d", status);
	return plain;
}

/* --- logs --- */

static void move_to(struct kube_log_place *at, int64_t when)
{
	if (when == at->ns)
		at->lines++;
	else if (when > at->ns)
		*at = (struct kube_log_place){ when, 1 };
}

void kube_read_log(const char *text, size_t n, bool last, struct kube_log_place *at, struct sbuf *to)
{
	const struct kube_log_place from = *at;
	int64_t here = 0; /* lines of from.ns */

	for (size_t i = 0; i < n;) {
		const char *line = text + i, *end = memchr(line, '\n', n - i);
		size_t len = end ? (size_t)(end - line) + 1 : n - i;
		const char *blank = memchr(line, ' ', len);
		int64_t when = blank ? kube_time_ns(line, (size_t)(blank - line)) : 0;

		i += len;
		if (!end && !last)
			break;
		if (when == 0) /* not a line of the container's, such as "unable to retrieve container logs" */
			continue;
		if (when < from.ns || (when == from.ns && ++here <= from.lines))
			continue;
		sbuf_add(to, blank + 1, len - (size_t)(blank - line) - 1);
		move_to(at, when);
	}
}
