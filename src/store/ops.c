#include "store/ops.h"
#include "model/state.h"
#include <string.h>

static const char *text_or_null(sqlite3_stmt *s, int column)
{
	const char *text = (const char *)sqlite3_column_text(s, column);

	return text && *text ? text : NULL;
}

static bool nonce_ok(const char *nonce)
{
	return nonce && strlen(nonce) == ID_NONCE_LEN && strspn(nonce, "0123456789abcdef") == ID_NONCE_LEN;
}

/* Anything that we never write: somebody else did, or the disk. A row is whole or it is not believed. */
static bool readable(sqlite3_stmt *s, const struct store_row *row)
{
	bool finished = sqlite3_column_type(s, BATCH_FINISHED_COLUMN) != SQLITE_NULL;
	enum state state;

	return row->state && state_parse(row->state, &state) && state_is_final(state) == finished && row->nonce[0] &&
	       row->attempt >= 0 && row->created_ms > 0 && (!finished || row->finished_ms > 0);
}

static void distrust(struct store_row *row)
{
	row->unreadable = true;
	row->state = state_name(STATE_DEAD);
	row->end_kind = "lost";
	row->why = STORE_UNREADABLE;
	if (row->finished_ms <= 0)
		row->finished_ms = row->created_ms > 0 ? row->created_ms : 1;
}

void ops_read_row(sqlite3_stmt *s, struct store_row *row)
{
	const char *nonce = (const char *)sqlite3_column_text(s, 3);

	*row = (struct store_row){
		.id = sqlite3_column_int64(s, 0),
		.state = (const char *)sqlite3_column_text(s, 1),
		.attempt = sqlite3_column_int(s, 2),
		.name = text_or_null(s, 4),
		.owner = text_or_null(s, 5),
		.proxy_user = text_or_null(s, 6),
		.app_id = text_or_null(s, 7),
		.boot_id = text_or_null(s, 8),
		.end_kind = text_or_null(s, 9),
		.end_code = sqlite3_column_int(s, 10),
		.why = text_or_null(s, 11),
		.created_ms = sqlite3_column_int64(s, 12),
		.started_ms = sqlite3_column_int64(s, 13),
		.finished_ms = sqlite3_column_int64(s, BATCH_FINISHED_COLUMN),
		.killed = sqlite3_column_int(s, 15),
		.deleted = sqlite3_column_int(s, 16),
		.request = text_or_null(s, 17),
		.cluster = text_or_null(s, 18),
		.launcher = text_or_null(s, 19),
		.launcher_why = text_or_null(s, 20),
		.handle = text_or_null(s, 21),
		.log_url = text_or_null(s, 22),
		.ui_url = text_or_null(s, 23),
		.spare = sqlite3_column_int(s, 24),
	};
	if (nonce_ok(nonce))
		memcpy(row->nonce, nonce, sizeof row->nonce);
	if (!readable(s, row))
		distrust(row);
}

/* --- insert --- */

static bool find_key(struct db *db, struct store_insert *in, bool *ret_found, struct error *e)
{
	_reset_ sqlite3_stmt *s = db_bind(db, SQL_BY_KEY, "ttbt", in->owner ? in->owner : "", in->idem_key, in->request,
					  in->request_len, in->proxy_user);
	int rc = sqlite3_step(s);

	if (rc != SQLITE_ROW && rc != SQLITE_DONE)
		return db_error(db, e, "looking up an Idempotency-Key");
	if (rc == SQLITE_DONE)
		return true;
	if (!sqlite3_column_int(s, 1))
		return error_set(e, ERR_KEY_REUSED, "Idempotency-Key was used for another request (batch %lld)",
				 (long long)sqlite3_column_int64(s, 0));
	in->out_id = sqlite3_column_int64(s, 0);
	*ret_found = in->out_existing = true;
	return true;
}

