/*
 * statements - those of a session: taken, stored, sent, ended.
 */
#include "base/clock.h"
#include "base/log.h"
#include "base/map.h"
#include "base/str.h"
#include "service/registry.h"
#include "service/sessions-priv.h"
#include <math.h>
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

static void kept_free(struct kept_statement *k)
{
	free_text(k->shown.kind);
	free_text(k->shown.code);
	free_text(k->shown.output);
	free(k);
}

/* The oldest go first, and only such as are over. */
static void trim(struct session *en)
{
	while (en->first && en->kept > SESSION_STATEMENTS_KEPT && statement_is_over(en->first->shown.state)) {
		struct kept_statement *k = en->first;

		en->first = k->next;
		if (!en->first)
			en->last = &en->first;
		en->kept--;
		kept_free(k);
	}
}

static struct kept_statement *keep(struct session *en, int64_t id, const char *kind, const char *code)
{
	struct kept_statement *k = xcalloc(1, sizeof *k);

	(void)snprintf(k->progress, sizeof k->progress, "0.0");
	k->shown =
		(struct statement){ .id = id, .kind = xstrdup(kind), .code = xstrdup(code), .progress = k->progress };
	*en->last = k;
	en->last = &k->next;
	en->kept++;
	en->unfinished++;
	if (id >= en->next_statement)
		en->next_statement = id + 1;
	return k;
}

static void set_over(struct session *en, struct kept_statement *k, enum statement_state state, const char *output,
		     int64_t started_ms, int64_t completed_ms)
{
	k->ending = false;
	k->shown.state = state;
	k->shown.output = xstrdup(output);
	k->shown.started_ms = started_ms;
	k->shown.completed_ms = completed_ms;
	(void)snprintf(k->progress, sizeof k->progress, "1.0");
	en->unfinished--;
	en->used_ms = clock_now_ms();
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
}

/* --- to the driver --- */

static void send_about(struct session *en, const char *type, int64_t id)
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

static void send_execute(struct session *en, const struct kept_statement *k)
{
	_sbuf_ struct sbuf text = SBUF_INIT(CHANNEL_FRAME_MAX);
	struct jw w = { .out = &text };

	if (!en->channel)
		return; /* sent when it comes */
	jw_open(&w, NULL, '{');
	jw_str(&w, "type", "execute");
	jw_int(&w, "id", k->shown.id);
	jw_str(&w, "kind", k->shown.kind ? k->shown.kind : en->kind);
	jw_str(&w, "code", k->shown.code);
	jw_close(&w, '}');
	channel_send(en->channel, text.data, text.len);
	if (k->shown.state == STATEMENT_CANCELLING)
		send_about(en, "cancel", k->shown.id);
}

void statements_send_all(struct session *en)
{
	for (const struct kept_statement *k = en->first; k; k = k->next)
		if (!statement_is_over(k->shown.state) && !k->ending)
			send_execute(en, k);
}

/* --- ends --- */

