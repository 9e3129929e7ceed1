/*
 * opt - a command's options as a table: one row reads, checks and explains an option.
 *
 * Values go into the command's own struct at the row's offset. Strings are borrowed from argv;
 * lists belong to the arena. A scalar that is given twice keeps the last value, a list all.
 */
#pragma once
#include "base/arena.h"
#include "base/error.h"
#include <stdint.h>
#include <stdio.h>

enum opt_kind {
	OPT_FLAG,  /* bool */
	OPT_TEXT,  /* const char *; NULL: not given */
	OPT_COUNT, /* struct opt_count: 0 … 2147483647 */
	OPT_TIME,  /* struct opt_time: 10, 10s, 5m, 1h */
	OPT_LIST,  /* struct opt_list: split at commas, may be repeated */
	OPT_PAIR,  /* struct opt_list of KEY=VALUE, may be repeated */
};

struct opt_count {
	bool given;
	int32_t value;
};

struct opt_time {
	bool given;
	int64_t ms;
};

struct opt_list {
	const char **items;
	size_t count;
};

struct opt {
	const char *name; /* without the dashes */
	char letter;      /* 0: none */
	enum opt_kind kind;
	const char *arg; /* "FILE,…"; NULL for a flag */
	const char *help;
	size_t offset;
};

/* Where values of one table go. */
struct opt_set {
	const struct opt *table;
	void *values;
};

/*
 * Reads options out of argv[0 … *count-1], moves the other arguments to the front in their order
 * and sets *count to their number. `--` ends the options; with `verbatim` the first other argument does.
 */
MUST_CHECK bool opt_parse(struct arena *a, const struct opt_set *sets, size_t set_count, bool verbatim, char **argv,
			  int *count, struct error *e);

void opt_print(const struct opt *table, FILE *to);
