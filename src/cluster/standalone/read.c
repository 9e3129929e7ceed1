#include "cluster/standalone/read.h"
#include "base/str.h"
#include "cluster/standalone/create.h"
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

static const struct {
	const char *word;
	enum app_state state;
} states[] = {
	{ "SUBMITTED", APP_PENDING },  { "RUNNING", APP_RUNNING }, { "RELAUNCHING", APP_RUNNING },
	{ "FINISHED", APP_SUCCEEDED }, { "FAILED", APP_FAILED },   { "ERROR", APP_FAILED },
	{ "KILLED", APP_KILLED },
};

bool standalone_state(const char *word, enum app_state *ret)
{
	for (size_t i = 0; i < ARRAY_LEN(states); i++)
		if (str_eq(states[i].word, word)) {
			*ret = states[i].state;
			return true;
		}
	return false;
}

bool standalone_read_reply(struct arena *a, const char *body, size_t n, struct standalone_reply *ret)
{
	const struct jr *top;
	struct error e;

	if (!jr_parse(a, body, n, &top, &e) || top->type != JR_OBJECT || !jr_text(top, "action", JR_STRING))
		return false;
	const char *message = jr_text(top, "message", JR_STRING);
	*ret = (struct standalone_reply){
		.success = str_eq(jr_text(top, "success", JR_BOOL), "true"),
		.message = message ? message : "",
		.id = jr_text(top, "submissionId", JR_STRING),
		.driver_state = jr_text(top, "driverState", JR_STRING),
		.worker = jr_text(top, "workerId", JR_STRING),
	};
	ret->standby = !ret->success && strstr(ret->message, "Current state is not alive");
	return true;
}

bool standalone_read_log(const char *body, size_t n, struct standalone_log *ret)
{
	const char *end = memchr(body, '\n', n);

	if (!end || sscanf(body, "==== Bytes %" SCNd64 "-%" SCNd64 " of %" SCNd64 " of ", &ret->start, &ret->end,
			   &ret->total) != 3)
		return false;
	ret->bytes = end + 1;
	ret->len = n - (size_t)(ret->bytes - body);
	return ret->start >= 0 && ret->end >= ret->start && ret->total >= ret->end &&
	       (int64_t)ret->len >= ret->end - ret->start;
}

bool standalone_find_app_id(const char *bytes, size_t n, char *to, size_t room)
{
	static const char before[] = "Connected to Spark cluster with app ID ";
	const char *at = memmem(bytes, n, before, sizeof before - 1);

	if (!at)
		return false;
	at += sizeof before - 1;
	size_t left = n - (size_t)(at - bytes), len = 0;
	while (len < left && len + 1 < room &&
	       (at[len] == '-' || (at[len] >= '0' && at[len] <= '9') || (at[len] >= 'a' && at[len] <= 'z')))
		len++;
	memcpy(to, at, len);
	to[len] = '\0';
	return len > 0 && len < left; /* cut at the end of a piece: it is found in the next, or not at all */
}

enum standalone_head standalone_read_head(const char *bytes, size_t n, const char *tag)
{
	static const char before[] = "Launch Command: ";
	_sbuf_ struct sbuf option = SBUF_INIT(256);
	const char *at = memmem(bytes, n, before, sizeof before - 1);

	if (!at)
		return STANDALONE_HEAD_NONE;
	size_t left = n - (size_t)(at - bytes);
	const char *end = memchr(at, '\n', left);
	sbuf_addf(&option, "\"-D" STANDALONE_TAG_KEY "=%s\"", tag);
	if (memmem(at, end ? (size_t)(end - at) : left, option.data, option.len))
		return STANDALONE_HEAD_OURS;
	return end ? STANDALONE_HEAD_OTHER : STANDALONE_HEAD_CUT;
}

void standalone_read_why(const char *message, struct sbuf *to)
{
	static const char before[] = "Exception from the cluster:\n";

	if (str_starts(message, before))
		message += sizeof before - 1;
	sbuf_add(to, message, strcspn(message, "\n"));
}
