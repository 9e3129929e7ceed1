/* Calls to servers that do what they should not (liar.py), and what is left of them. */
#include "base/clock.h"
#include "callworld.h"
#include <dlfcn.h>
#include <malloc.h>
#include <fcntl.h>
#include <netdb.h>
#include <string.h>

enum { NAME_LOOK_UP_S = 3 };

/* libcurl's look-ups come here: a name server that is slow, for one name. */
__attribute__((visibility("default"))) int getaddrinfo(const char *node, const char *service,
						       const struct addrinfo *hints, struct addrinfo **res);
int getaddrinfo(const char *node, const char *service, const struct addrinfo *hints, struct addrinfo **res)
{
	__typeof__(getaddrinfo) *libc;
	void *found = dlsym(RTLD_NEXT, "getaddrinfo");

	memcpy(&libc, &found, sizeof libc);
	if (str_eq(node, "slow.test")) {
		sleep(NAME_LOOK_UP_S);
		return EAI_NONAME;
	}
	return libc(node, service, hints, res);
}

/* --- what an answer is --- */

TEST(an_answer_of_any_status_is_an_answer)
{
	_end_ struct end end = END_INIT;
	WORLD(w);

	get(&end, &w, at(&w, "http", "/status/503"));
	check_ok(&end, 503, "no: /status/503");
	CHECK_INT(end.a.retry_after_s, 7);
	CHECK_STR(end.type, "text/plain");
	CHECK_STR(end.one, "two");
	CHECK_STR(end.location, "");
	close_world(&w);
}

TEST(methods_headers_and_bodies_arrive_as_they_are)
{
	static const char *const headers[] = { "X-One: two", "Content-Type: application/json", NULL };
	static const char *const methods[] = { "POST", "PUT", "DELETE", "PATCH" };
	_end_ struct end end = END_INIT;
	struct http_call_request r = { .headers = headers, .body = "{\"a\":1}", .body_len = 7, .timeout_ms = SOON_MS };
	WORLD(w);

	r.url = at(&w, "http", "/echo/a/../x%2f?q=%20");
	for (size_t i = 0; i < ARRAY_LEN(methods); i++) {
		char line[64];

		r.method = methods[i];
		ask(&end, &w, &r);
		(void)snprintf(line, sizeof line, "%s /echo/a/../x%%2f?q=%%20 HTTP/1.1\r\n", methods[i]);
		CHECK(str_starts(end.body, line));
		CHECK(strstr(end.body, "X-One: two\r\n") && strstr(end.body, "Content-Type: application/json\r\n"));
		CHECK(strstr(end.body, "User-Agent: test\r\n") && strstr(end.body, "Content-Length: 7\r\n"));
		CHECK(!strstr(end.body, "Accept-Encoding") && !strstr(end.body, "Expect") &&
		      !strstr(end.body, "Transfer"));
		CHECK(str_ends(end.body, "\r\n\r\n{\"a\":1}"));
	}
	r = (struct http_call_request){ .method = "PUT", .url = r.url, .timeout_ms = SOON_MS };
	ask(&end, &w, &r);
	CHECK(strstr(end.body, "Content-Length: 0\r\n") && !strstr(end.body, "Content-Type"));
	close_world(&w);
}

TEST(a_head_has_no_body)
{
	_end_ struct end end = END_INIT;
	WORLD(w);

	ask(&end, &w,
	    &(struct http_call_request){
		    .method = "HEAD", .url = at(&w, "http", "/status/404"), .timeout_ms = SOON_MS });
	check_ok(&end, 404, "");
	close_world(&w);
}

TEST(interim_answers_are_skipped)
{
	_end_ struct end end = END_INIT;
	WORLD(w);

	get(&end, &w, at(&w, "http", "/proceed"));
	check_ok(&end, 200, "at last");
	close_world(&w);
}

TEST(a_file_is_streamed_and_its_descriptor_is_the_callers)
{
	_end_ struct end end = END_INIT;
	_close_ int fd = -1;
	struct http_call_request r = { .method = "PUT", .body_fd_len = 200000, .timeout_ms = SOON_MS };
	WORLD(w);

	make_file("upload", 200001);
	fd = open("upload", O_RDONLY | O_CLOEXEC);
	r.body_fd = fd;
	r.url = at(&w, "http", "/echo");
	ask(&end, &w, &r);
	check_ok(&end, 200, end.body);
	CHECK(strstr(end.body, "Content-Length: 200000\r\n"));
	CHECK_INT(strlen(strstr(end.body, "\r\n\r\n") + 4), 200000);
	CHECK(fcntl(fd, F_GETFD) >= 0);
	r.body_fd_len = 200002; /* it has become shorter */
	ask(&end, &w, &r);
	check_error(&end, ERR_INTERNAL, true, "shorter");
	close_world(&w);
}

