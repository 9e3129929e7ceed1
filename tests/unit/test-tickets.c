/* Kerberos tokens wait their turn, within bounds. What tickets are good for is in tests/black/test_kerberos.py. */
#include "auth/auth.h"
#include "base/cleanup.h"
#include "base/fdio.h"
#include "loop/loop.h"
#include "t.h"
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#define GARBAGE "Negotiate YIIAAAAA"

enum { MINUTE_MS = 60000, ALL_MAX = AUTH_ASKING_MAX + AUTH_WAITING_MAX + 8 };

/* A key of HTTP/localhost@T: two components, the type of a service's name, kvno 1, AES-256. */
static const unsigned char keytab_head[] =
	"\x05\x02\0\0\0\x45\0\x02\0\x01T\0\x04HTTP\0\x09localhost\0\0\0\x03\0\0\0\0\x01\0\x12\0\x20";

struct desk {
	struct loop *loop;
	struct auth *auth;
	int answers, statuses[ALL_MAX];
	int retry_after_s, challenge_count;
	char why[128];
};

static void on_answer(void *arg, const struct auth_result *r)
{
	struct desk *d = arg;

	CHECK(d->answers < ALL_MAX);
	CHECK(!r->user && !r->negotiate && !r->set_cookie);
	d->statuses[d->answers++] = r->status;
	d->retry_after_s = r->retry_after_s;
	d->challenge_count = r->challenge_count;
	(void)snprintf(d->why, sizeof d->why, "%s", r->why);
	loop_stop(d->loop);
}

static void write_keytab(void)
{
	char bytes[sizeof keytab_head - 1 + 32];
	struct error e;

	memcpy(bytes, keytab_head, sizeof keytab_head - 1);
	memset(bytes + sizeof keytab_head - 1, 'k', 32);
	CHECK_OK(fdio_replace_file(AT_FDCWD, "keytab", bytes, sizeof bytes, &e), e);
	CHECK(chmod("keytab", 0600) == 0);
}

static void open_desk(struct desk *d)
{
	struct auth_config c = { .type = "kerberos", .kerberos_keytab = "keytab", .cookie_ms = MINUTE_MS };
	struct error e;

	write_keytab();
	*d = (struct desk){ .loop = loop_new() };
	CHECK_OK(auth_new(d->loop, &c, &d->auth, &e), e);
}

static void close_desk(struct desk *d)
{
	d->auth = auth_free(d->auth);
	d->loop = loop_free(d->loop);
}

static struct auth_waiter *ask(struct desk *d, int peer, const char *authorization)
{
	char address[32];
	const struct auth_request r = { .peer = address, .authorization = authorization, .authorization_count = 1 };

	(void)snprintf(address, sizeof address, "192.0.2.%d", peer);
	return auth_check(d->auth, &r, on_answer, d);
}

static void run_until(struct desk *d, int answers)
{
	while (d->answers < answers)
		loop_run(d->loop);
}

TEST(what_waits_has_a_ceiling_and_each_is_answered)
{
	struct desk d;

	open_desk(&d);
	for (int i = 0; i < AUTH_ASKING_MAX + AUTH_WAITING_MAX; i++)
		CHECK(ask(&d, i, GARBAGE));
	CHECK_INT(d.answers, 0);
	CHECK(!ask(&d, 200, GARBAGE));
	CHECK_INT(d.answers, 1);
	CHECK_INT(d.statuses[0], 503);
	CHECK(d.retry_after_s >= 1);
	run_until(&d, 1 + AUTH_ASKING_MAX + AUTH_WAITING_MAX);
	for (int i = 1; i < d.answers; i++)
		CHECK_INT(d.statuses[i], 401);
	CHECK_INT(d.challenge_count, 1);
	CHECK(ask(&d, 200, GARBAGE)); /* there is room again */
	close_desk(&d);
}

TEST(one_address_does_not_take_every_place)
{
	struct desk d;

	open_desk(&d);
	for (int i = 0; i < AUTH_ASKING_MAX + AUTH_TICKETS_ADDRESS_MAX; i++)
		CHECK(ask(&d, 1, GARBAGE));
	CHECK(!ask(&d, 1, GARBAGE));
	CHECK_INT(d.statuses[0], 503);
	CHECK(ask(&d, 2, GARBAGE));
	close_desk(&d);
}

TEST(who_went_away_is_not_told)
{
	struct auth_waiter *waiters[AUTH_ASKING_MAX + 2];
	struct desk d;

	open_desk(&d);
	for (size_t i = 0; i < ARRAY_LEN(waiters); i++)
		CHECK(waiters[i] = ask(&d, 1, GARBAGE));
	auth_cancel(waiters[0]);                      /* the pool has it */
	auth_cancel(waiters[ARRAY_LEN(waiters) - 1]); /* waits */
	run_until(&d, (int)ARRAY_LEN(waiters) - 2);
	CHECK(ask(&d, 1, GARBAGE));
	run_until(&d, (int)ARRAY_LEN(waiters) - 1);
	close_desk(&d);
	CHECK_INT(d.answers, ARRAY_LEN(waiters) - 1);
}

TEST(what_the_pool_still_has_may_end_after_us)
{
	struct desk d;

	open_desk(&d);
	for (int i = 0; i < AUTH_ASKING_MAX + 4; i++)
		CHECK(ask(&d, i, GARBAGE));
	close_desk(&d);
	CHECK_INT(d.answers, 0);
}

TEST(without_its_keytab_it_cannot_say)
{
	struct desk d;

	open_desk(&d);
	CHECK(unlink("keytab") == 0);
	CHECK(ask(&d, 1, GARBAGE));
	run_until(&d, 1);
	CHECK_INT(d.statuses[0], 503);
	CHECK(d.retry_after_s >= 1);
	CHECK_INT(d.challenge_count, 0);
	close_desk(&d);
}

TEST(what_cannot_be_a_token_does_not_wait)
{
	static const char *const values[] = { "Negotiate", "Negotiate ", "Negotiate !", "Negotiate YII",
					      "Negotiatex YIIA" };
	struct desk d;

	open_desk(&d);
	for (size_t i = 0; i < ARRAY_LEN(values); i++) {
		CHECK(!ask(&d, 1, values[i]));
		CHECK_INT(d.statuses[i], 401);
		CHECK_INT(d.challenge_count, 1);
	}
	close_desk(&d);
}

/* The largest that is taken, and one more. */
TEST(a_token_has_a_ceiling)
{
	static char value[sizeof "Negotiate " + 64 * 1024 + 4] = "Negotiate ";
	struct desk d;

	open_desk(&d);
	memset(value + strlen("Negotiate "), 'A', 64 * 1024);
	CHECK(ask(&d, 1, value));
	run_until(&d, 1);
	CHECK_INT(d.statuses[0], 401);
	memset(value + strlen("Negotiate ") + 64 * 1024, 'A', 4);
	CHECK(!ask(&d, 1, value));
	CHECK_INT(d.statuses[1], 401);
	CHECK(strstr(d.why, "too long"));
	close_desk(&d);
}

TEST(a_reload_keeps_what_waits)
{
	struct desk d;
	struct error e;

	open_desk(&d);
	for (int i = 0; i < AUTH_ASKING_MAX + 1; i++)
		CHECK(ask(&d, 1, GARBAGE));
	CHECK_OK(auth_reload(d.auth, &e), e);
	run_until(&d, AUTH_ASKING_MAX + 1);
	close_desk(&d);
}
