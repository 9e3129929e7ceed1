/*
 * statements - those of a session: taken, stored, sent, ended.
 */
#include "base/clock.h"
#include "base/log.h"
#include "base/map.h"
#include "base/str.h"
#include "service/registry.h"
#include "service/sessions-priv.h"
#include <string.h>

/* --- in memory --- */

struct kept_statement *statement_in_memory(const struct session *en, int64_t id)
{
	for (struct kept_statement *k = en->first; k; k = k->next)
		if (k->shown.id == id)
			return k;
	return NULL;
}

static void free_text(const char *s)
{
	free((void *)(uintptr_t)s);
}

static size_t bytes_of(const char *s)
{
	return s ? strlen(s) : 0;
}

static void kept_free(struct kept_statement *k)
{
	free_text(k->shown.kind);
	free_text(k->shown.code);
	free_text(k->shown.output);
	(void)blob_free(k->view);
	free(k);
}

static bool keeps_too_much(const struct session *en)
{
	return en->kept > SESSION_STATEMENTS_KEPT || en->kept_bytes - en->unfinished_bytes > SESSION_KEPT_BYTES;
}

/* The oldest go first, and only such as are over. */
static void trim(struct session *en)
{
	while (en->first && keeps_too_much(en) && statement_is_over(en->first->shown.state)) {
		struct kept_statement *k = en->first;

		en->trimmed = true;
		en->first = k->next;
		if (!en->first)
			en->last = &en->first;
		en->kept--;
		en->kept_bytes -= bytes_of(k->shown.code) + bytes_of(k->shown.output);
		kept_free(k);
	}
}

/* From idle to busy, or back. */
static void add_unfinished(struct session *en, int n)
{
	bool was_busy = en->unfinished > 0;

	en->unfinished += n;
	if (was_busy != (en->unfinished > 0))
		batches_forget_view(en->of->jobs, en->id);
}

struct kept_statement *statements_keep(struct session *en, int64_t id, const char *kind, const char *code)
{
	struct kept_statement *k = xcalloc(1, sizeof *k);

	(void)snprintf(k->progress, sizeof k->progress, "0.0");
	k->shown = (struct statement){
		.id = id, .kind = xstrdup(kind), .code = xstrdup(code), .progress = k->progress, .view = &k->view
	};
	*en->last = k;
	en->last = &k->next;
	en->kept++;
	en->kept_bytes += bytes_of(code);
	en->unfinished_bytes += bytes_of(code);
	add_unfinished(en, 1);
	if (id >= en->next_statement)
		en->next_statement = id + 1;
	return k;
}

/* Takes the output. */
static void set_over(struct session *en, struct kept_statement *k, enum statement_state state, char *output,
		     int64_t started_ms, int64_t completed_ms)
{
	k->ending = false;
	k->shown.state = state;
	k->shown.output = output;
	k->shown.started_ms = started_ms;
	k->shown.completed_ms = completed_ms;
	(void)snprintf(k->progress, sizeof k->progress, "1.0");
	en->kept_bytes += bytes_of(output);
	en->unfinished_bytes -= bytes_of(k->shown.code);
	add_unfinished(en, -1);
}

void statements_free_all(struct session *en)
{
	while (en->first) {
		struct kept_statement *k = en->first;

		en->first = k->next;
		kept_free(k);
	}
	en->last = &en->first;
	en->kept = en->unfinished = 0;
	en->kept_bytes = en->unfinished_bytes = 0;
}

/* --- to the driver --- */

void session_send_about(struct session *en, const char *type, int64_t id)
{
	_sbuf_ struct sbuf text = SBUF_INIT(128);
	struct jw w = { .out = &text };

	if (!en->channel)
		return;
	jw_open(&w, NULL, '{');
	jw_str(&w, "type", type);
	jw_int(&w, "id", id);
	jw_close(&w, '}');
	channel_send(en->channel, text.data, text.len);
}

void statements_send(struct session *en, const struct kept_statement *k)
{
	_sbuf_ struct sbuf text = SBUF_INIT(CHANNEL_WAITING_MAX);
	struct jw w = { .out = &text };

	if (!en->channel)
		return; /* sent when it comes */
	jw_open(&w, NULL, '{');
	jw_str(&w, "type", "execute");
	jw_int(&w, "id", k->shown.id);
	jw_str(&w, "kind", k->shown.kind ? k->shown.kind : en->kind);
	jw_str(&w, "code", k->shown.code);
	jw_bool(&w, "cancelled", k->shown.state == STATEMENT_CANCELLING); /* one that never began will not */
	jw_close(&w, '}');
	channel_send(en->channel, text.data, text.len);
	if (k->shown.state == STATEMENT_CANCELLING)
		session_send_about(en, "cancel", k->shown.id);
}

