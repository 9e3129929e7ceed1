/* What WebHDFS is asked, how its answers are read, and which name node is asked when one does not answer. */
#include "base/base64.h"
#include "callworld.h"
#include "cluster/hadoop/hdfs-read.h"
#include "cluster/hadoop/hdfs-token.h"
#include "cluster/hadoop/hdfs.h"
#include <string.h>

enum { ARENA = 1 << 20 };

/* --- text --- */

TEST(a_path_is_absolute_and_leads_nowhere_else)
{
	static const char *const good[] = { "/", "/a", "/a b/\xc3\xbc#?%", "/..a/b../...", "/.hidden" };
	static const char *const bad[] = { "",       "a",   "//",      "/a//b", "/a/",  "/.",
					   "/a/./b", "/..", "/a/../b", "/a/..", "/\xff" };
	_sbuf_ struct sbuf longest = SBUF_INIT(HDFS_PATH_MAX + 2);
	struct error e;

	for (size_t i = 0; i < ARRAY_LEN(good); i++)
		CHECK_OK(hdfs_path_check(good[i], &e), e);
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		CHECK(!hdfs_path_check(bad[i], &e));
		CHECK_INT(e.code, ERR_INVALID);
	}
	sbuf_addc(&longest, '/');
	while (longest.len < HDFS_PATH_MAX)
		sbuf_addc(&longest, 'x');
	CHECK_OK(hdfs_path_check(sbuf_str(&longest), &e), e);
	sbuf_addc(&longest, 'x');
	CHECK(!hdfs_path_check(sbuf_str(&longest), &e));
}

TEST(what_is_asked_is_encoded)
{
	_sbuf_ struct sbuf to = SBUF_INIT(1024);

	hdfs_target(&to, "/a b/\xc3\xbc#?%&+~", "MKDIRS", "&permission=700", "a&b", "c/d=");
	CHECK_STR(sbuf_str(&to),
		  "/webhdfs/v1/a%20b/%C3%BC%23%3F%25%26%2B~?op=MKDIRS&permission=700&user.name=a%26b&doas=c%2Fd%3D");
	sbuf_clear(&to);
	hdfs_target(&to, "/", "GETHOMEDIRECTORY", "", NULL, NULL);
	CHECK_STR(sbuf_str(&to), "/webhdfs/v1/?op=GETHOMEDIRECTORY");
	sbuf_clear(&to);
	hdfs_mend(&to, "http://dn:1/webhdfs/v1/%C3%BC\xc3\xbc \"?a=[1]&b=%25\n");
	CHECK_STR(sbuf_str(&to), "http://dn:1/webhdfs/v1/%C3%BC%C3%BC%20%22?a=[1]&b=%25%0A");
}

static const struct jr *read_json(struct arena *a, const char *text)
{
	const struct jr *ret;
	struct error e;

	CHECK_OK(jr_parse_answer(a, text, strlen(text), &ret, &e), e);
	return ret;
}

TEST(a_status_is_read_whole_or_not_at_all)
{
	_arena_ struct arena *a = arena_new(ARENA);
	static const char *const bad[] = {
		"[]",
		"{}",
		"{\"FileStatus\":null}",
		"{\"FileStatus\":{\"type\":\"FILE\",\"length\":1,\"modificationTime\":2,\"permission\":\"644\",\"owner\":\"o\"}}",
		"{\"FileStatus\":{\"type\":\"FILE\",\"length\":1,\"permission\":\"644\",\"owner\":\"o\",\"group\":\"g\"}}",
		"{\"FileStatus\":{\"type\":\"LINK\",\"length\":1,\"modificationTime\":2,\"permission\":\"644\",\"owner\":\"o\",\"group\":\"g\"}}",
		"{\"FileStatus\":{\"type\":\"FILE\",\"length\":1,\"modificationTime\":2,\"permission\":\"8\",\"owner\":\"o\",\"group\":\"g\"}}",
		"{\"FileStatus\":{\"type\":\"FILE\",\"length\":-1,\"modificationTime\":2,\"permission\":\"0\",\"owner\":\"o\",\"group\":\"g\"}}",
	};
	struct hdfs_status s;

	CHECK(hdfs_read_status(
		read_json(
			a,
			"{\"FileStatus\":{\"type\":\"FILE\",\"length\":9223372036854775807,"
			"\"modificationTime\":1764000001234,\"permission\":\"1644\",\"owner\":\"o\",\"group\":\"\"}}"),
		&s));
	CHECK_INT(s.length, INT64_MAX);
	CHECK_INT(s.modified_ms, 1764000001234);
	CHECK_INT(s.mode, 01644);
	CHECK(!s.dir);
	CHECK_STR(s.owner, "o");
	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		CHECK(!hdfs_read_status(read_json(a, bad[i]), &s));
}

