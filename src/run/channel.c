#include "run/channel.h"
#include "base/clock.h"
#include "base/id.h"
#include "base/str.h"
#include "run/frames.h"
#include "run/secure.h"
#include "run/socket.h"
#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

enum {
	ACCEPTS_PER_TURN = 32, /* of the loop: others want it, too */
	ACCEPT_PAUSE_MS = 100,
	READ_PER_TURN = 256 * 1024,
	NONCE_MAX = 64,
	DOORS = 2,
};

/* Where drivers dial: this host, or the network. */
struct door {
	struct channels *of;
	int fd; /* -1: there is none */
	struct loop_watch *watch;
	bool is_network;
	int strangers;
};

struct channel {
	struct channels *of;
	struct door *door;
	struct channel *prev, *next;
	int fd;
	struct loop_watch *watch;
	int64_t session;
	struct secure *tls; /* NULL: plain, on this host */
	bool shaking;       /* its TLS is not agreed on yet */
	bool proven, broken;
	int64_t since_ms;
	char nonce[ID_NONCE_LEN + 1]; /* ours */
	struct frames in;
	struct sbuf out;
	size_t sent; /* of out */
};

struct channels {
	struct loop *loop;
	struct channels_setup setup;
	struct door doors[DOORS];
	struct secure_keys *keys; /* NULL: no network */
	struct loop_timer *timer; /* hangs up on strangers, and frees what is broken */
	struct channel all;       /* list head */
};

/* --- ends --- */

/* From here on nothing is read, written or told but `down`; freed from the timer, since callers may hold it. */
static void break_off(struct channel *c)
{
	if (c->broken)
		return;
	c->broken = true;
	c->door->strangers -= !c->proven;
	c->watch = loop_watch_free(c->watch);
	c->tls = secure_free(c->tls);
	closep(&c->fd);
	c->fd = -1;
	loop_timer_set(c->of->timer, 0, 0);
}

static void free_channel(struct channel *c)
{
	break_off(c);
	c->prev->next = c->next;
	c->next->prev = c->prev;
	frames_done(&c->in);
	sbuf_done(&c->out);
	free(c);
}

static void on_listen(void *arg);

static void sweep(void *arg)
{
	struct channels *all = arg;
	int64_t now_ms = clock_now_ms(), next_ms = INT64_MAX;
	struct error e;

	for (struct door *d = all->doors; d < all->doors + DOORS; d++)
		if (d->fd >= 0 && !d->watch && !loop_watch_new(all->loop, d->fd, on_listen, d, &d->watch, &e))
			next_ms = now_ms + ACCEPT_PAUSE_MS;
	for (struct channel *c = all->all.next, *next; c != &all->all; c = next) {
		next = c->next;
		if (!c->broken && !c->proven && now_ms - c->since_ms >= CHANNEL_HELLO_MS)
			break_off(c);
		if (!c->broken) {
			if (!c->proven && c->since_ms + CHANNEL_HELLO_MS < next_ms)
				next_ms = c->since_ms + CHANNEL_HELLO_MS;
			continue;
		}
		int64_t session = c->session;
		bool proven = c->proven;

		free_channel(c);
		if (proven)
			all->setup.down(all->setup.arg, session);
	}
	if (next_ms != INT64_MAX)
		loop_timer_set(all->timer, next_ms - now_ms, 0);
}

void channel_close(struct channel *c)
{
	break_off(c);
}

bool channel_is_network(const struct channel *c)
{
	return c->door->is_network;
}

/* --- sending --- */

static ssize_t send_some(struct channel *c, const void *bytes, size_t n)
{
	return c->tls ? secure_send(c->tls, bytes, n) : send(c->fd, bytes, n, MSG_DONTWAIT | MSG_NOSIGNAL);
}

static void flush(struct channel *c)
{
	while (c->sent < c->out.len) {
		ssize_t n = send_some(c, c->out.data + c->sent, c->out.len - c->sent);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && errno != EAGAIN)
			break_off(c);
		if (n < 0)
			break;
		c->sent += (size_t)n;
	}
	if (c->broken)
		return;
	if (c->sent == c->out.len) {
		sbuf_done(&c->out);
		c->sent = 0;
	}
	loop_watch_writable(c->watch, c->out.len > 0);
}

void channel_send(struct channel *c, const char *json, size_t n)
{
	const uint32_t length = htonl((uint32_t)n);

	if (c->broken)
		return;
	sbuf_add(&c->out, &length, sizeof length);
	sbuf_add(&c->out, json, n);
	if (sbuf_ok(&c->out))
		flush(c);
	else
		break_off(c);
}

