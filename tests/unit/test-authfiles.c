/* What auth/ stands on: files of users and tokens, hashes, addresses, the cache, the budgets. */
#include "auth/address.h"
#include "auth/budget.h"
#include "auth/cache.h"
#include "auth/edit.h"
#include "auth/hash.h"
#include "auth/secretfile.h"
#include "auth/tokens.h"
#include "auth/users.h"
#include "base/fdio.h"
#include "base/str.h"
#include "t.h"
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#define BCRYPT_OF_SECRET "$2b$04$abcdefghijklmnopqrstuu2r9OfJnfCsdneAXAGHnS4UpFFP8WIrW"

static void write_file(const char *name, const char *text, mode_t mode)
{
	struct error e;
	_close_ int fd = open(name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	CHECK(fd >= 0);
	CHECK_OK(fdio_write_all(fd, text, strlen(text), &e), e);
	CHECK(fchmod(fd, mode) == 0);
}

static struct mac *new_mac(void)
{
	struct mac *m;
	struct error e;

	CHECK_OK(mac_new(&m, &e), e);
	return m;
}

/* --- macs --- */

/* The table of the cache stands on it: one credential, one place, and nobody else's. */
TEST(a_quick_mac_is_of_its_bytes_and_its_key)
{
	struct mac *m = new_mac(), *other = new_mac();
	static const char *const texts[] = { "Basic YTpi", "Basic YTpj", "Basic YTp", "basic YTpi", "" };
	struct digest of[ARRAY_LEN(texts)], again, theirs;

	for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
		mac_quick(m, texts[i], strlen(texts[i]), &of[i]);
		for (size_t k = 0; k < i; k++)
			CHECK(!secret_equal(&of[i], &of[k]));
	}
	for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
		mac_quick(m, texts[i], strlen(texts[i]), &again);
		mac_quick(other, texts[i], strlen(texts[i]), &theirs);
		CHECK(secret_equal(&of[i], &again));
		CHECK(!secret_equal(&of[i], &theirs));
	}
	m = mac_free(m);
	other = mac_free(other);
}

/* --- hashes --- */

TEST(every_kind_of_hash_is_known)
{
	/* each kind's of "secret" */
	static const char *const hashes[] = {
		"$y$j75$saltsaltsalt$jyf/lxrpdyAIshWRo1x5DRC6KIE7sNRRtjcomR3PgHA",
		"$gy$j75$saltsaltsalt$Hr8NZO3YbGYYImkNKbG9HW7NVc2mSlRUKsEKqTUd2R4",
		"$7$06..../....saltsalt$UQ9xXLgrjGFywhuXUaLl3gOgTtWte3FdvsdgFufKT5C",
		"$2b$04$abcdefghijklmnopqrstuu2r9OfJnfCsdneAXAGHnS4UpFFP8WIrW",
		"$2a$04$abcdefghijklmnopqrstuu2r9OfJnfCsdneAXAGHnS4UpFFP8WIrW",
		"$2y$04$abcdefghijklmnopqrstuu2r9OfJnfCsdneAXAGHnS4UpFFP8WIrW",
		"$6$rounds=1000$saltsalt$LAV5VE5Y7w1d73x1mFNspYWUpazfmwv2SoepNXNKJ/otop/Zok96Hr8Q13LEv0DRY/x8v0/crpIjl8NJSAqXV/",
		"$6$saltsalt$TVLlQcbpFVof5W3Yz4DTP6gRstiNuHwwTt6GLc1E5n0U0aDehy0S5knV8wiOQSpT0Y77vwPZN.Pq.H91p5hVO1",
		"$5$saltsalt$0IyaXrmV7.sGNS6tirgqHLqX/G.FBvgkYA.lpPdS5sA",
	};
	struct error e;

	for (size_t i = 0; i < ARRAY_LEN(hashes); i++) {
		CHECK_OK(hash_check(hashes[i], &e), e);
		CHECK(hash_matches(hashes[i], "secret"));
		CHECK(!hash_matches(hashes[i], "Secret"));
		CHECK(!hash_matches(hashes[i], ""));
	}
}

