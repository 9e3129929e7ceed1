#include "auth/passwords.h"
#include "auth/hash.h"
#include "auth/waiter.h"
#include "base/clock.h"
#include "base/str.h"
#include "loop/loop.h"
#include <string.h>

enum { AWAY_RETRY_S = 5, BUSY_RETRY_S = 1 };

enum lane { LANE_HASH, LANE_LDAP, LANE_COUNT };
enum phase { WAITING, RUNNING, SETTLING };

struct waiter {
	struct auth_waiter base; /* the first: auth.c cancels by it */
	struct waiter *next;
	struct job *job;
	auth_fn *fn;
	void *arg;
};

struct job {
	struct passwords *owner;
	struct job *next;
	struct waiter *waiters;
	struct digest mac;
	struct budget_keys keys;
	unsigned generation;
	enum phase phase;
	enum lane lane;
	enum users_known user_known; /* LANE_HASH */
	bool known;                  /* was right before */

	/* the pool's: set before it starts, its results read after */
	const struct ldap_settings *ldap;
	char hash[HASH_TEXT_MAX];
	char user[AUTH_NAME_MAX + 1];
	char password[AUTH_PASSWORD_MAX + 1];
	enum ldap_answer answer;
	struct error error; /* LDAP_AWAY */
};

struct passwords {
	struct passwords_setup setup;
	struct ldap_settings ldap;
	char *ldap_strings[3];
	struct job *jobs; /* in the order they came */
	unsigned generation;
	int running[LANE_COUNT], limit[LANE_COUNT];
	int waiter_count;
	bool closing; /* only the pool's jobs keep it alive */
};

static void free_job(struct job *job)
{
	explicit_bzero(job, sizeof *job);
	free(job);
}

static void unlink_job(struct job *job)
{
	struct job **at = &job->owner->jobs;

	while (*at != job)
		at = &(*at)->next;
	*at = job->next;
}

/* --- telling those who wait --- */

static void tell(struct job *job, const struct auth_result *r)
{
	struct waiter *w;

	unlink_job(job);
	job->phase = SETTLING;
	while ((w = job->waiters)) {
		job->waiters = w->next;
		job->owner->waiter_count--;
		w->fn(w->arg, r);
		free(w);
	}
	free_job(job);
}

static struct auth_result busy(int status, int64_t wait_ms, const char *why)
{
	return (struct auth_result){ .status = status, .retry_after_s = (int)((wait_ms + 999) / 1000), .why = why };
}

static void tell_wrong(struct job *job)
{
	static const char *const whys[] = {
		[USERS_UNKNOWN] = "unknown user", [USERS_DISABLED] = "disabled user", [USERS_ENABLED] = "wrong password"
	};
	const struct passwords_setup *s = &job->owner->setup;
	struct auth_result r = { .status = 401, .challenges = s->challenges, .challenge_count = s->challenge_count };

	r.why = job->lane == LANE_LDAP ? "refused by the directory" : whys[job->user_known];
	cache_drop(s->cache, &job->mac);
	budget_draw(s->budget, &job->keys, clock_now_ms());
	tell(job, &r);
}

static void tell_right(struct job *job)
{
	const struct passwords_setup *s = &job->owner->setup;
	struct auth_result r = { .status = 200,
				 .user = job->user,
				 .method = job->lane == LANE_LDAP ? "ldap" : "basic" };

	cache_put(s->cache, &job->mac, job->user, r.method, s->cache_ms, clock_now_ms());
	tell(job, &r);
}

static void settle(struct job *job)
{
	struct auth_result away = busy(503, AWAY_RETRY_S * 1000, job->error.msg);

	if (job->answer == LDAP_AWAY)
		tell(job, &away);
	else if (job->answer == LDAP_RIGHT && (job->lane == LANE_LDAP || job->user_known == USERS_ENABLED))
		tell_right(job);
	else
		tell_wrong(job);
}

/* --- running --- */