/* --- proofs --- */

static void send_challenge(struct channel *c)
{
	_sbuf_ struct sbuf text = SBUF_INIT(256);
	struct jw w = { .out = &text };

	id_random_hex(c->nonce, ID_NONCE_LEN);
	jw_open(&w, NULL, '{');
	jw_str(&w, "type", "challenge");
	jw_int(&w, "version", CHANNEL_VERSION);
	jw_str(&w, "nonce", c->nonce);
	jw_close(&w, '}');
	channel_send(c, text.data, text.len);
}

static void send_welcome(struct channel *c, const char *proof)
{
	_sbuf_ struct sbuf text = SBUF_INIT(256);
	struct jw w = { .out = &text };

	jw_open(&w, NULL, '{');
	jw_str(&w, "type", "welcome");
	jw_str(&w, "proof", proof);
	jw_close(&w, '}');
	channel_send(c, text.data, text.len);
}

static bool prove(struct channel *c, const char *role, const char *first, const char *second,
		  char to[CHANNEL_PROOF_HEX + 1])
{
	char text[2 * NONCE_MAX + 64];

	(void)snprintf(text, sizeof text, "%s\n%lld\n%s\n%s", role, (long long)c->session, first, second);
	return c->of->setup.prove(c->of->setup.arg, c->session, text, to);
}

/* Every byte is looked at, whatever the first says: how long it takes tells nobody how much was right. */
static bool same_proof(const char *given, const char *right)
{
	unsigned different = 0;

	if (strlen(given) != CHANNEL_PROOF_HEX)
		return false;
	for (size_t i = 0; i < CHANNEL_PROOF_HEX; i++)
		different |= (unsigned char)given[i] ^ (unsigned char)right[i];
	return different == 0;
}

/* The driver has gone on: of its older connection nothing more is said. */
static void replace_older(struct channel *c)
{
	for (struct channel *other = c->of->all.next; other != &c->of->all; other = other->next) {
		if (other == c || !other->proven || other->session != c->session)
			continue;
		break_off(other);
		other->proven = false;
	}
}

/* Does the driver know the secret? Then it is welcome, and hears that we do. */
static bool take_hello(struct channel *c, const struct jr *hello)
{
	const char *version = jr_text(hello, "version", JR_NUMBER), *session = jr_text(hello, "session", JR_NUMBER),
		   *nonce = jr_text(hello, "nonce", JR_STRING), *given = jr_text(hello, "proof", JR_STRING);
	char proof[CHANNEL_PROOF_HEX + 1];

	if (!version || !session || !nonce || !given || strlen(nonce) > NONCE_MAX ||
	    !str_to_i64(session, &c->session) || !str_eq(version, "1"))
		return false;
	if (!prove(c, "driver", c->nonce, nonce, proof) || !same_proof(given, proof) ||
	    !prove(c, "florusd", nonce, c->nonce, proof))
		return false;
	replace_older(c);
	c->proven = true;
	c->door->strangers--;
	frames_limit(&c->in, CHANNEL_FRAME_MAX, CHANNEL_TEXT_MAX);
	c->out.limit = CHANNEL_WAITING_MAX;
	send_welcome(c, proof);
	return true;
}

/* --- receiving --- */

/* frames_fn: whoever has not proven itself may say hello, and nothing else. */
static bool take_message(void *arg, const char *type, const struct jr *message, struct sbuf *text)
{
	struct channel *c = arg;
	const struct channels_setup *setup = &c->of->setup;

	if (c->proven)
		setup->message(setup->arg, c->session, type, message, text);
	else if (!str_eq(type, "hello") || !take_hello(c, message))
		break_off(c);
	else if (!c->broken)
		setup->up(setup->arg, c->session, c, message);
	return !c->broken;
}

static ssize_t recv_some(struct channel *c, void *to, size_t n)
{
	return c->tls ? secure_recv(c->tls, to, n) : recv(c->fd, to, n, MSG_DONTWAIT);
}

/* What can be had in a turn. What is too large no honest driver says, and would say again if it was only hung up on. */
static void receive(struct channel *c)
{
	const struct channels_setup *setup = &c->of->setup;
	size_t room = READ_PER_TURN;
	char *to = frames_room(&c->in, &room);
	ssize_t n = to ? recv_some(c, to, room) : 0;
	struct error e;

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n > 0 && frames_take(&c->in, (size_t)n, take_message, c, &e))
		return;
	if (n > 0 && c->proven && !c->broken && e.code == ERR_TOO_LARGE)
		setup->refused(setup->arg, c->session, e.msg);
	break_off(c);
}