TEST(a_refusal_is_told_from_what_is_not_from_hdfs)
{
	_arena_ struct arena *a = arena_new(ARENA);
	_sbuf_ struct sbuf text = SBUF_INIT(8192);
	struct hdfs_refusal r;
	bool yes;

	sbuf_adds(&text, "{\"RemoteException\":{\"exception\":\"NSQuotaExceededException\",\"message\":\"");
	while (text.len < 4096)
		sbuf_addc(&text, 'm');
	sbuf_adds(&text, "\"}}");
	CHECK(hdfs_read_refusal(a, read_json(a, sbuf_str(&text)), &r));
	CHECK_INT(r.code, ERR_NO_SPACE);
	CHECK_INT(strlen(r.message), 300);
	CHECK(hdfs_read_refusal(a, read_json(a, "{\"RemoteException\":{\"exception\":\"New\"}}"), &r));
	CHECK_STR(r.message, "New");
	CHECK_INT(r.code, ERR_UNAVAILABLE);
	CHECK(!r.elsewhere);
	CHECK(!hdfs_read_refusal(a, read_json(a, "{\"RemoteException\":{}}"), &r));
	CHECK(!hdfs_read_refusal(a, read_json(a, "{\"RemoteException\":\"x\"}"), &r));
	CHECK(!hdfs_read_refusal(a, read_json(a, "[1]"), &r));
	CHECK(hdfs_read_yes(read_json(a, "{\"boolean\":false}"), &yes) && !yes);
	CHECK(!hdfs_read_yes(read_json(a, "{\"boolean\":\"true\"}"), &yes));
}

/* As name nodes of Hadoop 3.4.1 wrote them: for ourselves, for bob at several name nodes, and one for WebHDFS alone. */
static const char own_token[] =
	"GwAFYWxpY2UCcm0AigGiJ-P0dIoBokvweHQBAhRFA5e_1EQYaNR6iuNGLIFn8kbfKBVIREZTX0RFTEVHQVRJT05"
	"fVE9LRU4PMTI3LjAuMC4xOjU3NDAx";
static const char others_token[] =
	"GQADYm9iAnJtAIoBoifj9WOKAaJL8HljAgIU8Mtb86Eas5F34jjLd92gl-54ILgVSERGU19ERUxFR0FUSU9OX1RPS0VOCmhhLWhkZnM6bnM";
static const char webhdfs_token[] =
	"GwAFYWxpY2UCcm0AigGiJ-P2gYoBokvweoEDAhQ6NBF20SAhvxJXN7tMsdJAIP2_GxJXRUJIREZTIGRlbGVnYX"
	"Rpb24PMTI3LjAuMC4xOjU3NDAx";

static void check_token(const char *text, const char *owner, const char *kind, const char *service)
{
	struct hdfs_token token;

	CHECK(hdfs_token_read(text, &token));
	CHECK_STR(token.owner, owner);
	CHECK_STR(token.kind, kind);
	CHECK_STR(token.service, service);
}

TEST(a_token_says_whose_and_what_it_is)
{
	check_token(own_token, "alice", HDFS_TOKEN_KIND, "127.0.0.1:57401");
	check_token(others_token, "bob", HDFS_TOKEN_KIND, "ha-hdfs:ns");
	check_token(webhdfs_token, "", "WEBHDFS delegation", "127.0.0.1:57401");
}

