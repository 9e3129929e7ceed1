/* Where calls go that are sent elsewhere, who is given credentials, and who is believed. */
#include "base/fdio.h"
#include "callworld.h"
#include "http/client.h"
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

/* --- redirects and credentials --- */

static const char *redirect(const struct world *w, const char *from, int status, const char *to, const char *path)
{
	char words[256];

	(void)snprintf(words, sizeof words, "/to/%d?%s", status, at(w, to, path));
	return at(w, from, words);
}

TEST(redirects_are_followed_as_far_as_was_said)
{
	_end_ struct end end = END_INIT;
	struct http_call_request r = { .method = "GET", .timeout_ms = SOON_MS };
	WORLD(w);

	r.url = at(&w, "http", "/to/302?/ok");
	ask(&end, &w, &r);
	check_ok(&end, 302, "elsewhere");
	CHECK_STR(end.location, at(&w, "http", "/ok"));
	r.redirects_max = 1;
	ask(&end, &w, &r);
	check_ok(&end, 200, "ok");
	r.url = at(&w, "http", "/loop");
	r.redirects_max = 5;
	ask(&end, &w, &r);
	check_error(&end, ERR_UNAVAILABLE, true, "more than 5 times");
	r.url = at(&w, "http", "/to/302?ftp://elsewhere/");
	ask(&end, &w, &r);
	check_error(&end, ERR_UNAVAILABLE, true, "not a plain http");
	r.url = at(&w, "http", "/to/302?http://user:pass@127.0.0.1/");
	ask(&end, &w, &r);
	check_error(&end, ERR_UNAVAILABLE, true, "not a plain http");
	close_world(&w);
}

TEST(a_redirected_body_goes_along_or_is_not_wanted)
{
	_end_ struct end end = END_INIT;
	_close_ int fd = -1;
	struct http_call_request r = {
		.method = "PUT", .body = "payload", .body_len = 7, .timeout_ms = SOON_MS, .redirects_max = 1
	};
	WORLD(w);

	r.url = redirect(&w, "http", 307, "other", "/echo");
	ask(&end, &w, &r);
	CHECK(str_starts(end.body, "PUT /echo") && str_ends(end.body, "payload"));
	r.url = redirect(&w, "http", 303, "other", "/echo");
	ask(&end, &w, &r);
	CHECK(str_starts(end.body, "GET /echo") && !strstr(end.body, "payload") && !strstr(end.body, "Content-Length"));
	r.url = redirect(&w, "http", 302, "other", "/echo");
	ask(&end, &w, &r);
	check_ok(&end, 302, "elsewhere");

	char words[256];
	make_file("upload", 2000000); /* of that size it is asked for first */
	fd = open("upload", O_RDONLY | O_CLOEXEC);
	(void)snprintf(words, sizeof words, "/early?%s", at(&w, "other", "/status/201"));
	r = (struct http_call_request){
		.method = "PUT", .body_fd = fd, .body_fd_len = 2000000, .timeout_ms = SOON_MS, .redirects_max = 1
	};
	r.url = at(&w, "http", words);
	ask(&end, &w, &r);
	check_ok(&end, 201, "no: /status/201");
	close_world(&w);
}

TEST(credentials_go_to_origins_only)
{
	_end_ struct end end = END_INIT;
	struct http_call_request r = { .method = "GET", .timeout_ms = SOON_MS, .redirects_max = 2 };
	struct error e;
	WORLD(w);

	w.calls = http_calls_free(w.calls);
	w.o.user = "alice";
	w.o.password = "s3cret";
	start(&w);
	get(&end, &w, at(&w, "http", "/echo"));
	CHECK(strstr(end.body, "Authorization: Basic YWxpY2U6czNjcmV0\r\n"));
	CHECK_OK(http_calls_set_bearer(w.calls, "first", &e), e);
	CHECK_OK(http_calls_set_bearer(w.calls, "t0ken", &e), e);
	get(&end, &w, at(&w, "http", "/echo"));
	CHECK(strstr(end.body, "Authorization: Bearer t0ken\r\n") && !strstr(end.body, "Basic"));
	get(&end, &w, at(&w, "other", "/echo")); /* also when we go there by ourselves */
	CHECK(strstr(end.body, "GET /echo") && !strstr(end.body, "uthorization"));
	r.url = redirect(&w, "http", 307, "other", "/echo");
	ask(&end, &w, &r);
	CHECK(strstr(end.body, "GET /echo") && !strstr(end.body, "uthorization"));
	r.url = redirect(&w, "other", 307, "http", "/echo");
	ask(&end, &w, &r);
	CHECK(strstr(end.body, "Authorization: Bearer t0ken\r\n"));
	CHECK_OK(http_calls_set_bearer(w.calls, NULL, &e), e);
	get(&end, &w, at(&w, "http", "/echo"));
	CHECK(strstr(end.body, "Authorization: Basic"));
	close_world(&w);
}

