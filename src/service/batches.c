#include "service/batches.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/str.h"
#include "service/registry.h"
#include "service/rules.h"
#include <string.h>

/* --- life --- */

/*
 * Where jobs may take files from when nobody said: with a listener that only this machine reaches, the places where its
 * users keep files; with any other, nowhere, as in Livy.
 */
static char *default_allowed(const struct config *c)
{
	_sbuf_ struct sbuf dirs = SBUF_INIT(16384);
	_free_ char *cwd = getcwd(NULL, 0);
	const char *home = getenv("HOME");

	if (!config_only_local(c))
		return xstrdup("");
	sbuf_addf(&dirs, "/tmp,%s,%s,%s", c->livy_server_spark_home, home && home[1] ? home : "",
		  cwd && cwd[1] ? cwd : "");
	return sbuf_take(&dirs);
}

static void warn_dir(const char *dir, const char *reason)
{
	log_warn("directory of livy.file.local-dir-whitelist ignored", LOG_STR("dir", dir), LOG_STR("reason", reason));
}

struct loading {
	struct batches *of;
	struct entry **unfinished;
	char (*boot_ids)[RECORD_BOOT_ID_LEN + 1];
	char **handles;
	size_t count, cap;
};

static void load_row(void *arg, const struct store_row *row)
{
	struct loading *l = arg;
	struct entry *en = registry_add(l->of, row);

	if (row->unreadable)
		log_warn("stored record unreadable, shown as dead", LOG_INT(l->of->kind.noun, row->id));
	if (state_is_final(en->shown.state))
		return;
	if (l->count == l->cap) {
		l->cap = l->cap ? l->cap * 2 : 64;
		l->unfinished = xrealloc(l->unfinished, l->cap * sizeof *l->unfinished);
		l->boot_ids = xrealloc(l->boot_ids, l->cap * sizeof *l->boot_ids);
		l->handles = xrealloc(l->handles, l->cap * sizeof *l->handles);
	}
	(void)snprintf(l->boot_ids[l->count], sizeof l->boot_ids[0], "%s", row->boot_id ? row->boot_id : "");
	l->handles[l->count] = xstrdup(row->handle);
	l->unfinished[l->count++] = en;
}

static void loading_done(struct loading *l)
{
	for (size_t i = 0; i < l->count; i++)
		free(l->handles[i]);
	free(l->handles);
	free(l->unfinished);
	free(l->boot_ids);
}

/* Every unfinished batch goes on where the last florusd left it. */
static void take_up(struct loading *l)
{
	size_t running = 0;

	for (size_t i = 0; i < l->count; i++) {
		struct entry *en = l->unfinished[i];

		if (en->shown.state == STATE_QUEUED)
			supervise_enqueue(en, false);
		else
			supervise_adopt(en, l->boot_ids[i], l->handles[i]);
		running += en->shown.state != STATE_QUEUED;
		if (en->shown.state == STATE_QUEUED && en->killed)
			supervise_event(en, EVENT_KILL, NULL);
	}
	if (l->count)
		log_info("jobs taken up", LOG_STR("kind", l->of->kind.noun), LOG_INT("queued", l->count - running),
			 LOG_INT("running", running));
}