/* One that has ended meanwhile is no use to anybody: ERR_CONFLICT. */
static bool claim(struct db *db, struct store_insert *in, struct error *e)
{
	_reset_ sqlite3_stmt *s = db_bind(db, SQL_CLAIM, "itttib", in->claim_id, in->owner ? in->owner : "", in->name,
					  in->idem_key, in->created_ms, in->request, in->request_len);
	int rc = sqlite3_step(s);

	if (rc == SQLITE_DONE)
		return error_set(e, ERR_CONFLICT, "session %lld is not to be had any more", (long long)in->claim_id);
	if (rc != SQLITE_ROW)
		return db_error(db, e, "taking a session that was kept ready");
	in->out_id = in->claim_id;
	return true;
}

static bool run_insert(struct db *db, struct store_op *op, struct error *e)
{
	struct store_insert *in = (struct store_insert *)op;
	bool found = false;

	if (in->idem_key && !find_key(db, in, &found, e))
		return false;
	if (found)
		return true;
	if (in->only_existing)
		return error_set(e, ERR_NOT_FOUND, "this Idempotency-Key is new");
	if (in->claim)
		return claim(db, in, e);
	in->out_id = db->next_id;
	if (!db_run(db,
		    db_bind(db, SQL_INSERT, "itttttibttti", in->out_id, in->nonce, in->owner ? in->owner : "", in->name,
			    in->proxy_user, in->idem_key, in->created_ms, in->request, in->request_len, in->cluster,
			    in->launcher, in->launcher_why, (int64_t)in->spare),
		    e))
		return false;
	db->next_id++;
	db->next_id_moved = true;
	return true;
}

static bool insert_landed(struct db *db, struct store_op *op)
{
	struct store_insert *in = (struct store_insert *)op;
	_reset_ sqlite3_stmt *s = in->claim ? db_bind(db, SQL_CLAIMED, "i", in->claim_id)
					    : db_bind(db, SQL_HAS_NONCE, "it", in->out_id, in->nonce);

	return in->out_existing || sqlite3_step(s) == SQLITE_ROW;
}

/* --- intent --- */

static bool run_intent(struct db *db, struct store_op *op, struct error *e)
{
	struct store_intent *in = (struct store_intent *)op;
	_reset_ sqlite3_stmt *s = db_bind(db, SQL_INTENT, "iit", in->id, (int64_t)in->attempt, in->boot_id);
	int rc = sqlite3_step(s);

	if (rc == SQLITE_DONE)
		return error_set(e, ERR_CONFLICT, "job %lld may not be started any more", (long long)in->id);
	if (rc != SQLITE_ROW)
		return db_error(db, e, "storing the intent");
	free(in->out_request); /* of an earlier try of this operation */
	in->out_request_len = (size_t)sqlite3_column_bytes(s, 0);
	in->out_request = xmalloc(in->out_request_len + 1);
	memcpy(in->out_request, sqlite3_column_text(s, 0), in->out_request_len + 1);
	return true;
}

/* --- update --- */

static bool run_update(struct db *db, struct store_op *op, struct error *e)
{
	const struct store_update *up = (const struct store_update *)op;

	sqlite3_stmt *s =
		db_bind(db, SQL_UPDATE, "itzztztiitttttt", up->id, up->state, up->started_ms, up->finished_ms,
			up->end_kind, (int64_t)up->end_code, up->why, (int64_t)up->killed, (int64_t)up->deleted,
			up->app_id, up->handle, up->log_url, up->ui_url, up->launcher, up->launcher_why);
	if (up->end_kind)
		(void)sqlite3_bind_int64(s, 6, up->end_code); /* 0 is a status */
	return db_run(db, s, e);
}

/* --- get --- */

static void keep(const char **s)
{
	*s = xstrdup(*s);
}

