/*
 * runas - whom a job runs as (florus.launch.run-as), found on the pool, for the name service may take its time.
 *
 * RUNAS_ASKING_MAX questions at once, so that a name service that hangs does not take the pool from logs and
 * passwords; the others wait here. Nothing is remembered: a user who is removed is gone at once.
 */
#include "base/log.h"
#include "base/str.h"
#include "service/registry.h"
#include <string.h>

enum { RUNAS_ASKING_MAX = 2 };

struct question {
	struct question *next;
	struct batches *of; /* NULL once nobody waits for the answer */
	char *user;
	uid_t min_uid;
	runas_fn *fn;
	void *arg;
	bool ok;
	struct account account;
	struct error error;
};

static bool is_self(const struct batches *b)
{
	return str_eq(b->config->florus_launch_run_as, "self");
}

static bool is_owner(const struct batches *b)
{
	return str_eq(b->config->florus_launch_run_as, "owner");
}

/* The administrator's own choice of a user is his; only root is never one. */
static uid_t min_uid(const struct batches *b)
{
	return is_owner(b) ? (uid_t)b->config->florus_launch_min_uid : 1;
}

bool runas_setup(struct batches *b, struct error *e)
{
	struct account account = { 0 };

	if (is_self(b)) {
		if (geteuid() == 0)
			log_warn("jobs run as root; set florus.launch.run-as to give them a user");
		return true;
	}
	if (!account_can_switch(e))
		return false;
	if (is_owner(b))
		return true;
	bool ok = account_find(b->config->florus_launch_run_as, min_uid(b), &account, e);
	account_done(&account);
	if (!ok)
		e->code = ERR_CONFIG;
	return ok || error_wrap(e, "florus.launch.run-as");
}

static void question_free(struct question *q)
{
	account_done(&q->account);
	free(q->user);
	free(q);
}

static void ask(void *arg)
{
	struct question *q = arg;

	q->ok = account_find(q->user, q->min_uid, &q->account, &q->error);
	if (q->ok)
		q->error.code = ERR_NONE;
}

static void answered(void *arg);

static void ask_next(struct batches *b)
{
	struct question *q = b->runas_waiting;

	if (!q || b->runas_asking_count == RUNAS_ASKING_MAX)
		return;
	b->runas_waiting = q->next;
	q->next = b->runas_asking;
	b->runas_asking = q;
	b->runas_asking_count++;
	loop_work(b->loop, ask, answered, q);
}

static void take_out(struct batches *b, const struct question *q)
{
	struct question **at = &b->runas_asking;

	while (*at != q)
		at = &(*at)->next;
	*at = q->next;
	b->runas_asking_count--;
}

static void answered(void *arg)
{
	struct question *q = arg;
	struct batches *b = q->of;

	if (b) {
		take_out(b, q);
		q->fn(q->arg, q->ok ? &q->account : NULL, &q->error);
		ask_next(b);
	}
	question_free(q);
}

void runas_find(struct batches *b, const char *user, runas_fn *fn, void *arg)
{
	struct question *q, **last = &b->runas_waiting;
	struct error e = { 0 };

	if (is_self(b)) {
		fn(arg, NULL, &e);
		return;
	}
	if (is_owner(b) && str_empty(user)) {
		(void)error_set(&e, ERR_FORBIDDEN, "it has no owner to run as");
		fn(arg, NULL, &e);
		return;
	}
	q = xcalloc(1, sizeof *q);
	q->of = b;
	q->user = xstrdup(is_owner(b) ? user : b->config->florus_launch_run_as);
	q->min_uid = min_uid(b);
	q->fn = fn;
	q->arg = arg;
	while (*last)
		last = &(*last)->next;
	*last = q;
	ask_next(b);
}

static void drop(struct question *q)
{
	struct error e;

	(void)error_set(&e, ERR_UNAVAILABLE, "Florus is stopping: try again");
	q->of = NULL;
	q->fn(q->arg, NULL, &e);
}

void runas_stop(struct batches *b)
{
	while (b->runas_asking) { /* freed when the pool is done with them */
		struct question *q = b->runas_asking;

		b->runas_asking = q->next;
		drop(q);
	}
	b->runas_asking_count = 0;
	while (b->runas_waiting) {
		struct question *q = b->runas_waiting;

		b->runas_waiting = q->next;
		drop(q);
		question_free(q);
	}
}