/* --- what goes wrong --- */

TEST(what_no_server_saw_was_not_sent)
{
	_end_ struct end end = END_INIT;
	char url[64];
	WORLD(w);

	(void)snprintf(url, sizeof url, "http://127.0.0.1:%d/", 1);
	get(&end, &w, url);
	check_error(&end, ERR_UNAVAILABLE, false, "http://127.0.0.1:1");
	get(&end, &w, "http://no-such-host.invalid/secret?delegation=s3cret");
	check_error(&end, ERR_UNAVAILABLE, false, "http://no-such-host.invalid:80");
	CHECK(!strstr(end.a.error.msg, "s3cret"));
	get(&end, &w, at(&w, "http", "/ok"));
	check_ok(&end, 200, "ok");
	close_world(&w);
}

TEST(lies_are_no_answer)
{
	static const struct {
		const char *path, *words;
	} lies[] = {
		{ "/cut", "no answer from http://127.0.0.1" },
		{ "/garbage", "no answer from http://127.0.0.1" },
		{ "/lose", "no answer from http://127.0.0.1" },
		{ "/reset", "no answer from http://127.0.0.1" },
	};
	_end_ struct end end = END_INIT;
	WORLD(w);

	for (size_t i = 0; i < ARRAY_LEN(lies); i++) {
		get(&end, &w, at(&w, "http", lies[i].path));
		check_error(&end, ERR_UNAVAILABLE, true, lies[i].words);
	}
	get(&end, &w, at(&w, "http", "/overlong"));
	check_ok(&end, 200, "01234");
	close_world(&w);
}

TEST(ceilings_end_an_answer)
{
	static const char *const too_large[] = { "/huge", "/headers", "/header" };
	_end_ struct end end = END_INIT;
	WORLD(w);

	for (size_t i = 0; i < ARRAY_LEN(too_large); i++) {
		get(&end, &w, at(&w, "http", too_large[i]));
		check_error(&end, ERR_TOO_LARGE, true, "is larger than");
	}
	ask(&end, &w,
	    &(struct http_call_request){
		    .method = "GET", .url = at(&w, "http", "/proceed"), .timeout_ms = SOON_MS, .answer_max = 6 });
	check_error(&end, ERR_TOO_LARGE, true, "larger than 6 bytes");
	ask(&end, &w,
	    &(struct http_call_request){
		    .method = "GET", .url = at(&w, "http", "/proceed"), .timeout_ms = SOON_MS, .answer_max = 7 });
	check_ok(&end, 200, "at last");
	close_world(&w);
}

TEST(deadlines_end_a_call)
{
	_end_ struct end end = END_INIT;
	struct http_call_request r = { .method = "GET", .timeout_ms = 200 };
	WORLD(w);

	r.url = at(&w, "http", "/hang");
	ask(&end, &w, &r);
	check_error(&end, ERR_UNAVAILABLE, true, "in time");
	r.url = at(&w, "http", "/drip");
	ask(&end, &w, &r);
	check_error(&end, ERR_UNAVAILABLE, true, "in time");
	r = (struct http_call_request){ .method = "GET", .url = at(&w, "http", "/hang"), .silence_ms = 200 };
	ask(&end, &w, &r);
	check_error(&end, ERR_UNAVAILABLE, true, "silent for 200 ms");
	r = (struct http_call_request){
		.method = "GET", .url = at(&w, "http", "/drip"), .silence_ms = 400, .timeout_ms = 1500
	};
	ask(&end, &w, &r);
	check_error(&end, ERR_UNAVAILABLE, true, "in time"); /* a byte now and then is no silence */
	close_world(&w);
}

TEST(a_slow_name_server_holds_up_nobody)
{
	_end_ struct end end = END_INIT;
	int64_t began;
	WORLD(w);

	began = clock_now_ms();
	ask(&end, &w, &(struct http_call_request){ .method = "GET", .url = "http://slow.test:1/", .timeout_ms = 100 });
	CHECK(clock_now_ms() - began < NAME_LOOK_UP_S * 1000 - 500);
	check_error(&end, ERR_UNAVAILABLE, false, "in time");
	ask(&end, &w,
	    &(struct http_call_request){
		    .method = "GET", .url = "http://slow.test:1/", .timeout_ms = SOON_MS, .connect_ms = 100 });
	CHECK(clock_now_ms() - began < NAME_LOOK_UP_S * 1000 - 500);
	check_error(&end, ERR_UNAVAILABLE, false, "slow.test");
	w.wanted = 1;
	begin(&end, &w,
	      &(struct http_call_request){ .method = "GET", .url = "http://slow.test:1/", .timeout_ms = SOON_MS });
	run_for(&w, 50);
	close_world(&w);
	CHECK(clock_now_ms() - began < NAME_LOOK_UP_S * 1000 - 500);
}