static bool run_get(struct db *db, struct store_op *op, struct error *e)
{
	struct store_get *get = (struct store_get *)op;
	_reset_ sqlite3_stmt *s = get->name ? db_bind(db, SQL_BY_NAME, "it", (int64_t)get->with_request, get->name)
					    : db_bind(db, SQL_BY_ID, "ii", (int64_t)get->with_request, get->id);
	int rc = sqlite3_step(s);

	if (rc == SQLITE_DONE)
		return error_set(e, ERR_NOT_FOUND, "no such batch");
	if (rc != SQLITE_ROW)
		return db_error(db, e, "reading a batch");
	store_row_done(&get->out_row);
	ops_read_row(s, &get->out_row);
	keep(&get->out_row.state);
	keep(&get->out_row.name);
	keep(&get->out_row.owner);
	keep(&get->out_row.proxy_user);
	keep(&get->out_row.app_id);
	keep(&get->out_row.boot_id);
	keep(&get->out_row.end_kind);
	keep(&get->out_row.why);
	keep(&get->out_row.request);
	keep(&get->out_row.cluster);
	keep(&get->out_row.launcher);
	keep(&get->out_row.launcher_why);
	keep(&get->out_row.handle);
	keep(&get->out_row.log_url);
	keep(&get->out_row.ui_url);
	return true;
}

void store_row_done(struct store_row *row)
{
	const char *const owned[] = { row->state,    row->name,         row->owner,  row->proxy_user, row->app_id,
				      row->boot_id,  row->end_kind,     row->why,    row->request,    row->cluster,
				      row->launcher, row->launcher_why, row->handle, row->log_url,    row->ui_url };

	for (size_t i = 0; i < ARRAY_LEN(owned); i++)
		free((void *)(uintptr_t)owned[i]);
	*row = (struct store_row){ 0 };
}

/* --- purge --- */

static bool run_purge(struct db *db, struct store_op *op, struct error *e)
{
	struct store_purge *purge = (struct store_purge *)op;
	{
		_reset_ sqlite3_stmt *s =
			db_bind(db, SQL_OLD, "ii", purge->finished_before_ms, (int64_t)STORE_PURGE_MAX);

		purge->out_count = 0;
		while (purge->out_count < STORE_PURGE_MAX && sqlite3_step(s) == SQLITE_ROW) {
			struct store_row *row = &purge->out_rows[purge->out_count++];

			*row = (struct store_row){ .id = sqlite3_column_int64(s, 0),
						   .attempt = sqlite3_column_int(s, 1) };
			const char *nonce = (const char *)sqlite3_column_text(s, 2);
			if (nonce_ok(nonce))
				memcpy(row->nonce, nonce, sizeof row->nonce);
		}
	}
	for (int i = 0; i < purge->out_count; i++)
		if (!db_run(db, db_bind(db, SQL_DELETE, "i", purge->out_rows[i].id), e) ||
		    !db_run(db, db_bind(db, SQL_STATEMENTS_FORGET, "i", purge->out_rows[i].id), e))
			return false;
	return true;
}

/* --- request --- */

static bool run_request(struct db *db, struct store_op *op, struct error *e)
{
	struct store_request *rq = (struct store_request *)op;
	_reset_ sqlite3_stmt *s = db_bind(db, SQL_REQUEST, "i", rq->id);
	int rc = sqlite3_step(s);

	if (rc == SQLITE_DONE)
		return error_set(e, ERR_NOT_FOUND, "no such record");
	if (rc != SQLITE_ROW)
		return db_error(db, e, "reading a request");
	free(rq->out_request);
	rq->out_request_len = (size_t)sqlite3_column_bytes(s, 0);
	rq->out_request = xmalloc(rq->out_request_len + 1);
	memcpy(rq->out_request, sqlite3_column_text(s, 0), rq->out_request_len + 1);
	return true;
}

const struct store_op_type op_insert = { .run = run_insert, .landed = insert_landed, .is_insert = true };
const struct store_op_type op_intent = { .run = run_intent };
const struct store_op_type op_update = { .run = run_update };
const struct store_op_type op_get = { .run = run_get };
const struct store_op_type op_purge = { .run = run_purge };
const struct store_op_type op_request = { .run = run_request };
