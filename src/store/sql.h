/*
 * sql - every statement of the store. The enum is the only way to name one (private to store/).
 *
 * Times are wall-clock milliseconds. owner is '' for nobody, so that (owner, idem_key) can be unique.
 */
#pragma once

/* Step n brings a file from version n to n + 1, in one transaction. Never change one that was released. */
static const char *const migrations[] = {
	"CREATE TABLE meta(key TEXT PRIMARY KEY, value INTEGER NOT NULL) WITHOUT ROWID;"
	"INSERT INTO meta VALUES('next_batch_id', 0);"
	"CREATE TABLE batch("
	"  id INTEGER PRIMARY KEY,"
	"  state TEXT NOT NULL,"
	"  attempt INTEGER NOT NULL DEFAULT 0,"
	"  nonce TEXT NOT NULL,"
	"  owner TEXT NOT NULL,"
	"  name TEXT, proxy_user TEXT, app_id TEXT, idem_key TEXT,"
	"  boot_id TEXT, end_kind TEXT, end_code INTEGER, why TEXT,"
	"  created_ms INTEGER NOT NULL, started_ms INTEGER, finished_ms INTEGER,"
	"  killed INTEGER NOT NULL DEFAULT 0,"
	"  deleted INTEGER NOT NULL DEFAULT 0,"
	"  request TEXT NOT NULL);"
	"CREATE INDEX batch_unfinished ON batch(id) WHERE finished_ms IS NULL;"
	"CREATE INDEX batch_finished ON batch(finished_ms) WHERE finished_ms IS NOT NULL;"
	"CREATE INDEX batch_name ON batch(name) WHERE name IS NOT NULL;"
	"CREATE UNIQUE INDEX batch_idem ON batch(owner, idem_key) WHERE idem_key IS NOT NULL;",
	/* Of interactive sessions, whose rows are in the table batch of a file of their own. */
	"CREATE TABLE statement("
	"  session INTEGER NOT NULL,"
	"  id INTEGER NOT NULL,"
	"  state TEXT NOT NULL,"
	"  kind TEXT, code TEXT, output TEXT,"
	"  started_ms INTEGER, completed_ms INTEGER,"
	"  PRIMARY KEY(session, id)) WITHOUT ROWID;",
	/* Of jobs in clusters. */
	"ALTER TABLE batch ADD COLUMN cluster TEXT;"
	"ALTER TABLE batch ADD COLUMN launcher TEXT;"
	"ALTER TABLE batch ADD COLUMN launcher_why TEXT;"
	"ALTER TABLE batch ADD COLUMN handle TEXT;"
	"ALTER TABLE batch ADD COLUMN log_url TEXT;"
	"ALTER TABLE batch ADD COLUMN ui_url TEXT;",
	/* 1: a session that is nobody's yet, and waits for one who wants it. */
	"ALTER TABLE batch ADD COLUMN spare INTEGER NOT NULL DEFAULT 0;",
};

#define BATCH_COLUMNS                                                                                    \
	"id, state, attempt, nonce, name, owner, proxy_user, app_id, boot_id, end_kind, end_code, why, " \
	"created_ms, started_ms, finished_ms, killed, deleted, iif(?1, request, NULL), "                 \
	"cluster, launcher, launcher_why, handle, log_url, ui_url, spare"
enum { BATCH_FINISHED_COLUMN = 14 };

