/*
 * jobs - pickled functions that a session's driver runs. The driver remembers them and says all it knows after each
 * connection; here is only what it said last. A client is answered when the driver has the job: from then on it is run once.
 */
#include "base/clock.h"
#include "base/str.h"
#include "service/sessions-priv.h"
#include <string.h>

struct kept_job {
	struct kept_job *next;
	struct session_job shown; /* its result and error are owned */
	char state[16];
	session_job_fn *fn; /* who waits for the driver to take it; NULL: nobody */
	void *arg;
	int64_t ask_until_ms;
};

static bool is_over(const struct kept_job *k)
{
	return str_eq(k->state, "SUCCEEDED") || str_eq(k->state, "FAILED") || str_eq(k->state, "CANCELLED");
}

static void forget_texts(struct kept_job *k)
{
	free((void *)(uintptr_t)k->shown.result);
	free((void *)(uintptr_t)k->shown.error);
	k->shown.result = k->shown.error = NULL;
}

static void job_free(struct kept_job *k)
{
	forget_texts(k);
	free(k);
}

static struct kept_job *find(const struct session *en, int64_t id)
{
	struct kept_job *k = en->jobs;

	while (k && k->shown.id != id)
		k = k->next;
	return k;
}

static int waiting(const struct session *en)
{
	int n = 0;

	for (const struct kept_job *k = en->jobs; k; k = k->next)
		n += !is_over(k);
	return n;
}

/* Room for one more: the oldest that is over goes. */
static void make_room(struct session *en)
{
	struct kept_job **oldest = NULL;

	for (struct kept_job **at = &en->jobs; *at; at = &(*at)->next)
		if (is_over(*at))
			oldest = at;
	if (en->jobs_count < SESSION_JOBS_MAX || !oldest)
		return;
	struct kept_job *k = *oldest;
	*oldest = k->next;
	en->jobs_count--;
	job_free(k);
}

static struct kept_job *add(struct session *en, int64_t id)
{
	struct kept_job *k = xcalloc(1, sizeof *k);

	make_room(en);
	k->shown.id = id;
	k->shown.state = k->state;
	k->next = en->jobs;
	en->jobs = k;
	en->jobs_count++;
	if (id > en->next_job)
		en->next_job = id;
	return k;
}

static void tell(struct kept_job *k, const struct error *e)
{
	session_job_fn *fn = k->fn;

	k->fn = NULL;
	if (fn)
		fn(k->arg, e->code ? NULL : &k->shown, e);
}

/* --- asked by clients --- */

void jobs_run(struct sessions *s, const struct batch *job, const char *encoded, session_job_fn *fn, void *arg)
{
	struct error e = { 0 };
	struct session *en = session_find_active(s, job, &e);
	_sbuf_ struct sbuf text = SBUF_INIT(CHANNEL_FRAME_MAX);
	struct jw w = { .out = &text };

	if (en && !en->channel)
		(void)error_set(&e, ERR_UNAVAILABLE, "the session's driver is not connected: try again");
	else if (en && waiting(en) >= SESSION_JOBS_MAX / 2)
		(void)error_set(&e, ERR_BUSY, "too many jobs of this session wait");
	else if (en && strlen(encoded) > SESSION_JOB_MAX)
		(void)error_set(&e, ERR_TOO_LARGE, "a job is at most %d bytes", SESSION_JOB_MAX);
	if (!en || e.code) {
		fn(arg, NULL, &e);
		return;
	}
	struct kept_job *k = add(en, en->next_job + 1);
	(void)snprintf(k->state, sizeof k->state, "SENT");
	k->fn = fn;
	k->arg = arg;
	k->ask_until_ms = clock_now_ms() + SESSION_QUESTION_MS;
	en->used_ms = clock_now_ms();
	jw_open(&w, NULL, '{');
	jw_str(&w, "type", "job");
	jw_int(&w, "id", k->shown.id);
	jw_str(&w, "job", encoded);
	jw_close(&w, '}');
	channel_send(en->channel, text.data, text.len);
}

void jobs_get(struct sessions *s, const struct batch *job, int64_t id, session_job_fn *fn, void *arg)
{
	struct session *en = session_by_id(s, job->id);
	const struct kept_job *k = en ? find(en, id) : NULL;
	struct error e = { 0 };

	if (!k && en && !en->channel && !state_is_final(en->job))
		(void)error_set(&e, ERR_UNAVAILABLE, "the session's driver is not connected: try again");
	else if (!k)
		(void)error_set(&e, ERR_NOT_FOUND, "Job not found");
	fn(arg, k ? &k->shown : NULL, &e);
}

bool jobs_cancel(struct sessions *s, const struct batch *job, int64_t id, struct error *e)
{
	struct session *en = session_find_active(s, job, e);

	if (!en)
		return false;
	if (!en->channel)
		return error_set(e, ERR_UNAVAILABLE, "the session's driver is not connected: try again");
	session_send_about(en, "cancel_job", id);
	return true;
}

/* --- said by the driver --- */

/* Sent again after a connection: it is what the driver has, so a job that is not there does not exist. */
void jobs_take(struct session *en, const struct jr *message)
{
	const char *state = jr_text(message, "state", JR_STRING);
	int64_t id = jr_int(message, "id", 0);
	const struct error none = { 0 };

	if (!state || id < 1)
		return;
	struct kept_job *k = find(en, id);
	if (!k)
		k = add(en, id);
	tell(k, &none); /* while it still reads SENT, as Livy answers */
	(void)snprintf(k->state, sizeof k->state, "%s", state);
	forget_texts(k);
	k->shown.result = xstrdup(jr_text(message, "result", JR_STRING));
	k->shown.error = xstrdup(jr_text(message, "error", JR_STRING));
	en->used_ms = clock_now_ms();
}

static void give_up(struct session *en, struct kept_job **at, const char *why)
{
	struct kept_job *k = *at;
	struct error e;

	*at = k->next;
	en->jobs_count--;
	(void)error_set(&e, ERR_UNAVAILABLE, "%s; whether the job runs is not known", why);
	tell(k, &e);
	job_free(k);
}

void jobs_expire(struct session *en, int64_t now_ms)
{
	for (struct kept_job **at = &en->jobs; *at;)
		if ((*at)->fn && now_ms > (*at)->ask_until_ms)
			give_up(en, at, "the session's driver has not answered in time");
		else
			at = &(*at)->next;
}

void jobs_disconnect(struct session *en)
{
	for (struct kept_job **at = &en->jobs; *at;)
		if ((*at)->fn)
			give_up(en, at, "the session's driver has gone before it answered");
		else
			at = &(*at)->next;
}

void jobs_end_all(struct session *en)
{
	jobs_disconnect(en);
	for (struct kept_job *k = en->jobs; k; k = k->next)
		if (!is_over(k)) {
			(void)snprintf(k->state, sizeof k->state, "FAILED");
			k->shown.error = xstrdup("the session ended before the job did");
		}
}

void jobs_free_all(struct session *en)
{
	jobs_disconnect(en);
	while (en->jobs) {
		struct kept_job *k = en->jobs;

		en->jobs = k->next;
		job_free(k);
	}
	en->jobs_count = 0;
}
