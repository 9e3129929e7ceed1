/*
 * load - a closed-loop HTTP load generator: so many keep-alive connections, one request at a time on each.
 *
 *     load [-c CONNECTIONS] [-s SECONDS | -n REQUESTS] [-w WARM_UP_SECONDS] [-b BODY_FILE] [-H HEADER]... [-S STATUS]
 *          http[s]://127.0.0.1:PORT/PATH
 *
 * With -b it POSTs the file as JSON; every @N@ in it becomes the request's number, in eight digits. -S is the status
 * that is wanted; without it any 2xx is. Prints one JSON object: rate, latencies, errors (another status, or a broken
 * connection) and the generator's own share of a core, which must stay below 1 for the figures to be the server's. Exit
 * status 1 when there was an error, 2 for bad usage. One thread; everything is bounded.
 */
#include "answer.h"
#include "base/clock.h"
#include "base/fdio.h"
#include "base/sbuf.h"
#include "base/str.h"
#include "channel.h"
#include "histogram.h"
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>

enum {
	CONNECTIONS_MAX = 10000,
	SECONDS_MAX = 3600,
	REQUEST_MAX_BYTES = 64 * 1024,
	READ_BYTES = 256 * 1024,
	EVENTS = 64,
	STALL_MAX_MS = 10000, /* no answer on any connection for so long: the server hangs */
	ERRORS_MAX = 1000,    /* then it is not worth going on */
	NUMBER_MARKS_MAX = 8,
	NUMBER_DIGITS = 8,
	HEADERS_MAX = 4,
};

struct connection {
	struct channel channel;
	int64_t begun_us;
	struct answer answer;
};

struct load {
	int32_t connection_count, seconds, warm_up_seconds;
	int64_t request_count; /* 0: run for `seconds` */
	const char *body_file;
	const char *headers[HEADERS_MAX];
	int header_count;
	int32_t status; /* wanted; 0: any 2xx */
	bool tls;
	struct sockaddr_in server;
	struct sbuf request;
	size_t marks[NUMBER_MARKS_MAX]; /* where in request the number goes */
	size_t mark_count;

	int epoll_fd;
	struct connection *connections;
	int64_t begin_us, end_us; /* of what is measured */
	int64_t sent, answered, errors;
	int32_t busy; /* connections with a request under way */
	struct histogram latencies;
	struct rusage usage_begin;
	char buffer[READ_BYTES];
};

static void put_number(struct load *l, int64_t number)
{
	for (size_t i = 0; i < l->mark_count; i++) {
		int64_t rest = number;

		for (size_t digit = NUMBER_DIGITS; digit-- > 0; rest /= 10)
			l->request.data[l->marks[i] + digit] = (char)('0' + rest % 10);
	}
}

static bool send_request(struct load *l, struct connection *c)
{
	put_number(l, l->sent++);
	answer_start(&c->answer);
	c->begun_us = clock_now_us();
	/* The kernel always has room for a request here. */
	return channel_send(&c->channel, l->request.data, l->request.len);
}

MUST_CHECK static bool connect_one(struct load *l, struct connection *c, struct error *e)
{
	struct epoll_event event = { .events = EPOLLIN, .data.ptr = c };

	if (!channel_open(&c->channel, &l->server, l->tls, e))
		return false;
	if (epoll_ctl(l->epoll_fd, EPOLL_CTL_ADD, c->channel.fd, &event) < 0)
		return error_errno(e, errno, "epoll_ctl");
	return true;
}

static bool wants_more(const struct load *l, int64_t now_us)
{
	return l->request_count ? l->sent < l->request_count : now_us < l->end_us;
}

/* Sends the next request on c, on a new connection if need be; leaves c idle when the run is over. */
MUST_CHECK static bool go_on(struct load *l, struct connection *c, bool reconnect, int64_t now_us, struct error *e)
{
	l->busy--;
	if (!wants_more(l, now_us))
		return true;
	while (reconnect || !send_request(l, c)) {
		if (reconnect && !connect_one(l, c, e))
			return false;
		if (!reconnect && ++l->errors > ERRORS_MAX)
			return error_set(e, ERR_UNAVAILABLE, "more than %d errors", ERRORS_MAX);
		reconnect = !reconnect;
	}
	l->busy++;
	return true;
}

static bool is_wanted(const struct load *l, int status)
{
	return l->status ? status == l->status : status / 100 == 2;
}

