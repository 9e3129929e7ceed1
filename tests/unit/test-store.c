/* The store on a real file: what its operations do, in groups and alone, and what it makes of damage. */
#include "storebench.h"
#include "base/fdio.h"
#include "t.h"
#include <fcntl.h>
#include <sqlite3.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static void insert(struct bench *b, struct store_insert *in, const char *name)
{
	bench_insert(b, in, name, NULL, "{}");
}

static void intent(struct bench *b, struct store_intent *in, int64_t id, int attempt)
{
	bench_due(b, &in->op, b->open);
	in->id = id;
	in->attempt = attempt;
	in->boot_id = "boot";
	store_intent(b->store, in);
}

static void update(struct bench *b, struct store_update *up)
{
	bench_due(b, &up->op, b->open);
	store_update(b->store, up);
}

static void get(struct bench *b, struct store_get *g, int64_t id, const char *name)
{
	bench_due(b, &g->op, b->open);
	g->id = id;
	g->name = name;
	store_get(b->store, g);
}

/* One batch named "a", accepted. */
static int64_t one_batch(struct bench *b)
{
	struct store_insert in = { 0 };

	insert(b, &in, "a");
	bench_wait(b);
	CHECK_OK(in.op.ok, in.op.error);
	return in.out_id;
}

static void sql(const char *text)
{
	sqlite3 *db = NULL;
	char *why = NULL;

	CHECK(sqlite3_open("florus.db", &db) == SQLITE_OK);
	if (sqlite3_exec(db, text, NULL, NULL, &why) != SQLITE_OK)
		t_fail(__FILE__, __LINE__, "%s: %s", text, why);
	(void)sqlite3_close(db);
}

struct loaded {
	struct store_row rows[16];
	char states[16][16], names[16][64];
	int count;
};

static void keep_row(void *arg, const struct store_row *row)
{
	struct loaded *l = arg;

	CHECK(l->count < (int)ARRAY_LEN(l->rows));
	l->rows[l->count] = *row;
	(void)snprintf(l->states[l->count], sizeof l->states[0], "%s", row->state);
	(void)snprintf(l->names[l->count], sizeof l->names[0], "%s", row->name ? row->name : "");
	l->count++;
}

static void load(struct bench *b, struct loaded *l)
{
	struct error e = { 0 };

	*l = (struct loaded){ 0 };
	CHECK_OK(store_load(b->store, 0, 100, false, keep_row, l, &e), e);
}

/* --- what operations do --- */

/* Until it is started the store is like one whose disk hangs. */
TEST(it_says_when_as_much_waits_as_may)
{
	static struct store_get asked[STORE_WAITING_MAX];
	static char big[STORE_WAITING_BYTES_MAX / 2 + 1];
	struct store_insert in[2] = { 0 };
	struct bench b;

	bench_open(&b);
	for (int i = 0; i < STORE_WAITING_MAX; i++) {
		CHECK(!store_full(b.store));
		get(&b, &asked[i], 0, NULL);
	}
	CHECK(store_full(b.store));
	bench_start(&b);
	bench_wait(&b);
	CHECK(!store_full(b.store));
	bench_close(&b);

	memset(big, 'x', sizeof big - 1);
	bench_open(&b);
	bench_insert(&b, &in[0], NULL, NULL, big);
	CHECK(!store_full(b.store));
	bench_insert(&b, &in[1], NULL, NULL, big);
	CHECK(store_full(b.store));
	bench_start(&b);
	bench_wait(&b);
	CHECK(in[0].op.ok && in[1].op.ok && !store_full(b.store));
	bench_close(&b);
}

TEST(operations_are_done_in_the_order_given)
{
	struct store_insert in[20] = { 0 };
	struct bench b;

	bench_open(&b);
	bench_start(&b);
	for (int i = 0; i < 20; i++)
		insert(&b, &in[i], NULL);
	bench_wait(&b);
	for (int i = 0; i < 20; i++) {
		CHECK_INT(b.order[i], i);
		CHECK_INT(in[i].out_id, i);
	}
	CHECK_INT(store_next_id(b.store), 20);
	CHECK(store_healthy(b.store));
	bench_close(&b);
}

TEST(what_is_given_is_done_before_it_closes)
{
	struct store_insert in[3] = { 0 };
	struct loaded l;
	struct bench b;

	bench_open(&b);
	bench_start(&b);
	for (int i = 0; i < 3; i++)
		insert(&b, &in[i], NULL);
	bench_close(&b);
	CHECK_INT(b.done_count, 3);
	bench_open(&b);
	load(&b, &l);
	CHECK_INT(l.count, 3);
	bench_close(&b);
}

