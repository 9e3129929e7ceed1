#include "store/store.h"
#include "base/clock.h"
#include "store/idmark.h"
#include "store/ops.h"
#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/statvfs.h>

enum {
	STORE_BALLAST_MAX_BYTES = 16 * 1024 * 1024, /* given back when the disk is full, so that ends can be written */
	STORE_BALLAST_DISK_SHARE = 16,              /* … but at most this part of a small disk */
	STORE_REOPEN_PAUSE_MS = 100,                /* before a file that did not open is tried again */
	STORE_STUCK_MS = 5000,                      /* a disk that takes longer is not well */
	STORE_PATH_MAX = 4096,
};

struct op_list {
	struct store_op *first, **last;
};

/* An insert is nobody's yet, so that nothing else can depend on its being done first. */
enum lane { LANE_OTHERS, LANE_INSERTS, LANES };

struct store {
	char path[STORE_PATH_MAX], ballast_path[STORE_PATH_MAX];
	struct db db;
	struct idmark mark; /* loop until the thread starts and after it has ended, else its */
	int64_t ids_lost;
	pthread_t thread;
	struct loop_wake *wake;
	loop_fn *fatal;
	void *fatal_arg;
	int waiting;           /* loop: operations that are not done */
	size_t waiting_bytes;  /* loop: of requests in them */
	int failures;          /* store thread: commits in a row whose outcome was unknown */
	int64_t ballast_bytes; /* 0: there can be none */
	bool has_ballast;      /* store thread; without it inserts wait until there is room for it again */
	atomic_bool healthy, gave_up;
	_Atomic int64_t busy_since_ms; /* 0: the store thread waits for work */
	_Atomic int64_t next_id;

	pthread_mutex_t lock; /* guards what follows */
	pthread_cond_t more;
	struct op_list todo[LANES], done;
	bool stopping;
};

static void list_init(struct op_list *l)
{
	l->first = NULL;
	l->last = &l->first;
}

static void list_push(struct op_list *l, struct store_op *op)
{
	op->next = NULL;
	*l->last = op;
	l->last = &op->next;
}

/* Moves the first `most`; how many there were. */
static int list_move(struct op_list *from, struct op_list *to, int most)
{
	int n = 0;

	for (; n < most && from->first; n++) {
		struct store_op *op = from->first;

		from->first = op->next;
		list_push(to, op);
	}
	if (!from->first)
		list_init(from);
	return n;
}

/* --- the transaction --- */

static void fail(struct store_op *op, const struct error *e)
{
	op->ok = false;
	op->error = *e;
}

static void fail_all(struct store_op *first, const struct error *e)
{
	for (struct store_op *op = first; op; op = op->next)
		if (op->ok)
			fail(op, e);
}

/*
 * Runs each operation that is still ok; one that fails for reasons of its own is answered so.
 * False when the transaction as a whole is lost.
 */
static bool run_group(struct store *s, struct store_op *first, struct error *e)
{
	if (!db_run(&s->db, s->db.stmt[SQL_BEGIN], e))
		return false;
	for (struct store_op *op = first; op; op = op->next) {
		struct error mine = { 0 };

		if (!op->ok || op->type->run(&s->db, op, &mine))
			continue;
		if (mine.code == ERR_NO_SPACE || mine.code == ERR_UNAVAILABLE) {
			*e = mine;
			return false;
		}
		fail(op, &mine);
	}
	if (s->db.next_id_moved && !db_run(&s->db, db_bind(&s->db, SQL_SET_NEXT_ID, "i", s->db.next_id), e))
		return false;
	return db_run(&s->db, s->db.stmt[SQL_COMMIT], e);
}

static void rollback(struct store *s)
{
	if (sqlite3_get_autocommit(s->db.handle))
		return; /* SQLite did it by itself */
	(void)sqlite3_step(s->db.stmt[SQL_ROLLBACK]);
	(void)sqlite3_reset(s->db.stmt[SQL_ROLLBACK]);
}

/* Room kept back, as a file that can be removed. False: there is no room for it now. */
static bool make_ballast(struct store *s)
{
	_close_ int fd = -1;
	struct statvfs disk;
	int err;

	if (s->has_ballast || s->ballast_bytes == 0)
		return true;
	fd = open(s->ballast_path, O_WRONLY | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd < 0 || fstatvfs(fd, &disk) < 0)
		return false;
	err = (int64_t)(disk.f_bavail * disk.f_frsize) < s->ballast_bytes ? ENOSPC
									  : posix_fallocate(fd, 0, s->ballast_bytes);
	s->has_ballast = err == 0;
	if (!s->has_ballast)
		(void)unlink(s->ballast_path);
	return s->has_ballast;
}