TEST(requests_that_are_none_are_refused)
{
	static const char *const split[] = { "X: 1\r\nY: 2", NULL }, *const nameless[] = { "X", NULL };
	static const char *const credentials[] = { "authorization: Basic eDp5", NULL };
	static const struct http_call_request bad[] = {
		{ .method = "GET /", .url = "http://h/", .timeout_ms = 1000 },
		{ .method = "", .url = "http://h/", .timeout_ms = 1000 },
		{ .method = "GET", .url = "ftp://h/", .timeout_ms = 1000 },
		{ .method = "GET", .url = "http://user:pass@h/", .timeout_ms = 1000 },
		{ .method = "GET", .url = "http://h/ x", .timeout_ms = 1000 },
		{ .method = "GET", .url = "h", .timeout_ms = 1000 },
		{ .method = "GET", .url = "http://h/" },
		{ .method = "GET", .url = "http://h/", .timeout_ms = 1000, .headers = split },
		{ .method = "GET", .url = "http://h/", .timeout_ms = 1000, .headers = nameless },
		{ .method = "GET", .url = "http://h/", .timeout_ms = 1000, .headers = credentials },
	};
	_end_ struct end end = END_INIT;
	struct error e;
	WORLD(w);

	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		ask(&end, &w, &bad[i]);
		check_error(&end, ERR_INVALID, false, "");
	}
	CHECK(!http_calls_set_bearer(w.calls, "two\nlines", &e) && e.code == ERR_INVALID);
	CHECK(!http_calls_set_bearer(w.calls, "", &e));
	close_world(&w);
}

/* --- connections and the queue --- */

TEST(a_connection_is_kept_and_one_that_was_closed_replaced)
{
	_end_ struct end end = END_INIT;
	WORLD(w);

	for (int i = 0; i < 5; i++)
		get(&end, &w, at(&w, "http", "/ok"));
	get(&end, &w, at(&w, "http", "/seen"));
	CHECK(str_starts(end.body, "connections=1 requests=6"));
	for (int i = 0; i < 5; i++) {
		get(&end, &w, at(&w, "http", "/close"));
		check_ok(&end, 200, "bye");
	}
	get(&end, &w, at(&w, "http", "/seen"));
	check_ok(&end, 200, end.body);
	close_world(&w);
}

TEST(a_request_whose_reply_is_lost_is_not_sent_twice)
{
	static const char *const methods[] = { "POST", "PUT", "DELETE" };
	_end_ struct end end = END_INIT;
	struct http_call_request r = { .body = "x", .body_len = 1, .timeout_ms = SOON_MS };
	WORLD(w);

	for (size_t i = 0; i < ARRAY_LEN(methods); i++) {
		get(&end, &w, at(&w, "http", "/ok")); /* there is a connection to be tempted by */
		r.method = methods[i];
		r.url = at(&w, "http", "/lose");
		ask(&end, &w, &r);
		check_error(&end, ERR_UNAVAILABLE, true, "no answer");
	}
	get(&end, &w, at(&w, "http", "/seen"));
	CHECK(strstr(end.body, "requests=7 "));
	close_world(&w);
}

TEST(what_may_be_repeated_goes_over_a_kept_connection_and_says_when_it_was)
{
	_end_ struct end end = END_INIT;
	struct http_call_request r = {
		.method = "POST", .body = "x", .body_len = 1, .timeout_ms = SOON_MS, .repeatable = true
	};
	WORLD(w);

	for (int i = 0; i < 5; i++) {
		r.url = at(&w, "http", "/ok");
		ask(&end, &w, &r);
		CHECK(!end.a.repeated);
	}
	get(&end, &w, at(&w, "http", "/seen"));
	CHECK(str_starts(end.body, "connections=1 requests=6 "));
	r.url = at(&w, "http", "/relent");
	ask(&end, &w, &r);
	CHECK_INT(end.a.status, 200);
	CHECK(end.a.repeated && end.a.sent);
	r.url = at(&w, "http", "/lose");
	ask(&end, &w, &r);
	check_error(&end, ERR_UNAVAILABLE, true, "no answer");
	CHECK(end.a.repeated);
	get(&end, &w, at(&w, "http", "/seen"));
	CHECK(strstr(end.body, "requests=11 "));
	close_world(&w);
}