#define STATEMENTS(X)                                                                                                                            \
	X(SQL_BEGIN, "BEGIN IMMEDIATE")                                                                                                          \
	X(SQL_COMMIT, "COMMIT")                                                                                                                  \
	X(SQL_ROLLBACK, "ROLLBACK")                                                                                                              \
	X(SQL_NEXT_ID, "SELECT value FROM meta WHERE key = 'next_batch_id'")                                                                     \
	X(SQL_SET_NEXT_ID, "UPDATE meta SET value = ?1 WHERE key = 'next_batch_id'")                                                             \
	X(SQL_UNFINISHED, "SELECT " BATCH_COLUMNS " FROM batch WHERE finished_ms IS NULL ORDER BY id")                                           \
	X(SQL_RECENT, "SELECT " BATCH_COLUMNS " FROM batch WHERE finished_ms >= ?2 AND deleted = 0 AND spare = 0 "                               \
		      "ORDER BY finished_ms DESC LIMIT ?3")                                                                                      \
	X(SQL_BY_ID, "SELECT " BATCH_COLUMNS " FROM batch WHERE id = ?2 AND deleted = 0 AND spare = 0")                                          \
	X(SQL_BY_NAME, "SELECT " BATCH_COLUMNS " FROM batch WHERE name = ?2 AND deleted = 0 "                                                    \
		       "ORDER BY id DESC LIMIT 1")                                                                                               \
	X(SQL_BY_KEY, "SELECT id, request = ?3 AND proxy_user IS ?4 FROM batch WHERE owner = ?1 AND idem_key = ?2")                              \
	X(SQL_HAS_NONCE, "SELECT 1 FROM batch WHERE id = ?1 AND nonce = ?2")                                                                     \
	X(SQL_INSERT,                                                                                                                            \
	  "INSERT INTO batch(id, state, nonce, owner, name, proxy_user, idem_key, created_ms, request, cluster, launcher, launcher_why, spare) " \
	  "VALUES(?1, 'queued', ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12)")                                                                 \
	X(SQL_CLAIM,                                                                                                                             \
	  "UPDATE batch SET owner = ?2, name = ?3, idem_key = ?4, created_ms = ?5, request = ?6, spare = 0 "                                     \
	  "WHERE id = ?1 AND spare = 1 AND finished_ms IS NULL AND killed = 0 RETURNING id")                                                     \
	X(SQL_CLAIMED, "SELECT 1 FROM batch WHERE id = ?1 AND spare = 0")                                                                        \
	X(SQL_INTENT, "UPDATE batch SET state = 'launching', attempt = ?2, boot_id = ?3 "                                                        \
		      "WHERE id = ?1 AND finished_ms IS NULL AND killed = 0 RETURNING request")                                                  \
	/* A final state is never left: a beginning may be stored after its end when the disk was full between. */                               \
	X(SQL_UPDATE,                                                                                                                            \
	  "UPDATE batch SET state = iif(finished_ms IS NULL, ifnull(?2, state), state), started_ms = ifnull(?3, started_ms), "                   \
	  "finished_ms = ifnull(?4, finished_ms), end_kind = ifnull(?5, end_kind), "                                                             \
	  "end_code = ifnull(?6, end_code), why = ifnull(?7, why), "                                                                             \
	  "killed = killed | ?8, deleted = deleted | ?9, app_id = ifnull(?10, app_id), handle = ifnull(?11, handle), "                           \
	  "log_url = ifnull(?12, log_url), ui_url = ifnull(?13, ui_url), launcher = ifnull(?14, launcher), "                                     \
	  "launcher_why = ifnull(?15, launcher_why) WHERE id = ?1")                                                                              \
	X(SQL_END_UNREADABLE,                                                                                                                    \
	  "UPDATE batch SET why = ?2 || ' (its state was ' || quote(state) || ')', state = 'dead', "                                             \
	  "end_kind = 'lost', finished_ms = created_ms WHERE id = ?1")                                                                           \
	X(SQL_REQUEST, "SELECT request FROM batch WHERE id = ?1")                                                                                \
	X(SQL_STATEMENT_ADD,                                                                                                                     \
	  "INSERT INTO statement(session, id, state, kind, code) VALUES(?1, ?2, 'waiting', ?3, ?4)")                                             \
	X(SQL_STATEMENT_HAS, "SELECT 1 FROM statement WHERE session = ?1 AND id = ?2")                                                           \
	X(SQL_STATEMENT_CANCEL,                                                                                                                  \
	  "UPDATE statement SET state = 'cancelling' WHERE session = ?1 AND id = ?2 AND completed_ms IS NULL")                                   \
	/* An end is stored once: a driver repeats results until it hears that we have them. */                                                  \
	X(SQL_STATEMENT_END, "UPDATE statement SET state = ?3, output = ?4, started_ms = ?5, completed_ms = ?6 "                                 \
			     "WHERE session = ?1 AND id = ?2 AND completed_ms IS NULL")                                                          \
	X(SQL_STATEMENTS, "SELECT id, state, kind, code, output, started_ms, completed_ms FROM statement "                                       \
			  "WHERE session = ?1 AND id >= ?2 ORDER BY id LIMIT ?3 OFFSET ?4")                                                      \
	X(SQL_STATEMENTS_NEWEST, "SELECT id, state, kind, code, output, started_ms, completed_ms FROM statement "                                \
				 "WHERE session = ?1 AND id >= ?2 ORDER BY id DESC LIMIT ?3 OFFSET ?4")                                          \
	X(SQL_STATEMENTS_COUNT, "SELECT count(*) FROM statement WHERE session = ?1 AND id >= ?2")                                                \
	X(SQL_STATEMENTS_FORGET, "DELETE FROM statement WHERE session = ?1")                                                                     \
	X(SQL_OLD, "SELECT id, attempt, nonce FROM batch WHERE finished_ms < ?1 ORDER BY finished_ms LIMIT ?2")                                  \
	X(SQL_DELETE, "DELETE FROM batch WHERE id = ?1")

#define X(name, text) name,
enum sql { STATEMENTS(X) SQL_COUNT };
#undef X
