#include "auth/auth.h"
#include "auth/budget.h"
#include "auth/edit.h"
#include "base/clock.h"
#include "base/fdio.h"
#include "base/str.h"
#include "loop/loop.h"
#include "t.h"
#include <crypt.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

enum { ANSWERS_MAX = 256, MINUTE_MS = 60000 };

/* --- files --- */

static void write_file(const char *name, const char *text, mode_t mode)
{
	struct error e;
	_close_ int fd = open(name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	CHECK(fd >= 0);
	CHECK_OK(fdio_write_all(fd, text, strlen(text), &e), e);
	CHECK(fchmod(fd, mode) == 0);
}

/* As hash_make(), but cheap, so that tests may check many. Borrowed until the next call. */
static const char *quick_hash(const char *password)
{
	static struct crypt_data data;
	char salt[CRYPT_GENSALT_OUTPUT_SIZE];

	CHECK(crypt_gensalt_rn("$2b$", 4, NULL, 0, salt, sizeof salt) != NULL);
	return crypt_r(password, salt, &data);
}

static void add_user(struct sbuf *to, const char *user, const char *password, const char *flag)
{
	sbuf_addf(to, "%s:%s%s\n", user, quick_hash(password), flag);
}

/* alice, bob, and the disabled carol; everybody's password is "right". */
static void write_users(void)
{
	_sbuf_ struct sbuf text = SBUF_INIT(1 << 20);

	sbuf_adds(&text, "# who may come\n\n");
	add_user(&text, "alice", "right", "");
	add_user(&text, "bob", "right", "");
	add_user(&text, "carol", "right", ":disabled");
	write_file("users", sbuf_str(&text), 0600);
}

/* --- asking --- */

struct answer {
	int status, retry_after_s, challenge_count;
	char user[64], method[16], challenge[64], why[64];
};

/* One auth and what it answered, in the order of the answers. */
struct office {
	struct loop *loop;
	struct auth *auth;
	int count, wanted;
	struct answer answers[ANSWERS_MAX];
};

static void on_answer(void *arg, const struct auth_result *r)
{
	struct office *o = arg;
	struct answer *a = &o->answers[o->count];

	CHECK(o->count < ANSWERS_MAX);
	a->status = r->status;
	a->retry_after_s = r->retry_after_s;
	a->challenge_count = r->challenge_count;
	(void)snprintf(a->user, sizeof a->user, "%s", r->user ? r->user : "");
	(void)snprintf(a->method, sizeof a->method, "%s", r->method ? r->method : "");
	(void)snprintf(a->challenge, sizeof a->challenge, "%s", r->challenge_count ? r->challenges[0] : "");
	(void)snprintf(a->why, sizeof a->why, "%s", r->why ? r->why : "");
	if (++o->count == o->wanted)
		loop_stop(o->loop);
}

static const struct auth_config basic = { .type = "basic", .users_file = "users", .cache_ms = 5 * MINUTE_MS };

static void open_office(struct office *o, const struct auth_config *c)
{
	struct error e;

	*o = (struct office){ .loop = loop_new() };
	CHECK_OK(auth_new(o->loop, c, &o->auth, &e), e);
}

static void close_office(struct office *o)
{
	o->auth = auth_free(o->auth);
	o->loop = loop_free(o->loop);
}

/* Until there are so many answers in all. */
static void await(struct office *o, int count)
{
	o->wanted = count;
	while (o->count < count) /* a stop before the run is kept for it */
		loop_run(o->loop);
	CHECK_INT(o->count, count);
}

static void encode(struct sbuf *to, const char *in)
{
	static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
	size_t n = strlen(in);

	for (size_t i = 0; i < n; i += 3) {
		unsigned three = 0;

		for (size_t k = 0; k < 3; k++)
			three = three << 8 | (i + k < n ? (unsigned char)in[i + k] : 0);
		for (size_t k = 0; k < 4; k++)
			sbuf_addc(to, k > n - i ? '=' : digits[three >> (18 - 6 * k) & 63]);
	}
}

static struct auth_waiter *ask_header(struct office *o, const char *peer, const char *authorization)
{
	struct auth_request r = { .peer = peer,
				  .authorization = authorization,
				  .authorization_count = authorization ? 1 : 0 };

	return auth_check(o->auth, &r, on_answer, o);
}

/* `pair` is "user:password". */
static struct auth_waiter *ask(struct office *o, const char *peer, const char *pair)
{
	_sbuf_ struct sbuf value = SBUF_INIT(1 << 16);

	sbuf_adds(&value, "Basic ");
	encode(&value, pair);
	return ask_header(o, peer, sbuf_str(&value));
}

static int status_of(struct office *o, const char *peer, const char *pair)
{
	int before = o->count;

	(void)ask(o, peer, pair);
	await(o, before + 1);
	return o->answers[before].status;
}

static const struct answer *last(const struct office *o)
{
	return &o->answers[o->count - 1];
}

/* --- one question --- */

TEST(a_right_password_is_let_in_and_then_remembered)
{
	struct office o;

	write_users();
	open_office(&o, &basic);
	CHECK(ask(&o, "192.0.2.1", "alice:right") != NULL);
	await(&o, 1);
	CHECK_INT(o.answers[0].status, 200);
	CHECK_STR(o.answers[0].user, "alice");
	CHECK_STR(o.answers[0].method, "basic");
	CHECK(ask(&o, "192.0.2.99", "alice:right") == NULL);
	CHECK_INT(o.count, 2);
	CHECK_STR(o.answers[1].user, "alice");
	close_office(&o);
}

TEST(the_four_failures_have_one_answer)
{
	static const char *const pairs[] = { "alice:wrong", "nobody:right", "carol:right", "carol:wrong" };
	static const char *const whys[] = { "wrong password", "unknown user", "disabled user", "disabled user" };
	struct office o;

	write_users();
	open_office(&o, &basic);
	for (size_t i = 0; i < ARRAY_LEN(pairs); i++) {
		CHECK(ask(&o, "192.0.2.1", pairs[i]) != NULL);
		await(&o, (int)i + 1);
		CHECK_INT(o.answers[i].status, 401);
		CHECK_INT(o.answers[i].challenge_count, 1);
		CHECK_STR(o.answers[i].challenge, "Basic realm=\"florus\", charset=\"UTF-8\"");
		CHECK_STR(o.answers[i].user, "");
		CHECK_STR(o.answers[i].why, whys[i]);
	}
	close_office(&o);
}

TEST(nonsense_is_refused_at_once_with_the_same_challenge)
{
	_sbuf_ struct sbuf huge = SBUF_INIT(1 << 17);
	struct office o;

	sbuf_adds(&huge, "Basic ");
	while (huge.len < 64 * 1024)
		sbuf_adds(&huge, "QUJD");
	const char *const values[] = { "",
				       "Basic",
				       "Basic ",
				       "Basic !!!",
				       "Basic YWxpY2U=",
				       "Basic YTpiAA==",
				       "Bearer x",
				       "Negotiate YIIB",
				       "Digest username=x",
				       sbuf_str(&huge),
				       NULL };
	write_users();
	open_office(&o, &basic);
	for (size_t i = 0; i < ARRAY_LEN(values); i++) {
		CHECK(ask_header(&o, "192.0.2.1", values[i]) == NULL);
		CHECK_INT(o.count, (int)i + 1);
		CHECK_INT(last(&o)->status, 401);
		CHECK_STR(last(&o)->challenge, "Basic realm=\"florus\", charset=\"UTF-8\"");
	}
	close_office(&o);
}

TEST(two_authorization_headers_are_a_bad_request)
{
	struct auth_request r = { .peer = "192.0.2.1", .authorization = "Basic YTpi", .authorization_count = 2 };
	struct office o;

	write_users();
	open_office(&o, &basic);
	CHECK(auth_check(o.auth, &r, on_answer, &o) == NULL);
	CHECK_INT(o.answers[0].status, 400);
	CHECK_INT(o.answers[0].challenge_count, 0);
	close_office(&o);
}

TEST(without_a_cache_every_password_is_checked)
{
	struct auth_config c = basic;
	struct office o;

	c.cache_ms = 0;
	write_users();
	open_office(&o, &c);
	CHECK_INT(status_of(&o, "192.0.2.1", "alice:right"), 200);
	CHECK(ask(&o, "192.0.2.1", "alice:right") != NULL);
	await(&o, 2);
	CHECK_INT(o.answers[1].status, 200);
	close_office(&o);
}

/* --- many questions --- */

TEST(requests_with_the_same_credentials_share_one_check)
{
	struct office o;

	write_users();
	open_office(&o, &basic);
	for (int i = 0; i < 100; i++)
		CHECK(ask(&o, "192.0.2.1", "alice:right") != NULL);
	await(&o, 100);
	for (int i = 0; i < 100; i++)
		CHECK_INT(o.answers[i].status, 200);
	close_office(&o);
}

/* Asks once for each of `count` users, each from 10.0.0.<i % addresses>; returns how many were answered at once. */
static int ask_many(struct office *o, int count, int addresses)
{
	int before = o->count;

	for (int i = 0; i < count; i++) {
		char peer[32], pair[32];

		(void)snprintf(peer, sizeof peer, "10.0.0.%d", i % addresses);
		(void)snprintf(pair, sizeof pair, "user%d:x", i);
		(void)ask(o, peer, pair);
	}
	return o->count - before;
}

TEST(one_address_has_a_share_of_the_queue)
{
	struct office o;

	write_users();
	open_office(&o, &basic);
	int refused = ask_many(&o, 40, 1);
	CHECK(refused >= 40 - AUTH_STRANGERS_ADDRESS_MAX - AUTH_HASHING_MAX &&
	      refused < 40 - AUTH_STRANGERS_ADDRESS_MAX);
	CHECK_INT(last(&o)->status, 429);
	CHECK_INT(last(&o)->retry_after_s, 1);
	CHECK(ask(&o, "10.0.0.2", "alice:right") != NULL);
	await(&o, 41);
	CHECK_INT(last(&o)->status, 200);
	close_office(&o);
}

TEST(the_queue_is_bounded_and_keeps_places_for_those_who_were_right_before)
{
	struct error e;
	struct office o;

	write_users();
	open_office(&o, &basic);
	CHECK_INT(status_of(&o, "10.0.0.200", "alice:right"), 200);
	CHECK_OK(auth_reload(o.auth, &e), e);

	int refused = ask_many(&o, 60, 60);
	CHECK(refused >= 60 - AUTH_STRANGERS_MAX - AUTH_HASHING_MAX && refused < 60 - AUTH_STRANGERS_MAX);
	CHECK_INT(last(&o)->status, 503);
	CHECK(last(&o)->retry_after_s >= 1);

	int before = o.count;
	CHECK(ask(&o, "10.0.0.201", "bob:right") == NULL); /* a stranger yet */
	CHECK_INT(last(&o)->status, 503);
	CHECK(ask(&o, "10.0.0.200", "alice:right") != NULL);
	await(&o, before + 1 + AUTH_HASHING_MAX + 1); /* ahead of all but those that had begun */
	bool early = false;
	for (int i = before; i < o.count; i++)
		early = early || (o.answers[i].status == 200 && str_eq(o.answers[i].user, "alice"));
	CHECK(early);
	close_office(&o);
}

TEST(who_cancels_is_not_called_and_makes_room)
{
	struct auth_waiter *waiters[AUTH_STRANGERS_ADDRESS_MAX];
	struct office o;

	write_users();
	open_office(&o, &basic);
	CHECK_INT(ask_many(&o, AUTH_HASHING_MAX, AUTH_HASHING_MAX), 0); /* those that run */
	for (int i = 0; i < AUTH_STRANGERS_ADDRESS_MAX; i++) {
		char pair[32];

		(void)snprintf(pair, sizeof pair, "other%d:x", i);
		waiters[i] = ask(&o, "10.1.0.1", pair);
		CHECK(waiters[i] != NULL);
	}
	CHECK(ask(&o, "10.1.0.1", "alice:right") == NULL);
	CHECK_INT(last(&o)->status, 429);
	for (int i = 0; i < AUTH_STRANGERS_ADDRESS_MAX; i++)
		auth_cancel(waiters[i]);
	CHECK(ask(&o, "10.1.0.1", "alice:right") != NULL);
	await(&o, 1 + AUTH_HASHING_MAX + 1);
	CHECK_INT(last(&o)->status, 200);
	close_office(&o);
}

TEST(nobody_is_called_after_the_end)
{
	struct office o;

	write_users();
	open_office(&o, &basic);
	(void)ask_many(&o, 10, 10);
	o.auth = auth_free(o.auth);
	o.loop = loop_free(o.loop); /* waits for what the pool had begun */
	CHECK_INT(o.count, 0);
}

/* --- budgets --- */

/* As many wrong passwords as one address is allowed; the next is refused without a hash. */
static void use_up(struct office *o, const char *peer, const char *user)
{
	char pair[64];

	for (int i = 0; i < BUDGET_ADDRESS_BURST; i++) {
		(void)snprintf(pair, sizeof pair, "%s:guess%d", user, i);
		CHECK_INT(status_of(o, peer, pair), 401);
	}
	(void)snprintf(pair, sizeof pair, "%s:one-more", user);
	CHECK(ask(o, peer, pair) == NULL);
	CHECK_INT(last(o)->status, 429);
	CHECK(last(o)->retry_after_s >= 1 && last(o)->retry_after_s <= BUDGET_ADDRESS_REFILL_MS / 1000);
}

TEST(guessing_from_one_address_ends_and_locks_nobody_out)
{
	struct error e;
	struct office o;

	write_users();
	open_office(&o, &basic);
	CHECK_INT(status_of(&o, "192.0.2.1", "bob:right"), 200);
	use_up(&o, "192.0.2.1", "alice");
	CHECK_INT(status_of(&o, "192.0.2.1", "alice:right"), 429); /* it cannot be told from a guess */
	CHECK_INT(status_of(&o, "198.51.100.1", "alice:right"), 200);
	CHECK_INT(status_of(&o, "192.0.2.1", "alice:right"), 200); /* it can now */
	CHECK_INT(status_of(&o, "192.0.2.1", "bob:right"), 200);

	CHECK_OK(auth_reload(o.auth, &e), e);
	CHECK_INT(status_of(&o, "192.0.2.1", "bob:right"), 200); /* hashed again, since it was right before */
	close_office(&o);
}

TEST(guessing_from_everywhere_does_not_lock_out_the_owner)
{
	struct office o;

	write_users();
	open_office(&o, &basic);
	for (int i = 0; i < 3 * BUDGET_ACCOUNT_BURST; i++) {
		char peer[32], pair[32];

		(void)snprintf(peer, sizeof peer, "10.0.0.%d", i);
		(void)snprintf(pair, sizeof pair, "alice:guess%d", i);
		CHECK_INT(status_of(&o, peer, pair), 401);
	}
	for (int i = 0; i < BUDGET_GRACE; i++)
		CHECK_INT(status_of(&o, "10.0.0.1", "alice:guess"), 401);
	CHECK_INT(status_of(&o, "10.0.0.1", "alice:guess"), 429);
	CHECK_INT(status_of(&o, "198.51.100.1", "alice:right"), 200);
	close_office(&o);
}

TEST(one_password_over_many_users_ends_too)
{
	struct office o;

	write_users();
	open_office(&o, &basic);
	for (int i = 0; i < BUDGET_ADDRESS_BURST + 1; i++) {
		char pair[32];

		(void)snprintf(pair, sizeof pair, "user%d:summer", i);
		CHECK_INT(status_of(&o, "192.0.2.1", pair), i < BUDGET_ADDRESS_BURST ? 401 : 429);
	}
	close_office(&o);
}

TEST(guesses_that_came_together_are_counted_before_they_are_hashed)
{
	struct office o;
	int hashed = 0;

	write_users();
	open_office(&o, &basic);
	(void)ask_many(&o, 40, 1);
	await(&o, 40);
	for (int i = 0; i < 40; i++)
		hashed += o.answers[i].status == 401;
	CHECK(hashed >= BUDGET_ADDRESS_BURST && hashed < BUDGET_ADDRESS_BURST + AUTH_HASHING_MAX);
	close_office(&o);
}

TEST(requests_without_credentials_draw_no_budget)
{
	struct office o;

	write_users();
	open_office(&o, &basic);
	for (int i = 0; i < 100; i++) {
		CHECK(ask_header(&o, "192.0.2.1", NULL) == NULL);
		CHECK_INT(last(&o)->status, 401);
		CHECK(ask_header(&o, "192.0.2.1", "Basic !!!") == NULL);
		CHECK_INT(last(&o)->status, 401);
	}
	CHECK_INT(status_of(&o, "192.0.2.1", "alice:right"), 200);
	close_office(&o);
}

/* --- reading the files anew --- */

TEST(a_reload_forgets_what_was_right)
{
	_sbuf_ struct sbuf text = SBUF_INIT(1 << 16);
	struct error e;
	struct office o;

	write_users();
	open_office(&o, &basic);
	CHECK_INT(status_of(&o, "192.0.2.1", "alice:right"), 200);
	CHECK_INT(status_of(&o, "192.0.2.1", "bob:right"), 200);
	add_user(&text, "alice", "changed", "");
	write_file("users", sbuf_str(&text), 0600);
	CHECK_OK(auth_reload(o.auth, &e), e);
	CHECK_INT(status_of(&o, "192.0.2.1", "alice:right"), 401);
	CHECK_INT(status_of(&o, "192.0.2.1", "bob:right"), 401);
	CHECK_INT(status_of(&o, "192.0.2.1", "alice:changed"), 200);
	close_office(&o);
}

TEST(a_check_under_way_answers_by_the_new_file)
{
	_sbuf_ struct sbuf text = SBUF_INIT(1 << 16);
	struct error e;
	struct office o;

	write_users();
	open_office(&o, &basic);
	CHECK(ask(&o, "192.0.2.1", "alice:right") != NULL);
	CHECK(ask(&o, "192.0.2.2", "alice:changed") != NULL);
	CHECK(ask(&o, "192.0.2.3", "bob:right") != NULL);
	add_user(&text, "alice", "changed", "");
	write_file("users", sbuf_str(&text), 0600);
	CHECK_OK(auth_reload(o.auth, &e), e);
	await(&o, 3);
	for (int i = 0; i < 3; i++)
		CHECK_INT(o.answers[i].status, str_eq(o.answers[i].user, "alice") ? 200 : 401);
	CHECK_INT(status_of(&o, "192.0.2.1", "alice:right"), 401);
	CHECK_INT(status_of(&o, "192.0.2.1", "alice:changed"), 200);
	close_office(&o);
}

TEST(a_file_that_cannot_be_read_leaves_all_as_it_was)
{
	struct error e;
	struct office o;

	write_users();
	open_office(&o, &basic);
	CHECK_INT(status_of(&o, "192.0.2.1", "alice:right"), 200);
	write_file("users", "alice\n", 0600);
	CHECK(!auth_reload(o.auth, &e));
	CHECK_INT(e.code, ERR_CONFIG);
	CHECK(strstr(e.msg, "users:1:") != NULL);
	CHECK(ask(&o, "192.0.2.1", "alice:right") == NULL);
	CHECK_INT(last(&o)->status, 200);
	CHECK_INT(status_of(&o, "192.0.2.1", "bob:right"), 200);
	close_office(&o);
}

/* --- tokens --- */

static const struct auth_config token = { .type = "token", .tokens_file = "tokens" };

static void add_token(const char *owner, int64_t expires_wall_ms, char value[EDIT_TOKEN_BYTES])
{
	_sbuf_ struct sbuf line = SBUF_INIT(1 << 10);
	struct error e;

	CHECK_OK(edit_make_token(owner, "test", expires_wall_ms, value, &line, &e), e);
	CHECK_OK(edit_add_line("tokens", sbuf_str(&line), &e), e);
}

static void ask_token(struct office *o, const char *value)
{
	char header[256];

	(void)snprintf(header, sizeof header, "bearer %s", value);
	CHECK(ask_header(o, "192.0.2.1", header) == NULL);
}

TEST(a_token_speaks_for_its_owner_until_it_expires)
{
	char good[EDIT_TOKEN_BYTES], old[EDIT_TOKEN_BYTES];
	struct office o;

	add_token("airflow", clock_wall_ms() + MINUTE_MS, good);
	add_token("airflow", clock_wall_ms() - 1, old);
	open_office(&o, &token);
	ask_token(&o, good);
	CHECK_INT(last(&o)->status, 200);
	CHECK_STR(last(&o)->user, "airflow");
	CHECK_STR(last(&o)->method, "token");
	ask_token(&o, old);
	CHECK_INT(last(&o)->status, 401);
	CHECK_STR(last(&o)->challenge, "Bearer realm=\"florus\"");
	CHECK_STR(last(&o)->why, "token has expired");
	good[EDIT_TOKEN_BYTES - 2] ^= 1;
	ask_token(&o, good);
	CHECK_INT(last(&o)->status, 401);
	CHECK(ask(&o, "192.0.2.1", "airflow:x") == NULL);
	CHECK_INT(last(&o)->status, 401);
	close_office(&o);
}

TEST(a_token_taken_out_of_the_file_is_refused_after_a_reload)
{
	char value[EDIT_TOKEN_BYTES];
	struct error e;
	struct office o;

	add_token("airflow", clock_wall_ms() + MINUTE_MS, value);
	open_office(&o, &token);
	write_file("tokens", "", 0600);
	ask_token(&o, value);
	CHECK_INT(last(&o)->status, 200);
	CHECK_OK(auth_reload(o.auth, &e), e);
	ask_token(&o, value);
	CHECK_INT(last(&o)->status, 401);
	close_office(&o);
}

/* --- the proxy's header --- */

static const struct auth_config proxy = { .type = "proxy",
					  .proxy_header = "X-Forwarded-User",
					  .proxy_peers = "127.0.0.1 10.0.0.0/8, 2001:db8::/32" };

static const struct answer *ask_proxied(struct office *o, const char *peer, const char *user, int count)
{
	struct auth_request r = { .peer = peer, .proxy_user = user, .proxy_user_count = count };

	CHECK(auth_check(o->auth, &r, on_answer, o) == NULL);
	return last(o);
}

TEST(a_trusted_proxy_says_who_it_is)
{
	struct office o;

	open_office(&o, &proxy);
	CHECK_STR(auth_proxy_header(o.auth), "X-Forwarded-User");
	CHECK_STR(ask_proxied(&o, "10.255.0.1", "alice", 1)->user, "alice");
	CHECK_STR(last(&o)->method, "proxy");
	CHECK_STR(ask_proxied(&o, "::ffff:127.0.0.1", "bob", 1)->user, "bob");
	CHECK_STR(ask_proxied(&o, "2001:db8:1::2", "carol", 1)->user, "carol");
	close_office(&o);
}

TEST(the_header_of_anybody_else_is_ignored)
{
	struct office o;

	open_office(&o, &proxy);
	CHECK_INT(ask_proxied(&o, "127.0.0.2", "alice", 1)->status, 401);
	CHECK_INT(ask_proxied(&o, "2001:db9::1", "alice", 1)->status, 401);
	CHECK_INT(ask_proxied(&o, "192.0.2.1", "alice", 2)->status, 401);
	CHECK_INT(ask_proxied(&o, NULL, "alice", 1)->status, 401);
	CHECK_INT(last(&o)->challenge_count, 1);
	close_office(&o);
}

TEST(a_trusted_proxy_that_says_it_twice_or_badly_is_refused)
{
	struct office o;

	open_office(&o, &proxy);
	CHECK_INT(ask_proxied(&o, "127.0.0.1", "alice", 2)->status, 400);
	CHECK_INT(ask_proxied(&o, "127.0.0.1", "alice, bob", 1)->status, 400);
	CHECK_INT(ask_proxied(&o, "127.0.0.1", "*", 1)->status, 400);
	CHECK_INT(ask_proxied(&o, "127.0.0.1", "--conf", 1)->status, 400);
	CHECK_INT(ask_proxied(&o, "127.0.0.1", "", 1)->status, 401);
	close_office(&o);
}

/* --- several at once, and what may be configured --- */

TEST(several_methods_work_beside_each_other)
{
	struct auth_config c = basic;
	char value[EDIT_TOKEN_BYTES];
	struct office o;

	c.type = "basic, token,proxy";
	c.tokens_file = "tokens";
	c.proxy_header = "X-User";
	c.proxy_peers = "127.0.0.1";
	write_users();
	add_token("airflow", clock_wall_ms() + MINUTE_MS, value);
	open_office(&o, &c);
	ask_token(&o, value);
	CHECK_STR(last(&o)->user, "airflow");
	CHECK_STR(ask_proxied(&o, "127.0.0.1", "hue", 1)->user, "hue");
	CHECK_INT(status_of(&o, "127.0.0.1", "alice:right"), 200);
	CHECK_INT(ask_proxied(&o, "192.0.2.1", "hue", 1)->challenge_count, 2);
	close_office(&o);
}

static void check_refused(struct auth_config c, const char *part)
{
	struct loop *l = loop_new();
	struct auth *a = NULL;
	struct error e;

	CHECK(!auth_new(l, &c, &a, &e));
	CHECK_INT(e.code, ERR_CONFIG);
	if (!strstr(e.msg, part))
		t_fail(__FILE__, __LINE__, "\"%s\" does not say \"%s\"", e.msg, part);
	l = loop_free(l);
}

TEST(what_a_method_needs_is_asked_for)
{
	write_file("users", "", 0644);
	check_refused((struct auth_config){ 0 }, "livy.server.auth.type is empty");
	check_refused((struct auth_config){ .type = "basic,ntlm" }, "not ntlm");
	check_refused((struct auth_config){ .type = "basic" }, "florus.auth.users-file must be set");
	check_refused((struct auth_config){ .type = "basic", .users_file = "none" }, "none does not exist");
	check_refused((struct auth_config){ .type = "basic", .users_file = "users" }, "chmod o= users");
	check_refused((struct auth_config){ .type = "token" }, "florus.auth.tokens-file must be set");
	check_refused((struct auth_config){ .type = "proxy", .proxy_header = "X" },
		      "florus.auth.proxy-peers must name");
	check_refused((struct auth_config){ .type = "proxy", .proxy_header = "X: y", .proxy_peers = "::1" },
		      "header's name");
	check_refused((struct auth_config){ .type = "proxy", .proxy_header = "X", .proxy_peers = "10.0.0.0/33" },
		      "not 10.0.0.0/33");
	check_refused((struct auth_config){ .type = "ldap" }, "livy.server.auth.ldap.url is not set");
	check_refused((struct auth_config){ .type = "ldap", .ldap_url = "http://x" }, "not http://x");
	check_refused((struct auth_config){ .type = "ldap", .ldap_url = "ldaps://x", .ldap_start_tls = true },
		      "from the start");
}
