/*
 * create - accepting a batch: judged, made durable, then promised.
 */
#include "base/clock.h"
#include "base/log.h"
#include "base/str.h"
#include "service/registry.h"
#include <string.h>

/* One accept on its way to the disk. */
struct arrival {
	struct store_insert in; /* first */
	struct batches *of;
	batches_fn *fn;
	void *arg;
	char *request_id, *name, *owner, *proxy_user, *idem_key, *request;
	char *cluster, *launcher, *launcher_why; /* NULL: it runs on this host */
	char *name_mark, *key_mark;              /* our entries in b->arriving */
	struct error refusal;                    /* with in.only_existing: what to say when the key is new */
	bool counted;                            /* in b->live, until it is there itself */
	struct entry *spare;                     /* held: that becomes it; NULL: a new one does */
};

static const char *user_of(const struct arrival *a)
{
	return a->proxy_user ? a->proxy_user : a->owner;
}

static void let_spare_go(struct arrival *a)
{
	if (!a->spare)
		return;
	a->spare->claiming = false;
	registry_release(a->spare);
	a->spare = NULL;
	a->in.claim = false;
}

static void arrival_free(struct arrival *a)
{
	struct batches *b = a->of;

	if (a->counted)
		backlog_leave(b->live, user_of(a));
	let_spare_go(a);
	if (a->name_mark)
		map_del(b->arriving, a->name_mark);
	if (a->key_mark)
		map_del(b->arriving, a->key_mark);
	free(a->request_id);
	free(a->name);
	free(a->owner);
	free(a->proxy_user);
	free(a->idem_key);
	free(a->request);
	free(a->cluster);
	free(a->launcher);
	free(a->launcher_why);
	free(a->name_mark);
	free(a->key_mark);
	free(a);
}

static struct store_row row_of(const struct arrival *a)
{
	struct store_row row = {
		.id = a->in.out_id,
		.state = state_name(STATE_QUEUED),
		.name = a->name,
		.owner = a->owner,
		.proxy_user = a->proxy_user,
		.created_ms = a->in.created_ms,
		.request = a->request,
		.cluster = a->cluster,
		.launcher = a->launcher,
		.launcher_why = a->launcher_why,
		.spare = a->in.spare,
	};

	memcpy(row.nonce, a->in.nonce, sizeof row.nonce);
	return row;
}

/* The batch as it was accepted: what the first answer said, and what a repeated request gets again. */
static void promise(struct arrival *a)
{
	struct excerpt nothing = { .fd = -1 };
	struct blob *no_view = NULL;
	const struct error none = { 0 };
	const struct store_row row = row_of(a);
	struct batch as_accepted = registry_read_row(&row);

	as_accepted.excerpt = &nothing;
	as_accepted.view = &no_view;
	a->fn(a->arg, &as_accepted, &none);
	(void)blob_free(no_view);
}

static void enter(struct arrival *a)
{
	struct batches *b = a->of;
	const struct store_row row = row_of(a);

	struct entry *en = registry_add(b, &row);
	b->accepted++;
	supervise_enqueue(en, false);
	registry_tell_changed(en);
	log_info("job accepted", LOG_INT(b->kind.noun, row.id), LOG_STR("request", a->request_id));
	supervise_pump(b);
}

/* From here on it is his who asked, as if it had been from the beginning. */
static void hand_over(struct arrival *a)
{
	const struct error none = { 0 };
	struct batches *b = a->of;
	struct entry *en = a->spare;

	registry_set_spare(en, false);
	if (!state_is_final(en->shown.state)) {
		backlog_leave(b->live, NULL);
		backlog_enter(b->live, user_of(a));
	}
	free((void *)(uintptr_t)en->shown.request);
	en->shown.owner = xstrdup(a->owner);
	en->shown.name = xstrdup(a->name);
	en->shown.request = TAKE(a->request);
	en->shown.created_ms = a->in.created_ms;
	if (en->shown.name && en->listed)
		map_set(b->by_name, en->shown.name, en);
	registry_forget_view(en);
	b->kind.claimed(b->kind.arg, &en->shown);
	log_info("job accepted, and ready", LOG_INT(b->kind.noun, en->shown.id), LOG_STR("request", a->request_id));
	a->fn(a->arg, &en->shown, &none);
}