TEST(what_is_no_whole_token_is_none)
{
	/* lengths over the end, negative, of more bytes than a length has; what is no text; more behind it */
	static const char *const lies[] = { "",    "AA",      "fw",      "gA",      "jwA", "i_____8",
					    "j38", "AAABAAA", "AAAB_wA", "AAAAAAA", "!" };
	char cut[sizeof own_token];
	struct hdfs_token token;

	for (size_t n = 0; n + 1 < sizeof own_token; n++) {
		memcpy(cut, own_token, n);
		cut[n] = '\0';
		CHECK(!hdfs_token_read(cut, &token));
	}
	for (size_t i = 0; i < ARRAY_LEN(lies); i++)
		CHECK(!hdfs_token_read(lies[i], &token));
}

TEST(a_token_of_long_parts_is_read_and_one_of_too_long_is_not)
{
	_sbuf_ struct sbuf raw = SBUF_INIT(HDFS_TOKEN_MAX), text = SBUF_INIT(2 * HDFS_TOKEN_MAX);
	struct hdfs_token token;

	sbuf_add(&raw, "\x8f\xc8", 2); /* one byte of length: 200 */
	for (int i = 0; i < 200; i++)
		sbuf_addc(&raw, 'i');
	sbuf_add(&raw, "\0\1k\1s", 5);
	base64_encode(sbuf_str(&raw), raw.len, &text);
	CHECK(hdfs_token_read(sbuf_str(&text), &token));
	CHECK_STR(token.kind, "k");
	CHECK_STR(token.service, "s");
	for (int i = 0; i < HDFS_TOKEN_MAX; i++)
		sbuf_addc(&text, 'A');
	CHECK(!hdfs_token_read(sbuf_str(&text), &token));
}

/* --- name nodes --- */

struct client {
	struct world w;
	struct hdfs *h;
	bool free_inside;
	int times;
	enum error_code code;
	char msg[512];
	bool yes;
};

/* nodes: "lose", "hdfs/yes", …, separated by blanks. */
static void open_client(struct client *c, const char *nodes, const char *password)
{
	_sbuf_ struct sbuf urls = SBUF_INIT(4096);
	struct error e;

	*c = (struct client){ 0 };
	open_world(&c->w, NULL);
	for (const char *s = nodes; *s; s += strspn(s, " ")) {
		size_t n = strcspn(s, " ");

		sbuf_addf(&urls, "%s/%.*s/%d", at(&c->w, "http", ""), (int)n, s, port_of(&c->w, "other"));
		sbuf_addc(&urls, ',');
		s += n;
	}
	struct http_calls_options http = {
		.loop = c->w.loop, .user_agent = "test", .user = password ? "u" : NULL, .password = password
	};
	CHECK_OK(hdfs_new(&(struct hdfs_options){ .urls = sbuf_str(&urls), .user = "me", .http = &http }, &c->h, &e),
		 e);
}

static void close_client(struct client *c)
{
	c->h = hdfs_free(c->h);
	close_world(&c->w);
}

static void on_answer(void *arg, const struct hdfs_answer *a)
{
	struct client *c = arg;

	c->times++;
	c->code = a->error.code;
	c->yes = a->yes;
	(void)snprintf(c->msg, sizeof c->msg, "%s", a->error.code ? a->error.msg : "");
	if (c->free_inside)
		c->h = hdfs_free(c->h);
	loop_stop(c->w.loop);
}

static void wait_for(struct client *c)
{
	c->times = 0;
	loop_run(c->w.loop);
	CHECK_INT(c->times, 1);
}

static void check_words(const struct client *c, enum error_code code, const char *words)
{
	CHECK_INT(c->code, code);
	if (!strstr(c->msg, words))
		CHECK_STR(c->msg, words);
}