MUST_CHECK static bool on_readable(struct load *l, struct connection *c, struct error *e)
{
	ssize_t n = channel_receive(&c->channel, l->buffer, sizeof l->buffer);
	enum answer_progress progress = ANSWER_BROKEN;
	size_t used = 0;

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return true;
	if (n > 0)
		progress = answer_feed(&c->answer, l->buffer, (size_t)n, &used);
	if (progress == ANSWER_MORE)
		return true;

	int64_t now_us = clock_now_us();
	/* More bytes than the answer has: nobody asked for them. */
	bool broken = progress == ANSWER_BROKEN || used != (size_t)n;
	if (broken || !is_wanted(l, c->answer.status)) {
		if (++l->errors > ERRORS_MAX)
			return error_set(e, ERR_UNAVAILABLE, "more than %d errors; the last status is %d", ERRORS_MAX,
					 c->answer.status);
	} else if (now_us >= l->begin_us) {
		l->answered++;
		histogram_add(&l->latencies, (uint64_t)(now_us - c->begun_us));
	}
	return go_on(l, c, broken || c->answer.close, now_us, e);
}

MUST_CHECK static bool run(struct load *l, struct error *e)
{
	struct epoll_event events[EVENTS];
	bool warm = false;

	l->begin_us = clock_now_us() + (int64_t)l->warm_up_seconds * 1000000;
	l->end_us = l->begin_us + (int64_t)l->seconds * 1000000;
	for (int32_t i = 0; i < l->connection_count; i++) {
		l->busy++;
		if (!go_on(l, &l->connections[i], true, clock_now_us(), e))
			return false;
	}
	while (l->busy > 0) {
		int n = epoll_wait(l->epoll_fd, events, EVENTS, STALL_MAX_MS);

		if (n < 0 && errno != EINTR)
			return error_errno(e, errno, "epoll_wait");
		if (n == 0)
			return error_set(e, ERR_UNAVAILABLE, "no answer for %d ms", STALL_MAX_MS);
		if (!warm && clock_now_us() >= l->begin_us)
			warm = getrusage(RUSAGE_SELF, &l->usage_begin) == 0;
		for (int i = 0; i < n; i++)
			if (!on_readable(l, events[i].data.ptr, e))
				return false;
	}
	return true;
}

static double cpu_seconds(const struct rusage *u)
{
	return (double)(u->ru_utime.tv_sec + u->ru_stime.tv_sec) +
	       (double)(u->ru_utime.tv_usec + u->ru_stime.tv_usec) / 1e6;
}

static void report(const struct load *l)
{
	const struct histogram *h = &l->latencies;
	double seconds = (double)(clock_now_us() - l->begin_us) / 1e6;
	struct rusage usage;

	(void)getrusage(RUSAGE_SELF, &usage);
	printf("{\"answers\":%" PRId64 ",\"errors\":%" PRId64 ",\"seconds\":%.3f,\"rate\":%.1f,", l->answered,
	       l->errors, seconds, (double)l->answered / seconds);
	printf("\"p50_us\":%" PRIu64 ",\"p99_us\":%" PRIu64 ",\"max_us\":%" PRIu64 ",", histogram_quantile_us(h, 500),
	       histogram_quantile_us(h, 990), h->max_us);
	printf("\"generator_cpu\":%.2f}\n", (cpu_seconds(&usage) - cpu_seconds(&l->usage_begin)) / seconds);
}

/* Replaces every @N@ of the body by room for a number; notes where, relative to the body. */
MUST_CHECK static bool add_body(struct load *l, const char *text, struct sbuf *body, struct error *e)
{
	for (const char *mark; (mark = strstr(text, "@N@")); text = mark + 3) {
		sbuf_add(body, text, (size_t)(mark - text));
		if (l->mark_count == NUMBER_MARKS_MAX)
			return error_set(e, ERR_INVALID, "more than %d @N@ in the body", NUMBER_MARKS_MAX);
		l->marks[l->mark_count++] = body->len;
		sbuf_adds(body, "00000000");
	}
	sbuf_adds(body, text);
	return sbuf_ok(body) || error_set(e, ERR_TOO_LARGE, "the body is over %d bytes", REQUEST_MAX_BYTES);
}