void statements_send_all(struct session *en)
{
	for (const struct kept_statement *k = en->first; k; k = k->next)
		if (!statement_is_over(k->shown.state) && !k->ending)
			statements_send(en, k);
}

/* --- ends --- */

struct ending {
	struct store_statement_end end; /* first */
	struct sessions *of;
	struct ending *next_judged;
	enum statement_state state;
	char *output;
	bool stopped; /* florusd ends while the pool looks at it */
};

static void ending_free(struct ending *x)
{
	free(x->output);
	free(x);
}

static void end_stored(struct store_op *op)
{
	struct ending *x = (struct ending *)op;
	struct session *en = session_by_id(x->of, x->end.session);
	struct kept_statement *k = en ? statement_in_memory(en, x->end.id) : NULL;

	if (k && op->ok) {
		set_over(en, k, x->state, TAKE(x->output), x->end.started_ms, x->end.completed_ms);
		en->used_ms = clock_now_ms();
		session_send_about(en, "ack", x->end.id);
		trim(en);
	} else if (k) {
		log_warn("result not stored; the driver keeps it", LOG_INT("session", en->id),
			 LOG_INT("statement", x->end.id), LOG_STR("reason", op->error.msg));
		k->ending = false;
		if (en->channel)
			channel_close(en->channel); /* it dials anew, and says it again */
	}
	ending_free(x);
}

/* Takes the output. */
static struct ending *ending_new(struct session *en, struct kept_statement *k, enum statement_state state, char *output,
				 int64_t started_ms, int64_t completed_ms)
{
	struct ending *x = xcalloc(1, sizeof *x);

	x->of = en->of;
	x->state = state;
	x->output = output;
	x->end.op.done = end_stored;
	x->end.session = en->id;
	x->end.id = k->shown.id;
	x->end.state = statement_state_name(state);
	x->end.started_ms = started_ms;
	x->end.completed_ms = completed_ms > 0 ? completed_ms : clock_wall_ms();
	k->ending = true;
	return x;
}

static void ending_store(struct ending *x)
{
	x->end.output = x->output;
	store_statement_end(x->of->store, &x->end);
}

void statements_end_all(struct session *en)
{
	if (en->of->stopping)
		return; /* the store takes no more; whoever reads them sees that their session is over */
	for (struct kept_statement *k = en->first; k; k = k->next)
		if (!statement_is_over(k->shown.state) && !k->ending)
			ending_store(ending_new(en, k, STATEMENT_CANCELLED, NULL, k->shown.started_ms, 0));
}

/* --- is it one that clients may see? --- */

/* What is handed on to clients as it is must be an object of JSON, and not too large. */
static bool output_ok(const char *output, struct error *e)
{
	size_t n = strlen(output);
	_arena_ struct arena *a = arena_new(8 * n + 64 * 1024);
	const struct jr *value;

	if (n > SESSION_OUTPUT_MAX)
		return error_set(e, ERR_TOO_LARGE, "%zu bytes; at most %d are kept", n, SESSION_OUTPUT_MAX);
	if (!jr_parse(a, output, n, &value, e))
		return false;
	return value->type == JR_OBJECT || error_set(e, ERR_MALFORMED, "no object of JSON");
}

/* The answer in place of one that is not. */
static char *describe_bad(int64_t id, struct error *e)
{
	_sbuf_ struct sbuf text = SBUF_INIT(2 * sizeof e->msg), to = SBUF_INIT(16 * sizeof *e);
	struct jw w = { .out = &to };

	e->msg[strcspn(e->msg, "\n")] = '\0'; /* behind it stands where, in a text that nobody sees */
	sbuf_addf(&text, "the driver's answer cannot be shown: %s", e->msg);
	jw_open(&w, NULL, '{');
	jw_str(&w, "status", "error");
	jw_int(&w, "execution_count", id);
	jw_str(&w, "ename", "Error");
	jw_str(&w, "evalue", sbuf_str(&text));
	jw_open(&w, "traceback", '[');
	jw_close(&w, ']');
	jw_close(&w, '}');
	return sbuf_take(&to);
}

/* On a thread of the pool, when it is large. */
static void judge(void *arg)
{
	struct ending *x = arg;
	struct error e;

	if (!x->output || output_ok(x->output, &e))
		return;
	free(x->output);
	x->output = describe_bad(x->end.id, &e);
}