TEST(weak_and_broken_hashes_are_refused)
{
	static const char *const hashes[] = {
		"",
		"*",
		"!",
		"x",
		"secret",
		"abJnggxhB/yWI",
		"$1$abc$5wG6iXmZ2GNAWxkwFMYfA0",
		"$apr1$abc$5wG6iXmZ2GNAWxkwFMYfA0",
		"$2b$04$abcdefghijklmnopqrstuu",
		"$6$abc",
		"$y$j9T$abc$short",
		"{SHA}fEqNCco3Yq9h5ZUglD3CZJT4lBs=",
		"$2b$04$abcdefghijklmnopqrst u7UpFFP8WIrWDAxbeYzMPFiSIqBq97EwWG",
	};
	struct error e;

	for (size_t i = 0; i < ARRAY_LEN(hashes); i++) {
		CHECK(!hash_check(hashes[i], &e));
		CHECK_INT(e.code, ERR_CONFIG);
	}
}

static void fill(char *to, size_t n, char with)
{
	memset(to, with, n);
	to[n] = '\0';
}

TEST(no_password_is_cut)
{
	static const size_t lengths[] = { 1, 72, 73, 511, 512, 1024 };
	char password[AUTH_PASSWORD_MAX + 1], hash[HASH_TEXT_MAX];
	struct error e;

	for (size_t i = 0; i < ARRAY_LEN(lengths); i++) {
		fill(password, lengths[i], 'p');
		CHECK_OK(hash_make(password, hash, &e), e);
		CHECK_OK(hash_check(hash, &e), e);
		CHECK(hash_matches(hash, password));
		password[lengths[i] - 1] = 'q';
		CHECK(!hash_matches(hash, password));
	}
}

TEST(bcrypt_matches_no_password_that_it_would_cut)
{
	/* of 72 times p */
	static const char hash[] = "$2b$04$abcdefghijklmnopqrstuuNt.0ah97gHY3F7JC1Z6EXmQc0bQBhIO";
	char password[AUTH_PASSWORD_MAX + 1];

	fill(password, 72, 'p');
	CHECK(hash_matches(hash, password));
	fill(password, 73, 'p');
	CHECK(!hash_matches(hash, password));
}

/* --- the users file --- */

static void check_users_refused(const char *text, const char *part)
{
	struct users *u = NULL;
	struct error e;

	write_file("users", text, 0600);
	CHECK(!users_load("users", &u, &e));
	CHECK_INT(e.code, ERR_CONFIG);
	if (!strstr(e.msg, part))
		t_fail(__FILE__, __LINE__, "\"%s\" does not say \"%s\"", e.msg, part);
	CHECK(!strstr(e.msg, "UpFFP8WIrW"));
}

TEST(a_bad_line_is_named_without_its_hash)
{
	check_users_refused("alice\n", "users:1: expected user:hash");
	check_users_refused("# x\n\nalice:x\n", "users:3: user alice: expected a hash");
	check_users_refused(":" BCRYPT_OF_SECRET "\n", "users:1: a user's name");
	check_users_refused("a b:" BCRYPT_OF_SECRET "\n", "users:1: a user's name");
	check_users_refused("*:" BCRYPT_OF_SECRET "\n", "users:1: a user's name");
	check_users_refused("alice:" BCRYPT_OF_SECRET "x\n", "users:1: user alice: the $2b$ hash is not whole");
	check_users_refused("alice:" BCRYPT_OF_SECRET ":off\n", "users:1: expected nothing or 'disabled'");
	check_users_refused("alice:" BCRYPT_OF_SECRET ":\n", "users:1: expected nothing or 'disabled'");
	check_users_refused("alice:" BCRYPT_OF_SECRET "\nbob:" BCRYPT_OF_SECRET "\nalice:" BCRYPT_OF_SECRET "\n",
			    "users:3: user alice has a line already");
}