static void shake_hands(struct channel *c)
{
	enum secure_step step = secure_shake_hands(c->tls);

	if (step == SECURE_FAILED) {
		break_off(c);
		return;
	}
	loop_watch_writable(c->watch, step == SECURE_MORE && secure_wants_write(c->tls));
	if (step == SECURE_MORE)
		return;
	c->shaking = false;
	send_challenge(c);
}

static void on_ready(void *arg)
{
	struct channel *c = arg;

	if (c->shaking) {
		shake_hands(c);
		return;
	}
	if (c->out.len > c->sent)
		flush(c);
	do {
		if (!c->broken)
			receive(c);
	} while (!c->broken && c->tls && secure_has_more(c->tls));
}

/* --- listening --- */

/* False: there is no room for one more, or no memory. */
static bool begin(struct channel *c)
{
	struct error e;

	if (c->door->strangers > CHANNEL_STRANGERS_MAX ||
	    !loop_watch_new(c->of->loop, c->fd, on_ready, c, &c->watch, &e))
		return false;
	if (!c->door->is_network) {
		send_challenge(c);
		return true;
	}
	socket_keep_alive(c->fd);
	c->tls = secure_new(c->of->keys, c->fd);
	c->shaking = true;
	return c->tls != NULL;
}

static void take_connection(struct door *door, int fd)
{
	struct channels *all = door->of;
	struct channel *c = xcalloc(1, sizeof *c);

	c->of = all;
	c->door = door;
	c->fd = fd;
	c->since_ms = clock_now_ms();
	frames_limit(&c->in, CHANNEL_HELLO_MAX, 0);
	c->out.limit = CHANNEL_HELLO_MAX;
	c->prev = all->all.prev;
	c->next = &all->all;
	c->prev->next = c->next->prev = c;
	door->strangers++;
	if (!begin(c)) {
		break_off(c);
		return;
	}
	loop_timer_set(all->timer, 0, 0);
}

static void on_listen(void *arg)
{
	struct door *d = arg;

	for (int i = 0; i < ACCEPTS_PER_TURN; i++) {
		int fd = accept4(d->fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);

		if (fd < 0 && errno != EAGAIN) { /* no descriptor to be had: not again in every turn of the loop */
			d->watch = loop_watch_free(d->watch);
			loop_timer_set(d->of->timer, ACCEPT_PAUSE_MS, 0);
		}
		if (fd < 0)
			return;
		take_connection(d, fd);
	}
}

static bool open_doors(struct channels *all, struct error *e)
{
	const struct channels_setup *setup = &all->setup;
	struct door *here = &all->doors[0], *network = &all->doors[1];

	if (!socket_listen_abstract(setup->name, &here->fd, e) ||
	    !loop_watch_new(all->loop, here->fd, on_listen, here, &here->watch, e))
		return false;
	if (!setup->network_host)
		return true;
	network->is_network = true;
	return secure_keys_new(setup->dirfd, &all->keys, e) &&
	       socket_listen_tcp(setup->network_host, setup->network_port, &network->fd, e) &&
	       loop_watch_new(all->loop, network->fd, on_listen, network, &network->watch, e);
}

bool channels_new(struct loop *l, const struct channels_setup *setup, struct channels **ret, struct error *e)
{
	struct channels *all = xcalloc(1, sizeof *all);

	all->loop = l;
	all->setup = *setup;
	for (int i = 0; i < DOORS; i++)
		all->doors[i] = (struct door){ .of = all, .fd = -1 };
	all->all.prev = all->all.next = &all->all;
	all->timer = loop_timer_new(l, sweep, all);
	if (!open_doors(all, e)) {
		(void)channels_free(all);
		return false;
	}
	*ret = all;
	return true;
}

struct channels *channels_free(struct channels *all)
{
	if (!all)
		return NULL;
	for (struct channel *c = all->all.next, *next; c != &all->all; c = next) {
		next = c->next;
		free_channel(c);
	}
	for (struct door *d = all->doors; d < all->doors + DOORS; d++) {
		d->watch = loop_watch_free(d->watch);
		closep(&d->fd);
	}
	all->timer = loop_timer_free(all->timer);
	all->keys = secure_keys_free(all->keys);
	free(all);
	return NULL;
}

const char *channels_fingerprint(const struct channels *all)
{
	return all->keys ? secure_fingerprint(all->keys) : NULL;
}
