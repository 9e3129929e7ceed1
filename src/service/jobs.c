/*
 * jobs - pickled functions that a session's driver runs. The driver remembers them and says all it knows after each
 * connection; here is only what it said last. A client is answered when the driver has the job: from then on it is run
 * once.
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

enum { STATES_OVER = 3 }; /* the first ones of: */
static const char *const states[] = { "SUCCEEDED", "FAILED", "CANCELLED", "STARTED", "QUEUED" };

static bool is_one_of(const char *state, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (str_eq(state, states[i]))
			return true;
	return false;
}

static bool is_over(const struct kept_job *k)
{
	return is_one_of(k->state, STATES_OVER);
}

static size_t bytes_of(const struct kept_job *k)
{
	return (k->shown.result ? strlen(k->shown.result) : 0) + (k->shown.error ? strlen(k->shown.error) : 0);
}

static void set_texts(struct session *en, struct kept_job *k, const char *result, const char *error)
{
	en->jobs_bytes -= bytes_of(k);
	free((void *)(uintptr_t)k->shown.result);
	free((void *)(uintptr_t)k->shown.error);
	k->shown.result = xstrdup(result);
	k->shown.error = xstrdup(error);
	en->jobs_bytes += bytes_of(k);
}

/* Takes *at out of the list. */
static void forget(struct session *en, struct kept_job **at)
{
	struct kept_job *k = *at;

	*at = k->next;
	en->jobs_count--;
	set_texts(en, k, NULL, NULL);
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

bool jobs_wait(const struct session *en)
{
	return waiting(en) > 0;
}

/* The oldest that is over goes. False: there is none. */
static bool forget_oldest(struct session *en)
{
	struct kept_job **oldest = NULL;

	for (struct kept_job **at = &en->jobs; *at; at = &(*at)->next)
		if (is_over(*at))
			oldest = at;
	if (oldest)
		forget(en, oldest);
	return oldest != NULL;
}

static bool make_room(struct session *en)
{
	return en->jobs_count < SESSION_JOBS_MAX || forget_oldest(en);
}

static struct kept_job *add(struct session *en, int64_t id)
{
	struct kept_job *k = xcalloc(1, sizeof *k);

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
	_sbuf_ struct sbuf text = SBUF_INIT(CHANNEL_WAITING_MAX);
	struct jw w = { .out = &text };

	if (en && !en->channel)
		(void)error_set(&e, ERR_UNAVAILABLE, "the session's driver is not connected: try again");
	else if (en && (waiting(en) >= SESSION_JOBS_MAX / 2 || !make_room(en)))
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

/*
 * Sent again after a connection: it is what the driver has, so a job that is not there does not exist. A driver that
 * says more than an honest one could is not listened to.
 */
void jobs_take(struct session *en, const struct jr *message, struct sbuf *text)
{
	const char *state = jr_text(message, "state", JR_STRING);
	int64_t id = jr_int(message, "id", 0);
	const struct error none = { 0 };

	if (!state || !is_one_of(state, ARRAY_LEN(states)) || id < 1 || id > INT32_MAX)
		return;
	struct kept_job *k = find(en, id);
	if (!k && !make_room(en))
		return;
	if (!k)
		k = add(en, id);
	tell(k, &none); /* while it still reads SENT, as Livy answers */
	(void)snprintf(k->state, sizeof k->state, "%s", state);
	if (is_over(k))
		set_texts(en, k, text->len ? sbuf_str(text) : jr_text(message, "result", JR_STRING),
			  jr_text(message, "error", JR_STRING));
	while (en->jobs_bytes > SESSION_JOBS_BYTES && forget_oldest(en))
		;
	en->used_ms = clock_now_ms();
}

static void give_up(struct session *en, struct kept_job **at, const char *why)
{
	struct error e;

	(void)error_set(&e, ERR_UNAVAILABLE, "%s; whether the job runs is not known", why);
	tell(*at, &e);
	forget(en, at);
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
			set_texts(en, k, NULL, "the session ended before the job did");
		}
}

void jobs_free_all(struct session *en)
{
	jobs_disconnect(en);
	while (en->jobs)
		forget(en, &en->jobs);
}
