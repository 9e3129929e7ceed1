#include "http/deadline.h"
#include "base/clock.h"
#include "http/tls.h"
#include <linux/tcp.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>

enum {
	SWEEP_MIN_MS = 20,
	SWEEP_MAX_MS = 1000,
	SWEEPS_PER_LIMIT = 10,
	/* A sweep of ten thousand asks the kernel ten thousand times: requests come in between. */
	SLICE_MIN = 16,   /* connections looked at in one go, some 20 µs … */
	SLICES_MAX = 640, /* … or such a part of all */
	SLICE_PAUSE_MS = 1,
	IDLE_LOOKS =
		3, /* at an idle connection, in the shortest limit that concerns it: most of ten thousand are idle */
};

struct deadlines {
	struct deadline_limits limits;
	struct conn all; /* list head */
	struct conn *at; /* the next one to look at; NULL: between two sweeps */
	int64_t count;
	struct loop_timer *timer;
	int64_t every_ms, idle_every_ms, began_ms;
	int64_t now_ms; /* of the last look: precise enough for phases, and free */
};

static void sweep(void *arg);

static int64_t smallest(const struct deadline_limits *l)
{
	int64_t m = l->header_ms < l->body_ms ? l->header_ms : l->body_ms;

	m = l->reply_ms < m ? l->reply_ms : m;
	return l->idle_ms < m ? l->idle_ms : m;
}

struct deadlines *deadlines_new(struct loop *l, const struct deadline_limits *limits)
{
	struct deadlines *d = xcalloc(1, sizeof *d);
	int64_t every = smallest(limits) / SWEEPS_PER_LIMIT;

	d->every_ms = every < SWEEP_MIN_MS ? SWEEP_MIN_MS : every > SWEEP_MAX_MS ? SWEEP_MAX_MS : every;
	d->idle_every_ms = (limits->header_ms < limits->idle_ms ? limits->header_ms : limits->idle_ms) / IDLE_LOOKS;
	d->limits = *limits;
	d->all.prev = d->all.next = &d->all;
	d->now_ms = clock_now_ms();
	d->timer = loop_timer_new(l, sweep, d);
	loop_timer_set(d->timer, d->every_ms, 0);
	return d;
}

struct deadlines *deadlines_free(struct deadlines *d)
{
	if (d)
		d->timer = loop_timer_free(d->timer);
	free(d);
	return NULL;
}

struct conn *deadline_accept(struct deadlines *d, int fd)
{
	struct conn *c = xcalloc(1, sizeof *c);

	c->of = d;
	c->fd = fd;
	c->prev = d->all.prev;
	c->next = &d->all;
	c->prev->next = c->next->prev = c;
	d->count++;
	deadline_phase(c, PHASE_HEADER);
	return c;
}

void deadline_phase(struct conn *c, enum phase phase)
{
	c->phase = phase;
	c->released = false;
	c->since_ms = c->moved_ms = c->looked_ms = c->of->now_ms;
	c->bytes = c->seen = 0;
}

void deadline_closed(struct conn *c)
{
	if (c->of->at == c)
		c->of->at = c->next;
	c->of->count--;
	c->prev->next = c->next;
	c->next->prev = c->prev;
	c->tls = tls_session_free(c->tls);
	free(c);
}

void deadline_last_words(struct conn *c, const char *bytes, size_t n)
{
	if (c->tls)
		tls_last_words(c->tls, bytes, n);
	else
		(void)send(c->fd, bytes, n, MSG_DONTWAIT | MSG_NOSIGNAL);
}

static void cut(struct conn *c)
{
	static const char late[] = "HTTP/1.1 408 Request Timeout\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";

	if (c->phase == PHASE_HEADER || c->phase == PHASE_BODY)
		deadline_last_words(c, late, sizeof late - 1);
	(void)shutdown(c->fd, SHUT_RDWR);
	deadline_phase(c, PHASE_WORK); /* once is enough: the library sees the end and closes */
}

