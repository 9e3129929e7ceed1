/*
 * delete - DELETE: the intent is durable first, then the tree is killed, then the end is stored, then the answer.
 * The answer comes after kill.grace + BATCHES_KILL_EXTRA_MS even when the end is not: the kill goes on (D7, P10).
 */
#include "service/registry.h"
#include "base/log.h"
#include <stdio.h>
#include <string.h>

/* Somebody who waits for the end of a batch. */
struct deletion {
	struct deletion *next;
	struct store_update up; /* the intent, or the mark of a finished one */
	struct entry *entry;    /* NULL: it is history, not in memory */
	bool only_kill;         /* what is known of it stays */
	struct batches *of;
	struct loop_timer *timer;
	batches_deleted_fn *fn;
	void *arg;
	/* history only */
	struct store_get get;
	char *name;
};

static struct deletion *deletion_new(struct batches *b, batches_deleted_fn *fn, void *arg)
{
	struct deletion *d = xcalloc(1, sizeof *d);

	d->of = b;
	d->fn = fn;
	d->arg = arg;
	return d;
}

static void answer(struct deletion *d, const struct error *e)
{
	batches_deleted_fn *fn = d->fn;

	d->timer = loop_timer_free(d->timer);
	d->fn = NULL;
	if (fn)
		fn(d->arg, e);
}

static void deletion_free(struct deletion *d)
{
	d->timer = loop_timer_free(d->timer);
	store_row_done(&d->get.out_row);
	free(d->name);
	free(d);
}

/* --- the directory --- */

struct removal {
	int run_dirfd;
	char name[ATTEMPT_NAME_MAX];
	struct error error;
	bool ok;
};

static void remove_dir(void *arg)
{
	struct removal *r = arg;

	r->ok = attempt_remove_dir(r->run_dirfd, r->name, &r->error);
}

static void dir_removed(void *arg)
{
	struct removal *r = arg;

	if (!r->ok)
		log_warn("run directory not removed", LOG_STR("name", r->name), LOG_STR("reason", r->error.msg));
	free(r);
}

void deletion_remove_dir(struct batches *b, int64_t id, int attempt, const char *nonce)
{
	struct removal *r;

	if (attempt == 0)
		return;
	r = xcalloc(1, sizeof *r);
	r->run_dirfd = b->run_dirfd;
	attempt_name(r->name, id, attempt, nonce);
	logs_forget(b->logs, r->name);
	loop_work(b->loop, remove_dir, dir_removed, r);
}

/* --- a batch in memory --- */

void deletion_drop_all(struct entry *en)
{
	while (en->deletions) {
		struct deletion *d = en->deletions;

		en->deletions = d->next;
		deletion_free(d);
	}
}

void deletion_finished(struct entry *en)
{
	const struct error none = { 0 };
	struct deletion *waiting = en->deletions;

	registry_hold(en);
	if (en->deleted) {
		deletion_remove_dir(en->of, en->shown.id, en->shown.attempt, en->shown.nonce);
		registry_remove(en);
	}
	en->deletions = NULL;
	while (waiting) {
		struct deletion *d = waiting;

		waiting = d->next;
		answer(d, &none);
		deletion_free(d);
	}
	registry_release(en);
}

void deletion_stop(struct entry *en)
{
	struct error e;

	(void)error_set(&e, ERR_UNAVAILABLE, "Florus is stopping; the kill is stored, and goes on when it is back");
	for (struct deletion *d = en->deletions; d; d = d->next)
		answer(d, &e);
}

/* Not over in time: the intent is on the disk, so the answer may go (the record stays until the end). */
static void overdue(void *arg)
{
	const struct error none = { 0 };
	struct deletion *d = arg;

	log_warn("kill takes long", LOG_INT(d->entry->of->kind.noun, d->entry->shown.id));
	answer(d, &none);
}

static void wait_for_end(struct entry *en, struct deletion *d)
{
	d->next = en->deletions;
	en->deletions = d;
	d->timer = loop_timer_new(en->of->loop, overdue, d);
	loop_timer_set(d->timer, en->of->config->florus_kill_grace_ms + BATCHES_KILL_EXTRA_MS, 0);
}

