#include "service/registry.h"
#include "base/str.h"
#include <assert.h>
#include <stddef.h>
#include <string.h>

/* What an entry has copies of. */
static const size_t owned[] = {
	offsetof(struct batch, name),         offsetof(struct batch, owner),   offsetof(struct batch, proxy_user),
	offsetof(struct batch, app_id),       offsetof(struct batch, cluster), offsetof(struct batch, launcher),
	offsetof(struct batch, launcher_why), offsetof(struct batch, log_url), offsetof(struct batch, ui_url),
	offsetof(struct batch, request),
};

static const char **text_of(struct batch *job, size_t i)
{
	return (const char **)((char *)job + owned[i]);
}

struct batch registry_read_row(const struct store_row *row)
{
	struct batch job = {
		.id = row->id,
		.attempt = row->attempt,
		.name = row->name,
		.owner = row->owner,
		.proxy_user = row->proxy_user,
		.app_id = row->app_id,
		.cluster = row->cluster,
		.launcher = row->launcher,
		.launcher_why = row->launcher_why,
		.log_url = row->log_url,
		.ui_url = row->ui_url,
		.request = row->request,
		.created_ms = row->created_ms,
		.started_ms = row->started_ms,
		.finished_ms = row->finished_ms,
	};

	memcpy(job.nonce, row->nonce, sizeof job.nonce);
	if (!row->state || !state_parse(row->state, &job.state))
		job.state = STATE_DEAD; /* a row that cannot be read harms no other */
	return job;
}

struct entry *registry_add(struct batches *b, const struct store_row *row)
{
	struct entry *en = xcalloc(1, sizeof *en);

	en->of = b;
	en->refs = 1;
	en->listed = true;
	en->deleted = row->deleted;
	en->killed = row->killed || row->deleted;
	en->excerpt.fd = -1;
	en->shown = registry_read_row(row);
	if (!b->kind.keeps_request)
		en->shown.request = NULL;
	for (size_t i = 0; i < ARRAY_LEN(owned); i++)
		*text_of(&en->shown, i) = xstrdup(*text_of(&en->shown, i));
	en->shown.excerpt = &en->excerpt;
	en->shown.view = &en->view;
	en->end_stored = row->finished_ms != 0;
	en->cluster = row->cluster ? remote_cluster(b, row->cluster) : NULL;
	en->native = str_eq(row->launcher, "native");

	if (b->count == b->cap) {
		b->cap = b->cap ? b->cap * 2 : 256;
		b->items = xrealloc(b->items, b->cap * sizeof *b->items);
	}
	b->items[b->count++] = en;
	b->finished += state_is_final(en->shown.state);
	if (!state_is_final(en->shown.state))
		backlog_enter(b->live, effective_user(&en->shown));
	if (en->shown.name)
		map_set(b->by_name, en->shown.name, en);
	if (row->spare)
		registry_set_spare(en, true);
	return en;
}

/* They are made one after the other, with ids that rise. More than there is room for nobody makes (spares.c). */
void registry_set_spare(struct entry *en, bool spare)
{
	struct batches *b = en->of;
	size_t i = 0;

	if (en->shown.spare == spare || (spare && b->spares_count == SPARES_MAX))
		return;
	en->shown.spare = spare;
	if (spare) {
		b->spares[b->spares_count++] = en;
		return;
	}
	while (b->spares[i] != en)
		i++;
	memmove(b->spares + i, b->spares + i + 1, (--b->spares_count - i) * sizeof *b->spares);
}

static int by_id(const void *a, const void *b)
{
	int64_t x = (*(struct entry *const *)a)->shown.id, y = (*(struct entry *const *)b)->shown.id;

	return (x > y) - (x < y);
}

void registry_sort(struct batches *b)
{
	if (b->count)
		qsort(b->items, b->count, sizeof *b->items, by_id);
	for (size_t i = 0; i < b->count; i++)
		if (b->items[i]->shown.name)
			map_set(b->by_name, b->items[i]->shown.name, b->items[i]);
}

/* Index of the first batch with at least this id. */
static size_t lower_bound(const struct batches *b, int64_t id)
{
	size_t low = 0, high = b->count;

	while (low < high) {
		size_t mid = low + (high - low) / 2;

		if (b->items[mid]->shown.id < id)
			low = mid + 1;
		else
			high = mid;
	}
	return low;
}

struct entry *registry_by_id(const struct batches *b, int64_t id)
{
	size_t i = lower_bound(b, id);

	return i < b->count && b->items[i]->shown.id == id ? b->items[i] : NULL;
}

struct entry *registry_find(const struct batches *b, int64_t id)
{
	struct entry *en = registry_by_id(b, id);

	return en && !en->shown.spare ? en : NULL;
}

size_t registry_place(const struct batches *b, size_t shown)
{
	for (size_t i = 0; i < b->spares_count; i++)
		shown += lower_bound(b, b->spares[i]->shown.id) <= shown;
	return shown;
}

struct entry *registry_by_name(const struct batches *b, const char *name)
{
	return map_get(b->by_name, name);
}

void registry_remove(struct entry *en)
{
	struct batches *b = en->of;
	size_t i = lower_bound(b, en->shown.id);

	if (!en->listed)
		return;
	registry_tell_gone(en);
	registry_set_spare(en, false);
	en->listed = false;
	memmove(b->items + i, b->items + i + 1, (--b->count - i) * sizeof *b->items);
	b->finished -= state_is_final(en->shown.state);
	if (en->shown.name && map_get(b->by_name, en->shown.name) == en)
		map_del(b->by_name, en->shown.name);
	registry_release(en);
}

void registry_tell_changed(struct entry *en)
{
	if (en->of->kind.changed)
		en->of->kind.changed(en->of->kind.arg, &en->shown);
}

void registry_tell_gone(const struct entry *en)
{
	if (en->of->kind.gone)
		en->of->kind.gone(en->of->kind.arg, en->shown.id);
}

void registry_hold(struct entry *en)
{
	en->refs++;
}

void registry_release(struct entry *en)
{
	if (--en->refs > 0)
		return;
	assert(!en->queue_next);
	deletion_drop_all(en);
	(void)attempt_forget(en->run);
	(void)cluster_forget(en->app);
	free(en->submitted);
	excerpt_close(&en->excerpt);
	(void)blob_free(en->view);
	for (size_t i = 0; i < ARRAY_LEN(owned); i++)
		free((void *)(uintptr_t)*text_of(&en->shown, i));
	free(en);
}

void registry_forget_view(struct entry *en)
{
	en->view = blob_free(en->view);
}

bool registry_store_has_room(const struct batches *b, struct error *e)
{
	return !store_full(b->store) || error_set(e, ERR_UNAVAILABLE, "the store does not keep up: try again");
}

bool registry_parse_ref(const char *ref, int64_t *ret_id, const char **ret_name, struct error *e)
{
	int32_t id;

	*ret_name = str_all_digits(ref) ? NULL : ref;
	if (*ret_name)
		return true;
	if (!str_to_i32(ref, &id))
		return error_set(e, ERR_INVALID, "For input string: \"%.64s\"", ref);
	*ret_id = id;
	return true;
}