static void judged(void *arg)
{
	struct ending *x = arg, **at;

	if (x->stopped) {
		ending_free(x);
		return;
	}
	for (at = &x->of->judged; *at != x;)
		at = &(*at)->next_judged;
	*at = x->next_judged;
	ending_store(x);
}

void statements_stop(struct sessions *s)
{
	for (struct ending *x = s->judged; x; x = x->next_judged)
		x->stopped = true; /* its driver says it again to the next florusd */
}

/* --- from the driver --- */

static void take_result(struct session *en, int64_t id, struct kept_statement *k, const struct jr *message,
			struct sbuf *text)
{
	enum statement_state state;

	if (!k || statement_is_over(k->shown.state)) {
		session_send_about(en, "ack", id); /* stored long ago */
		return;
	}
	if (k->ending || !statement_state_parse(jr_text(message, "state", JR_STRING), &state) ||
	    !statement_is_over(state))
		return;
	bool large = text->len > 0;
	char *output = large ? sbuf_take(text) : xstrdup(jr_text(message, "output", JR_STRING));
	struct ending *x =
		ending_new(en, k, state, output, jr_int(message, "started", 0), jr_int(message, "completed", 0));
	if (!large) {
		judge(x);
		ending_store(x);
		return;
	}
	x->next_judged = en->of->judged;
	en->of->judged = x;
	loop_work(en->of->loop, judge, judged, x);
}

static void take_progress(struct kept_statement *k, const struct jr *message)
{
	const char *text = jr_text(message, "progress", JR_NUMBER);
	double progress = text ? strtod(text, NULL) : 0;

	if (progress >= 0 && progress <= 1)
		(void)snprintf(k->progress, sizeof k->progress, "%.4f", progress);
}

void statements_take(struct session *en, const char *type, const struct jr *message, struct sbuf *text)
{
	int64_t id = jr_int(message, "id", -1);
	struct kept_statement *k = statement_in_memory(en, id);

	if (str_eq(type, "result")) {
		take_result(en, id, k, message, text);
	} else if (k && str_eq(type, "started") && k->shown.state == STATEMENT_WAITING) {
		k->shown.state = STATEMENT_RUNNING;
		k->shown.started_ms = jr_int(message, "started", 0);
	} else if (k && str_eq(type, "progress") && !statement_is_over(k->shown.state)) {
		take_progress(k, message);
	}
}

/* --- from the store --- */

struct loading {
	struct store_statements get; /* first */
	struct sessions *of;
};

static void take_up(struct session *en, const struct store_statement *row)
{
	struct kept_statement *k = statements_keep(en, row->id, row->kind, row->code);
	enum statement_state state = STATEMENT_WAITING;

	if (!statement_state_parse(row->state, &state))
		state = STATEMENT_WAITING;
	k->shown.state = state == STATEMENT_CANCELLING ? state : STATEMENT_WAITING;
	if (statement_is_over(state)) {
		set_over(en, k, state, xstrdup(row->output), row->started_ms, row->completed_ms);
		session_used_at(en, row->completed_ms);
	}
	trim(en);
}

static void load_from(struct session *en, int64_t from);

static void loaded(struct store_op *op)
{
	struct loading *l = (struct loading *)op;
	struct session *en = session_by_id(l->of, l->get.session);
	size_t n = l->get.out_count;

	if (en)
		en->loading = false;
	if (!op->ok)
		log_error("statements not read; tried again", LOG_INT("session", l->get.session),
			  LOG_STR("reason", op->error.msg));
	for (size_t i = 0; en && i < n; i++)
		take_up(en, &l->get.out[i]);
	if (l->of->stopping) {
		/* what is missing, the next florusd reads */
	} else if (en && n > 0) {
		load_from(en, l->get.out[n - 1].id + 1);
	} else if (en) {
		en->loaded = op->ok;
		if (state_is_final(en->job))
			statements_end_all(en); /* it ended before they were known */
		batches_forget_view(en->of->jobs, en->id);
	}
	store_statements_done(&l->get);
	free(l);
}

static void load_from(struct session *en, int64_t from)
{
	struct loading *l = xcalloc(1, sizeof *l);

	en->loading = true;
	l->of = en->of;
	l->get.op.done = loaded;
	l->get.session = en->id;
	l->get.from = from;
	l->get.max = SESSION_LOAD_MAX;
	store_statements(en->of->store, &l->get);
}

void statements_load(struct session *en)
{
	if (!en->loaded && !en->loading)
		load_from(en, en->next_statement);
}