TEST(ids_rise_across_a_restart_even_when_the_last_is_purged)
{
	struct store_update up = { .state = "dead", .finished_ms = 5 };
	struct store_purge *purge = xcalloc(1, sizeof *purge);
	struct bench b;

	bench_open(&b);
	bench_start(&b);
	up.id = one_batch(&b);
	update(&b, &up);
	bench_due(&b, &purge->op, 1);
	purge->finished_before_ms = 6;
	store_purge(b.store, purge);
	bench_wait(&b);
	CHECK_INT(purge->out_count, 1);
	CHECK_INT(purge->out_rows[0].id, up.id);
	CHECK_INT(strlen(purge->out_rows[0].nonce), ID_NONCE_LEN);
	bench_close(&b);
	bench_open(&b);
	bench_start(&b);
	CHECK_INT(one_batch(&b), up.id + 1);
	bench_close(&b);
	free(purge);
}

TEST(purge_takes_only_what_ended_before_and_at_most_its_share)
{
	enum { COUNT = STORE_PURGE_MAX + 20 };
	struct store_insert *in = xcalloc(COUNT, sizeof *in);
	struct store_update *up = xcalloc(COUNT, sizeof *up);
	struct store_purge *purge = xcalloc(1, sizeof *purge);
	struct store_get kept = { 0 }, gone = { 0 };
	struct bench b;

	bench_open(&b);
	bench_start(&b);
	for (int i = 0; i < COUNT; i++)
		insert(&b, &in[i], NULL);
	bench_wait(&b);
	for (int i = 0; i < COUNT; i++) {
		up[i] = (struct store_update){ .id = i,
					       .state = "success",
					       .finished_ms = i < COUNT - 10 ? 100 + i : 9000 };
		update(&b, &up[i]);
	}
	for (int round = 0; round < 3; round++) {
		const int expected[] = { STORE_PURGE_MAX, 10, 0 };

		bench_due(&b, &purge->op, 1);
		purge->finished_before_ms = 9000;
		store_purge(b.store, purge);
		bench_wait(&b);
		CHECK_INT(purge->out_count, expected[round]);
	}
	get(&b, &gone, 0, NULL);
	get(&b, &kept, COUNT - 1, NULL);
	bench_wait(&b);
	CHECK_INT(gone.op.error.code, ERR_NOT_FOUND);
	CHECK_OK(kept.op.ok, kept.op.error);
	store_row_done(&kept.out_row);
	bench_close(&b);
	free(in);
	free(up);
	free(purge);
}

TEST(a_key_gives_its_batch_again)
{
	struct store_insert first = { 0 }, again = { 0 }, other_request = { 0 }, other_owner = { 0 },
			    other_user = { 0 };
	struct bench b;

	bench_open(&b);
	bench_insert(&b, &first, "n", "key", "{\"a\":1}"); /* given before the thread starts: one group */
	bench_insert(&b, &again, "n", "key", "{\"a\":1}");
	bench_insert(&b, &other_request, "n", "key", "{\"a\":2}");
	other_user.proxy_user = "drusilla";
	bench_insert(&b, &other_user, "n", "key", "{\"a\":1}");
	other_owner.owner = "livia";
	bench_insert(&b, &other_owner, "n", "key", "{\"a\":2}");
	bench_start(&b);
	bench_wait(&b);
	CHECK(first.op.ok && !first.out_existing);
	CHECK(again.op.ok && again.out_existing);
	CHECK_INT(again.out_id, first.out_id);
	CHECK_INT(other_request.op.error.code, ERR_KEY_REUSED);
	CHECK_INT(other_user.op.error.code, ERR_KEY_REUSED);
	CHECK(other_owner.op.ok && !other_owner.out_existing);
	CHECK_INT(other_owner.out_id, first.out_id + 1);
	bench_close(&b);
}

TEST(only_existing_stores_nothing)
{
	struct store_insert known = { 0 }, asked = { .only_existing = true }, new = { .only_existing = true };
	struct bench b;

	bench_open(&b);
	bench_start(&b);
	bench_insert(&b, &known, NULL, "known", "{}");
	bench_insert(&b, &asked, NULL, "known", "{}");
	bench_insert(&b, &new, NULL, "new", "{}");
	bench_wait(&b);
	CHECK(asked.op.ok && asked.out_existing);
	CHECK_INT(asked.out_id, known.out_id);
	CHECK(!new.op.ok);
	CHECK_INT(new.op.error.code, ERR_NOT_FOUND);
	CHECK_INT(store_next_id(b.store), 1);
	bench_close(&b);
}