/* Who decides about this name, by the users as they are now. */
static void aim(struct job *job)
{
	struct passwords *p = job->owner;
	const char *hash = NULL;

	job->generation = p->generation;
	job->lane = LANE_LDAP;
	if (p->setup.users)
		job->user_known = users_find(p->setup.users, p->setup.mac, job->user, &hash);
	if (!hash || (p->setup.ldap && job->user_known == USERS_UNKNOWN))
		return;
	job->lane = LANE_HASH;
	(void)snprintf(job->hash, sizeof job->hash, "%s", hash);
}

static void run_on_pool(void *arg)
{
	struct job *job = arg;

	if (job->lane == LANE_LDAP)
		job->answer = ldap_ask(job->ldap, job->user, job->password, &job->error);
	else
		job->answer = hash_matches(job->hash, job->password) ? LDAP_RIGHT : LDAP_WRONG;
}

static void start_all(struct passwords *p);

static void finish_closing(struct passwords *p)
{
	for (enum lane lane = 0; lane < LANE_COUNT; lane++)
		if (p->running[lane] > 0)
			return;
	for (size_t i = 0; i < ARRAY_LEN(p->ldap_strings); i++)
		free(p->ldap_strings[i]);
	free(p);
}

static void on_done(void *arg)
{
	struct job *job = arg;
	struct passwords *p = job->owner;

	p->running[job->lane]--;
	if (p->closing) {
		free_job(job);
		finish_closing(p);
		return;
	}
	job->phase = WAITING;
	if (job->generation != p->generation)
		aim(job); /* what was found out is about a file that is no more */
	else
		settle(job);
	start_all(p);
}

/* The oldest of those that were right before, else the oldest. */
static struct job *next_of(const struct passwords *p, enum lane lane)
{
	struct job *stranger = NULL;

	for (struct job *job = p->jobs; job; job = job->next) {
		if (job->phase != WAITING || job->lane != lane)
			continue;
		if (job->known)
			return job;
		if (!stranger)
			stranger = job;
	}
	return stranger;
}

static void start(struct job *job)
{
	struct passwords *p = job->owner;
	int64_t wait_ms = job->known ? 0 : budget_wait_ms(p->setup.budget, &job->keys, clock_now_ms());
	struct auth_result refusal = busy(429, wait_ms, "too many wrong passwords");

	if (wait_ms > 0) {
		tell(job, &refusal);
		return;
	}
	job->phase = RUNNING;
	p->running[job->lane]++;
	loop_work(p->setup.loop, run_on_pool, on_done, job);
}

/* Looks anew after each: whoever was told may have come again already. */
static void start_all(struct passwords *p)
{
	for (enum lane lane = 0; lane < LANE_COUNT; lane++)
		for (struct job *job; p->running[lane] < p->limit[lane] && (job = next_of(p, lane));)
			start(job);
}

/* --- admitting --- */

static struct job *find_same(const struct passwords *p, const struct digest *mac, const struct budget_keys *keys)
{
	for (struct job *job = p->jobs; job; job = job->next)
		if (secret_equal(&job->mac, mac) && secret_equal(&job->keys.address, &keys->address))
			return job;
	return NULL;
}

/* True: there is room. Else *ret is the refusal. */
static bool admit(const struct passwords *p, bool known, const struct budget_keys *keys, struct auth_result *ret)
{
	int all = 0, strangers = 0, from_address = 0;
	int64_t wait_ms = known ? 0 : budget_wait_ms(p->setup.budget, keys, clock_now_ms());

	for (const struct job *job = p->jobs; job; job = job->next) {
		all += job->phase == WAITING;
		strangers += job->phase == WAITING && !job->known;
		from_address +=
			job->phase == WAITING && !job->known && secret_equal(&job->keys.address, &keys->address);
	}
	if (wait_ms > 0)
		*ret = busy(429, wait_ms, "too many wrong passwords");
	else if (!known && from_address >= AUTH_STRANGERS_ADDRESS_MAX)
		*ret = busy(429, BUSY_RETRY_S * 1000, "too many checks of one address wait");
	else if (all >= AUTH_WAITING_MAX || (!known && strangers >= AUTH_STRANGERS_MAX))
		*ret = busy(503, BUSY_RETRY_S * 1000, "too many checks wait");
	else
		return true;
	return false;
}

