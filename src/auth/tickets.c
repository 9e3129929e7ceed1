#include "auth/tickets.h"
#include "auth/address.h"
#include "base/base64.h"
#include "auth/cookie.h"
#include "auth/waiter.h"
#include "base/clock.h"
#include "loop/loop.h"
#include <string.h>

enum { BUSY_RETRY_S = 1, AWAY_RETRY_S = 5, HEADER_MAX = 20 * 1024 };

struct job {
	struct auth_waiter base; /* the first: auth.c cancels by it */
	struct tickets *owner;
	struct job *next;
	struct address address;
	auth_fn *fn; /* NULL: the client went away */
	void *arg;
	bool running;

	/* the pool's: set before it starts, its results read after */
	const struct kerberos *kerberos;
	char *token;
	size_t token_n;
	enum kerberos_answer answer;
	struct kerberos_guest guest; /* RIGHT */
	struct error error;          /* not RIGHT */
};

struct tickets {
	struct tickets_setup setup;
	struct job *jobs; /* in the order they came */
	int running;
	bool closing; /* only the pool's jobs keep it alive */
};

static void free_job(struct job *job)
{
	free(job->token);
	free(job->guest.reply);
	free(job);
}

static void unlink_job(struct job *job)
{
	struct job **at = &job->owner->jobs;

	while (*at != job)
		at = &(*at)->next;
	*at = job->next;
}

/* --- telling --- */

/* No longer than his ticket would be good. */
static bool add_cookie(const struct job *job, struct sbuf *to)
{
	const struct tickets_setup *s = &job->owner->setup;
	int64_t ticket_ms = job->guest.lifetime_s * 1000, ms = ticket_ms < s->cookie_ms ? ticket_ms : s->cookie_ms;

	return ms > 0 &&
	       cookie_make(s->mac, job->guest.user, job->guest.principal, clock_wall_ms() + ms, s->cookie_only_tls, to);
}

static void tell_right(const struct job *job)
{
	_sbuf_ struct sbuf negotiate = SBUF_INIT(HEADER_MAX), cookie = SBUF_INIT(2 * COOKIE_MAX);
	struct auth_result r = { .status = 200, .user = job->guest.user, .method = "kerberos" };

	sbuf_addf(&negotiate, "Negotiate %s", job->guest.reply ? job->guest.reply : "");
	if (job->guest.reply && sbuf_ok(&negotiate))
		r.negotiate = sbuf_str(&negotiate);
	if (add_cookie(job, &cookie))
		r.set_cookie = sbuf_str(&cookie);
	job->fn(job->arg, &r);
}

static void tell(const struct job *job)
{
	const struct tickets_setup *s = &job->owner->setup;
	struct auth_result r = { .why = job->error.msg };

	if (job->answer == KERBEROS_RIGHT) {
		tell_right(job);
		return;
	}
	if (job->answer == KERBEROS_WRONG) {
		r.status = 401;
		r.challenges = s->challenges;
		r.challenge_count = s->challenge_count;
	} else {
		r.status = 503;
		r.retry_after_s = AWAY_RETRY_S;
	}
	job->fn(job->arg, &r);
}

/* --- running --- */

static void run_on_pool(void *arg)
{
	struct job *job = arg;

	job->answer = kerberos_accept(job->kerberos, job->token, job->token_n, &job->guest, &job->error);
}

static void finish_closing(struct tickets *t)
{
	if (t->running > 0)
		return;
	t->setup.kerberos = kerberos_free(t->setup.kerberos);
	free(t);
}

static void start_all(struct tickets *t);

static void on_done(void *arg)
{
	struct job *job = arg;
	struct tickets *t = job->owner;

	t->running--;
	if (t->closing) {
		free_job(job);
		finish_closing(t);
		return;
	}
	unlink_job(job);
	if (job->fn)
		tell(job);
	free_job(job);
	start_all(t);
}

static struct job *next_of(const struct tickets *t)
{
	struct job *job = t->jobs;

	while (job && job->running)
		job = job->next;
	return job;
}

static void start_all(struct tickets *t)
{
	for (struct job *job; t->running < AUTH_ASKING_MAX && (job = next_of(t));) {
		job->running = true;
		t->running++;
		loop_work(t->setup.loop, run_on_pool, on_done, job);
	}
}

/* --- admitting --- */

static void cancel(struct auth_waiter *w)
{
	struct job *job = (struct job *)w;

	job->fn = NULL;
	if (job->running)
		return;
	unlink_job(job);
	free_job(job);
}

static bool admit(const struct tickets *t, const struct address *from)
{
	int all = 0, from_address = 0;

	for (const struct job *job = t->jobs; job; job = job->next) {
		all += !job->running;
		from_address += !job->running && memcmp(&job->address, from, sizeof *from) == 0;
	}
	return all < AUTH_WAITING_MAX && from_address < AUTH_TICKETS_ADDRESS_MAX;
}

static struct auth_waiter *refuse(const struct tickets *t, int status, const char *why, auth_fn *fn, void *arg)
{
	struct auth_result r = { .status = status, .why = why };

	if (status == 401) {
		r.challenges = t->setup.challenges;
		r.challenge_count = t->setup.challenge_count;
	} else {
		r.retry_after_s = BUSY_RETRY_S;
	}
	fn(arg, &r);
	return NULL;
}

struct auth_waiter *tickets_check(struct tickets *t, const char *peer, const char *token, size_t n, auth_fn *fn,
				  void *arg)
{
	size_t room = n / 4 * 3, decoded_n = 0;
	struct address address;
	struct job **end = &t->jobs;

	address_budget_key(peer, &address);
	if (n == 0 || room > KERBEROS_TOKEN_MAX)
		return refuse(t, 401, "Kerberos: no token, or one that is too long", fn, arg);
	if (!admit(t, &address))
		return refuse(t, 503, "Kerberos: too many tokens wait", fn, arg);
	_free_ char *decoded = xmalloc(room + 1);
	if (!base64_decode(token, n, decoded, room, &decoded_n))
		return refuse(t, 401, "Kerberos: the token is not base64", fn, arg);

	struct job *job = xcalloc(1, sizeof *job);
	*job = (struct job){ .base = { cancel },
			     .owner = t,
			     .address = address,
			     .fn = fn,
			     .arg = arg,
			     .kerberos = t->setup.kerberos,
			     .token = TAKE(decoded),
			     .token_n = decoded_n };
	while (*end)
		end = &(*end)->next;
	*end = job;
	start_all(t);
	return &job->base;
}

bool tickets_cookie(struct tickets *t, const char *header, char user[AUTH_NAME_MAX + 1])
{
	return t->setup.cookie_ms > 0 && cookie_read(t->setup.mac, header, clock_wall_ms(), user);
}

/* --- the whole --- */

struct tickets *tickets_new(const struct tickets_setup *setup)
{
	struct tickets *t = xcalloc(1, sizeof *t);

	t->setup = *setup;
	return t;
}

struct tickets *tickets_free(struct tickets *t)
{
	if (!t)
		return NULL;
	for (struct job *job = t->jobs, *next; job; job = next) {
		next = job->next;
		if (!job->running)
			free_job(job);
	}
	t->jobs = NULL;
	t->closing = true;
	finish_closing(t);
	return NULL;
}