TEST(every_name_has_a_hash_to_be_checked_against)
{
	struct mac *m = new_mac();
	const char *hash = NULL, *again = NULL;
	struct users *u;
	struct error e;

	write_file("users", "alice:" BCRYPT_OF_SECRET "\r\ncarol:" BCRYPT_OF_SECRET ":disabled", 0640);
	CHECK_OK(users_load("users", &u, &e), e);
	CHECK_INT(users_count(u), 2);
	CHECK_INT(users_find(u, m, "alice", &hash), USERS_ENABLED);
	CHECK_STR(hash, BCRYPT_OF_SECRET);
	CHECK_INT(users_find(u, m, "carol", &hash), USERS_DISABLED);
	CHECK_STR(hash, BCRYPT_OF_SECRET);
	CHECK_INT(users_find(u, m, "nobody", &hash), USERS_UNKNOWN);
	CHECK_STR(hash, BCRYPT_OF_SECRET);
	CHECK_INT(users_find(u, m, "nobody", &again), USERS_UNKNOWN);
	CHECK(hash == again);
	u = users_free(u);

	write_file("users", "# nobody yet\n", 0600);
	CHECK_OK(users_load("users", &u, &e), e);
	CHECK_INT(users_find(u, m, "alice", &hash), USERS_UNKNOWN);
	CHECK_OK(hash_check(hash, &e), e);
	u = users_free(u);
	m = mac_free(m);
}

static void check_mode_refused(mode_t mode, const char *part)
{
	_sbuf_ struct sbuf text = SBUF_INIT(SECRETFILE_BYTES_MAX);
	struct error e;

	write_file("f", "x\n", mode);
	CHECK(!secretfile_read("f", &text, &e));
	CHECK_INT(e.code, ERR_CONFIG);
	CHECK(strstr(e.msg, part) != NULL);
}

TEST(a_file_that_others_may_read_or_change_is_refused)
{
	check_mode_refused(0644, "open to other users (mode 0644); chmod o= f");
	check_mode_refused(0601, "open to other users (mode 0601)");
	check_mode_refused(0660, "changed by its group (mode 0660); chmod g-w f");
}

TEST(a_pipe_and_a_directory_are_no_files)
{
	_sbuf_ struct sbuf text = SBUF_INIT(SECRETFILE_BYTES_MAX);
	struct error e;

	CHECK(mkfifo("pipe", 0600) == 0 && mkdir("dir", 0700) == 0);
	CHECK(!secretfile_read("pipe", &text, &e));
	CHECK_STR(e.msg, "pipe is not a plain file");
	CHECK(!secretfile_read("dir", &text, &e));
	CHECK_STR(e.msg, "dir is not a plain file");
}

/* --- editing --- */

static char *read_text(const char *name)
{
	_sbuf_ struct sbuf text = SBUF_INIT(1 << 20);
	struct error e;

	CHECK_OK(fdio_read_file(AT_FDCWD, name, &text, &e), e);
	return sbuf_take(&text);
}

static bool set_password(const char *user, const char *password)
{
	bool is_new = false;
	struct error e;

	CHECK_OK(edit_set_password("users", user, password, &is_new, &e), e);
	return is_new;
}

static enum users_known try_password(const char *user, const char *password, bool *ret_right)
{
	struct mac *m = new_mac();
	const char *hash = NULL;
	struct users *u;
	struct error e;

	CHECK_OK(users_load("users", &u, &e), e);
	enum users_known known = users_find(u, m, user, &hash);
	*ret_right = hash_matches(hash, password);
	u = users_free(u);
	m = mac_free(m);
	return known;
}

TEST(a_password_is_set_and_changed)
{
	struct stat st;
	bool right;

	CHECK(set_password("alice", "first"));
	CHECK(stat("users", &st) == 0 && (st.st_mode & 07777) == 0600);
	CHECK(set_password("bob", "other"));
	CHECK(!set_password("alice", "second"));
	CHECK_INT(try_password("alice", "second", &right), USERS_ENABLED);
	CHECK(right);
	CHECK_INT(try_password("alice", "first", &right), USERS_ENABLED);
	CHECK(!right);
	CHECK_INT(try_password("bob", "other", &right), USERS_ENABLED);
	CHECK(right);
}

TEST(setting_a_password_leaves_the_rest_of_the_file_alone)
{
	struct stat st;
	bool right;

	write_file("real", "# staff\nal:" BCRYPT_OF_SECRET "\n\nalice:" BCRYPT_OF_SECRET ":disabled\n# end", 0640);
	CHECK(symlink("real", "users") == 0);
	CHECK(!set_password("alice", "new"));

	_free_ char *text = read_text("real");
	CHECK(str_starts(text, "# staff\nal:" BCRYPT_OF_SECRET "\n\nalice:$y$"));
	CHECK(str_ends(text, ":disabled\n# end\n"));
	CHECK(lstat("users", &st) == 0 && S_ISLNK(st.st_mode));
	CHECK(stat("real", &st) == 0 && (st.st_mode & 07777) == 0640);
	CHECK_INT(try_password("alice", "new", &right), USERS_DISABLED);
	CHECK(right);
}

