/*
 * requests - what clients ask of a session: statements to run, to read, to cancel.
 */
#include "base/clock.h"
#include "base/str.h"
#include "service/registry.h"
#include "service/sessions-priv.h"
#include <string.h>

/* --- run --- */

struct arrival {
	struct store_statement_add add; /* first */
	struct sessions *of;
	char *kind, *code;
	statement_fn *fn;
	void *arg;
};

static void added(struct store_op *op)
{
	struct arrival *a = (struct arrival *)op;
	struct session *en = session_by_id(a->of, a->add.session);
	struct error gone;

	if (!op->ok) {
		a->fn(a->arg, NULL, &op->error);
	} else if (!en) {
		(void)error_set(&gone, ERR_NOT_FOUND, "Session '%lld' not found.", (long long)a->add.session);
		a->fn(a->arg, NULL, &gone);
	} else {
		struct kept_statement *k = statements_keep(en, a->add.id, a->kind, a->code);

		en->used_ms = clock_now_ms();
		a->fn(a->arg, &k->shown, &op->error);
		statements_send(en, k);
	}
	free(a->kind);
	free(a->code);
	free(a);
}

/* May a statement be sent to it now? In Livy's words (livy.md 1.2). */
struct session *session_find_active(struct sessions *s, const struct batch *job, struct error *e)
{
	struct session *en = session_by_id(s, job->id);

	if (!en || state_is_final(job->state) || job->state == STATE_KILLING) {
		(void)error_set(e, ERR_INVALID, "requirement failed: Session isn't active.");
		return NULL;
	}
	if (session_takes_statements(job->state, en->driver) && en->loaded)
		return en;
	if (en->ready && !en->loaded)
		(void)error_set(e, ERR_UNAVAILABLE, "the session's statements are being read: try again");
	else
		(void)error_set(e, ERR_SESSION_STATE, "java.lang.IllegalStateException: Session is in state %s",
				sessions_view(s, job).state);
	return NULL;
}

bool session_has_kind(const struct session *en, const char *kind, struct error *e)
{
	if (kind || !str_eq(en->kind, "shared"))
		return true;
	return error_set(
		e, ERR_SESSION_STATE,
		"java.util.concurrent.ExecutionException: java.lang.IllegalArgumentException: Code type should be "
		"specified if session kind is shared");
}

static bool has_room_for(const struct session *en, const char *code)
{
	return en->unfinished == 0 || (en->unfinished < SESSION_UNFINISHED_MAX &&
				       en->unfinished_bytes + (code ? strlen(code) : 0) <= SESSION_UNFINISHED_BYTES);
}

void statements_run(struct sessions *s, const struct batch *job, const char *kind, const char *code, statement_fn *fn,
		    void *arg)
{
	struct error e = { 0 };
	struct session *en = session_find_active(s, job, &e);

	if (en && !has_room_for(en, code))
		(void)error_set(&e, ERR_BUSY, "too many statements of this session wait");
	if (!en || e.code || !session_has_kind(en, kind, &e) || !registry_store_has_room(s->jobs, &e)) {
		fn(arg, NULL, &e);
		return;
	}
	struct arrival *a = xcalloc(1, sizeof *a);
	a->of = s;
	a->kind = xstrdup(kind);
	a->code = xstrdup(code);
	a->fn = fn;
	a->arg = arg;
	a->add.op.done = added;
	a->add.session = en->id;
	a->add.id = en->next_statement++;
	a->add.kind = a->kind;
	a->add.code = a->code;
	store_statement_add(s->store, &a->add);
}

/* --- get --- */

struct lookup {
	struct store_statements get; /* first */
	bool session_is_over;
	statement_fn *fn;
	void *arg;
};

/* A row as the store has it. Its end may be missing there when its session's is not: then nobody is left to end it. */
static struct statement as_stored(const struct store_statement *row, bool session_is_over)
{
	struct statement st = { row->id,         row->kind,         row->code, STATEMENT_WAITING, row->output, "0.0",
				row->started_ms, row->completed_ms, NULL };

	(void)statement_state_parse(row->state, &st.state);
	if (session_is_over && !statement_is_over(st.state))
		st.state = STATEMENT_CANCELLED;
	if (statement_is_over(st.state))
		st.progress = "1.0";
	return st;
}

static void looked_up(struct store_op *op)
{
	struct lookup *l = (struct lookup *)op;
	const struct store_statement *row = l->get.out_count == 1 ? &l->get.out[0] : NULL;
	struct statement found = { 0 };

	if (op->ok && (!row || row->id != l->get.from))
		op->ok = error_set(&op->error, ERR_NOT_FOUND, "Statement not found");
	if (op->ok)
		found = as_stored(row, l->session_is_over);
	l->fn(l->arg, op->ok ? &found : NULL, &op->error);
	store_statements_done(&l->get);
	free(l);
}

