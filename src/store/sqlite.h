/*
 * sqlite - the file itself: opening, checking, migrating, and statements by name. Private to store/;
 * with sqlite.c and ops.c the only place that knows SQLite.
 *
 * Exactly one connection with locking_mode=EXCLUSIVE: Debian 12's SQLite 3.40 can lose pages in WAL
 * mode when a file has two (the WAL-reset bug, fixed in 3.51.3).
 */
#pragma once
#include "base/error.h"
#include "store/sql.h"
#include <sqlite3.h>
#include <stdint.h>

struct db {
	sqlite3 *handle;
	sqlite3_stmt *stmt[SQL_COUNT];
	int64_t next_id;    /* of the next insert; kept in meta */
	bool next_id_moved; /* must be written before the commit */
	int wal_pages;      /* as of the last commit */
};

/* See store_open(). `path` is the file. */
MUST_CHECK bool db_open(struct db *db, const char *path, struct error *e);
void db_close(struct db *db); /* never checkpoints: a file that was refused stays as it was */

/*
 * Binds by `types`, one letter a parameter: i int64_t, t text (NULL binds NULL), z int64_t where 0 binds NULL,
 * b bytes as text (const char *, size_t). Returns the statement, to be stepped; the caller resets it (_reset_).
 */
sqlite3_stmt *db_bind(struct db *db, enum sql which, const char *types, ...);
static inline void db_resetp(sqlite3_stmt **s)
{
	(void)sqlite3_reset(*s);
}
#define _reset_ _cleanup_(db_resetp)

/* After a commit: is the WAL long enough to be brought home? The caller calls db_checkpoint() when it likes. */
bool db_checkpoint_due(const struct db *db);

/*
 * Moves the WAL's pages into the file; the next commit writes the WAL from its beginning, in the room it already has.
 */
MUST_CHECK bool db_checkpoint(struct db *db, struct error *e);

/* Runs a statement that gives no rows. */
MUST_CHECK bool db_run(struct db *db, sqlite3_stmt *s, struct error *e);

/* Turns SQLite's last error into ours: ERR_NO_SPACE, ERR_UNAVAILABLE (I/O, corrupt), ERR_INTERNAL. Always false. */
bool db_error(struct db *db, struct error *e, const char *doing);

/* The same at start, for the administrator: ERR_CONFIG with cause and cure. Always false. */
bool db_refuse(struct db *db, struct error *e);
