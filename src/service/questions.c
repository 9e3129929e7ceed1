/*
 * questions - what a driver is asked beside statements: completions, files to add. Nothing of it is stored; who asked
 * gets an answer or an error.
 */
#include "base/clock.h"
#include "base/str.h"
#include "service/paths.h"
#include "service/registry.h"
#include "service/sessions-priv.h"
#include <string.h>

/*
 * One whose time is over stays, with nobody to tell, until the driver answers it: so those that it may have are
 * counted.
 */
struct question {
	struct question *next;
	int64_t request, ask_until_ms;
	question_fn *fn; /* NULL: was told that it took too long */
	void *arg;
};

static void tell(struct question *q, const struct jr *answer, const struct error *e)
{
	question_fn *fn = q->fn;

	q->fn = NULL;
	if (fn)
		fn(q->arg, answer, e);
}

static void ask(struct session *en, const struct sbuf *text, question_fn *fn, void *arg)
{
	struct question *q = xcalloc(1, sizeof *q);

	q->request = en->next_question++;
	q->ask_until_ms = clock_now_ms() + SESSION_QUESTION_MS;
	q->fn = fn;
	q->arg = arg;
	q->next = en->questions;
	en->questions = q;
	en->questions_count++;
	en->used_ms = clock_now_ms();
	channel_send(en->channel, text->data, text->len);
}

/* May it be asked now? */
static struct session *find_listening(struct sessions *s, const struct batch *job, struct error *e)
{
	struct session *en = session_find_active(s, job, e);

	if (!en)
		return NULL;
	if (!en->channel)
		(void)error_set(e, ERR_UNAVAILABLE, "the session's driver is not connected: try again");
	else if (en->questions_count >= SESSION_QUESTIONS_MAX)
		(void)error_set(e, ERR_BUSY, "too many questions to this session wait");
	else
		return en;
	return NULL;
}

static void begin(struct jw *w, const struct session *en, const char *type)
{
	jw_open(w, NULL, '{');
	jw_str(w, "type", type);
	jw_int(w, "request", en->next_question);
}

void questions_complete(struct sessions *s, const struct batch *job, const char *kind, const char *code, int64_t cursor,
			question_fn *fn, void *arg)
{
	struct error e = { 0 };
	struct session *en = find_listening(s, job, &e);
	_sbuf_ struct sbuf text = SBUF_INIT(CHANNEL_WAITING_MAX);
	struct jw w = { .out = &text };

	if (!en || !session_has_kind(en, kind, &e)) {
		fn(arg, NULL, &e);
		return;
	}
	begin(&w, en, "complete");
	jw_str(&w, "kind", kind ? kind : en->kind);
	jw_str(&w, "code", code);
	jw_int(&w, "cursor", cursor);
	jw_close(&w, '}');
	ask(en, &text, fn, arg);
}

/* In Livy's words: here nothing says "Rejected, Reason: ". */
static bool check_path(const struct batches *jobs, struct arena *a, const char **uri, struct error *e)
{
	static const char rejected[] = "Rejected, Reason: ";

	if (paths_resolve_one(jobs->paths, jobs->policy, a, uri, e))
		return true;
	if (str_starts(e->msg, rejected))
		memmove(e->msg, e->msg + strlen(rejected), strlen(e->msg + strlen(rejected)) + 1);
	return false;
}

static void ask_to_add(struct session *en, const char *what, const char *uri, question_fn *fn, void *arg)
{
	_sbuf_ struct sbuf text = SBUF_INIT(SPEC_ARENA_MAX);
	struct jw w = { .out = &text };

	begin(&w, en, "add");
	jw_str(&w, "what", what);
	jw_str(&w, "uri", uri);
	jw_close(&w, '}');
	ask(en, &text, fn, arg);
}

void questions_add(struct sessions *s, const struct batch *job, const char *what, const char *uri, question_fn *fn,
		   void *arg)
{
	_arena_ struct arena *a = arena_new(SPEC_ARENA_MAX);
	struct error e = { 0 };
	struct session *en = find_listening(s, job, &e);

	if (en && check_path(s->jobs, a, &uri, &e))
		ask_to_add(en, what, uri, fn, arg);
	else
		fn(arg, NULL, &e);
}

void questions_add_resolved(struct sessions *s, int64_t session, const char *what, const char *uri, question_fn *fn,
			    void *arg)
{
	const struct batch *job = batches_by_id(s->jobs, session);
	struct error e = { 0 };

	if (!job)
		(void)error_set(&e, ERR_NOT_FOUND, "Session '%lld' not found.", (long long)session);
	struct session *en = job ? find_listening(s, job, &e) : NULL;
	if (en)
		ask_to_add(en, what, uri, fn, arg);
	else
		fn(arg, NULL, &e);
}

/* --- answers --- */

void questions_take(struct session *en, const struct jr *message)
{
	int64_t n = jr_int(message, "request", -1);
	const struct error none = { 0 };

	for (struct question **at = &en->questions; *at; at = &(*at)->next) {
		struct question *q = *at;

		if (q->request != n)
			continue;
		*at = q->next;
		en->questions_count--;
		tell(q, message, &none);
		free(q);
		return;
	}
}

void questions_expire(struct session *en, int64_t now_ms)
{
	struct error e;

	(void)error_set(
		&e, ERR_SESSION_STATE,
		"java.util.concurrent.TimeoutException: the session has not answered within %d s; it runs one thing after the other",
		SESSION_QUESTION_MS / 1000);
	for (struct question *q = en->questions; q; q = q->next)
		if (now_ms > q->ask_until_ms)
			tell(q, NULL, &e);
}

void questions_end_all(struct session *en)
{
	struct error e;

	(void)error_set(&e, ERR_UNAVAILABLE, "the session's driver has gone before it answered");
	while (en->questions) {
		struct question *q = en->questions;

		en->questions = q->next;
		tell(q, NULL, &e);
		free(q);
	}
	en->questions_count = 0;
}