TEST(an_intent_gives_the_request_and_is_refused_to_a_killed_batch)
{
	struct store_insert live = { 0 }, killed = { 0 };
	struct store_intent good = { 0 }, refused = { 0 }, unknown = { 0 };
	struct store_update kill = { .killed = true };
	struct bench b;

	bench_open(&b);
	bench_start(&b);
	bench_insert(&b, &live, NULL, NULL, "{\"file\":\"/\xc3\xa9\"}");
	insert(&b, &killed, NULL);
	bench_wait(&b);
	kill.id = killed.out_id;
	update(&b, &kill);
	intent(&b, &good, live.out_id, 1);
	intent(&b, &refused, killed.out_id, 1);
	intent(&b, &unknown, 77, 1);
	bench_wait(&b);
	CHECK_OK(good.op.ok, good.op.error);
	CHECK_STR(good.out_request, "{\"file\":\"/\xc3\xa9\"}");
	CHECK_INT(good.out_request_len, strlen(good.out_request));
	CHECK_INT(refused.op.error.code, ERR_CONFLICT);
	CHECK(!refused.out_request);
	CHECK_INT(unknown.op.error.code, ERR_CONFLICT);
	free(good.out_request);
	bench_close(&b);
}

TEST(an_update_keeps_what_it_does_not_name)
{
	struct store_update first = { .state = "running", .started_ms = 2000 };
	struct store_update then = {
		.state = "dead", .finished_ms = 3000, .end_kind = "exit", .end_code = 0, .why = "so"
	};
	struct store_update mark = { .killed = true };
	struct store_get g = { 0 };
	struct bench b;

	bench_open(&b);
	bench_start(&b);
	first.id = then.id = mark.id = one_batch(&b);
	update(&b, &first);
	update(&b, &then);
	update(&b, &mark);
	get(&b, &g, first.id, NULL);
	bench_wait(&b);
	CHECK_OK(g.op.ok, g.op.error);
	CHECK_STR(g.out_row.state, "dead");
	CHECK_STR(g.out_row.name, "a");
	CHECK_INT(g.out_row.created_ms, 1000);
	CHECK_INT(g.out_row.started_ms, 2000);
	CHECK_INT(g.out_row.finished_ms, 3000);
	CHECK_STR(g.out_row.end_kind, "exit");
	CHECK_INT(g.out_row.end_code, 0);
	CHECK_STR(g.out_row.why, "so");
	CHECK(g.out_row.killed && !g.out_row.deleted && !g.out_row.unreadable);
	store_row_done(&g.out_row);
	bench_close(&b);
}

/* A beginning that a full disk held up may come after its end. */
TEST(a_final_state_is_never_left)
{
	struct store_update end = { .state = "success", .finished_ms = 3000, .end_kind = "exit" };
	struct store_update beginning = { .state = "running", .started_ms = 2000 };
	struct store_get g = { 0 };
	struct bench b;

	bench_open(&b);
	bench_start(&b);
	end.id = beginning.id = one_batch(&b);
	update(&b, &end);
	update(&b, &beginning);
	get(&b, &g, end.id, NULL);
	bench_wait(&b);
	CHECK_OK(g.op.ok, g.op.error);
	CHECK_STR(g.out_row.state, "success");
	CHECK_INT(g.out_row.started_ms, 2000);
	CHECK_INT(g.out_row.finished_ms, 3000);
	store_row_done(&g.out_row);
	bench_close(&b);
}

TEST(what_is_deleted_is_not_found)
{
	struct store_insert older = { 0 }, newer = { 0 };
	struct store_update gone = { .deleted = true };
	struct store_get by_id = { 0 }, by_name = { 0 }, before = { 0 };
	struct bench b;

	bench_open(&b);
	bench_start(&b);
	insert(&b, &older, "same");
	insert(&b, &newer, "same");
	bench_wait(&b);
	get(&b, &before, 0, "same");
	gone.id = newer.out_id;
	update(&b, &gone);
	get(&b, &by_id, newer.out_id, NULL);
	get(&b, &by_name, 0, "same");
	bench_wait(&b);
	CHECK_INT(before.out_row.id, newer.out_id);
	CHECK_INT(by_id.op.error.code, ERR_NOT_FOUND);
	CHECK_INT(by_name.out_row.id, older.out_id);
	store_row_done(&before.out_row);
	store_row_done(&by_name.out_row);
	bench_close(&b);
}