TEST(many_at_once_share_few_connections)
{
	enum { MANY = 500, FEW = 4 };
	static struct end ends[MANY];
	_end_ struct end seen = END_INIT;
	WORLD(w);

	w.calls = http_calls_free(w.calls);
	w.o.connections_max = FEW;
	start(&w);
	w.wanted = MANY;
	for (int i = 0; i < MANY; i++)
		begin(&ends[i], &w,
		      &(struct http_call_request){ .method = i % 2 ? "POST" : "GET",
						   .url = at(&w, "http", "/slow"),
						   .timeout_ms = 3 * SOON_MS });
	loop_run(w.loop);
	for (int i = 0; i < MANY; i++) {
		CHECK_INT(ends[i].times, 1);
		check_ok(&ends[i], 200, "ok");
		end_free(&ends[i]);
	}
	get(&seen, &w, at(&w, "http", "/seen"));
	int64_t most = 0;
	CHECK(str_to_i64(strstr(seen.body, "most=") + 5, &most));
	CHECK_INT(most, FEW);
	close_world(&w);
}

TEST(the_queue_has_an_end)
{
	enum { MANY = 10 };
	static struct end ends[MANY];
	int busy = 0, late = 0;
	WORLD(w);

	w.calls = http_calls_free(w.calls);
	w.o.connections_max = 1;
	w.o.waiting_max = 4;
	start(&w);
	w.wanted = MANY;
	for (int i = 0; i < MANY; i++) /* the first outlasts those that wait: none of them gets its connection */
		begin(&ends[i], &w,
		      &(struct http_call_request){
			      .method = "GET", .url = at(&w, "http", "/hang"), .timeout_ms = i == 0 ? 2000 : 200 });
	loop_run(w.loop);
	for (int i = 0; i < MANY; i++) {
		CHECK_INT(ends[i].times, 1);
		busy += ends[i].a.error.code == ERR_BUSY;
		late += strstr(ends[i].a.error.msg, "all connections are busy") != NULL;
		CHECK_INT(ends[i].a.sent, i == 0);
		end_free(&ends[i]);
	}
	CHECK_INT(busy, 6);
	CHECK_INT(late, 3);
	close_world(&w);
}

TEST(thousands_in_sequence_leave_nothing_behind)
{
	enum { WARM = 500, THOUSANDS = 10000 };
	_end_ struct end end = END_INIT;
	size_t before = 0;
	const char *url;
	WORLD(w);

	url = at(&w, "http", "/ok");
	for (int i = 0; i < WARM + THOUSANDS; i++) {
		if (i == WARM)
			before = mallinfo2().uordblks;
		get(&end, &w, url);
	}
	CHECK(mallinfo2().uordblks < before + THOUSANDS); /* not a byte each; a sanitizer sees to it in its own way */
	get(&end, &w, at(&w, "http", "/seen"));
	CHECK(str_starts(end.body, "connections=1 "));
	close_world(&w);
}

/* --- cancelling --- */

TEST(what_is_cancelled_is_not_heard_of)
{
	static struct end ends[3];
	_end_ struct end last = END_INIT;
	WORLD(w);

	w.calls = http_calls_free(w.calls);
	w.o.connections_max = 2;
	start(&w);
	w.wanted = 100;
	for (int i = 0; i < 3; i++) /* two run, one waits */
		begin(&ends[i], &w,
		      &(struct http_call_request){
			      .method = "GET", .url = at(&w, "http", "/hang"), .timeout_ms = 300 });
	run_for(&w, 50);
	for (int i = 0; i < 3; i++)
		http_call_cancel(ends[i].call);
	begin(&last, &w, &(struct http_call_request){ .method = "bad method", .url = "http://h/", .timeout_ms = 1 });
	http_call_cancel(last.call);
	get(&last, &w, at(&w, "http", "/ok"));
	check_ok(&last, 200, "ok");
	run_for(&w, 400);
	for (int i = 0; i < 3; i++)
		CHECK_INT(ends[i].times, 0);
	begin(&last, &w,
	      &(struct http_call_request){ .method = "GET", .url = at(&w, "http", "/hang"), .timeout_ms = SOON_MS });
	run_for(&w, 20);
	close_world(&w); /* with one that runs */
	CHECK_INT(last.times, 1);
}

static void free_in_done(void *arg, const struct http_call_answer *a)
{
	struct world *w = arg;

	CHECK_INT(a->status, 200);
	w->calls = http_calls_free(w->calls);
	CHECK_STR(a->body, "ok");
	loop_stop(w->loop);
}

