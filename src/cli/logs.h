/*
 * logs - a batch's log, from the server to a stream, each line once.
 *
 * Lines are asked for by their absolute number, which never shifts (D8), so neither a server's restart nor a
 * retry loses or repeats one. Element 0 of Livy's array and its last one are headings, not lines;
 * a driver's line with the same text is printed. One page is held in memory, never the log.
 */
#pragma once
#include "cli/server.h"

enum {
	LOGS_WHOLE = -1,
	LOGS_PAGE_LINES = 1000,
	LOGS_STATE_MAX = 32,
};

struct logs {
	const char *id;     /* or name; borrowed */
	int32_t last_lines; /* begin with the last n lines; LOGS_WHOLE: with the first */
	FILE *to;
	bool visible; /* control characters as text: `to` is a terminal */
};

/* Prints what is there now. */
MUST_CHECK bool logs_print(struct cli *c, const struct logs *l, struct error *e);

/* Prints until the batch is over and all its lines are out. The final state is in ret_state. */
MUST_CHECK bool logs_follow(struct cli *c, const struct logs *l, char ret_state[LOGS_STATE_MAX], struct error *e);
