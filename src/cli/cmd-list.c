/* florus list - the batches the server knows, newest last. */
#include "cli/server.h"
#include <string.h>

enum {
	LIST_DEFAULT = 100,
	LIST_PAGE = 500, /* batches a request with --all */
	LIST_GAP = -1,
	LIST_ROWS_MAX = 1000 * 1000,
	LIST_ARENA_MAX_BYTES = 512 * 1024 * 1024,
	LIST_JSON_MAX_BYTES = 512 * 1024 * 1024,
};

struct list_options {
	struct opt_count from, size;
	bool all, json;
};
#define AT(member) offsetof(struct list_options, member)

static const struct opt options[] = {
	{ "from", 0, OPT_COUNT, "N", "skip the first N", AT(from) },
	{ "size", 0, OPT_COUNT, "N", "show no more than N (default 100)", AT(size) },
	{ "all", 'a', OPT_FLAG, NULL, "show them all", AT(all) },
	{ "json", 0, OPT_FLAG, NULL, "print the server's object", AT(json) },
	{ 0 },
};

static const struct table_column columns[] = {
	{ "ID", false, false },   { "NAME", true, false },   { "STATE", false, true },
	{ "OWNER", true, false }, { "APP-ID", true, false },
};
static const char *const column_keys[] = { "id", "name", "state", "owner", "appId" };

/* What was read so far: rows for people, or the inside of the JSON array. */
struct list {
	bool json;
	struct arena *arena;
	const char *const **rows;
	size_t count, room;
	struct sbuf text;
	struct jw writer;
	int64_t from, total, last_id;
};

static void list_done(struct list *l)
{
	l->arena = arena_free(l->arena);
	free(l->rows);
	sbuf_done(&l->text);
}

static bool add_row(struct list *l, const struct jr *batch, struct error *e)
{
	const char **cells = arena_alloc(l->arena, ARRAY_LEN(columns) * sizeof *cells);

	if (!cells || l->count == LIST_ROWS_MAX)
		return error_set(e, ERR_TOO_LARGE, "the list is too long; use --from and --size");
	for (size_t i = 0; i < ARRAY_LEN(columns); i++)
		cells[i] = term_cell(l->arena, reply_text(batch, column_keys[i]));
	if (l->count == l->room) {
		l->room = l->room ? l->room * 2 : LIST_DEFAULT;
		l->rows = xrealloc(l->rows, l->room * sizeof *l->rows);
	}
	l->rows[l->count++] = cells;
	return true;
}

/* Ids ascend: what is not above the last one was in an earlier page. */
static bool add_page(struct list *l, const struct jr *batches, struct error *e)
{
	for (size_t i = 0; i < batches->count; i++) {
		const struct jr *batch = &batches->items[i];
		int64_t id;

		if (batch->type != JR_OBJECT)
			return error_set(e, ERR_INTERNAL, "the server's list holds something that is no batch");
		if (!reply_int(batch, "id", &id, e))
			return false;
		if (id <= l->last_id)
			continue;
		l->last_id = id;
		if (l->json) {
			reply_copy(&l->writer, NULL, batch);
			l->count++;
		} else if (!add_row(l, batch, e)) {
			return false;
		}
	}
	return sbuf_ok(&l->text) || error_set(e, ERR_TOO_LARGE, "the list is too long; use --from and --size");
}

static bool first_id(const struct jr *batches, int64_t *ret, struct error *e)
{
	const struct jr *first = batches->items;

	if (first->type != JR_OBJECT)
		return error_set(e, ERR_INTERNAL, "the server's list holds something that is no batch");
	return reply_int(first, "id", ret, e);
}

/*
 * *ret_count is how many came. With `joins` the page must begin with what is known already; if it
 * does not, *ret_count is LIST_GAP and nothing was added.
 */
static bool read_page(struct cli *c, struct list *l, int64_t from, int64_t size, bool joins, int64_t *ret_count,
		      struct error *e)
{
	_reply_ struct reply reply = { 0 };
	char path[96];
	struct call call = { .method = "GET", .path = path };
	const struct jr *batches;
	int64_t id = INT64_MAX;

