/* ops - what each operation does inside the transaction. Private to store/. Store thread only. */
#pragma once
#include "store/sqlite.h"
#include "store/store.h"

struct store_op_type {
	/* False fails this operation; ERR_NO_SPACE and ERR_UNAVAILABLE fail the whole transaction. */
	bool (*run)(struct db *db, struct store_op *op, struct error *e);
	/* After a commit whose outcome is unknown: true when the change is there after all. NULL: say unavailable. */
	bool (*landed)(struct db *db, struct store_op *op);
	bool is_insert; /* refused while the disk is full, so that state changes may use what is left */
};

extern const struct store_op_type op_insert, op_intent, op_update, op_get, op_purge, op_request;
/* statements.c */
extern const struct store_op_type op_statement_add, op_statement_cancel, op_statement_end, op_statements;

/* Reads the current row of a BATCH_COLUMNS query; strings are borrowed until the next step. */
void ops_read_row(sqlite3_stmt *s, struct store_row *row);
