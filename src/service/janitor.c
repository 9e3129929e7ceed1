/*
 * janitor - forgetting on time: from memory after livy.server.session.state-retain.sec, from the disk after
 * florus.history.retain (D9).
 */
#include "base/clock.h"
#include "base/log.h"
#include "service/registry.h"

enum { JANITOR_EVERY_MS = 1000, PURGE_EVERY_MAX_MS = 60 * 60 * 1000, PURGES_PER_RETAIN = 10 };

/* Lists show what finished lately; those batches still answer by id, from the store. */
static void forget_finished(struct batches *b, int64_t now_ms)
{
	int64_t before = now_ms - b->config->livy_server_session_state_retain_ms;

	for (size_t i = 0; i < b->count && b->finished > 0;) {
		struct entry *en = b->items[i];
		bool old = en->shown.spare || en->shown.finished_ms < before || b->finished > BATCHES_RECENT_MAX;

		if (old && en->end_stored && !en->deleted && state_is_final(en->shown.state))
			registry_remove(en);
		else
			i++;
	}
}

/* Views are made again when they are asked for; many large ones are not worth their memory. */
static void forget_views(struct batches *b)
{
	size_t bytes = 0;

	for (size_t i = 0; i < b->count; i++)
		bytes += b->items[i]->view ? b->items[i]->view->len : 0;
	for (size_t i = 0; i < b->count && bytes > BATCHES_VIEWS_MAX_BYTES; i++)
		registry_forget_view(b->items[i]);
}

static int64_t purge_every_ms(const struct batches *b)
{
	int64_t every = b->config->florus_history_retain_ms / PURGES_PER_RETAIN;

	return every > PURGE_EVERY_MAX_MS ? PURGE_EVERY_MAX_MS : every;
}

static void purged(struct store_op *op)
{
	struct store_purge *purge = (struct store_purge *)op;
	struct batches *b = op->arg;

	b->purging = false;
	if (!op->ok && !b->stopping)
		log_warn("history not purged", LOG_STR("reason", op->error.msg));
	for (int i = 0; op->ok && !b->stopping && i < purge->out_count; i++) {
		struct entry *en = registry_by_id(b, purge->out_rows[i].id);

		if (en)
			registry_remove(en);
		deletion_remove_dir(b, purge->out_rows[i].id, purge->out_rows[i].attempt, purge->out_rows[i].nonce);
	}
	if (op->ok && purge->out_count > 0)
		log_info("history purged", LOG_STR("kind", b->kind.noun), LOG_INT("jobs", purge->out_count));
	b->purge_due_ms = clock_now_ms() + (op->ok && purge->out_count == STORE_PURGE_MAX ? 0 : purge_every_ms(b));
	free(purge);
}

static void purge_history(struct batches *b, int64_t now_ms)
{
	struct store_purge *purge = xcalloc(1, sizeof *purge);

	b->purging = true;
	purge->op.done = purged;
	purge->op.arg = b;
	purge->finished_before_ms = now_ms - b->config->florus_history_retain_ms;
	store_purge(b->store, purge);
}

static void tick(void *arg)
{
	struct batches *b = arg;

	if (b->stopping)
		return;
	forget_finished(b, clock_wall_ms());
	forget_views(b);
	if (!b->purging && clock_now_ms() >= b->purge_due_ms)
		purge_history(b, clock_wall_ms());
}

void janitor_start(struct batches *b)
{
	b->janitor_timer = loop_timer_new(b->loop, tick, b);
	loop_timer_set(b->janitor_timer, JANITOR_EVERY_MS, JANITOR_EVERY_MS);
}
