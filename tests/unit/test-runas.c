#include "service/registry.h"
#include "t.h"
#include <errno.h>
#include <poll.h>
#include <pwd.h>
#include <semaphore.h>
#include <stdatomic.h>
#include <string.h>

enum { MANY = 6, WATCHDOG_MS = 8000, POLL_MS = 5 };

/* A name service of our own, in place of the C library's: "slow" users take until they are let go. */
static sem_t let_go;
static atomic_int asking, asking_most, asked;

static const struct {
	const char *name;
	uid_t uid;
	int err;
} users[] = { { "alice", 1500, 0 }, { "slow", 1501, 0 }, { "root", 0, 0 },      { "low", 999, 0 },
	      { "edge", 1000, 0 },  { "sick", 0, EIO },  { "gone", 0, ENOENT }, { "long-entry", 1502, 0 } };

int getpwnam_r(const char *name, struct passwd *pw, char *bytes, size_t size, struct passwd **ret)
{
	*ret = NULL;
	for (size_t i = 0; i < ARRAY_LEN(users); i++) {
		if (strcmp(users[i].name, name) != 0)
			continue;
		if (users[i].err)
			return users[i].err;
		if (strcmp(name, "long-entry") == 0 && size < 100000)
			return ERANGE;
		if (strcmp(name, "slow") == 0) {
			int now = atomic_fetch_add(&asking, 1) + 1;

			if (now > asking_most)
				asking_most = now;
			asked++;
			while (sem_wait(&let_go) < 0)
				;
			asking--;
		}
		(void)snprintf(bytes, size, "/home/%s", name);
		*pw = (struct passwd){ .pw_name = (char *)(uintptr_t)users[i].name,
				       .pw_dir = bytes,
				       .pw_uid = users[i].uid,
				       .pw_gid = 77 };
		*ret = pw;
		return 0;
	}
	return 0;
}

struct world {
	struct config config;
	struct batches b;
	int answers, refusals;
	enum error_code code;
	char msg[512];
	uid_t uid;
	char home[64];
	bool had_account;
};

static void answer(void *arg, const struct account *account, const struct error *e)
{
	struct world *w = arg;

	w->answers++;
	w->refusals += e->code != ERR_NONE;
	w->code = e->code;
	(void)snprintf(w->msg, sizeof w->msg, "%s", e->code ? e->msg : "");
	w->had_account = account != NULL;
	if (account) {
		w->uid = account->uid;
		CHECK_INT(account->gid, 77);
		CHECK(account->group_count >= 1 && account->groups[0] == 77);
		(void)snprintf(w->home, sizeof w->home, "%s", account->home);
	}
}

static void begin(struct world *w, const char *run_as)
{
	CHECK(sem_init(&let_go, 0, 0) == 0);
	w->config.florus_launch_run_as = run_as;
	w->config.florus_launch_min_uid = 1000;
	w->b.config = &w->config;
	w->b.loop = loop_new();
}

struct waiting {
	struct world *w;
	int answers;
};

static void look(void *arg)
{
	const struct waiting *wait = arg;

	if (wait->w->answers == wait->answers)
		loop_stop(wait->w->b.loop);
}

static void too_late(void *arg)
{
	(void)arg;
	t_fail(__FILE__, __LINE__, "an answer did not come");
}

static void wait_for(struct world *w, int answers)
{
	struct waiting wait = { w, answers };
	struct loop_timer *watchdog = loop_timer_new(w->b.loop, too_late, NULL);
	struct loop_timer *timer = loop_timer_new(w->b.loop, look, &wait);

	loop_timer_set(watchdog, WATCHDOG_MS, 0);
	loop_timer_set(timer, 0, POLL_MS);
	loop_run(w->b.loop);
	loop_timer_free(timer);
	loop_timer_free(watchdog);
}

static void check_user(struct world *w, const char *user, enum error_code code, const char *msg)
{
	w->answers = 0;
	runas_find(&w->b, user, answer, w);
	wait_for(w, 1);
	CHECK_INT(w->code, code);
	CHECK(strstr(w->msg, msg));
	CHECK(w->had_account == (code == ERR_NONE));
}

TEST(self_is_known_at_once_and_is_nobody_else)
{
	struct world w = { 0 };

	begin(&w, "self");
	runas_find(&w.b, "no-such-user", answer, &w);
	CHECK(w.answers == 1 && w.code == ERR_NONE && !w.had_account);
	loop_free(w.b.loop);
}

TEST(an_owner_must_exist_and_be_no_system_user)
{
	struct world w = { 0 };

	begin(&w, "owner");
	check_user(&w, "alice", ERR_NONE, "");
	CHECK_INT(w.uid, 1500);
	CHECK_STR(w.home, "/home/alice");
	check_user(&w, "edge", ERR_NONE, "");
	check_user(&w, "long-entry", ERR_NONE, "");
	check_user(&w, "low", ERR_FORBIDDEN, "'low' has the uid 999, and jobs run with 1000 or more only");
	check_user(&w, "root", ERR_FORBIDDEN, "'root' has the uid 0");
	check_user(&w, "stranger", ERR_NOT_FOUND, "no user 'stranger'");
	check_user(&w, "gone", ERR_NOT_FOUND, "no user 'gone'");
	check_user(&w, "", ERR_FORBIDDEN, "no owner");
	check_user(&w, NULL, ERR_FORBIDDEN, "no owner");
	check_user(&w, "sick", ERR_UNAVAILABLE, "cannot look up user 'sick'");
	loop_free(w.b.loop);
}

TEST(one_user_for_all_may_be_a_system_user_but_not_root)
{
	struct world w = { 0 };

	begin(&w, "low");
	check_user(&w, "alice", ERR_NONE, "");
	CHECK_INT(w.uid, 999);
	w.config.florus_launch_run_as = "root";
	check_user(&w, "alice", ERR_FORBIDDEN, "uid 0");
	loop_free(w.b.loop);
}

TEST(a_slow_name_service_is_asked_two_things_at_once_at_most)
{
	struct world w = { 0 };

	begin(&w, "owner");
	for (int i = 0; i < MANY; i++)
		runas_find(&w.b, "slow", answer, &w);
	for (int i = 0; i < MANY; i++) {
		while (asked < i + 1)
			(void)poll(NULL, 0, 1);
		CHECK(sem_post(&let_go) == 0);
		wait_for(&w, i + 1);
		CHECK_INT(w.code, ERR_NONE);
	}
	CHECK_INT(asking_most, 2);
	CHECK(!w.b.runas_asking && !w.b.runas_waiting && w.b.runas_asking_count == 0);
	loop_free(w.b.loop);
}

TEST(a_stop_answers_all_who_wait_and_hears_no_late_answer)
{
	struct world w = { 0 };

	begin(&w, "owner");
	for (int i = 0; i < MANY; i++)
		runas_find(&w.b, "slow", answer, &w);
	while (asked < 2)
		(void)poll(NULL, 0, 1);
	runas_stop(&w.b);
	CHECK_INT(w.answers, MANY);
	CHECK_INT(w.refusals, MANY);
	CHECK_INT(w.code, ERR_UNAVAILABLE);
	CHECK(sem_post(&let_go) == 0 && sem_post(&let_go) == 0);
	loop_free(w.b.loop);
	CHECK_INT(w.answers, MANY);
}