static struct job *add_job(struct passwords *p, const struct digest *mac, const struct budget_keys *keys, bool known,
			   const struct authorization *given)
{
	struct job *job = xcalloc(1, sizeof *job), **end = &p->jobs;

	job->owner = p;
	job->ldap = &p->ldap;
	job->mac = *mac;
	job->keys = *keys;
	job->known = known;
	memcpy(job->user, given->user, sizeof job->user);
	memcpy(job->password, given->password, sizeof job->password);
	aim(job);
	while (*end)
		end = &(*end)->next;
	*end = job;
	return job;
}

static void make_keys(struct passwords *p, const char *peer, const char *user, struct budget_keys *ret)
{
	struct address address;

	address_budget_key(peer, &address);
	mac_of(p->setup.mac, 'a', &address, sizeof address, &ret->address);
	mac_of(p->setup.mac, 'n', user, strlen(user), &ret->account);
}

static void cancel(struct auth_waiter *base)
{
	struct waiter *w = (struct waiter *)base;
	struct job *job = w->job;
	struct waiter **at = &job->waiters;

	while (*at != w)
		at = &(*at)->next;
	*at = w->next;
	job->owner->waiter_count--;
	free(w);
	if (!job->waiters && job->phase == WAITING) {
		unlink_job(job);
		free_job(job);
	}
}

static struct auth_waiter *wait_for(struct job *job, auth_fn *fn, void *arg)
{
	struct waiter *w = xcalloc(1, sizeof *w);

	*w = (struct waiter){ { cancel }, job->waiters, job, fn, arg };
	job->waiters = w;
	job->owner->waiter_count++;
	start_all(job->owner);
	return &w->base;
}

struct auth_waiter *passwords_check(struct passwords *p, const struct digest *mac, bool known, const char *peer,
				    const struct authorization *given, auth_fn *fn, void *arg)
{
	struct auth_result refusal = busy(503, BUSY_RETRY_S * 1000, "too many requests wait for checks");
	struct budget_keys keys;
	struct job *job;

	make_keys(p, peer, given->user, &keys);
	job = find_same(p, mac, &keys);
	if (p->waiter_count >= AUTH_WAITERS_MAX || (!job && !admit(p, known, &keys, &refusal))) {
		fn(arg, &refusal);
		return NULL;
	}
	if (!job)
		job = add_job(p, mac, &keys, known, given);

	return wait_for(job, fn, arg);
}

/* --- the whole --- */

struct passwords *passwords_new(const struct passwords_setup *setup)
{
	struct passwords *p = xcalloc(1, sizeof *p);
	long cores = sysconf(_SC_NPROCESSORS_ONLN);

	p->setup = *setup;
	p->limit[LANE_HASH] = cores / 2 > AUTH_HASHING_MAX ? AUTH_HASHING_MAX : cores / 2 > 1 ? (int)(cores / 2) : 1;
	p->limit[LANE_LDAP] = AUTH_ASKING_MAX;
	if (!setup->ldap)
		return p;
	p->ldap_strings[0] = xstrdup(setup->ldap->url);
	p->ldap_strings[1] = xstrdup(setup->ldap->base_dn);
	p->ldap_strings[2] = xstrdup(setup->ldap->domain);
	p->ldap = (struct ldap_settings){ p->ldap_strings[0], p->ldap_strings[1], p->ldap_strings[2],
					  setup->ldap->start_tls };
	p->setup.ldap = &p->ldap;
	return p;
}

static void drop_waiters(struct job *job)
{
	struct waiter *w;

	while ((w = job->waiters)) {
		job->waiters = w->next;
		free(w);
	}
}

struct passwords *passwords_free(struct passwords *p)
{
	if (!p)
		return NULL;
	for (struct job *job = p->jobs, *next; job; job = next) {
		next = job->next;
		drop_waiters(job);
		if (job->phase != RUNNING)
			free_job(job);
	}
	p->jobs = NULL;
	p->closing = true;
	finish_closing(p);
	return NULL;
}

void passwords_set_users(struct passwords *p, const struct users *users)
{
	p->setup.users = users;
	p->generation++;
	for (struct job *job = p->jobs; job; job = job->next)
		if (job->phase == WAITING)
			aim(job);
}
