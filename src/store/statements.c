/* statements - those of interactive sessions, inside the transaction. Store thread only. */
#include "store/ops.h"
#include <string.h>

enum { FIRST_ROOM = 8 }; /* rows */

static bool run_add(struct db *db, struct store_op *op, struct error *e)
{
	const struct store_statement_add *add = (const struct store_statement_add *)op;

	return db_run(db, db_bind(db, SQL_STATEMENT_ADD, "iitt", add->session, add->id, add->kind, add->code), e);
}

static bool add_landed(struct db *db, struct store_op *op)
{
	const struct store_statement_add *add = (const struct store_statement_add *)op;
	_reset_ sqlite3_stmt *s = db_bind(db, SQL_STATEMENT_HAS, "ii", add->session, add->id);

	return sqlite3_step(s) == SQLITE_ROW;
}

static bool run_cancel(struct db *db, struct store_op *op, struct error *e)
{
	const struct store_statement_cancel *cancel = (const struct store_statement_cancel *)op;

	return db_run(db, db_bind(db, SQL_STATEMENT_CANCEL, "ii", cancel->session, cancel->id), e);
}

static bool run_end(struct db *db, struct store_op *op, struct error *e)
{
	const struct store_statement_end *end = (const struct store_statement_end *)op;

	return db_run(db,
		      db_bind(db, SQL_STATEMENT_END, "iittzi", end->session, end->id, end->state, end->output,
			      end->started_ms, end->completed_ms),
		      e);
}

static char *text(sqlite3_stmt *s, int column)
{
	return xstrdup((const char *)sqlite3_column_text(s, column));
}

static bool count(struct db *db, struct store_statements *get, struct error *e)
{
	_reset_ sqlite3_stmt *s = db_bind(db, SQL_STATEMENTS_COUNT, "ii", get->session, get->from);

	if (sqlite3_step(s) != SQLITE_ROW)
		return db_error(db, e, "counting statements");
	get->out_total = sqlite3_column_int64(s, 0);
	return true;
}

static bool run_list(struct db *db, struct store_op *op, struct error *e)
{
	struct store_statements *get = (struct store_statements *)op;
	int64_t max = get->max < STORE_STATEMENTS_MAX ? get->max : STORE_STATEMENTS_MAX;
	_reset_ sqlite3_stmt *s = db_bind(db, get->newest_first ? SQL_STATEMENTS_NEWEST : SQL_STATEMENTS, "iiii",
					  get->session, get->from, max, get->skip);
	size_t bytes = 0, cap = 0;
	int rc = SQLITE_DONE;

	store_statements_done(get); /* of an earlier try of this operation */
	if (get->count && !count(db, get, e))
		return false;
	while (bytes < STORE_STATEMENTS_BYTES && (rc = sqlite3_step(s)) == SQLITE_ROW) {
		if (get->out_count == cap) {
			cap = cap ? 2 * cap : FIRST_ROOM;
			get->out = xrealloc(get->out, cap * sizeof *get->out);
		}
		get->out[get->out_count++] = (struct store_statement){
			.id = sqlite3_column_int64(s, 0),
			.state = text(s, 1),
			.kind = text(s, 2),
			.code = text(s, 3),
			.output = text(s, 4),
			.started_ms = sqlite3_column_int64(s, 5),
			.completed_ms = sqlite3_column_int64(s, 6),
		};
		bytes += (size_t)sqlite3_column_bytes(s, 3) + (size_t)sqlite3_column_bytes(s, 4);
	}
	return rc == SQLITE_DONE || rc == SQLITE_ROW || db_error(db, e, "reading statements");
}

void store_statements_done(struct store_statements *get)
{
	for (size_t i = 0; i < get->out_count; i++) {
		free(get->out[i].state);
		free(get->out[i].kind);
		free(get->out[i].code);
		free(get->out[i].output);
	}
	free(get->out);
	get->out = NULL;
	get->out_count = 0;
}

const struct store_op_type op_statement_add = { .run = run_add, .landed = add_landed, .is_insert = true };
const struct store_op_type op_statement_cancel = { .run = run_cancel };
const struct store_op_type op_statement_end = { .run = run_end };
const struct store_op_type op_statements = { .run = run_list };