bool batches_new(const struct batches_setup *setup, struct batches **ret, struct error *e)
{
	struct batches *b = xcalloc(1, sizeof *b);
	struct loading loading = { .of = b };

	b->loop = setup->loop;
	b->config = setup->config;
	b->store = setup->store;
	b->runner = setup->runner;
	b->run_dirfd = setup->run_dirfd;
	b->access = setup->access;
	b->share_key = xstrdup(setup->share_key);
	b->backlog = backlog_new();
	b->live = backlog_new();
	b->kind = setup->kind ? *setup->kind
			      : (struct batches_kind){ .noun = "batch",
						       .type = SPEC_BATCH,
						       .max_running = b->config->florus_launch_max_running };
	b->by_name = map_new();
	b->arriving = map_new();
	b->queue.queue_prev = b->queue.queue_next = &b->queue;
	b->native_queue.queue_prev = b->native_queue.queue_next = &b->native_queue;
	b->pump_timer = loop_timer_new(b->loop, supervise_pump, b);
	b->unstored_timer = loop_timer_new(b->loop, supervise_store_again, b);
	b->logs = logs_new(b->loop, b->run_dirfd);

	_free_ char *standard = default_allowed(b->config);
	const char *allowed = b->config->livy_file_local_dir_whitelist;
	b->paths = paths_new(allowed ? allowed : standard, allowed ? warn_dir : NULL);

	int64_t since_ms = clock_wall_ms() - b->config->livy_server_session_state_retain_ms;
	if (!rules_load(b->config, &b->policy, e) || !launch_setup(b, setup->env, e) || !runas_setup(b, e) ||
	    !hide_setup(b, e) || !remote_setup(b, setup, e) ||
	    !store_load(b->store, since_ms, BATCHES_RECENT_MAX, b->kind.keeps_request, load_row, &loading, e)) {
		loading_done(&loading);
		b->stopping = true;
		(void)batches_free(b);
		return false;
	}
	registry_sort(b);
	for (size_t i = 0; i < b->count; i++)
		registry_tell_changed(b->items[i]);
	store_start(b->store, b->loop, setup->fatal, setup->fatal_arg);
	take_up(&loading);
	loading_done(&loading);
	janitor_start(b);
	leftovers_start(b);
	supervise_pump(b);
	*ret = b;
	return true;
}

bool batches_reload(struct batches *b, struct error *e)
{
	struct policy *anew;

	if (!rules_load(b->config, &anew, e))
		return false;
	(void)policy_free(b->policy);
	b->policy = anew;
	return true;
}

void batches_stop(struct batches *b)
{
	b->stopping = true;
	runas_stop(b);
	loop_timer_stop(b->pump_timer);
	loop_timer_stop(b->unstored_timer);
	for (size_t i = 0; i < b->count; i++)
		deletion_stop(b->items[i]);
	logs_stop(b->logs);
}

struct batches *batches_free(struct batches *b)
{
	if (!b)
		return NULL;
	supervise_drop_unstored(b);
	for (size_t i = 0; i < b->count; i++) {
		registry_tell_gone(b->items[i]);
		b->items[i]->queue_prev = b->items[i]->queue_next = NULL;
		registry_release(b->items[i]);
	}
	free(b->items);
	b->logs = logs_free(b->logs);
	b->paths = paths_free(b->paths);
	b->policy = policy_free(b->policy);
	leftovers_stop(b->leftovers);
	b->backlog = backlog_free(b->backlog);
	b->live = backlog_free(b->live);
	b->by_name = map_free(b->by_name);
	b->arriving = map_free(b->arriving);
	b->pump_timer = loop_timer_free(b->pump_timer);
	b->unstored_timer = loop_timer_free(b->unstored_timer);
	b->janitor_timer = loop_timer_free(b->janitor_timer);
	launch_done(b);
	remote_done(b);
	if (b->share_key)
		explicit_bzero(b->share_key, strlen(b->share_key));
	free(b->share_key);
	free(b);
	return NULL;
}

/* --- reading --- */

int64_t batches_count(const struct batches *b)
{
	return (int64_t)(b->count - b->spares_count);
}

const struct batch *batches_at(const struct batches *b, int64_t index)
{
	return &b->items[registry_place(b, (size_t)index)]->shown;
}

void batches_each_spare(const struct batches *b, batches_spare_fn *fn, void *arg)
{
	for (size_t i = 0; i < b->spares_count; i++)
		fn(arg, &b->spares[i]->shown);
}

