/*
 * session-ends - when a session is ended without anybody asking for it, and what the end of its log says then.
 */
#include "base/clock.h"
#include "base/log.h"
#include "base/str.h"
#include "service/sessions-priv.h"

const char *session_overdue(const struct session *en, int64_t now_ms)
{
	if (en->driver == DRIVER_STARTING || en->unfinished || jobs_wait(en) || !en->loaded)
		return en->ttl_ms && now_ms - en->created_ms > en->ttl_ms ? "ttl" : NULL;
	if (en->heartbeat_ms && now_ms - en->touched_ms > en->heartbeat_ms)
		return "heartbeatTimeoutInSecond";
	if (en->idle_ms && now_ms - en->used_ms > en->idle_ms)
		return "idleTimeout";
	return en->ttl_ms && now_ms - en->created_ms > en->ttl_ms ? "ttl" : NULL;
}

enum { FAULT_MAX = 512 };

/* It says error, and then is dead (livy.md 2.2). */
static void end(struct session *en, struct sbuf *why)
{
	en->fault = sbuf_take(why);
	en->driver = DRIVER_ERROR;
	batches_forget_view(en->of->jobs, en->id);
	batches_fail(en->of->jobs, en->id);
}

void session_end_if_late(struct session *en, int64_t now_ms)
{
	int64_t max_ms = en->of->config->livy_rsc_server_connect_timeout_ms;
	_sbuf_ struct sbuf why = SBUF_INIT(FAULT_MAX);

	if (en->job != STATE_RUNNING || en->ready || en->fault || now_ms - en->starting_ms < max_ms)
		return;
	log_warn("session not ready in time", LOG_INT("session", en->id), LOG_INT("limit_ms", max_ms));
	sbuf_addf(&why,
		  "the session was not ready within %lld s of its start, and was ended; if it needs longer, "
		  "raise livy.rsc.server.connect.timeout",
		  (long long)max_ms / 1000);
	end(en, &why);
}

void session_end_faulty(struct session *en, const char *why)
{
	_sbuf_ struct sbuf text = SBUF_INIT(FAULT_MAX);

	if (en->job != STATE_RUNNING || en->fault)
		return;
	log_warn("session ended for what its driver sent", LOG_INT("session", en->id), LOG_STR("reason", why));
	sbuf_addf(&text, "the session was ended, since its driver sent %s", why);
	end(en, &text);
}

/*
 * Of one that we ended or that never came up, whatever the driver has said, the end of its log says how far it got; of
 * one that was up only what it could not say itself.
 */
void session_explain(void *arg, const struct batch *job, const struct attempt_report *end, struct sbuf *why)
{
	const struct session *en = session_by_id(arg, job->id);

	if (!en || job->state == STATE_KILLED || end->event != ATTEMPT_ENDED)
		return;
	if (en->fault) {
		sbuf_clear(why);
		sbuf_adds(why, en->fault);
	} else if (end->end == ATTEMPT_END_EXIT && !en->ready) {
		sbuf_addf(why, "the driver ended with status %d before the session was ready; see what it said above",
			  end->code);
	} else if (end->end == ATTEMPT_END_SIGNAL) {
		sbuf_addf(why, "signal %d ended the driver%s", end->code,
			  en->ready ? "" : " before the session was ready");
	}
}