TEST(what_could_not_be_sent_is_not_set)
{
	static const char *const pairs[][2] = { { "a:b", "x" }, { "", "x" },          { "-a", "x" },  { "#a", "x" },
						{ "a", "" },    { "a", "tab\there" }, { "a", "\xff" } };
	struct error e;
	bool is_new;

	for (size_t i = 0; i < ARRAY_LEN(pairs); i++) {
		CHECK(!edit_set_password("users", pairs[i][0], pairs[i][1], &is_new, &e));
		CHECK_INT(e.code, ERR_INVALID);
	}
	CHECK(access("users", F_OK) != 0);
}

/* --- the tokens file --- */

#define DIGEST_OF_X "2d711642b726b04401627ca9fbac32f5c8530fb1903cc4db02258717921a4881" /* of "x" */

static void check_tokens_refused(const char *text, const char *part)
{
	struct mac *m = new_mac();
	struct tokens *t = NULL;
	struct error e;

	write_file("tokens", text, 0600);
	CHECK(!tokens_load("tokens", m, &t, &e));
	CHECK_INT(e.code, ERR_CONFIG);
	if (!strstr(e.msg, part))
		t_fail(__FILE__, __LINE__, "\"%s\" does not say \"%s\"", e.msg, part);
	m = mac_free(m);
}

TEST(a_bad_line_of_a_token_is_named)
{
	check_tokens_refused("x\n", "tokens:1: expected a token's SHA-256");
	check_tokens_refused("#\nabc alice 2027-01-01T00:00:00Z\n", "tokens:2: the token's SHA-256 is not 64");
	check_tokens_refused(DIGEST_OF_X " * 2027-01-01T00:00:00Z\n", "tokens:1: the owner");
	check_tokens_refused(DIGEST_OF_X " alice tomorrow\n", "tokens:1: expected a time");
	check_tokens_refused(DIGEST_OF_X " alice 2027-01-01T00:00:00Z a b\n", "tokens:1: expected a token's SHA-256");
	check_tokens_refused(DIGEST_OF_X " alice 2027-01-01T00:00:00Z\n" DIGEST_OF_X " bob 2027-01-01T00:00:00Z\n",
			     "stands there twice");
}

TEST(a_token_has_an_owner_until_its_second)
{
	struct mac *m = new_mac();
	struct tokens *t;
	struct error e;
	bool expired;

	write_file("tokens", DIGEST_OF_X " alice 1970-01-01T00:00:10Z ci\n", 0600);
	CHECK_OK(tokens_load("tokens", m, &t, &e), e);
	CHECK_INT(tokens_count(t), 1);
	CHECK_STR(tokens_owner(t, m, "x", 9999, &expired), "alice");
	CHECK(tokens_owner(t, m, "x", 10000, &expired) == NULL && expired);
	CHECK(tokens_owner(t, m, "y", 0, &expired) == NULL && !expired);
	t = tokens_free(t);
	m = mac_free(m);
}

TEST(a_thousand_tokens_are_told_apart)
{
	_sbuf_ struct sbuf text = SBUF_INIT(SECRETFILE_BYTES_MAX);
	char values[1000][EDIT_TOKEN_BYTES], owner[16];
	struct mac *m = new_mac();
	struct tokens *t;
	struct error e;
	bool expired;

	for (int i = 0; i < 1000; i++) {
		(void)snprintf(owner, sizeof owner, "user%d", i);
		CHECK_OK(edit_make_token(owner, NULL, 1000, values[i], &text, &e), e);
		sbuf_addc(&text, '\n');
		CHECK(!strstr(text.data, values[i]));
	}
	write_file("tokens", text.data, 0600);
	CHECK_OK(tokens_load("tokens", m, &t, &e), e);
	for (int i = 0; i < 1000; i++) {
		(void)snprintf(owner, sizeof owner, "user%d", i);
		CHECK_STR(tokens_owner(t, m, values[i], 0, &expired), owner);
	}
	t = tokens_free(t);
	m = mac_free(m);
}