struct ending {
	struct store_statement_end end; /* first */
	struct sessions *of;
	enum statement_state state;
	char *output;
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
		set_over(en, k, x->state, x->output, x->end.started_ms, x->end.completed_ms);
		send_about(en, "ack", x->end.id);
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

static void store_end(struct session *en, struct kept_statement *k, enum statement_state state, const char *output,
		      int64_t started_ms, int64_t completed_ms)
{
	struct ending *x = xcalloc(1, sizeof *x);

	x->of = en->of;
	x->state = state;
	x->output = xstrdup(output);
	x->end.op.done = end_stored;
	x->end.session = en->id;
	x->end.id = k->shown.id;
	x->end.state = statement_state_name(state);
	x->end.output = x->output;
	x->end.started_ms = started_ms;
	x->end.completed_ms = completed_ms > 0 ? completed_ms : clock_wall_ms();
	k->ending = true;
	store_statement_end(en->of->store, &x->end);
}

void statements_end_all(struct session *en)
{
	for (struct kept_statement *k = en->first; k; k = k->next)
		if (!statement_is_over(k->shown.state) && !k->ending)
			store_end(en, k, STATEMENT_CANCELLED, NULL, k->shown.started_ms, 0);
}

/* --- from the driver --- */

static const char *text_of(const struct jr *object, const char *key, enum jr_type type)
{
	const struct jr *member = jr_get(object, key);

	return member && member->type == type ? member->text : NULL;
}

static int64_t int_of(const struct jr *object, const char *key)
{
	const char *text = text_of(object, key, JR_NUMBER);
	int64_t n;

	return text && str_to_i64(text, &n) ? n : 0;
}

/* What is handed on to clients as it is must be an object of JSON, and not too large. */
static bool output_ok(const char *output)
{
	size_t n = strlen(output);
	_arena_ struct arena *a = arena_new(8 * n + 64 * 1024);
	const struct jr *value;
	struct error e;

	return n <= SESSION_OUTPUT_MAX && jr_parse(a, output, n, &value, &e) && value->type == JR_OBJECT;
}

static void take_result(struct session *en, int64_t id, struct kept_statement *k, const struct jr *message)
{
	static const char bad[] = "{\"status\":\"error\",\"execution_count\":0,\"ename\":\"Error\",\"evalue\":\"the "
				  "driver's answer was no JSON, or too large\",\"traceback\":[]}";
	const char *output = text_of(message, "output", JR_STRING);
	enum statement_state state;

	if (!k || statement_is_over(k->shown.state)) {
		send_about(en, "ack", id); /* stored long ago */
		return;
	}
	if (k->ending || !statement_state_parse(text_of(message, "state", JR_STRING), &state) ||
	    !statement_is_over(state))
		return;
	store_end(en, k, state, output && !output_ok(output) ? bad : output, int_of(message, "started"),
		  int_of(message, "completed"));
}

static void take_progress(struct kept_statement *k, const struct jr *message)
{
	const char *text = text_of(message, "progress", JR_NUMBER);
	double progress = text ? strtod(text, NULL) : 0;

	if (progress >= 0 && progress <= 1)
		(void)snprintf(k->progress, sizeof k->progress, "%.4g%s", progress,
			       progress == floor(progress) ? ".0" : "");
}

void statements_take(struct session *en, const char *type, const struct jr *message)
{
	int64_t id = int_of(message, "id");
	struct kept_statement *k = statement_in_memory(en, id);

	if (str_eq(type, "result")) {
		take_result(en, id, k, message);
	} else if (k && str_eq(type, "started") && k->shown.state == STATEMENT_WAITING) {
		k->shown.state = STATEMENT_RUNNING;
		k->shown.started_ms = int_of(message, "started");
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
	struct kept_statement *k = keep(en, row->id, row->kind, row->code);
	enum statement_state state = STATEMENT_WAITING;

	if (statement_state_parse(row->state, &state) && statement_is_over(state))
		set_over(en, k, state, row->output, row->started_ms, row->completed_ms);
	trim(en);
}

static void load_from(struct session *en, int64_t from);

static void loaded(struct store_op *op)
{
	struct loading *l = (struct loading *)op;
	struct session *en = session_by_id(l->of, l->get.session);
	size_t n = l->get.out_count;

	if (!op->ok)
		log_error("statements not read", LOG_INT("session", l->get.session), LOG_STR("reason", op->error.msg));
	for (size_t i = 0; en && i < n; i++)
		take_up(en, &l->get.out[i]);
	if (en && n > 0)
		load_from(en, l->get.out[n - 1].id + 1);
	else if (en)
		en->loaded = true;
	store_statements_done(&l->get);
	free(l);
}

static void load_from(struct session *en, int64_t from)
{
	struct loading *l = xcalloc(1, sizeof *l);

	l->of = en->of;
	l->get.op.done = loaded;
	l->get.session = en->id;
	l->get.from = from;
	l->get.max = STORE_STATEMENTS_MAX;
	store_statements(en->of->store, &l->get);
}

void statements_load(struct session *en)
{
	load_from(en, 0);
}

/* --- what clients ask --- */

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
		struct kept_statement *k = keep(en, a->add.id, a->kind, a->code);

		en->used_ms = clock_now_ms();
		a->fn(a->arg, &k->shown, &op->error);
		send_execute(en, k);
	}
	free(a->kind);
	free(a->code);
	free(a);
}

/* May a statement be sent to it now? In Livy's words (livy.md 1.2). */
static struct session *find_active(struct sessions *s, const struct batch *job, struct error *e)
{
	struct session *en = session_by_id(s, job->id);

	if (!en || state_is_final(job->state) || job->state == STATE_KILLING) {
		(void)error_set(e, ERR_INVALID, "requirement failed: Session isn't active.");
		return NULL;
	}
	if (session_takes_statements(job->state, en->driver) && en->loaded)
		return en;
	(void)error_set(e, ERR_SESSION_STATE, "java.lang.IllegalStateException: Session is in state %s",
			sessions_view(s, job).state);
	return NULL;
}