static void drop_ballast(struct store *s)
{
	if (s->has_ballast)
		(void)unlink(s->ballast_path);
	s->has_ballast = false;
}

/* What must be left over for a disk of this size; the first ballast. */
static void plan_ballast(struct store *s, const char *state_dir)
{
	struct statvfs disk;

	if (statvfs(state_dir, &disk) < 0)
		return;
	s->ballast_bytes = (int64_t)(disk.f_blocks * disk.f_frsize) / STORE_BALLAST_DISK_SHARE;
	if (s->ballast_bytes > STORE_BALLAST_MAX_BYTES)
		s->ballast_bytes = STORE_BALLAST_MAX_BYTES;
	(void)make_ballast(s);
}

/* How many. */
static int64_t skip_used_ids(struct store *s)
{
	int64_t lost = s->mark.next - s->db.next_id;

	if (lost <= 0)
		return 0;
	s->db.next_id = s->mark.next;
	return lost;
}

/*
 * After an I/O error the outcome is unknown: only the file, read afresh, knows. False: it cannot be opened, or not be
 * written (a commit of nothing new is tried).
 */
static bool reopen(struct store *s)
{
	struct error e = { 0 };

	if (!db_open(&s->db, s->path, &e))
		return false;
	(void)skip_used_ids(s);
	s->db.next_id_moved = true;
	if (run_group(s, NULL, &e) || e.code == ERR_NO_SPACE) {
		rollback(s);
		return true;
	}
	db_close(&s->db);
	return false;
}

static void pause_ms(int64_t ms)
{
	const struct timespec t = { ms / 1000, ms % 1000 * 1000000 };

	(void)nanosleep(&t, NULL);
}

static void on_broken(struct store *s, struct store_op *first, const struct error *broken)
{
	s->healthy = false;
	db_close(&s->db);
	while (++s->failures < STORE_FAILURES_MAX && !reopen(s))
		pause_ms(STORE_REOPEN_PAUSE_MS);
	if (s->failures >= STORE_FAILURES_MAX) {
		s->gave_up = true;
		fail_all(first, broken);
		return;
	}
	for (struct store_op *op = first; op; op = op->next)
		if (op->ok && !(op->type->landed && op->type->landed(&s->db, op)))
			fail(op, broken);
	s->next_id = s->db.next_id;
	s->healthy = true;
}

static void fail_inserts(struct store_op *first, const struct error *e)
{
	for (struct store_op *op = first; op; op = op->next)
		if (op->ok && op->type->is_insert)
			fail(op, e);
}

static bool any_left(const struct store_op *first)
{
	for (; first; first = first->next)
		if (first->ok)
			return true;
	return false;
}

/*
 * A disk that is full refuses new batches; ends and kills may use the space kept back for them, and the room
 * that the WAL has once its pages are home.
 */
static void on_full(struct store *s, struct store_op *first, const struct error *full)
{
	struct error e = { 0 };

	fail_inserts(first, full);
	if (!any_left(first))
		return;
	drop_ballast(s);
	if ((db_checkpoint(&s->db, &e) || e.code == ERR_NO_SPACE) && run_group(s, first, &e))
		return;
	rollback(s);
	if (e.code == ERR_NO_SPACE)
		fail_all(first, &e);
	else
		on_broken(s, first, &e);
}

/* A group is on the disk. Brings the WAL home when it has grown: outside the commit, so that nobody waits for it. */
static void after_commit(struct store *s)
{
	struct error e = { 0 };

	idmark_note(&s->mark, s->db.next_id, false);
	if (db_checkpoint_due(&s->db) && !db_checkpoint(&s->db, &e) && e.code != ERR_NO_SPACE)
		on_broken(s, NULL, &e);
	else
		s->failures = 0;
}

/* True when it is on the disk, and after_commit() is due. */
static bool commit_group(struct store *s, struct store_op *first)
{
	struct error e = { 0 };
	int64_t next_id = s->db.next_id;

	for (struct store_op *op = first; op; op = op->next)
		op->ok = true;
	if (s->gave_up) {
		(void)error_set(&e, ERR_UNAVAILABLE, "the store has failed; Florus is about to restart");
		fail_all(first, &e);
		return false;
	}
	if (!make_ballast(s)) {
		(void)error_set(&e, ERR_NO_SPACE, "the disk of the state directory is full");
		fail_inserts(first, &e);
	}
	s->db.next_id_moved = false;
	if (run_group(s, first, &e)) {
		s->next_id = s->db.next_id;
		return true;
	}
	rollback(s);
	if (e.code == ERR_NO_SPACE) {
		s->db.next_id = next_id;
		on_full(s, first, &e);
	} else {
		on_broken(s, first, &e);
	}
	return false;
}

/* --- the thread --- */