TEST(times_are_read_with_their_zone)
{
	static const char *const bad[] = { "",
					   "2027-01-01",
					   "2027-01-01 00:00:00Z",
					   "2027-01-01T00:00:00",
					   "2027-02-29T00:00:00Z",
					   "2027-13-01T00:00:00Z",
					   "2027-01-01T24:00:00Z",
					   "2027-01-01T00:00:00.Z",
					   "2027-01-01T00:00:00+1:00",
					   "2027-01-01T00:00:00Zx",
					   "x027-01-01T00:00:00Z" };
	int64_t ms = -1;

	CHECK(tokens_parse_time("1970-01-01T00:00:00Z", &ms));
	CHECK_INT(ms, 0);
	CHECK(tokens_parse_time("2026-11-24T22:31:43.123Z", &ms));
	CHECK_INT(ms, 1795559503000);
	CHECK(tokens_parse_time("2026-11-24T23:31:43+01:00", &ms));
	CHECK_INT(ms, 1795559503000);
	CHECK(tokens_parse_time("2026-11-24T20:01:43-02:30", &ms));
	CHECK_INT(ms, 1795559503000);
	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		CHECK(!tokens_parse_time(bad[i], &ms));
	CHECK_INT(ms, 1795559503000);
}

/* --- addresses --- */

static bool contains(const char *nets, const char *address)
{
	struct nets n;
	struct address a;
	struct error e;

	CHECK_OK(nets_parse(nets, &n, &e), e);
	CHECK(address_parse(address, &a));
	return nets_contain(&n, &a);
}

TEST(networks_contain_what_has_their_prefix)
{
	CHECK(contains("10.0.0.0/8", "10.255.1.2"));
	CHECK(!contains("10.0.0.0/8", "11.0.0.0"));
	CHECK(contains("192.0.2.128/25", "192.0.2.129"));
	CHECK(!contains("192.0.2.128/25", "192.0.2.127"));
	CHECK(contains("192.0.2.1", "::ffff:192.0.2.1"));
	CHECK(contains("::ffff:192.0.2.0/120", "192.0.2.7"));
	CHECK(contains("0.0.0.0/0", "8.8.8.8"));
	CHECK(!contains("0.0.0.0/0", "2001:db8::1"));
	CHECK(contains("::/0", "8.8.8.8"));
	CHECK(contains("fe80::/10, ::1", "fe80::1%eth0"));
	CHECK(contains(" fe80::/10,,::1 ", "::1"));
	CHECK(!contains("", "::1"));
}

TEST(what_is_no_network_is_refused)
{
	static const char *const bad[] = { "localhost",    "10.0.0.0/33",
					   "10.0.0/8",     "::1/129",
					   "10.0.0.1/",    "10.0.0.1/-1",
					   "/8",           "10.0.0.1 x",
					   "fe80::1%eth0", "1:2:3:4:5:6:7:8:9:10:11:12:13:14:15:16:17:18:19:20" };
	struct nets n;
	struct error e;

	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		CHECK(!nets_parse(bad[i], &n, &e));
		CHECK_INT(e.code, ERR_CONFIG);
	}
}

TEST(a_budget_is_an_ipv4_address_or_a_64)
{
	struct address a, b;

	address_budget_key("192.0.2.1", &a);
	address_budget_key("::ffff:192.0.2.1", &b);
	CHECK(memcmp(&a, &b, sizeof a) == 0);
	address_budget_key("192.0.2.2", &b);
	CHECK(memcmp(&a, &b, sizeof a) != 0);
	address_budget_key("2001:db8::1", &a);
	address_budget_key("2001:db8::ffff:1", &b);
	CHECK(memcmp(&a, &b, sizeof a) == 0);
	address_budget_key("2001:db8:0:1::1", &b);
	CHECK(memcmp(&a, &b, sizeof a) != 0);
}

/* --- the cache --- */

static struct digest digest_of(unsigned n)
{
	struct digest d;

	secret_sha256(&n, sizeof n, &d);
	return d;
}

