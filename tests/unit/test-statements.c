/* Statements in the store, and the request a session was accepted with. */
#include "storebench.h"
#include "t.h"

static void add(struct bench *b, struct store_statement_add *a, int64_t session, int64_t id, const char *code)
{
	bench_due(b, &a->op, b->open);
	a->session = session;
	a->id = id;
	a->kind = "pyspark";
	a->code = code;
	store_statement_add(b->store, a);
}

static void end(struct bench *b, struct store_statement_end *x, int64_t id, const char *output)
{
	bench_due(b, &x->op, b->open);
	x->session = 1;
	x->id = id;
	x->state = "available";
	x->output = output;
	x->started_ms = 10;
	x->completed_ms = 20;
	store_statement_end(b->store, x);
}

static void cancel(struct bench *b, struct store_statement_cancel *c, int64_t id)
{
	bench_due(b, &c->op, b->open);
	c->session = 1;
	c->id = id;
	store_statement_cancel(b->store, c);
}

static void list(struct bench *b, struct store_statements *l, int64_t session, int64_t from)
{
	bench_due(b, &l->op, b->open);
	l->session = session;
	l->from = from;
	l->max = 10;
	store_statements(b->store, l);
}

TEST(statements_are_read_as_they_ended)
{
	struct store_statement_add a0 = { 0 }, a1 = { 0 }, other = { 0 };
	struct store_statement_end e0 = { 0 }, again = { 0 };
	struct store_statement_cancel c0 = { 0 }, c1 = { 0 };
	struct store_statements all = { 0 }, late = { 0 }, none = { 0 };
	struct bench b;

	bench_open(&b);
	bench_start(&b);
	add(&b, &a0, 1, 0, "1+1");
	add(&b, &a1, 1, 1, NULL);
	add(&b, &other, 2, 0, "other");
	bench_wait(&b);
	end(&b, &e0, 0, "{\"status\":\"ok\"}");
	end(&b, &again, 0, "{}"); /* a result that is repeated */
	list(&b, &all, 1, 0);
	list(&b, &late, 1, 1);
	list(&b, &none, 3, 0);
	bench_wait(&b);
	CHECK_INT(all.out_count, 2);
	CHECK_STR(all.out[0].code, "1+1");
	CHECK_STR(all.out[0].output, "{\"status\":\"ok\"}");
	CHECK_STR(all.out[0].state, "available");
	CHECK_INT(all.out[0].completed_ms, 20);
	CHECK_STR(all.out[1].state, "waiting");
	CHECK(!all.out[1].code && !all.out[1].output);
	CHECK_INT(late.out_count, 1);
	CHECK_INT(late.out[0].id, 1);
	CHECK_INT(none.out_count, 0);
	store_statements_done(&all);
	cancel(&b, &c0, 0); /* has ended */
	cancel(&b, &c1, 1);
	list(&b, &all, 1, 0);
	bench_wait(&b);
	CHECK_STR(all.out[0].state, "available");
	CHECK_STR(all.out[1].state, "cancelling");
	store_statements_done(&all);
	store_statements_done(&late);
	store_statements_done(&none);
	bench_close(&b);
}

TEST(a_request_is_read_as_it_was_accepted)
{
	struct store_insert in = { 0 };
	struct store_request rq = { 0 }, absent = { .id = 99 };
	struct bench b;

	bench_open(&b);
	bench_start(&b);
	bench_insert(&b, &in, "a", NULL, "{\"kind\":\"pyspark\"}");
	bench_wait(&b);
	rq.id = in.out_id;
	bench_due(&b, &rq.op, b.open);
	store_request(b.store, &rq);
	bench_due(&b, &absent.op, b.open);
	store_request(b.store, &absent);
	bench_wait(&b);
	CHECK(rq.op.ok && !absent.op.ok);
	CHECK_STR(rq.out_request, "{\"kind\":\"pyspark\"}");
	CHECK_INT(absent.op.error.code, ERR_NOT_FOUND);
	free(rq.out_request);
	bench_close(&b);
}

TEST(windows_of_statements_say_how_many_there_are)
{
	struct store_statement_add a[5] = { 0 };
	struct store_statements middle = { .skip = 1, .count = true }, last = { .newest_first = true, .count = true };
	struct bench b;

	bench_open(&b);
	bench_start(&b);
	for (int i = 0; i < 5; i++)
		add(&b, &a[i], 1, i, "x");
	bench_wait(&b);
	list(&b, &middle, 1, 0);
	list(&b, &last, 1, 1);
	bench_wait(&b);
	CHECK_INT(middle.out_total, 5);
	CHECK_INT(middle.out_count, 4);
	CHECK_INT(middle.out[0].id, 1);
	CHECK_INT(last.out_total, 4);
	CHECK_INT(last.out[0].id, 4);
	store_statements_done(&middle);
	store_statements_done(&last);
	bench_close(&b);
}