/* What TCP has moved on this connection: received while we read, acknowledged while we send. */
static uint64_t tcp_bytes(const struct conn *c)
{
	struct tcp_info info;
	socklen_t len = sizeof info;

	if (getsockopt(c->fd, IPPROTO_TCP, TCP_INFO, &info, &len) < 0)
		return 0;
	return c->phase == PHASE_REPLY ? info.tcpi_bytes_acked : info.tcpi_bytes_received;
}

/* Read to its end, and the client will send no more: what has begun cannot be completed. */
static bool left(const struct conn *c)
{
	char byte;

	return recv(c->fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT) == 0;
}

static void sweep_header(struct conn *c, int64_t now, const struct deadline_limits *l)
{
	int64_t limit = c->place.guest && GUEST_HEADER_MS < l->header_ms ? GUEST_HEADER_MS : l->header_ms;

	if (now - c->since_ms >= limit || left(c))
		cut(c);
}

static void sweep_body(struct conn *c, int64_t now, const struct deadline_limits *l)
{
	int64_t took_ms = now - c->since_ms;

	if (c->bytes != c->seen)
		c->moved_ms = now;
	c->seen = c->bytes;
	if (now - c->moved_ms >= l->body_ms ||
	    (took_ms > BODY_RATE_AFTER_MS && (int64_t)c->bytes * 1000 / took_ms < BODY_RATE_MIN) || left(c))
		cut(c);
}

static void sweep_tcp(struct conn *c, int64_t now, const struct deadline_limits *l)
{
	bool first_look = c->seen == 0;

	c->bytes = tcp_bytes(c);
	if (c->bytes != c->seen)
		c->moved_ms = now;
	if (c->phase == PHASE_IDLE && !first_look && c->bytes != c->seen) {
		deadline_phase(c, PHASE_HEADER); /* the next request has begun */
		return;
	}
	c->seen = c->bytes;
	if (now - c->moved_ms >= (c->phase == PHASE_IDLE ? l->idle_ms : l->reply_ms))
		cut(c);
}

/* Its memory goes back at once, the kernel is asked now and then. */
static void sweep_idle(struct conn *c, int64_t now, const struct deadline_limits *l)
{
	if (!c->released) {
		pool_release(&c->pool);
		c->released = true;
	}
	if (now - c->looked_ms < c->of->idle_every_ms)
		return;
	c->looked_ms = now;
	sweep_tcp(c, now, l);
}

static void sweep_one(struct conn *c, int64_t now, const struct deadline_limits *l)
{
	switch (c->phase) {
	case PHASE_WORK:
		return;
	case PHASE_HEADER:
		sweep_header(c, now, l);
		return;
	case PHASE_BODY:
		sweep_body(c, now, l);
		return;
	case PHASE_IDLE:
		sweep_idle(c, now, l);
		return;
	case PHASE_REPLY:
		sweep_tcp(c, now, l);
		return;
	}
}

static int64_t slice_of(const struct deadlines *d)
{
	return d->count / SLICES_MAX > SLICE_MIN ? d->count / SLICES_MAX : SLICE_MIN;
}

static void sweep(void *arg)
{
	struct deadlines *d = arg;
	int64_t slice = slice_of(d);

	d->now_ms = clock_now_ms();
	if (!d->at) {
		d->at = d->all.next;
		d->began_ms = d->now_ms;
	}
	for (; slice > 0 && d->at != &d->all; slice--) {
		struct conn *c = d->at;

		d->at = c->next;
		sweep_one(c, d->now_ms, &d->limits);
	}
	if (d->at != &d->all) {
		loop_timer_set(d->timer, SLICE_PAUSE_MS, 0);
		return;
	}
	d->at = NULL;
	loop_timer_set(d->timer, d->began_ms + d->every_ms - d->now_ms, 0);
}