static void stored(struct store_op *op)
{
	struct arrival *a = (struct arrival *)op;

	if (!op->ok && op->error.code == ERR_CONFLICT && a->spare && !a->of->stopping) {
		let_spare_go(a); /* it has ended meanwhile */
		store_insert(a->of->store, &a->in);
		return;
	}
	backlog_leave(a->of->backlog, a->owner); /* counted as on its way; supervise_enqueue counts it as there */
	if (a->of->stopping && op->ok && !a->in.out_existing) {
		promise(a); /* durable: the next start takes it up */
	} else if (!op->ok) {
		a->fn(a->arg, NULL, a->in.only_existing && op->error.code == ERR_NOT_FOUND ? &a->refusal : &op->error);
	} else if (a->spare && !a->in.out_existing) {
		hand_over(a);
	} else {
		if (!a->in.out_existing)
			enter(a);
		promise(a);
	}
	arrival_free(a);
}

static char *mark(const char *kind, const char *owner, const char *what)
{
	_sbuf_ struct sbuf s = SBUF_INIT(4096);

	sbuf_addf(&s, "%s\n%s\n%s", kind, owner ? owner : "", what);
	return sbuf_take(&s);
}

static bool key_ok(const char *key)
{
	size_t n = strlen(key);

	for (size_t i = 0; i < n; i++)
		if (key[i] < ' ' || key[i] > '~')
			return false;
	return n > 0 && n <= 200;
}

/* A key in flight is nobody's yet: the client that repeats too early is told to wait. */
static bool reserve_key(struct arrival *a, struct error *e)
{
	if (!a->idem_key)
		return true;
	if (!key_ok(a->idem_key))
		return error_set(e, ERR_INVALID, "Idempotency-Key must be 1 to 200 printable characters");
	char *key = mark("key", a->owner, a->idem_key);
	if (map_get(a->of->arriving, key)) {
		free(key);
		return error_set(e, ERR_CONFLICT, "a request with this Idempotency-Key is in flight: try again");
	}
	a->key_mark = key;
	map_set(a->of->arriving, key, a);
	return true;
}

/* A name belongs to a batch until it is finished (D10). */
static bool reserve_name(struct arrival *a, struct error *e)
{
	const struct entry *holder;

	if (!a->name)
		return true;
	char *name = mark("name", NULL, a->name);
	holder = registry_by_name(a->of, a->name);
	if ((holder && !state_is_final(holder->shown.state)) || map_get(a->of->arriving, name)) {
		free(name);
		return error_set(e, ERR_INVALID, "Rejected, Reason: Duplicate session name: Some(%s) for session %lld",
				 a->name, (long long)store_next_id(a->of->store));
	}
	a->name_mark = name;
	map_set(a->of->arriving, name, a);
	return true;
}

static bool user_has_room(const struct arrival *a, struct error *e)
{
	const struct batches *b = a->of;

	if (!backlog_full(b->live, user_of(a), INT64_MAX, b->kind.max_per_user))
		return true;
	return error_set(e, ERR_BUSY,
			 "Rejected, too many sessions are being created! %.64s has %d, the most that "
			 "florus.session.max-per-user allows: end one first",
			 user_of(a), b->kind.max_per_user);
}

/* Whom the job runs as; settled now, and stored. */
static bool settle_proxy_user(struct arrival *a, const struct batch_request *rq, const struct spec *spec,
			      struct error *e)
{
	const char *wished = rq->do_as ? rq->do_as : spec->proxy_user, *as = wished ? wished : rq->who.user, *whom;

	if (!access_impersonate(a->of->access, &rq->who, as, &whom, e))
		return false;
	if (wished && !whom)
		log_warn("proxy user ignored: livy.impersonation.enabled is false", LOG_STR("request", rq->request_id));
	a->proxy_user = xstrdup(whom);
	return true;
}