TEST(all_may_be_freed_inside_done)
{
	_end_ struct end other = END_INIT;
	WORLD(w);

	begin(&other, &w,
	      &(struct http_call_request){ .method = "GET", .url = at(&w, "http", "/hang"), .timeout_ms = SOON_MS });
	(void)http_call(w.calls,
			&(struct http_call_request){
				.method = "GET", .url = at(&w, "http", "/ok"), .timeout_ms = SOON_MS },
			free_in_done, &w);
	loop_run(w.loop);
	CHECK(!w.calls);
	CHECK_INT(other.times, 0);
	close_world(&w);
}

/* --- streams --- */

static bool take_all(void *arg, const char *bytes, size_t n)
{
	struct end *end = arg;

	sbuf_add(&end->got, bytes, n);
	return true;
}

static void on_rested(void *arg)
{
	http_call_resume(((struct end *)arg)->call);
}

/* Rests at every other piece. */
static bool take_later(void *arg, const char *bytes, size_t n)
{
	struct end *end = arg;

	if (++end->rests % 2 == 0)
		return take_all(arg, bytes, n);
	loop_timer_set(end->rest, 5, 0);
	return false;
}

static bool take_never(void *arg, const char *bytes, size_t n)
{
	(void)bytes, (void)n;
	((struct end *)arg)->rests++;
	return false;
}

static bool cancel_both(void *arg, const char *bytes, size_t n)
{
	struct end *end = arg;

	(void)bytes, (void)n;
	end->rests++;
	http_call_cancel(end->victim);
	http_call_cancel(end->call);
	return true;
}

static bool free_in_data(void *arg, const char *bytes, size_t n)
{
	struct end *end = arg;

	(void)bytes, (void)n;
	end->rests++;
	end->w->calls = http_calls_free(end->w->calls);
	loop_stop(end->w->loop);
	return false;
}

static void check_stream(const struct end *end)
{
	check_ok(end, 200, "");
	CHECK_INT(end->got.len, 10000);
	for (size_t i = 0; i < 10000; i++)
		CHECK(end->got.data[i] == (char)('0' + i / 1000));
}

TEST(a_stream_comes_in_order)
{
	_end_ struct end end = END_INIT;
	WORLD(w);

	ask(&end, &w,
	    &(struct http_call_request){
		    .method = "GET", .url = at(&w, "http", "/stream"), .silence_ms = SOON_MS, .data = take_all });
	check_stream(&end);
	ask(&end, &w,
	    &(struct http_call_request){
		    .method = "GET", .url = at(&w, "http", "/status/404"), .silence_ms = SOON_MS, .data = take_all });
	check_ok(&end, 404, "no: /status/404");
	CHECK_INT(end.got.len, 10000);
	close_world(&w);
}

TEST(a_stream_rests_until_it_is_resumed)
{
	_end_ struct end end = END_INIT;
	struct http_call_request r = { .method = "GET", .silence_ms = SOON_MS, .data = take_later };
	WORLD(w);

	end.rest = loop_timer_new(w.loop, on_rested, &end);
	r.url = at(&w, "http", "/stream");
	ask(&end, &w, &r);
	check_stream(&end);
	CHECK(end.rests >= 2);
	end.rest = loop_timer_free(end.rest);

	r = (struct http_call_request){
		.method = "GET", .url = r.url, .silence_ms = 50, .timeout_ms = 300, .data = take_never
	};
	end.rests = 0;
	ask(&end, &w, &r);
	check_error(&end, ERR_UNAVAILABLE, true, "in time"); /* not for its silence, which is ours */
	CHECK_INT(end.rests, 1);
	close_world(&w);
}

TEST(data_may_cancel_and_free)
{
	_end_ struct end end = END_INIT, victim = END_INIT;
	struct http_call_request hang = { .method = "GET", .timeout_ms = 200 };
	struct http_call_request r = { .method = "GET", .silence_ms = SOON_MS, .data = cancel_both };
	WORLD(w);

	hang.url = at(&w, "http", "/hang");
	r.url = at(&w, "http", "/stream");
	begin(&victim, &w, &hang);
	end.victim = victim.call;
	begin(&end, &w, &r);
	run_for(&w, 400);
	CHECK_INT(end.rests, 1);
	CHECK_INT(end.times + victim.times, 0);
	r.data = free_in_data;
	begin(&victim, &w, &hang);
	begin(&end, &w, &r);
	loop_run(w.loop);
	CHECK_INT(end.rests, 2);
	CHECK(!w.calls);
	CHECK_INT(end.times + victim.times, 0);
	close_world(&w);
}