TEST(options_that_make_no_sense_are_refused)
{
	static const char *const no_url[] = { "rm:8088", NULL }, *const with_user[] = { "http://a:b@rm:8088", NULL };
	struct loop *loop = loop_new();
	const struct http_calls_options bad[] = {
		{ .loop = loop, .origins = no_url },   { .loop = loop, .origins = with_user },
		{ .loop = loop, .cert_pem = "PEM" },   { .loop = loop, .key_pem = "PEM" },
		{ .loop = loop, .password = "alone" },
	};
	struct http_calls *c = NULL;
	struct error e;

	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		CHECK(!http_calls_new(&bad[i], &c, &e) && e.code == ERR_INVALID && !c);
	CHECK(!strstr(e.msg, "alone"));
	loop = loop_free(loop);
}

TEST(proxies_of_the_environment_are_not_asked)
{
	_end_ struct end end = END_INIT;
	WORLD(w);

	CHECK(setenv("http_proxy", at(&w, "other", "/"), 1) == 0 && setenv("ALL_PROXY", at(&w, "other", "/"), 1) == 0);
	get(&end, &w, at(&w, "http", "/echo"));
	CHECK(str_starts(end.body, "GET /echo HTTP/1.1\r\n"));
	close_world(&w);
}

TEST(a_ticket_that_cannot_be_had_is_the_end)
{
	_end_ struct end end = END_INIT;
	WORLD(w);

	w.calls = http_calls_free(w.calls);
	w.o.negotiate = true;
	w.o.ccache = "FILE:none";
	start(&w);
	CHECK(setenv("KRB5_CONFIG", "/dev/null", 1) == 0);
	get(&end, &w, at(&w, "http", "/challenge"));
	check_error(&end, ERR_UNAVAILABLE, true, "no ticket for http://127.0.0.1");
	get(&end, &w, at(&w, "other", "/challenge")); /* nor is one shown to strangers */
	check_ok(&end, 401, "who?");
	w.wanted = 1;
	begin(&end, &w,
	      &(struct http_call_request){
		      .method = "GET", .url = at(&w, "http", "/challenge"), .timeout_ms = SOON_MS });
	close_world(&w);
}

/* --- TLS --- */

static void shell(const char *command)
{
	int status = system(command); /* NOLINT(cert-env33-c): of a test, and constant */

	if (status != 0)
		t_fail(__FILE__, __LINE__, "%s: status %d", command, status);
}

/* ca.crt signs: good (127.0.0.1), named (cluster.test), old (expired). */
static void open_tls(struct world *w)
{
	static const char *const servers[] = { "good=good.crt,good.key", "named=named.crt,named.key",
					       "old=old.crt,old.key", "mutual=good.crt,good.key,ca.crt", NULL };

	shell("exec >log 2>&1; set -e; new() { openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out $1.key; }\n"
	      "new ca; openssl req -x509 -key ca.key -out ca.crt -days 30 -subj /CN=ca\n"
	      "sign() { new $1; openssl req -new -key $1.key -subj /CN=$1 -addext subjectAltName=$2 -out $1.csr\n"
	      "openssl x509 -req -in $1.csr -CA ca.crt -CAkey ca.key -CAcreateserial -copy_extensions copy -days $3 -out $1.crt; }\n"
	      "sign good IP:127.0.0.1 30; sign named DNS:cluster.test 30; sign old IP:127.0.0.1 -1");
	open_world(w, servers);
	w->o.ca_file = "ca.crt";
}

static void reopen(struct world *w)
{
	w->calls = http_calls_free(w->calls);
	start(w);
}

TEST(a_server_is_believed_when_its_certificate_is)
{
	_end_ struct end end = END_INIT;
	struct world w;

	open_tls(&w);
	start(&w);
	get(&end, &w, at(&w, "good", "/ok"));
	check_ok(&end, 200, "ok");
	get(&end, &w, at(&w, "named", "/ok"));
	check_error(&end, ERR_FORBIDDEN, false, "no answer from https://127.0.0.1");
	get(&end, &w, at(&w, "old", "/ok"));
	check_error(&end, ERR_FORBIDDEN, false, "expired");
	w.o.ca_file = NULL;
	reopen(&w);
	get(&end, &w, at(&w, "good", "/ok"));
	check_error(&end, ERR_FORBIDDEN, false, "certificate");
	w.o.ca_file = "none";
	reopen(&w);
	get(&end, &w, at(&w, "good", "/ok"));
	check_error(&end, ERR_INVALID, false, "none");
	w.o.insecure = true;
	w.o.ca_file = NULL;
	reopen(&w);
	get(&end, &w, at(&w, "old", "/ok"));
	check_ok(&end, 200, "ok");
	close_world(&w);
}

/* OpenSSL looks here for authorities in a directory: how often in the system's? */
static int system_looks;