static int requests(struct client *c)
{
	_end_ struct end end = END_INIT;
	int64_t n;

	start(&c->w);
	get(&end, &c->w, at(&c->w, "http", "/seen"));
	c->w.calls = http_calls_free(c->w.calls);
	char *from = strstr(end.body, "requests=") + strlen("requests=");
	from[strcspn(from, " ")] = '\0';
	CHECK(str_to_i64(from, &n));
	return (int)n;
}

TEST(the_next_name_node_is_asked_and_who_answered_is_remembered)
{
	struct client c;

	open_client(&c, "hdfs/StandbyException hdfs/SafeModeException lose status/503 hdfs/yes", NULL);
	(void)hdfs_mkdirs(c.h, "/a", 0700, NULL, on_answer, &c);
	wait_for(&c);
	CHECK(c.yes && c.code == ERR_NONE);
	CHECK_INT(requests(&c), 5 + 1);
	(void)hdfs_remove(c.h, "/a", true, NULL, on_answer, &c);
	wait_for(&c);
	CHECK(c.yes);
	CHECK_INT(requests(&c), 5 + 1 + 1 + 1);
	close_client(&c);
}

TEST(each_name_node_is_asked_once)
{
	struct client c;

	open_client(&c, "hdfs/StandbyException status/503 lose", NULL);
	(void)hdfs_mkdirs(c.h, "/a", 0700, NULL, on_answer, &c);
	wait_for(&c);
	check_words(&c, ERR_UNAVAILABLE, "HDFS: making the directory /a: no answer from");
	CHECK_INT(requests(&c), 3 + 1);
	close_client(&c);
}

TEST(a_rename_that_may_have_happened_is_not_repeated)
{
	struct client c;

	open_client(&c, "hdfs/StandbyException lose hdfs/yes", NULL);
	(void)hdfs_rename(c.h, "/a", "/b", NULL, on_answer, &c);
	wait_for(&c);
	CHECK_INT(c.code, ERR_UNAVAILABLE);
	CHECK_INT(requests(&c), 2 + 1);
	close_client(&c);
}

TEST(what_is_not_webhdfs_is_no_answer)
{
	static const char *const liars[] = { "ok", "status/404", "garbage", "cut", "huge", "hdfs/yes" };

	for (size_t i = 0; i < ARRAY_LEN(liars); i++) {
		struct client c;

		open_client(&c, liars[i], NULL);
		(void)hdfs_stat(c.h, "/a", NULL, on_answer, &c);
		wait_for(&c);
		CHECK(c.code == ERR_UNAVAILABLE || c.code == ERR_TOO_LARGE);
		CHECK(!c.yes);
		close_client(&c);
	}
}

TEST(what_is_absent_is_an_answer_to_stat_alone)
{
	struct client c;

	open_client(&c, "hdfs/absent", NULL);
	(void)hdfs_stat(c.h, "/a", NULL, on_answer, &c);
	wait_for(&c);
	CHECK(c.code == ERR_NONE && !c.yes);
	(void)hdfs_mkdirs(c.h, "/a", 0700, NULL, on_answer, &c);
	wait_for(&c);
	check_words(&c, ERR_NOT_FOUND, "File does not exist");
	close_client(&c);
}

TEST(bytes_go_where_the_name_node_says_and_no_password_with_them)
{
	static const char *const nodes[] = { "hdfs/take", "hdfs/redirect" };

	for (size_t i = 0; i < ARRAY_LEN(nodes); i++) {
		struct client c;

		open_client(&c, nodes[i], "secret");
		(void)hdfs_put(c.h, &(struct hdfs_put){ .path = "/a", .mode = 0640, .bytes = "hello", .len = 5 }, "you",
			       on_answer, &c);
		wait_for(&c);
		check_words(&c, ERR_FORBIDDEN, "HDFS: writing /a: PUT /hdfs/say/0/%C3%BC?op=CREATE nobody 'hello'");
		CHECK(!strstr(c.msg, "java"));
		close_client(&c);
	}
}