TEST(one_that_fails_harms_no_other_of_its_group)
{
	struct store_insert first = { 0 }, a = { 0 }, reused = { 0 }, c = { 0 }, raised = { 0 };
	struct store_intent unknown = { 0 };
	struct store_update up = { .state = "running" };
	struct store_get none = { 0 }, there = { 0 };
	struct loaded l;
	struct bench b;

	bench_open(&b);
	bench_start(&b);
	insert(&b, &first, "first");
	bench_wait(&b);
	bench_close(&b);
	sql("CREATE TRIGGER t BEFORE INSERT ON batch WHEN new.name = 'bad' BEGIN SELECT raise(ABORT, 'no'); END");
	bench_open(&b);
	bench_insert(&b, &a, "a", "k", "1"); /* given before the thread starts: one group */
	bench_insert(&b, &reused, "b", "k", "2");
	intent(&b, &unknown, 99, 1);
	insert(&b, &raised, "bad");
	get(&b, &none, 1234, NULL);
	insert(&b, &c, "c");
	update(&b, &up); /* of batch 0 */
	get(&b, &there, 0, "first");
	bench_start(&b);
	bench_wait(&b);
	CHECK_INT(b.done_count, 8);
	CHECK(a.op.ok && c.op.ok && up.op.ok && there.op.ok);
	CHECK_INT(reused.op.error.code, ERR_KEY_REUSED);
	CHECK_INT(unknown.op.error.code, ERR_CONFLICT);
	CHECK_INT(raised.op.error.code, ERR_INTERNAL);
	CHECK_INT(none.op.error.code, ERR_NOT_FOUND);
	CHECK_INT(c.out_id, 2);
	CHECK_INT(there.out_row.id, 0);
	store_row_done(&there.out_row);
	bench_close(&b);
	bench_open(&b);
	load(&b, &l);
	CHECK_INT(l.count, 3);
	CHECK_STR(l.states[0], "running");
	CHECK_STR(l.names[2], "c");
	bench_close(&b);
}

TEST(a_kill_waits_for_no_queue_of_inserts)
{
	enum { COUNT = 3 * STORE_GROUP_MAX, KILL = -1 };
	struct store_insert first = { 0 }, *in = xcalloc(COUNT, sizeof *in);
	struct store_update kill = { .killed = true };
	struct bench b;

	bench_open(&b);
	bench_start(&b);
	insert(&b, &first, NULL);
	bench_wait(&b);
	bench_close(&b);
	bench_open(&b);
	for (int i = 0; i < COUNT; i++)
		insert(&b, &in[i], NULL);
	bench_due(&b, &kill.op, KILL);
	store_update(b.store, &kill);
	bench_start(&b);
	bench_wait(&b);
	CHECK_INT(b.order[0], KILL);
	for (int i = 0; i < COUNT; i++)
		CHECK_INT(in[i].out_id, i + 1);
	bench_close(&b);
	free(in);
}

/* --- ids that an older copy does not know --- */

static void copy_file(const char *from, const char *to)
{
	_sbuf_ struct sbuf bytes = SBUF_INIT(1 << 20);
	struct error e = { 0 };

	CHECK_OK(fdio_read_file(AT_FDCWD, from, &bytes, &e), e);
	CHECK_OK(fdio_replace_file(AT_FDCWD, to, bytes.data, bytes.len, &e), e);
}

TEST(ids_of_an_older_copy_are_not_given_again)
{
	struct bench b;

	bench_open(&b);
	bench_start(&b);
	CHECK_INT(one_batch(&b), 0);
	bench_close(&b);
	copy_file("florus.db", "older.db");
	bench_open(&b);
	bench_start(&b);
	CHECK_INT(store_ids_lost(b.store), 0);
	for (int64_t id = 1; id <= 5; id++)
		CHECK_INT(one_batch(&b), id);
	bench_close(&b);
	copy_file("older.db", "florus.db");
	bench_open(&b);
	CHECK_INT(store_ids_lost(b.store), 5);
	CHECK_INT(store_next_id(b.store), 6);
	bench_start(&b);
	CHECK_INT(one_batch(&b), 6);
	bench_close(&b);
	bench_open(&b);
	CHECK_INT(store_ids_lost(b.store), 0);
	CHECK_INT(store_next_id(b.store), 7);
	bench_close(&b);
}