/* Takes up to STORE_GROUP_MAX operations; false when there are none and never will be. */
static bool take_group(struct store *s, struct op_list *group)
{
	int taken = 0;

	list_init(group);
	(void)pthread_mutex_lock(&s->lock);
	while (!s->todo[LANE_OTHERS].first && !s->todo[LANE_INSERTS].first && !s->stopping)
		(void)pthread_cond_wait(&s->more, &s->lock);
	taken += list_move(&s->todo[LANE_OTHERS], group, STORE_GROUP_MAX / 2);
	taken += list_move(&s->todo[LANE_INSERTS], group, STORE_GROUP_MAX - taken);
	(void)list_move(&s->todo[LANE_OTHERS], group, STORE_GROUP_MAX - taken);
	(void)pthread_mutex_unlock(&s->lock);
	return group->first != NULL;
}

static void *store_thread(void *arg)
{
	struct store *s = arg;
	struct op_list group;

	while (take_group(s, &group)) {
		s->busy_since_ms = clock_now_ms();
		bool committed = commit_group(s, group.first);

		(void)pthread_mutex_lock(&s->lock);
		*s->done.last = group.first;
		s->done.last = group.last;
		(void)pthread_mutex_unlock(&s->lock);
		loop_wake_send(s->wake);
		if (committed)
			after_commit(s);
		if (s->gave_up)
			loop_wake_send(s->wake);
		s->busy_since_ms = 0;
	}
	return NULL;
}

/* On the loop: hands finished operations back. */
static void deliver(void *arg)
{
	struct store *s = arg;
	struct store_op *op, *next;

	(void)pthread_mutex_lock(&s->lock);
	op = s->done.first;
	list_init(&s->done);
	(void)pthread_mutex_unlock(&s->lock);
	for (; op; op = next) {
		next = op->next;
		s->waiting--;
		s->waiting_bytes -= op->bytes;
		op->done(op);
	}
	if (s->gave_up && s->fatal) {
		loop_fn *fatal = s->fatal;

		s->fatal = NULL;
		fatal(s->fatal_arg);
	}
}

static void give(struct store *s, struct store_op *op, const struct store_op_type *type)
{
	op->type = type;
	s->waiting++;
	s->waiting_bytes += op->bytes;
	(void)pthread_mutex_lock(&s->lock);
	assert(!s->stopping);
	list_push(&s->todo[type->is_insert ? LANE_INSERTS : LANE_OTHERS], op);
	(void)pthread_mutex_unlock(&s->lock);
	(void)pthread_cond_signal(&s->more); /* now, or who wakes waits again for the lock */
}

void store_insert(struct store *s, struct store_insert *in)
{
	in->op.bytes = in->request_len;
	give(s, &in->op, &op_insert);
}

void store_intent(struct store *s, struct store_intent *in)
{
	give(s, &in->op, &op_intent);
}

void store_update(struct store *s, struct store_update *up)
{
	give(s, &up->op, &op_update);
}

void store_get(struct store *s, struct store_get *get)
{
	give(s, &get->op, &op_get);
}

void store_purge(struct store *s, struct store_purge *purge)
{
	give(s, &purge->op, &op_purge);
}

void store_statement_add(struct store *s, struct store_statement_add *add)
{
	add->op.bytes = add->code ? strlen(add->code) : 0;
	give(s, &add->op, &op_statement_add);
}

void store_statement_cancel(struct store *s, struct store_statement_cancel *cancel)
{
	give(s, &cancel->op, &op_statement_cancel);
}

void store_statement_end(struct store *s, struct store_statement_end *end)
{
	end->op.bytes = end->output ? strlen(end->output) : 0;
	give(s, &end->op, &op_statement_end);
}

void store_statements(struct store *s, struct store_statements *get)
{
	give(s, &get->op, &op_statements);
}

void store_request(struct store *s, struct store_request *rq)
{
	give(s, &rq->op, &op_request);
}

/* --- life --- */

static void open_mark(struct store *s, const char *state_dir)
{
	char path[STORE_PATH_MAX];

	(void)snprintf(path, sizeof path, "%s/ids", state_dir);
	idmark_open(path, &s->mark);
	s->ids_lost = skip_used_ids(s);
}