void statements_get(struct sessions *s, const struct batch *job, int64_t id, statement_fn *fn, void *arg)
{
	const struct session *en = session_by_id(s, job->id);
	const struct kept_statement *k = en ? statement_in_memory(en, id) : NULL;
	struct error e = { 0 };

	if (k) {
		fn(arg, &k->shown, &e);
		return;
	}
	if (!registry_store_has_room(s->jobs, &e)) {
		fn(arg, NULL, &e);
		return;
	}
	struct lookup *l = xcalloc(1, sizeof *l);
	l->fn = fn;
	l->arg = arg;
	l->get.op.done = looked_up;
	l->session_is_over = state_is_final(job->state);
	l->get.session = job->id;
	l->get.from = id;
	l->get.max = 1;
	store_statements(s->store, &l->get);
}

/* --- lists --- */

struct listing {
	struct store_statements get; /* first */
	struct sessions *of;
	bool session_is_over;
	struct statement *items;
	statements_fn *fn;
	void *arg;
};

/* What is in memory knows better. */
static struct statement shown(const struct session *en, const struct store_statement *row, bool session_is_over)
{
	const struct kept_statement *k = en ? statement_in_memory(en, row->id) : NULL;

	return k ? k->shown : as_stored(row, session_is_over);
}

static void listed(struct store_op *op)
{
	struct listing *l = (struct listing *)op;
	const struct session *en = session_by_id(l->of, l->get.session);

	l->items = xcalloc(l->get.out_count + 1, sizeof *l->items);
	for (size_t i = 0; i < l->get.out_count; i++)
		l->items[i] = shown(en, &l->get.out[i], l->session_is_over);
	l->fn(l->arg, op->ok ? l->items : NULL, l->get.out_count, l->get.out_total, &op->error);
	free(l->items);
	store_statements_done(&l->get);
	free(l);
}

/* Clamped to what there can be: `first` is never below 0, and no `end` below it. */
static void clamp(const struct statements_window *window, int64_t *first, int64_t *end)
{
	*first = window->from > 0 ? window->from : 0;
	*end = window->from + window->size > *first ? window->from + window->size : *first;
}

/* From memory when all of them are there, which is nearly always. */
static bool list_kept(const struct session *en, const struct statements_window *window, statements_fn *fn, void *arg)
{
	const struct error none = { 0 };
	int64_t first, end, at = 0;
	size_t n = 0;

	if (!en || !en->loaded || en->trimmed)
		return false;
	struct statement *items = xcalloc((size_t)en->kept + 1, sizeof *items);
	clamp(window, &first, &end);
	for (const struct kept_statement *k = en->first; k; k = k->next, at++) {
		int64_t place = window->newest_first ? en->kept - 1 - at : at;

		if (place < first || place >= end)
			continue;
		items[place - first] = k->shown;
		n++;
	}
	fn(arg, items, n, en->kept, &none);
	free(items);
	return true;
}

void statements_list(struct sessions *s, const struct batch *job, const struct statements_window *window,
		     statements_fn *fn, void *arg)
{
	struct error e = { 0 };
	int64_t end;

	if (list_kept(session_by_id(s, job->id), window, fn, arg))
		return;
	if (!registry_store_has_room(s->jobs, &e)) {
		fn(arg, NULL, 0, 0, &e);
		return;
	}
	struct listing *l = xcalloc(1, sizeof *l);
	l->of = s;
	l->session_is_over = state_is_final(job->state);
	l->fn = fn;
	l->arg = arg;
	l->get.op.done = listed;
	l->get.session = job->id;
	l->get.newest_first = window->newest_first;
	l->get.count = true;
	clamp(window, &l->get.skip, &end);
	l->get.max = end - l->get.skip;
	store_statements(s->store, &l->get);
}

/* --- cancel --- */

struct cancelling {
	struct store_statement_cancel row; /* first */
	struct sessions *of;
	cancelled_fn *fn;
	void *arg;
};

static void cancel_stored(struct store_op *op)
{
	struct cancelling *x = (struct cancelling *)op;
	struct session *en = session_by_id(x->of, x->row.session);
	struct kept_statement *k = en ? statement_in_memory(en, x->row.id) : NULL;

	if (op->ok && k && !statement_is_over(k->shown.state)) {
		k->shown.state = STATEMENT_CANCELLING;
		session_send_about(en, "cancel", x->row.id);
	}
	x->fn(x->arg, &op->error);
	free(x);
}

void statements_cancel(struct sessions *s, const struct batch *job, int64_t id, cancelled_fn *fn, void *arg)
{
	struct error e = { 0 };
	struct session *en = session_find_active(s, job, &e);
	const struct kept_statement *k = en ? statement_in_memory(en, id) : NULL;

	if (en)
		en->used_ms = clock_now_ms();
	if (!k || statement_is_over(k->shown.state)) {
		fn(arg, &e);
		return;
	}
	struct cancelling *x = xcalloc(1, sizeof *x);
	x->of = s;
	x->fn = fn;
	x->arg = arg;
	x->row.op.done = cancel_stored;
	x->row.session = en->id;
	x->row.id = id;
	store_statement_cancel(s->store, &x->row);
}