MUST_CHECK static bool make_request(struct load *l, const char *path, struct error *e)
{
	_sbuf_ struct sbuf text = SBUF_INIT(REQUEST_MAX_BYTES);
	_sbuf_ struct sbuf body = SBUF_INIT(REQUEST_MAX_BYTES);
	bool post = l->body_file != NULL;

	if (post && !fdio_read_file(AT_FDCWD, l->body_file, &text, e))
		return false;
	if (!add_body(l, sbuf_str(&text), &body, e))
		return false;
	sbuf_addf(&l->request, "%s %s HTTP/1.1\r\nHost: 127.0.0.1\r\n", post ? "POST" : "GET", path);
	if (post)
		sbuf_addf(&l->request, "Content-Type: application/json\r\nContent-Length: %zu\r\n", body.len);
	for (int i = 0; i < l->header_count; i++)
		sbuf_addf(&l->request, "%s\r\n", l->headers[i]);
	sbuf_adds(&l->request, "\r\n");
	for (size_t i = 0; i < l->mark_count; i++)
		l->marks[i] += l->request.len;
	sbuf_add(&l->request, sbuf_str(&body), body.len);
	return sbuf_ok(&l->request) || error_set(e, ERR_TOO_LARGE, "the request is over %d bytes", REQUEST_MAX_BYTES);
}

/* http[s]://127.0.0.1:PORT/PATH; *ret_path points into url. */
static bool read_url(struct load *l, const char *url, const char **ret_path)
{
	const char *plain = "http://127.0.0.1:", *secure = "https://127.0.0.1:";
	char port_text[8] = "";
	int32_t port = 0;

	l->tls = str_starts(url, secure);
	if (!l->tls && !str_starts(url, plain))
		return false;
	const char *start = url + strlen(l->tls ? secure : plain), *slash = strchr(start, '/');
	if (!slash || (size_t)(slash - start) >= sizeof port_text)
		return false;
	memcpy(port_text, start, (size_t)(slash - start));
	if (!str_to_i32(port_text, &port) || port < 1 || port > UINT16_MAX)
		return false;
	l->server = (struct sockaddr_in){ .sin_family = AF_INET,
					  .sin_port = htons((uint16_t)port),
					  .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	*ret_path = slash;
	return true;
}

static bool read_options(struct load *l, int argc, char **argv, const char **ret_path)
{
	bool ok = true;

	for (int option; (option = getopt(argc, argv, "c:s:n:w:b:H:S:")) != -1;) {
		if (option == 'c')
			ok = ok && str_to_i32(optarg, &l->connection_count);
		else if (option == 's')
			ok = ok && str_to_i32(optarg, &l->seconds);
		else if (option == 'n')
			ok = ok && str_to_i64(optarg, &l->request_count);
		else if (option == 'w')
			ok = ok && str_to_i32(optarg, &l->warm_up_seconds);
		else if (option == 'b')
			l->body_file = optarg;
		else if (option == 'H' && l->header_count < HEADERS_MAX)
			l->headers[l->header_count++] = optarg;
		else if (option == 'S')
			ok = ok && str_to_i32(optarg, &l->status);
		else
			ok = false;
	}
	return ok && l->connection_count >= 1 && l->connection_count <= CONNECTIONS_MAX && l->seconds >= 1 &&
	       l->seconds <= SECONDS_MAX && l->warm_up_seconds >= 0 && l->warm_up_seconds <= SECONDS_MAX &&
	       l->request_count >= 0 && optind == argc - 1 && read_url(l, argv[optind], ret_path);
}

int main(int argc, char **argv)
{
	struct load *l = xcalloc(1, sizeof *l);
	struct error e = { 0 };
	const char *path = NULL;

	l->connection_count = 64;
	l->seconds = 10;
	l->request.limit = REQUEST_MAX_BYTES;
	if (!read_options(l, argc, argv, &path)) {
		fputs("usage: load [-c CONNECTIONS] [-s SECONDS | -n REQUESTS] [-w WARM_UP_SECONDS] [-b BODY_FILE] "
		      "[-H HEADER]... [-S STATUS] http[s]://127.0.0.1:PORT/PATH\n",
		      stderr);
		return 2;
	}
	l->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	l->connections = xcalloc((size_t)l->connection_count, sizeof *l->connections);
	for (int32_t i = 0; i < l->connection_count; i++)
		l->connections[i].channel.fd = -1;
	if (!make_request(l, path, &e) || !run(l, &e)) {
		fprintf(stderr, "load: %s\n", e.msg);
		return 1;
	}
	report(l);
	return l->errors ? 1 : 0;
}