/* A spare one does as well as one of his own, and is up already. */
static void find_spare(struct arrival *a, const struct spec *spec)
{
	const struct batches *b = a->of;
	const struct batch wanted = { .id = -1, .owner = a->owner, .proxy_user = a->proxy_user };
	struct entry *en;

	if (!b->kind.find_spare || a->in.spare)
		return;
	en = registry_by_id(b, b->kind.find_spare(b->kind.arg, &wanted, spec));
	if (!en || !en->shown.spare || en->claiming)
		return;
	en->claiming = true;
	registry_hold(en);
	a->spare = en;
	a->in.claim = true;
	a->in.claim_id = en->shown.id;
}

static bool judge(struct arrival *a, const struct batch_request *rq, struct error *e)
{
	_arena_ struct arena *arena = arena_new(SPEC_ARENA_MAX);
	struct remote_choice choice;
	struct spec spec;

	if (!spec_parse(arena, a->of->kind.type, rq->body, rq->body_len, policy_denied(a->of->policy), &spec, e))
		return false;
	a->name = xstrdup(spec.name);
	a->in.spare = rq->spare;
	const struct spec asked = spec; /* before the server adds its own */
	if (!settle_proxy_user(a, rq, &spec, e) ||
	    !launch_judge(a->of, arena, &spec, a->owner, a->proxy_user, &choice, e))
		return false;
	a->in.cluster = a->cluster = xstrdup(choice.cluster);
	a->in.launcher = a->launcher = xstrdup(choice.launcher);
	a->in.launcher_why = a->launcher_why = xstrdup(choice.why);
	if (!reserve_key(a, e))
		return false;
	if (reserve_name(a, e) && user_has_room(a, e)) {
		find_spare(a, &asked);
		return true;
	}
	/* The name or the room may be taken by what this very request made when it came first: only the store knows. */
	a->refusal = *e;
	a->in.only_existing = a->idem_key != NULL;
	return a->in.only_existing;
}

/* A job that could not run as its user is refused now, not when it is its turn. */
static void account_found(void *arg, const struct account *account, const struct error *e)
{
	struct arrival *a = arg;
	struct error refusal = *e;

	(void)account;
	if (e->code == ERR_NONE) {
		store_insert(a->of->store, &a->in);
		return;
	}
	if (e->code != ERR_UNAVAILABLE)
		(void)error_set(&refusal, ERR_FORBIDDEN, "Rejected, Reason: the job cannot run as its user: %s.",
				e->msg);
	backlog_leave(a->of->backlog, a->owner);
	a->fn(a->arg, NULL, &refusal);
	arrival_free(a);
}

bool batches_full(const struct batches *b, const char *owner)
{
	return backlog_full(b->backlog, owner, b->config->florus_queue_max, b->config->florus_queue_max_per_user);
}

void batches_create(struct batches *b, const struct batch_request *rq, batches_fn *fn, void *arg)
{
	struct arrival *a = xcalloc(1, sizeof *a);
	struct error e = { 0 };

	a->of = b;
	a->fn = fn;
	a->arg = arg;
	a->owner = xstrdup(rq->who.user);
	a->idem_key = xstrdup(rq->idem_key);
	if (!registry_store_has_room(b, &e) || !judge(a, rq, &e)) {
		fn(arg, NULL, &e);
		arrival_free(a);
		return;
	}
	a->request_id = xstrdup(rq->request_id);
	a->request = xmalloc(rq->body_len + 1);
	memcpy(a->request, rq->body, rq->body_len + 1);
	backlog_enter(b->backlog, a->owner);
	backlog_enter(b->live, user_of(a));
	a->counted = true;
	a->in.op.done = stored;
	a->in.owner = a->owner;
	a->in.name = a->name;
	a->in.proxy_user = a->proxy_user;
	a->in.idem_key = a->idem_key;
	a->in.request = a->request;
	a->in.request_len = rq->body_len;
	a->in.created_ms = clock_wall_ms();
	id_random_hex(a->in.nonce, ID_NONCE_LEN);
	runas_find(b, user_of(a), account_found, a);
}