bool store_open(const char *state_dir, struct store **ret, struct error *e)
{
	struct store *s = xcalloc(1, sizeof *s);

	if (snprintf(s->path, sizeof s->path, "%s/florus.db", state_dir) >= (int)sizeof s->path ||
	    snprintf(s->ballast_path, sizeof s->ballast_path, "%s/ballast", state_dir) >= (int)sizeof s->ballast_path) {
		free(s);
		return error_set(e, ERR_CONFIG, "florus.state-dir is too long");
	}
	if (!db_open(&s->db, s->path, e)) {
		free(s);
		return false;
	}
	open_mark(s, state_dir);
	plan_ballast(s, state_dir);
	for (enum lane lane = 0; lane < LANES; lane++)
		list_init(&s->todo[lane]);
	list_init(&s->done);
	(void)pthread_mutex_init(&s->lock, NULL);
	(void)pthread_cond_init(&s->more, NULL);
	s->healthy = true;
	s->next_id = s->db.next_id;
	*ret = s;
	return true;
}

/* Rows that cannot be read and are not over yet: they are ended, so that they are nobody's business from now on. */
struct unreadable {
	int64_t *ids;
	size_t count, cap;
};

static void note_unreadable(struct unreadable *u, int64_t id)
{
	if (u->count == u->cap) {
		u->cap = u->cap ? u->cap * 2 : 16;
		u->ids = xrealloc(u->ids, u->cap * sizeof *u->ids);
	}
	u->ids[u->count++] = id;
}

static bool load(struct store *s, sqlite3_stmt *rows, struct unreadable *u, store_row_fn *fn, void *arg,
		 struct error *e)
{
	struct store_row row;
	int rc;

	while ((rc = sqlite3_step(rows)) == SQLITE_ROW) {
		ops_read_row(rows, &row);
		if (row.unreadable && sqlite3_column_type(rows, BATCH_FINISHED_COLUMN) == SQLITE_NULL)
			note_unreadable(u, row.id);
		fn(arg, &row);
	}
	(void)sqlite3_reset(rows);
	return rc == SQLITE_DONE || db_refuse(&s->db, e);
}

static bool end_unreadable(struct store *s, const struct unreadable *u, struct error *e)
{
	if (u->count == 0)
		return true;
	if (!db_run(&s->db, s->db.stmt[SQL_BEGIN], e))
		return false;
	for (size_t i = 0; i < u->count; i++)
		if (!db_run(&s->db, db_bind(&s->db, SQL_END_UNREADABLE, "it", u->ids[i], STORE_UNREADABLE), e))
			return false;
	return db_run(&s->db, s->db.stmt[SQL_COMMIT], e);
}

bool store_load(struct store *s, int64_t finished_since_ms, int64_t finished_max, bool with_requests, store_row_fn *fn,
		void *arg, struct error *e)
{
	struct unreadable u = { 0 };
	struct error why = { 0 };
	bool ok = load(s, db_bind(&s->db, SQL_UNFINISHED, "i", (int64_t)with_requests), &u, fn, arg, e) &&
		  load(s, db_bind(&s->db, SQL_RECENT, "iii", (int64_t)with_requests, finished_since_ms, finished_max),
		       &u, fn, arg, e);

	if (ok && !end_unreadable(s, &u, &why))
		rollback(s); /* a full disk, say: they are found again at the next start */
	free(u.ids);
	return ok;
}

void store_start(struct store *s, struct loop *l, loop_fn *fatal, void *arg)
{
	s->wake = loop_wake_new(l, deliver, s);
	s->fatal = fatal;
	s->fatal_arg = arg;
	if (pthread_create(&s->thread, NULL, store_thread, s) != 0)
		abort(); /* at start: nothing to lose */
}

struct store *store_free(struct store *s)
{
	if (!s)
		return NULL;
	if (s->wake) {
		(void)pthread_mutex_lock(&s->lock);
		s->stopping = true;
		(void)pthread_cond_signal(&s->more);
		(void)pthread_mutex_unlock(&s->lock);
		(void)pthread_join(s->thread, NULL);
		s->fatal = NULL;
		deliver(s);
		s->wake = loop_wake_free(s->wake);
		if (s->healthy) /* and not a file that was refused before it was started */
			(void)sqlite3_wal_checkpoint_v2(s->db.handle, NULL, SQLITE_CHECKPOINT_TRUNCATE, NULL, NULL);
		idmark_note(&s->mark, s->next_id, true);
	}
	idmark_close(&s->mark);
	db_close(&s->db);
	(void)pthread_mutex_destroy(&s->lock);
	(void)pthread_cond_destroy(&s->more);
	free(s);
	return NULL;
}

bool store_full(const struct store *s)
{
	return s->waiting >= STORE_WAITING_MAX || s->waiting_bytes >= STORE_WAITING_BYTES_MAX;
}

bool store_healthy(const struct store *s)
{
	int64_t since_ms = s->busy_since_ms;

	return s->healthy && (since_ms == 0 || clock_now_ms() - since_ms < STORE_STUCK_MS);
}

int64_t store_ids_lost(const struct store *s)
{
	return s->ids_lost;
}

int64_t store_next_id(const struct store *s)
{
	return s->next_id;
}