TEST(the_cache_answers_for_a_while_and_knows_for_longer)
{
	struct cache *c = cache_new();
	struct digest d = digest_of(1);
	const char *user = NULL, *method = NULL;

	CHECK_INT(cache_get(c, &d, 0, &user, &method), CACHE_ABSENT);
	cache_put(c, &d, "alice", "basic", 1000, 0);
	CHECK_INT(cache_get(c, &d, 999, &user, &method), CACHE_FRESH);
	CHECK_STR(user, "alice");
	CHECK_STR(method, "basic");
	CHECK_INT(cache_get(c, &d, 1000, &user, &method), CACHE_KNOWN);
	CHECK_INT(cache_get(c, &d, CACHE_KNOWN_MS, &user, &method), CACHE_ABSENT);
	cache_put(c, &d, "alice", "ldap", 1000, 5000);
	CHECK_INT(cache_get(c, &d, 5999, &user, &method), CACHE_FRESH);
	cache_stale(c);
	CHECK_INT(cache_get(c, &d, 5999, &user, &method), CACHE_KNOWN);
	cache_drop(c, &d);
	CHECK_INT(cache_get(c, &d, 5999, &user, &method), CACHE_ABSENT);
	c = cache_free(c);
}

TEST(a_full_cache_forgets_the_oldest)
{
	enum { MANY = 4 * AUTH_CACHE_MAX, LATE = AUTH_CACHE_MAX / 8 };
	struct cache *c = cache_new();
	const char *user, *method;
	unsigned kept = 0, late = 0;

	for (unsigned i = 0; i < MANY; i++) {
		struct digest d = digest_of(i);

		cache_put(c, &d, "alice", "basic", MANY, i);
	}
	for (unsigned i = 0; i < MANY; i++) {
		struct digest d = digest_of(i);
		bool found = cache_get(c, &d, MANY, &user, &method) == CACHE_FRESH;

		kept += found;
		late += found && i >= MANY - LATE;
	}
	CHECK(kept > AUTH_CACHE_MAX / 2 && kept <= AUTH_CACHE_MAX);
	CHECK_INT(late, LATE); /* whatever the digests: eight of one set in so few would be a bad hash */
	c = cache_free(c);
}

/* --- budgets --- */

static struct budget_keys keys_of(unsigned address, unsigned account)
{
	return (struct budget_keys){ digest_of(address), digest_of(1000000 + account) };
}

TEST(a_budget_refills_with_time)
{
	struct budget *b = budget_new();
	struct budget_keys k = keys_of(1, 1);

	for (int i = 0; i < BUDGET_ADDRESS_BURST; i++) {
		CHECK_INT(budget_wait_ms(b, &k, 5), 0);
		budget_draw(b, &k, 5);
	}
	CHECK_INT(budget_wait_ms(b, &k, 5), BUDGET_ADDRESS_REFILL_MS);
	CHECK_INT(budget_wait_ms(b, &k, 5 + BUDGET_ADDRESS_REFILL_MS - 1), 1);
	CHECK_INT(budget_wait_ms(b, &k, 5 + BUDGET_ADDRESS_REFILL_MS), 0);
	budget_draw(b, &k, 5 + BUDGET_ADDRESS_REFILL_MS);
	CHECK(budget_wait_ms(b, &k, 5 + BUDGET_ADDRESS_REFILL_MS) > 0);
	b = budget_free(b);
}

TEST(an_empty_account_only_concerns_addresses_that_failed)
{
	struct budget *b = budget_new();
	struct budget_keys guesser = keys_of(1, 1), owner = keys_of(2, 1);

	for (unsigned i = 0; i < 100; i++) {
		struct budget_keys k = keys_of(100 + i, 1);

		budget_draw(b, &k, 0);
	}
	for (int i = 0; i <= BUDGET_GRACE; i++) {
		CHECK_INT(budget_wait_ms(b, &guesser, 0), 0);
		budget_draw(b, &guesser, 0);
	}
	CHECK_INT(budget_wait_ms(b, &guesser, 0), BUDGET_ACCOUNT_REFILL_MS); /* however many have failed */
	CHECK_INT(budget_wait_ms(b, &owner, 0), 0);
	b = budget_free(b);
}

TEST(a_full_table_drops_those_that_lack_least)
{
	struct budget *b = budget_new();
	struct budget_keys guesser = keys_of(1, 1);

	for (int i = 0; i < BUDGET_ADDRESS_BURST; i++)
		budget_draw(b, &guesser, 0);
	for (unsigned i = 0; i < 10 * BUDGET_TABLE_MAX; i++) {
		struct budget_keys k = keys_of(100 + i, 100 + i);

		budget_draw(b, &k, 0);
	}
	CHECK(budget_wait_ms(b, &guesser, 0) > 0);
	b = budget_free(b);
}