TEST(a_name_node_gets_the_users_and_the_password)
{
	struct client c;

	open_client(&c, "hdfs/say", "secret");
	(void)hdfs_put(c.h, &(struct hdfs_put){ .path = "/a", .mode = 0640, .bytes = "hello", .len = 5 }, "you",
		       on_answer, &c);
	wait_for(&c);
	check_words(
		&c, ERR_FORBIDDEN,
		"/webhdfs/v1/a?op=CREATE&overwrite=true&noredirect=true&permission=640&user.name=me&doas=you Basic dTpzZWNyZXQ= ''");
	(void)hdfs_stat(c.h, "/a", "me", on_answer, &c);
	wait_for(&c);
	check_words(&c, ERR_FORBIDDEN, "op=GETFILESTATUS&user.name=me Basic");
	close_client(&c);
}

TEST(a_data_node_that_does_not_answer_is_tried_a_few_times)
{
	struct client c;

	open_client(&c, "hdfs/gone", NULL);
	(void)hdfs_put(c.h, &(struct hdfs_put){ .path = "/a", .mode = 0640 }, NULL, on_answer, &c);
	wait_for(&c);
	check_words(&c, ERR_UNAVAILABLE, "a data node: no answer");
	CHECK_INT(requests(&c), 2 * HDFS_PUTS_MAX + 1);
	close_client(&c);
}

/* --- ends --- */

TEST(what_is_refused_here_is_answered_later_and_not_asked)
{
	struct client c;

	open_client(&c, "hdfs/yes", NULL);
	(void)hdfs_put(c.h, &(struct hdfs_put){ .path = "/a/../b" }, NULL, on_answer, &c);
	CHECK_INT(c.times, 0);
	wait_for(&c);
	check_words(&c, ERR_INVALID, "writing /a/../b");
	(void)hdfs_rename(c.h, "/a", "b", NULL, on_answer, &c);
	wait_for(&c);
	CHECK_INT(c.code, ERR_INVALID);
	(void)hdfs_put(c.h, &(struct hdfs_put){ .path = "/a", .fd = -1, .fd_len = 1 }, NULL, on_answer, &c);
	wait_for(&c);
	CHECK_INT(c.code, ERR_INTERNAL);
	CHECK_INT(requests(&c), 1);
	close_client(&c);
}

TEST(a_cancelled_question_has_no_answer)
{
	struct client c;

	open_client(&c, "hang", NULL);
	hdfs_cancel(hdfs_mkdirs(c.h, "/a", 0700, NULL, on_answer, &c));
	hdfs_cancel(hdfs_mkdirs(c.h, "a", 0700, NULL, on_answer, &c));
	(void)hdfs_stat(c.h, "/a", NULL, on_answer, &c);
	run_for(&c.w, 50);
	close_client(&c);
	CHECK_INT(c.times, 0);
}

TEST(all_may_end_inside_an_answer)
{
	struct client c;

	open_client(&c, "hdfs/yes hang", NULL);
	c.free_inside = true;
	(void)hdfs_put(c.h, &(struct hdfs_put){ .path = "/b", .bytes = "x", .len = 1 }, NULL, on_answer, &c);
	(void)hdfs_mkdirs(c.h, "/a", 0700, NULL, on_answer, &c);
	wait_for(&c);
	CHECK(!c.h);
	close_client(&c);
}

TEST(urls_that_are_none_are_refused)
{
	static const char *const bad[] = {
		"", " , ", "nn:9870", "http://a,ftp://b",
		"http://1,http://2,http://3,http://4,http://5,http://6,http://7,http://8,http://9"
	};
	struct loop *loop = loop_new();
	struct http_calls_options http = { .loop = loop, .user_agent = "test" };

	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		struct hdfs *h = NULL;
		struct error e;

		CHECK(!hdfs_new(&(struct hdfs_options){ .urls = bad[i], .http = &http }, &h, &e));
		CHECK_INT(e.code, ERR_CONFIG);
	}
	loop = loop_free(loop);
}
