#include "cluster/yarn/read.h"
#include "base/str.h"
#include "cluster/entities.h"
#include <string.h>

/* Livy's table (livy.md 2.1): every pair that is not in it is a failure. */
static const struct {
	const char *state, *final_status; /* NULL: any */
	enum app_state is;
} states[] = {
	{ "NEW", NULL, APP_PENDING },          { "NEW_SAVING", NULL, APP_PENDING },
	{ "SUBMITTED", NULL, APP_PENDING },    { "ACCEPTED", NULL, APP_PENDING },
	{ "RUNNING", NULL, APP_RUNNING },      { "FINISHING", NULL, APP_RUNNING },
	{ "FINAL_SAVING", NULL, APP_RUNNING }, { "FINISHED", "SUCCEEDED", APP_SUCCEEDED },
	{ "KILLED", NULL, APP_KILLED },        { "FINISHED", "KILLED", APP_KILLED },
	{ "FINISHED", NULL, APP_FAILED },      { "FAILED", NULL, APP_FAILED },
};

static bool state_of(const char *state, const char *final_status, enum app_state *ret)
{
	for (size_t i = 0; i < ARRAY_LEN(states); i++)
		if (str_eq(states[i].state, state) &&
		    (!states[i].final_status || str_eq(states[i].final_status, final_status))) {
			*ret = states[i].is;
			return true;
		}
	return false;
}

bool yarn_read_app(const struct jr *app, struct yarn_app *ret)
{
	if (app->type != JR_OBJECT)
		return false;
	const char *why = jr_text(app, "diagnostics", JR_STRING), *ui = jr_text(app, "trackingUrl", JR_STRING);

	*ret = (struct yarn_app){
		.id = jr_text(app, "id", JR_STRING),
		.tags = jr_text(app, "applicationTags", JR_STRING),
		.logs = jr_text(app, "amContainerLogs", JR_STRING),
		.node = jr_text(app, "masterNodeId", JR_STRING),
		.user = jr_text(app, "user", JR_STRING),
		.status = { .exit_code = -1,
			    .app_id = jr_text(app, "id", JR_STRING),
			    .ui_url = ui,
			    .diagnostics = why,
			    .started_ms = jr_int(app, "startedTime", 0),
			    .ended_ms = jr_int(app, "finishedTime", 0) },
	};
	ret->status.log_url = ret->logs;
	if (!ret->id ||
	    !state_of(jr_text(app, "state", JR_STRING), jr_text(app, "finalStatus", JR_STRING), &ret->status.state))
		return false;
	if (ret->status.state == APP_FAILED)
		ret->status.why = str_empty(why) ? "YARN says that it failed, and not why" : why;
	return true;
}

bool yarn_read_id(const char *id)
{
	static const char prefix[] = "application_";
	size_t n = id ? strlen(id) : 0;

	return n < YARN_ID_MAX && n > strlen(prefix) && str_starts(id, prefix) &&
	       strspn(id + strlen(prefix), "0123456789_") == n - strlen(prefix);
}

enum yarn_found yarn_read_found(const struct jr *top, struct yarn_app *ret)
{
	const struct jr *one = jr_get(top, "app"), *apps = jr_get(top, "apps");

	if (!one && (!apps || (apps->type != JR_OBJECT && apps->type != JR_NULL)))
		return YARN_UNREADABLE;
	if (!one)
		one = apps->type == JR_OBJECT ? jr_get(apps, "app") : NULL;
	if (one && one->type == JR_ARRAY)
		one = one->count ? &one->items[0] : NULL;
	if (!one)
		return YARN_NOT_THERE;
	return yarn_read_app(one, ret) ? YARN_THERE : YARN_UNREADABLE;
}

bool yarn_read_unknown(const struct jr *top)
{
	const struct jr *remote = top->type == JR_OBJECT ? jr_get(top, "RemoteException") : NULL;

	return remote && remote->type == JR_OBJECT &&
	       str_eq(jr_text(remote, "exception", JR_STRING), "NotFoundException");
}

const char *yarn_own_tag(struct arena *a, const char *tags, const char *prefix)
{
	size_t len = strlen(prefix);

	for (const char *p = tags ? tags : ""; *p; p += strspn(p, ", ")) {
		size_t n = strcspn(p, ", ");

		if (n > len && strncmp(p, prefix, len) == 0 && memchr(p + len, '-', n - len))
			return arena_strndup(a, p, n);
		p += n;
	}
	return NULL;
}

/* "Log Length: 123" of a page that says when it was uploaded; -1: it does not. */
static int64_t gathered_length(const char *page, size_t n)
{
	static const char uploaded[] = "Log Upload Time: ", length[] = "Log Length: ";
	const char *at = page ? memmem(page, n, uploaded, sizeof uploaded - 1) : NULL;
	char digits[24] = "";
	int64_t ret;

	at = at ? memmem(page, n, length, sizeof length - 1) : NULL;
	for (size_t i = 0; at && i + 1 < sizeof digits; i++) {
		const char *c = at + sizeof length - 1 + i;

		if (c >= page + n || *c < '0' || *c > '9')
			break;
		digits[i] = *c;
	}
	return str_to_i64(digits, &ret) ? ret : -1;
}

bool yarn_read_log(const char *page, size_t n, struct sbuf *to, int64_t *ret_length)
{
	static const char open[] = "<pre>", close[] = "</pre>";
	const char *from = memmem(page, n, open, sizeof open - 1);

	if (!from)
		return false;
	*ret_length = gathered_length(page, (size_t)(from - page));
	from += sizeof open - 1;
	const char *end = memmem(from, n - (size_t)(from - page), close, sizeof close - 1);
	if (!end)
		return false;
	entities_decode(to, from, end);
	return sbuf_ok(to);
}

/* Bytes that are no UTF-8 are shown as this. */
static bool has_replacement(const char *text, size_t n)
{
	static const char replacement[] = "\xef\xbf\xbd";

	return n > 0 && memmem(text, n, replacement, sizeof replacement - 1);
}

int64_t yarn_log_offset(const struct sbuf *text, size_t n, int64_t from, int64_t to, int64_t length)
{
	int64_t end = length < to ? length : to, rest = (int64_t)(text->len - n);

	if (end - rest <= from || !has_replacement(sbuf_str(text), n) ||
	    has_replacement(sbuf_str(text) + n, text->len - n))
		return from + (int64_t)n;
	return end - rest;
}
