#include "http/gate.h"
#include "base/listen.h"
#include "t.h"
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

enum { CLIENTS_MAX = 256, WAIT_MS = 10000 };

/* A gate on 127.0.0.1, those it let in, and the clients' ends. */
struct door {
	struct loop *loop;
	struct gate *gate;
	int port, wanted;
	const char *exempt;
	int clients[CLIENTS_MAX], client_count;
	int inside[CLIENTS_MAX], inside_count;
	struct gate_place places[CLIENTS_MAX];
};

static void on_enter(void *arg, int fd, const struct sockaddr *a, socklen_t len, struct gate_place place)
{
	struct door *d = arg;

	CHECK(a->sa_family == AF_INET && len == sizeof(struct sockaddr_in));
	d->inside[d->inside_count] = fd;
	d->places[d->inside_count++] = place;
	if (d->inside_count == d->wanted)
		loop_stop(d->loop);
}

static bool is_exempt(void *arg, const char *peer)
{
	const struct door *d = arg;

	return d->exempt && strcmp(peer, d->exempt) == 0;
}

static void open_door(struct door *d, int connections_max, int per_address)
{
	struct gate_config config = {
		.connections_max = connections_max,
		.connections_per_address = per_address,
		.plain = true,
		.exempt = is_exempt,
		.exempt_arg = d,
		.enter = on_enter,
		.enter_arg = d,
	};
	const struct listen_on on = { .host = "127.0.0.1", .backlog = CLIENTS_MAX, .whom = "" };
	struct error e;

	d->loop = loop_new();
	CHECK_OK(listen_tcp(&on, &config.listen_fd, &d->port, &e), e);
	CHECK_OK(gate_new(d->loop, &config, &d->gate, &e), e);
}

static void put_out(struct door *d, int i)
{
	(void)close(d->inside[i]);
	gate_leave(d->gate, d->places[i]);
	d->inside_count--;
	for (; i < d->inside_count; i++) {
		d->inside[i] = d->inside[i + 1];
		d->places[i] = d->places[i + 1];
	}
}

static void shut_door(struct door *d)
{
	while (d->inside_count > 0)
		put_out(d, d->inside_count - 1);
	for (int i = 0; i < d->client_count; i++)
		(void)close(d->clients[i]);
	d->gate = gate_free(d->gate);
	d->loop = loop_free(d->loop);
}

/* A client from 127.0.0.<last>. */
static int knock(struct door *d, int last)
{
	struct sockaddr_in from = { .sin_family = AF_INET,
				    .sin_addr.s_addr = htonl(INADDR_LOOPBACK - 1 + (unsigned)last) };
	struct sockaddr_in to = { .sin_family = AF_INET,
				  .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
				  .sin_port = htons((uint16_t)d->port) };
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	CHECK(fd >= 0 && bind(fd, (struct sockaddr *)&from, sizeof from) == 0);
	CHECK(connect(fd, (struct sockaddr *)&to, sizeof to) == 0);
	d->clients[d->client_count++] = fd;
	return fd;
}

static void give_up(void *arg)
{
	(void)arg;
	t_fail(__FILE__, __LINE__, "the gate did not do what was waited for");
}

/* Lets the gate work until so many are inside. */
static void await(struct door *d, int inside)
{
	struct loop_timer *t = loop_timer_new(d->loop, give_up, d);

	d->wanted = inside;
	loop_timer_set(t, WAIT_MS, 0);
	if (d->inside_count < inside)
		loop_run(d->loop);
	t = loop_timer_free(t);
	CHECK_INT(d->inside_count, inside);
}

static void stop(void *arg)
{
	loop_stop(arg);
}