static void intent_stored(struct store_op *op)
{
	struct deletion *d = (struct deletion *)((char *)op - offsetof(struct deletion, up));
	struct entry *en = d->entry;

	if (!op->ok) {
		answer(d, &op->error);
		deletion_free(d);
	} else {
		en->killed = true;
		en->deleted |= !d->only_kill;
		wait_for_end(en, d);
		if (state_is_final(en->shown.state) && en->end_stored) {
			deletion_finished(en);
		} else if (en->of->stopping) {
			deletion_stop(en);
		} else if (!state_is_final(en->shown.state)) {
			log_info("job killed", LOG_INT(en->of->kind.noun, en->shown.id));
			supervise_event(en, EVENT_KILL, NULL);
		}
	}
	registry_release(en);
}

static void delete_entry(struct entry *en, struct deletion *d)
{
	d->entry = en;
	if (en->deleted) { /* somebody else is at it */
		wait_for_end(en, d);
		return;
	}
	registry_hold(en);
	d->up.id = en->shown.id;
	d->up.deleted = !d->only_kill;
	d->up.killed = !state_is_final(en->shown.state);
	d->up.op.done = intent_stored;
	store_update(en->of->store, &d->up);
}

/* --- history --- */

static void history_deleted(struct store_op *op)
{
	struct deletion *d = (struct deletion *)((char *)op - offsetof(struct deletion, up));

	if (op->ok)
		deletion_remove_dir(d->of, d->up.id, d->get.out_row.attempt, d->get.out_row.nonce);
	answer(d, &op->error);
	deletion_free(d);
}

static void history_found(struct store_op *op)
{
	struct deletion *d = (struct deletion *)((char *)op - offsetof(struct deletion, get));

	if (op->ok && d->of->stopping)
		op->ok = error_set(&op->error, ERR_UNAVAILABLE, "Florus is stopping");
	if (!op->ok) {
		if (op->error.code == ERR_NOT_FOUND)
			(void)error_set(&op->error, ERR_NOT_FOUND, "Session '%.64s' not found.", d->name);
		answer(d, &op->error);
		deletion_free(d);
		return;
	}
	struct entry *en = registry_by_id(d->of, d->get.out_row.id);
	if (en) { /* by a name that a newer batch had, too, or just accepted */
		delete_entry(en, d);
		return;
	}
	d->up.id = d->get.out_row.id;
	d->up.deleted = true;
	d->up.op.done = history_deleted;
	store_update(d->of->store, &d->up);
}

void batches_delete(struct batches *b, const char *ref, batches_deleted_fn *fn, void *arg)
{
	struct error e = { 0 };
	const char *name;
	int64_t id = 0;

	if (!registry_parse_ref(ref, &id, &name, &e)) {
		fn(arg, &e);
		return;
	}
	struct entry *en = name ? registry_by_name(b, name) : registry_find(b, id);
	if (!en && !registry_store_has_room(b, &e)) { /* a kill is taken in any case (P31) */
		fn(arg, &e);
		return;
	}
	struct deletion *d = deletion_new(b, fn, arg);
	if (en) {
		delete_entry(en, d);
		return;
	}
	d->name = xstrdup(ref);
	d->get.id = id;
	d->get.name = name ? d->name : NULL;
	d->get.op.done = history_found;
	store_get(b->store, &d->get);
}

void batches_kill(struct batches *b, int64_t id, batches_deleted_fn *fn, void *arg)
{
	struct entry *en = registry_by_id(b, id);
	struct error e = { 0 };

	if (!en)
		(void)error_set(&e, ERR_NOT_FOUND, "Session '%lld' not found.", (long long)id);
	if (!en || state_is_final(en->shown.state)) { /* as with DELETE, a kill is taken in any case (P31) */
		fn(arg, &e);
		return;
	}
	struct deletion *d = deletion_new(b, fn, arg);
	d->only_kill = true;
	delete_entry(en, d);
}