__attribute__((visibility("default"))) int look(const char *path, struct stat *st) __asm__("stat");
int look(const char *path, struct stat *st)
{
	system_looks += str_starts(path, "/etc/ssl/certs/");
	return fstatat(AT_FDCWD, path, st, 0);
}

TEST(authorities_that_are_named_are_the_only_ones)
{
	_end_ struct end end = END_INIT;
	_cleanup_(http_client_freep) struct http_client *client = NULL;
	_http_answer_ struct http_answer answer = HTTP_ANSWER_INIT;
	const struct http_request request = { .method = "GET", .path = "/ok", .timeout_ms = SOON_MS };
	struct error e;
	struct world w;

	open_tls(&w);
	shell("openssl req -x509 -key old.key -out stranger.crt -subj /CN=stranger >log 2>&1");
	w.o.ca_file = NULL;
	start(&w);
	get(&end, &w, at(&w, "good", "/ok"));
	check_error(&end, ERR_FORBIDDEN, false, "certificate");
	CHECK(system_looks > 0); /* or this test sees nothing */
	w.o.ca_file = "stranger.crt";
	reopen(&w);
	system_looks = 0;
	get(&end, &w, at(&w, "good", "/ok"));
	check_error(&end, ERR_FORBIDDEN, false, "certificate");
	CHECK_OK(http_client_new(at(&w, "good", ""), &(struct http_client_options){ .ca_file = "stranger.crt" },
				 &client, &e),
		 e);
	CHECK(!http_client_request(client, &request, &answer, &e) && e.code == ERR_FORBIDDEN);
	CHECK_INT(system_looks, 0);
	close_world(&w);
}

TEST(a_server_may_have_another_name_than_its_address)
{
	_end_ struct end end = END_INIT;
	struct error e;
	char host[64];
	struct world w;

	open_tls(&w);
	w.o.tls_server_name = "cluster.test";
	trust(&w, "named");
	start(&w);
	CHECK_OK(http_calls_set_bearer(w.calls, "t0ken", &e), e);
	get(&end, &w, at(&w, "named", "/echo"));
	(void)snprintf(host, sizeof host, "\r\nHost: 127.0.0.1:%d\r\n", port_of(&w, "named"));
	CHECK_INT(end.a.status, 200);
	CHECK(strstr(end.body, host) && strstr(end.body, "Bearer t0ken"));
	get(&end, &w, at(&w, "good", "/ok")); /* no origin: its own name counts */
	check_ok(&end, 200, "ok");
	close_world(&w);
}

static char *text_of(const char *file)
{
	struct sbuf text = SBUF_INIT(65536);
	struct error e;

	CHECK_OK(fdio_read_file(AT_FDCWD, file, &text, &e), e);
	return sbuf_take(&text);
}

TEST(certificates_are_files_or_text)
{
	_end_ struct end end = END_INIT;
	struct world w;

	open_tls(&w);
	_free_ char *ca = text_of("ca.crt"), *cert = text_of("good.crt"), *key = text_of("good.key");
	trust(&w, "mutual");
	start(&w);
	get(&end, &w, at(&w, "mutual", "/ok"));
	CHECK(end.a.error.code != ERR_NONE); /* a reset may overtake the alert that says why */
	w.o.cert_file = "good.crt";
	w.o.key_file = "good.key";
	reopen(&w);
	get(&end, &w, at(&w, "mutual", "/ok"));
	check_ok(&end, 200, "ok");
	w.o.cert_file = w.o.key_file = w.o.ca_file = NULL;
	w.o.ca_pem = ca;
	w.o.cert_pem = cert;
	w.o.key_pem = key;
	reopen(&w);
	get(&end, &w, at(&w, "mutual", "/ok"));
	check_ok(&end, 200, "ok");
	w.origins[0] = NULL;
	reopen(&w);
	get(&end, &w, at(&w, "mutual", "/ok")); /* nor is ours shown to strangers */
	CHECK(end.a.error.code != ERR_NONE);
	close_world(&w);
}

TEST(nothing_leads_from_tls_to_plain_text)
{
	_end_ struct end end = END_INIT;
	struct http_call_request r = { .method = "GET", .timeout_ms = SOON_MS, .redirects_max = 2 };
	struct world w;

	open_tls(&w);
	start(&w);
	r.url = redirect(&w, "good", 302, "http", "/ok");
	ask(&end, &w, &r);
	check_error(&end, ERR_FORBIDDEN, true, "without TLS");
	r.url = redirect(&w, "http", 302, "good", "/ok");
	ask(&end, &w, &r);
	check_ok(&end, 200, "ok");
	close_world(&w);
}

TEST(the_wrong_language_is_guessed)
{
	_end_ struct end end = END_INIT;
	char url[64];
	struct world w;

	open_tls(&w);
	start(&w);
	(void)snprintf(url, sizeof url, "http://127.0.0.1:%d/ok", port_of(&w, "good"));
	get(&end, &w, url);
	check_error(&end, ERR_UNAVAILABLE, true, "does it speak https?");
	close_world(&w);
}