/* Reads until the gate closes: a refusal, whole. */
static void expect_refusal(struct door *d, int fd)
{
	struct loop_timer *t = loop_timer_new(d->loop, stop, d->loop);
	char text[1024];
	size_t len = 0;
	ssize_t n;

	while ((n = recv(fd, text + len, sizeof text - 1 - len, MSG_DONTWAIT)) != 0) {
		CHECK(n > 0 || errno == EAGAIN);
		len += n > 0 ? (size_t)n : 0;
		loop_timer_set(t, 1, 0);
		if (n < 0)
			loop_run(d->loop);
	}
	t = loop_timer_free(t);
	text[len] = '\0';
	CHECK(strstr(text, "HTTP/1.1 503 ") == text);
	CHECK(strstr(text, "\r\nRetry-After: 1\r\n"));
	const char *body = strstr(text, "\r\n\r\n");
	char length[64];

	CHECK(body);
	(void)snprintf(length, sizeof length, "\r\nContent-Length: %zu\r\n", strlen(body + 4));
	CHECK(strstr(text, length));
}

TEST(beyond_the_most_come_guests_and_beyond_these_refusals)
{
	struct door d = { 0 };

	open_door(&d, 2, 0);
	CHECK_INT(gate_capacity(d.gate), 2 + GATE_GUESTS_MAX);
	for (int i = 0; i < 2 + GATE_GUESTS_MAX; i++)
		(void)knock(&d, 1);
	await(&d, 2 + GATE_GUESTS_MAX);
	for (int i = 0; i < d.inside_count; i++)
		CHECK_INT(d.places[i].guest, i >= 2);
	expect_refusal(&d, knock(&d, 1));
	CHECK_INT(d.inside_count, 2 + GATE_GUESTS_MAX);
	shut_door(&d);
}

TEST(a_place_that_was_left_is_given_to_the_next)
{
	struct door d = { 0 };

	open_door(&d, 1, 0);
	(void)knock(&d, 1);
	(void)knock(&d, 1);
	await(&d, 2);
	CHECK(!d.places[0].guest && d.places[1].guest);
	put_out(&d, 0);
	(void)knock(&d, 1);
	await(&d, 2);
	CHECK(!d.places[1].guest);
	shut_door(&d);
}

TEST(an_address_may_have_so_many_and_others_are_not_touched)
{
	struct door d = { 0 };

	open_door(&d, 100, 3);
	for (int i = 0; i < 3; i++)
		(void)knock(&d, 1);
	await(&d, 3);
	expect_refusal(&d, knock(&d, 1));
	(void)knock(&d, 2);
	await(&d, 4);
	put_out(&d, 0);
	(void)knock(&d, 1);
	await(&d, 4);
	expect_refusal(&d, knock(&d, 1));
	shut_door(&d);
}

TEST(an_exempt_address_may_have_any_number)
{
	struct door d = { .exempt = "127.0.0.2" };

	open_door(&d, 100, 1);
	for (int i = 0; i < 5; i++)
		(void)knock(&d, 2);
	await(&d, 5);
	(void)knock(&d, 1);
	await(&d, 6);
	expect_refusal(&d, knock(&d, 1));
	shut_door(&d);
}

TEST(some_descriptors_are_kept_for_others_than_connections)
{
	const struct rlimit few = { 64, 64 };
	struct door d = { 0 };

	CHECK(setrlimit(RLIMIT_NOFILE, &few) == 0);
	open_door(&d, 1000, 0);
	CHECK_INT(gate_capacity(d.gate), 64 - GATE_FDS_KEPT_MIN + GATE_FDS_KEPT_MIN / 4);
	shut_door(&d);
}

TEST(without_a_free_descriptor_a_newcomer_is_told_and_the_gate_recovers)
{
	struct rlimit none = { 0, 0 };
	struct door d = { 0 };
	int fd;

	open_door(&d, 100, 0);
	fd = knock(&d, 1);
	int second = knock(&d, 1), third = knock(&d, 1);
	none.rlim_max = 1024;
	none.rlim_cur = (rlim_t)third + 1; /* nothing above what is open */
	CHECK(setrlimit(RLIMIT_NOFILE, &none) == 0);
	expect_refusal(&d, fd);
	expect_refusal(&d, second);
	expect_refusal(&d, third);
	CHECK_INT(d.inside_count, 0);
	none.rlim_cur = 1024;
	CHECK(setrlimit(RLIMIT_NOFILE, &none) == 0);
	(void)knock(&d, 1);
	await(&d, 1);
	shut_door(&d);
}