TEST(a_mark_that_lags_behind_or_is_nonsense_counts_for_nothing)
{
	static const char *const texts[] = {
		"",    "0000000000000000001\n", "000000000000000000x\n", "-000000000000000009\n",
		"7\n", "9999999999999999999\n", "0000000009999999999\n"
	};
	struct error e = { 0 };
	struct bench b;
	int64_t next = 0;

	for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
		bench_open(&b);
		CHECK_INT(store_ids_lost(b.store), 0);
		bench_start(&b);
		CHECK_INT(one_batch(&b), next++);
		CHECK_INT(one_batch(&b), next++);
		bench_close(&b);
		CHECK_OK(fdio_replace_file(AT_FDCWD, "ids", texts[i], strlen(texts[i]), &e), e);
	}
}

/* --- loading --- */

TEST(load_gives_the_unfinished_by_id_then_the_latest_finished)
{
	struct store_insert in[5] = { 0 };
	struct store_update up[3] = { { .id = 0, .state = "success", .finished_ms = 10 },
				      { .id = 2, .state = "dead", .finished_ms = 30 },
				      { .id = 4, .state = "killed", .finished_ms = 20, .deleted = true } };
	struct error e = { 0 };
	struct loaded l;
	struct bench b;

	bench_open(&b);
	bench_start(&b);
	for (int i = 0; i < 5; i++)
		insert(&b, &in[i], NULL);
	bench_wait(&b);
	for (int i = 0; i < 3; i++)
		update(&b, &up[i]);
	bench_wait(&b);
	bench_close(&b);
	bench_open(&b);
	load(&b, &l);
	CHECK_INT(l.count, 4);
	const int ids[] = { 1, 3, 2, 0 };
	for (int i = 0; i < 4; i++)
		CHECK_INT(l.rows[i].id, ids[i]);
	l = (struct loaded){ 0 };
	CHECK_OK(store_load(b.store, 15, 100, false, keep_row, &l, &e), e);
	CHECK_INT(l.count, 3);
	l = (struct loaded){ 0 };
	CHECK_OK(store_load(b.store, 0, 1, false, keep_row, &l, &e), e);
	CHECK_INT(l.count, 3);
	CHECK_INT(l.rows[2].id, 2);
	bench_close(&b);
}

static const char *const row_damage[] = {
	"UPDATE batch SET state = 'flying' WHERE id = 1",
	"UPDATE batch SET state = x'80ff00' WHERE id = 1",
	"UPDATE batch SET state = 'success' WHERE id = 1", /* but it never ended */
	"UPDATE batch SET nonce = '' WHERE id = 1",
	"UPDATE batch SET nonce = '../../../../../../../../etc/x/yy' WHERE id = 1",
	"UPDATE batch SET nonce = x'00' WHERE id = 1",
	"UPDATE batch SET attempt = -1 WHERE id = 1",
	"UPDATE batch SET created_ms = 'when' WHERE id = 1",
	("PRAGMA writable_schema = 1; UPDATE sqlite_master SET sql = replace(sql, 'nonce TEXT NOT NULL', 'nonce TEXT') "
	 "WHERE name = 'batch'; PRAGMA writable_schema = RESET; UPDATE batch SET nonce = NULL WHERE id = 1"),
};

TEST(a_row_that_cannot_be_read_is_dead_and_harms_no_other)
{
	for (size_t i = 0; i < ARRAY_LEN(row_damage); i++) {
		struct store_insert in[3] = { 0 };
		struct store_get g = { 0 };
		struct loaded l;
		struct bench b;

		(void)unlink("florus.db");
		(void)unlink("ids");
		bench_open(&b);
		bench_start(&b);
		for (int n = 0; n < 3; n++)
			insert(&b, &in[n], NULL);
		bench_close(&b);
		sql(row_damage[i]);
		bench_open(&b);
		load(&b, &l);
		CHECK_INT(l.count, 3);
		CHECK(!l.rows[0].unreadable && l.rows[1].unreadable && !l.rows[2].unreadable);
		CHECK_STR(l.states[0], "queued");
		CHECK_STR(l.states[1], "dead");
		CHECK(l.rows[1].finished_ms > 0);
		bench_close(&b);

		bench_open(&b); /* it was stored so: nobody takes it for unfinished any more */
		bench_start(&b);
		get(&b, &g, 1, NULL);
		bench_wait(&b);
		CHECK_OK(g.op.ok, g.op.error);
		CHECK_STR(g.out_row.state, "dead");
		CHECK(strncmp(g.out_row.why, STORE_UNREADABLE, strlen(STORE_UNREADABLE)) == 0);
		store_row_done(&g.out_row);
		bench_close(&b);
	}
}

