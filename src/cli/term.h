/*
 * term - text for people: aligned, as wide as the terminal, and harmless.
 *
 * What a server sends may hold escape sequences and direction marks; term_visible() turns them into
 * text, so that a batch's name cannot move the cursor or rewrite the screen.
 */
#pragma once
#include "base/arena.h"
#include "base/sbuf.h"
#include <stdio.h>

struct term {
	bool tty;
	bool colour; /* a tty, no NO_COLOR, not a dumb one */
	int columns; /* 0: as long as they come */
};

struct term term_of(FILE *f);

/* Appends s with control characters as \xNN or \uNNNN; tabs stay when keep_tabs. */
void term_visible(struct sbuf *to, const char *s, bool keep_tabs);

/* The same as text of the arena; "-" for NULL and "". */
const char *term_cell(struct arena *a, const char *s);

int term_width(const char *s); /* columns it takes */

/* The state's word, in its colour where there is colour. Width is that of the word. */
void term_print_state(const struct term *t, const char *state, FILE *to);

enum { TABLE_COLUMNS_MAX = 8 };

struct table_column {
	const char *title;
	bool may_shrink; /* its cells may be cut to fit the terminal */
	bool is_state;   /* coloured */
};

/* Rows are arrays of column_count cells, already visible; borrowed. */
void table_print(const struct term *t, const struct table_column *columns, size_t column_count,
		 const char *const *const *rows, size_t row_count, FILE *to);
