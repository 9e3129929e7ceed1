/*
 * storebench - a store in the test's directory, and a loop that turns until all that was given is done.
 *
 *	bench_open(&b); bench_start(&b);
 *	bench_insert(&b, &in, "a", NULL, "{}");
 *	bench_wait(&b);
 *	bench_close(&b);
 *
 * A store that does not answer within the deadline of bench_wait fails the test. One thread: the test's.
 */
#pragma once
#include "store/store.h"

struct bench {
	struct loop *loop;
	struct store *store;
	int open;      /* operations whose done is due */
	int order[64]; /* their numbers, as done came */
	int done_count;
	bool waiting; /* the loop runs until open is 0 */
	bool lost;    /* fatal was called */
};

void bench_open(struct bench *b);
void bench_start(struct bench *b);
void bench_wait(struct bench *b);
void bench_close(struct bench *b);

/* The bench counts this operation, and notes its number in `order` when it is done. Before it is given to the store. */
void bench_due(struct bench *b, struct store_op *op, int number);

/* Gives the insert of a batch to the store. */
void bench_insert(struct bench *b, struct store_insert *in, const char *name, const char *key, const char *request);