/* --- files that are not in order --- */

static void refused(const char *words)
{
	_sbuf_ struct sbuf before = SBUF_INIT(1 << 20), after = SBUF_INIT(1 << 20);
	struct store *s = NULL;
	struct error e = { 0 };

	CHECK_OK(fdio_read_file(AT_FDCWD, "florus.db", &before, &e), e);
	CHECK(!store_open(".", &s, &e));
	CHECK(!s);
	CHECK_INT(e.code, ERR_CONFIG);
	if (!strstr(e.msg, words))
		t_fail(__FILE__, __LINE__, "\"%s\" not in: %s", words, e.msg);
	CHECK_OK(fdio_read_file(AT_FDCWD, "florus.db", &after, &e), e);
	CHECK(before.len == after.len && memcmp(before.data, after.data, before.len) == 0);
}

TEST(a_newer_file_is_refused)
{
	struct bench b;

	bench_open(&b);
	bench_close(&b);
	sql("PRAGMA user_version = 99");
	refused("newer");
}

TEST(a_foreign_file_is_refused)
{
	sql("CREATE TABLE tunes(title TEXT)");
	refused("another program");
}

TEST(a_second_store_on_the_file_is_refused)
{
	struct store *s = NULL;
	struct error e = { 0 };
	pid_t pid;
	struct bench b;
	int status = 0;

	bench_open(&b);
	pid = fork(); /* locks are a process' own */
	if (pid == 0)
		_exit(!store_open(".", &s, &e) && e.code == ERR_CONFIG && strstr(e.msg, "in use") ? 0 : 1);
	CHECK(waitpid(pid, &status, 0) == pid);
	CHECK_INT(status, 0);
	bench_close(&b);
}

TEST(an_empty_file_is_a_new_store)
{
	struct bench b;

	CHECK(fclose(fopen("florus.db", "w")) == 0);
	bench_open(&b);
	bench_start(&b);
	CHECK_INT(one_batch(&b), 0);
	bench_close(&b);
}

static void claim(struct bench *b, struct store_insert *in, int64_t id, const char *key)
{
	in->claim = true;
	in->claim_id = id;
	in->owner = "ada";
	bench_insert(b, in, "mine", key, "{\"a\":1}");
}

TEST(a_spare_one_is_found_by_nobody_until_one_has_claimed_it)
{
	struct store_insert spare = { .spare = true }, first = { 0 }, late = { 0 }, again = { 0 };
	struct store_get hidden = { 0 }, found = { .with_request = true };
	struct bench b;

	bench_open(&b);
	bench_start(&b);
	insert(&b, &spare, NULL);
	bench_wait(&b);
	get(&b, &hidden, spare.out_id, NULL);
	bench_wait(&b);
	claim(&b, &first, spare.out_id, "key");
	claim(&b, &late, spare.out_id, NULL);
	claim(&b, &again, spare.out_id, "key");
	bench_wait(&b);
	get(&b, &found, spare.out_id, NULL);
	bench_wait(&b);
	CHECK_INT(hidden.op.error.code, ERR_NOT_FOUND);
	CHECK_OK(first.op.ok, first.op.error);
	CHECK_INT(first.out_id, spare.out_id);
	CHECK_INT(late.op.error.code, ERR_CONFLICT);
	CHECK(again.op.ok && again.out_existing);
	CHECK_OK(found.op.ok, found.op.error);
	CHECK_STR(found.out_row.owner, "ada");
	CHECK_STR(found.out_row.name, "mine");
	CHECK_STR(found.out_row.request, "{\"a\":1}");
	CHECK(!found.out_row.spare);
	store_row_done(&found.out_row);
	bench_close(&b);
}

TEST(a_spare_one_that_is_over_is_not_to_be_had)
{
	struct store_insert spare = { .spare = true }, late = { 0 };
	struct store_update over = { .state = "dead", .finished_ms = 5 };
	struct bench b;

	bench_open(&b);
	bench_start(&b);
	insert(&b, &spare, NULL);
	bench_wait(&b);
	over.id = spare.out_id;
	update(&b, &over);
	claim(&b, &late, spare.out_id, NULL);
	bench_wait(&b);
	CHECK_OK(over.op.ok, over.op.error);
	CHECK_INT(late.op.error.code, ERR_CONFLICT);
	bench_close(&b);
}