	(void)snprintf(path, sizeof path, "/batches?from=%lld&size=%lld", (long long)from, (long long)size);
	if (!server_call(c, &call, &reply, e) || !reply_int(reply.json, "total", &l->total, e))
		return false;
	batches = jr_get(reply.json, "sessions");
	if (!batches || batches->type != JR_ARRAY)
		return error_set(e, ERR_INTERNAL, "the server's answer has no list 'sessions'");
	if (joins && batches->count > 0 && !first_id(batches, &id, e))
		return false;
	*ret_count = joins && id > l->last_id ? LIST_GAP : (int64_t)batches->count;
	return *ret_count == LIST_GAP || add_page(l, batches, e);
}

/*
 * Batches that leave the list meanwhile move the others forward. So each page begins with the last one
 * of the page before; when it does not, we go back until it joins.
 */
static bool read_all(struct cli *c, struct list *l, struct error *e)
{
	int64_t from = 0, got = 0;

	for (;;) {
		if (!read_page(c, l, from, LIST_PAGE, from > 0, &got, e))
			return false;
		if (got == LIST_GAP) {
			from = from > LIST_PAGE / 2 ? from - LIST_PAGE / 2 : 0;
			continue;
		}
		if (from + got >= l->total)
			return true;
		if (got < 2)
			return error_set(e, ERR_INTERNAL, "the server's list ends at %lld of %lld",
					 (long long)from + got, (long long)l->total);
		from += got - 1;
	}
}

/* The page that was asked for; without any wish the newest. */
static bool read_some(struct cli *c, struct list *l, const struct list_options *o, struct error *e)
{
	int64_t size = o->size.given ? o->size.value : LIST_DEFAULT;
	int64_t got = 0;

	if (o->from.given) {
		l->from = o->from.value;
		return read_page(c, l, l->from, size, false, &got, e);
	}
	if (!read_page(c, l, 0, 0, false, &got, e))
		return false;
	l->from = l->total > size ? l->total - size : 0;
	return read_page(c, l, l->from, size, false, &got, e);
}

static bool print_json(const struct list *l, struct error *e)
{
	(void)printf("{\"from\":%lld,\"total\":%lld,\"sessions\":[", (long long)l->from, (long long)l->total);
	(void)fwrite(sbuf_str(&l->text), 1, l->text.len, stdout);
	(void)fputs("]}\n", stdout);
	return cli_flush(stdout, e);
}

static bool run(struct cli *c, const void *values, char **args, int count, int *ret_status, struct error *e)
{
	const struct list_options *o = values;
	_cleanup_(list_done) struct list l = {
		.json = o->json,
		.arena = arena_new(LIST_ARENA_MAX_BYTES),
		.text = SBUF_INIT(LIST_JSON_MAX_BYTES),
		.last_id = -1,
	};

	(void)args, (void)count;
	*ret_status = 0;
	l.writer.out = &l.text;
	if (o->all && (o->from.given || o->size.given))
		return error_set(e, ERR_INVALID, "--all goes with neither --from nor --size");
	if (!(o->all ? read_all(c, &l, e) : read_some(c, &l, o, e)))
		return false;
	if (o->json)
		return print_json(&l, e);
	table_print(&c->out, columns, ARRAY_LEN(columns), l.rows, l.count, stdout);
	if (!cli_flush(stdout, e))
		return false;
	if (!o->all && !o->from.given && !o->size.given && l.total > (int64_t)l.count)
		cli_say("these are the newest %zu of %lld; --all shows them all", l.count, (long long)l.total);
	return true;
}

const struct cmd cmd_list = {
	.name = "list",
	.args = "[OPTION]…",
	.help = "list batches, newest last",
	.notes = "Without --from and --all it shows the newest.\n",
	.options = options,
	.options_size = sizeof(struct list_options),
	.run = run,
};
