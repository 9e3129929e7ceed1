#include "cluster/standalone/wire.h"
#include "base/str.h"
#include "cluster/list.h"

static void know_worker(struct standalone *w, const struct jr *worker)
{
	const char *id = worker->type == JR_OBJECT ? jr_text(worker, "id", JR_STRING) : NULL;
	const char *web = id ? jr_text(worker, "webuiaddress", JR_STRING) : NULL;

	if (!web || map_get(w->workers, id))
		return;
	struct standalone_worker *one = xcalloc(1, sizeof *one);
	*one = (struct standalone_worker){ .next = w->all_workers, .id = xstrdup(id), .web = xstrdup(web) };
	w->all_workers = one;
	map_set(w->workers, one->id, one);
}

void standalone_know_workers(struct standalone *w, const struct jr *workers)
{
	for (size_t i = 0; workers && workers->type == JR_ARRAY && i < workers->count; i++)
		know_worker(w, &workers->items[i]);
}

/* One that is known already needs no parsing, although its heartbeat makes it look new each time. */
bool standalone_meet_workers(struct standalone *w, struct jslice workers)
{
	struct jscan s = jscan_in(workers.text, workers.len);
	struct jslice key, one, id;
	const struct jr *parsed;
	struct error e;

	while (jscan_next(&s, &key, &one)) {
		_sbuf_ struct sbuf name = SBUF_INIT(1024);

		if (*one.text != '{' || !jscan_member(one, "id", &id) || id.len < 2)
			continue;
		sbuf_add(&name, id.text + 1, id.len - 2);
		if (map_get(w->workers, sbuf_str(&name)))
			continue;
		_arena_ struct arena *a = arena_new(LIST_APP_MAX);
		if (!jr_parse(a, one.text, one.len, &parsed, &e))
			return false;
		know_worker(w, parsed);
	}
	return !s.bad;
}

void standalone_forget_workers(struct standalone *w)
{
	while (w->all_workers) {
		struct standalone_worker *one = w->all_workers;

		w->all_workers = one->next;
		free(one->id);
		free(one->web);
		free(one);
	}
}

bool standalone_log_url(const struct cluster *c, const char *worker, const char *driver, const char *page,
			const char *type, bool by_proxy, struct sbuf *to)
{
	const struct standalone *w = c->wire;
	const struct standalone_worker *known = str_empty(worker) ? NULL : map_get(w->workers, worker);

	if (!known)
		return false;
	if (by_proxy)
		sbuf_addf(to, "%s/proxy/%s/", w->web[w->web_at], known->id);
	else
		sbuf_addf(to, "%s/", known->web);
	sbuf_addf(to, "%s?driverId=%s&logType=%s", page, driver, type);
	return sbuf_ok(to);
}