static bool has_kind(const struct session *en, const char *kind, struct error *e)
{
	if (kind || !str_eq(en->kind, "shared"))
		return true;
	return error_set(
		e, ERR_SESSION_STATE,
		"java.util.concurrent.ExecutionException: java.lang.IllegalArgumentException: Code type should be "
		"specified if session kind is shared");
}

void statements_run(struct sessions *s, const struct batch *job, const char *kind, const char *code, statement_fn *fn,
		    void *arg)
{
	struct error e = { 0 };
	struct session *en = find_active(s, job, &e);

	if (en && en->unfinished >= SESSION_UNFINISHED_MAX)
		(void)error_set(&e, ERR_BUSY, "too many statements of this session wait");
	if (!en || e.code || !has_kind(en, kind, &e) || !registry_store_has_room(s->jobs, &e)) {
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

struct lookup {
	struct store_statements get; /* first */
	statement_fn *fn;
	void *arg;
};

static void looked_up(struct store_op *op)
{
	struct lookup *l = (struct lookup *)op;
	const struct store_statement *row = l->get.out_count == 1 ? &l->get.out[0] : NULL;
	struct statement found = { 0 };

	if (op->ok && (!row || row->id != l->get.from))
		op->ok = error_set(&op->error, ERR_NOT_FOUND, "Statement not found");
	if (op->ok) {
		found = (struct statement){ row->id,     row->kind, row->code,       STATEMENT_CANCELLED,
					    row->output, "1.0",     row->started_ms, row->completed_ms };
		(void)statement_state_parse(row->state, &found.state);
	}
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
	l->get.session = job->id;
	l->get.from = id;
	l->get.max = 1;
	store_statements(s->store, &l->get);
}

/* --- lists --- */

struct listing {
	struct store_statements get; /* first */
	struct sessions *of;
	struct statement *items;
	statements_fn *fn;
	void *arg;
};

/* A row as the store has it; but what is in memory knows better. */
static struct statement shown(const struct session *en, const struct store_statement *row)
{
	const struct kept_statement *k = en ? statement_in_memory(en, row->id) : NULL;
	struct statement st = { row->id,     row->kind, row->code,       STATEMENT_WAITING,
				row->output, "0.0",     row->started_ms, row->completed_ms };

	if (k)
		return k->shown;
	(void)statement_state_parse(row->state, &st.state);
	if (statement_is_over(st.state))
		st.progress = "1.0";
	return st;
}

static void listed(struct store_op *op)
{
	struct listing *l = (struct listing *)op;
	const struct session *en = session_by_id(l->of, l->get.session);

	l->items = xcalloc(l->get.out_count + 1, sizeof *l->items);
	for (size_t i = 0; i < l->get.out_count; i++)
		l->items[i] = shown(en, &l->get.out[i]);
	l->fn(l->arg, op->ok ? l->items : NULL, l->get.out_count, &op->error);
	free(l->items);
	store_statements_done(&l->get);
	free(l);
}

/* From memory when all of them are there, which is nearly always. */
static bool list_kept(const struct session *en, int64_t from, int64_t max, statements_fn *fn, void *arg)
{
	const struct error none = { 0 };
	size_t n = 0;

	if (!en || !en->loaded || (en->first && en->first->shown.id > from))
		return false;
	struct statement *items = xcalloc((size_t)en->kept + 1, sizeof *items);
	for (const struct kept_statement *k = en->first; k && (int64_t)n < max; k = k->next)
		if (k->shown.id >= from)
			items[n++] = k->shown;
	fn(arg, items, n, &none);
	free(items);
	return true;
}

void statements_list(struct sessions *s, const struct batch *job, int64_t from, int64_t max, statements_fn *fn,
		     void *arg)
{
	struct error e = { 0 };

	if (list_kept(session_by_id(s, job->id), from, max, fn, arg))
		return;
	if (!registry_store_has_room(s->jobs, &e)) {
		fn(arg, NULL, 0, &e);
		return;
	}
	struct listing *l = xcalloc(1, sizeof *l);
	l->of = s;
	l->fn = fn;
	l->arg = arg;
	l->get.op.done = listed;
	l->get.session = job->id;
	l->get.from = from;
	l->get.max = max;
	store_statements(s->store, &l->get);
}

bool statements_cancel(struct sessions *s, const struct batch *job, int64_t id, struct error *e)
{
	struct session *en = find_active(s, job, e);
	struct kept_statement *k = en ? statement_in_memory(en, id) : NULL;

	if (k && !statement_is_over(k->shown.state)) {
		k->shown.state = STATEMENT_CANCELLING;
		send_about(en, "cancel", id);
	}
	return en != NULL;
}