const struct batch *batches_by_id(const struct batches *b, int64_t id)
{
	const struct entry *en = registry_by_id(b, id);

	return en ? &en->shown : NULL;
}

void batches_forget_view(struct batches *b, int64_t id)
{
	struct entry *en = registry_by_id(b, id);

	if (en)
		registry_forget_view(en);
}

/* A look-up in history, on its way. */
struct lookup {
	struct store_get get; /* first */
	struct batches *of;
	batches_fn *fn;
	void *arg;
	char *ref;
};

static void looked_up(struct store_op *op)
{
	struct lookup *l = (struct lookup *)op;
	const struct store_row *row = &l->get.out_row;
	struct excerpt excerpt = { .fd = -1 };
	struct blob *view = NULL;
	struct batch found = registry_read_row(row);

	found.excerpt = &excerpt;
	found.view = &view;
	const struct entry *en = op->ok ? registry_by_id(l->of, row->id) : NULL;

	if (!op->ok) {
		if (op->error.code == ERR_NOT_FOUND)
			(void)error_set(&op->error, ERR_NOT_FOUND, "Session '%.64s' not found.", l->ref);
		l->fn(l->arg, NULL, &op->error);
	} else if (en) { /* by a name that a newer batch had, too, or just accepted */
		l->fn(l->arg, &en->shown, &op->error);
	} else {
		l->fn(l->arg, &found, &op->error);
	}
	excerpt_close(&excerpt);
	(void)blob_free(view);
	store_row_done(&l->get.out_row);
	free(l->ref);
	free(l);
}

static void look_up(struct batches *b, const char *ref, int64_t id, bool by_name, batches_fn *fn, void *arg)
{
	struct lookup *l = xcalloc(1, sizeof *l);

	l->of = b;
	l->fn = fn;
	l->arg = arg;
	l->ref = xstrdup(ref);
	l->get.id = id;
	l->get.name = by_name ? l->ref : NULL;
	l->get.with_request = b->kind.keeps_request;
	l->get.op.done = looked_up;
	store_get(b->store, &l->get);
}

void batches_get(struct batches *b, const char *ref, batches_fn *fn, void *arg)
{
	struct error e = { 0 };
	const char *name;
	int64_t id = 0;

	if (!registry_parse_ref(ref, &id, &name, &e)) {
		fn(arg, NULL, &e);
		return;
	}
	const struct entry *en = name ? registry_by_name(b, name) : registry_find(b, id);
	if (en)
		fn(arg, &en->shown, &e);
	else if (!registry_store_has_room(b, &e))
		fn(arg, NULL, &e);
	else
		look_up(b, ref, id, name != NULL, fn, arg);
}

bool batches_log_changed(struct batches *b, const struct batch *batch)
{
	char name[ATTEMPT_NAME_MAX];

	if (batch->attempt == 0)
		return false;
	attempt_name(name, batch->id, batch->attempt, batch->nonce);
	return excerpt_changed(batch->excerpt, b->run_dirfd, name);
}

void batches_diagnostics(const struct batches *b, const struct batch *batch, struct diagnostics *ret)
{
	const struct cluster *c = batch->cluster ? remote_cluster(b, batch->cluster) : NULL;
	char name[ATTEMPT_NAME_MAX] = "none";

	if (batch->cluster && batch->attempt > 0)
		attempt_name(name, batch->id, batch->attempt, batch->nonce);
	diagnostics_read(b->run_dirfd, name, c ? cluster_diagnostics_head(c) : NULL, ret);
}

void batches_log(struct batches *b, const struct batch *batch, logs_fn *fn, void *arg)
{
	const struct error none = { 0 };
	char name[ATTEMPT_NAME_MAX];

	if (batch->attempt == 0) {
		fn(arg, NULL, NULL, &none);
		return;
	}
	attempt_name(name, batch->id, batch->attempt, batch->nonce);
	logs_read(b->logs, name, state_is_final(batch->state), fn, arg);
}
