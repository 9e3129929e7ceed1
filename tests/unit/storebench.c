#include "storebench.h"
#include "t.h"
#include <string.h>

enum { DEADLINE_MS = 8000 };

/* Every operation's arg: who waits and which one it is. */
struct tag {
	struct bench *bench;
	int number;
};

static void on_done(struct store_op *op)
{
	struct tag *tag = op->arg;
	struct bench *b = tag->bench;

	if (b->done_count < (int)ARRAY_LEN(b->order))
		b->order[b->done_count] = tag->number;
	b->done_count++;
	free(tag);
	if (--b->open == 0 && b->waiting)
		loop_stop(b->loop);
}

static void on_lost(void *arg)
{
	struct bench *b = arg;

	b->lost = true;
}

static void too_late(void *arg)
{
	(void)arg;
	t_fail(__FILE__, __LINE__, "the store did not answer in %d ms", DEADLINE_MS);
}

void bench_open(struct bench *b)
{
	struct error e = { 0 };

	*b = (struct bench){ .loop = loop_new() };
	CHECK_OK(store_open(".", &b->store, &e), e);
}

void bench_start(struct bench *b)
{
	store_start(b->store, b->loop, on_lost, b);
}

void bench_wait(struct bench *b)
{
	struct loop_timer *deadline = loop_timer_new(b->loop, too_late, NULL);

	loop_timer_set(deadline, DEADLINE_MS, 0);
	b->waiting = true;
	if (b->open)
		loop_run(b->loop);
	b->waiting = false;
	(void)loop_timer_free(deadline);
}

void bench_close(struct bench *b)
{
	b->store = store_free(b->store);
	b->loop = loop_free(b->loop);
}

void bench_due(struct bench *b, struct store_op *op, int number)
{
	struct tag *tag = xcalloc(1, sizeof *tag);

	tag->bench = b;
	tag->number = number;
	op->done = on_done;
	op->arg = tag;
	b->open++;
}

void bench_insert(struct bench *b, struct store_insert *in, const char *name, const char *key, const char *request)
{
	bench_due(b, &in->op, b->open);
	in->name = name;
	in->idem_key = key;
	in->request = request;
	in->request_len = strlen(request);
	in->created_ms = 1000;
	id_random_hex(in->nonce, ID_NONCE_LEN);
	store_insert(b->store, in);
}
