/*
 * fuzz-hello - what somebody says at the door of session drivers, to the real run/channel.c over a real socket. The
 * first byte says how many bytes come before a pause; in the rest 64 stars stand for the right proof of session 7 with
 * the nonce "n" for this connection.
 *
 * Must hold: nobody is let in without that proof, and nobody before he was heard; who was let in has a welcome and his
 * end is told once, and a stranger hears the challenge alone; whatever is said, the connection ends with its client.
 */
#include "base/id.h"
#include "base/sbuf.h"
#include "base/str.h"
#include "run/channel.h"
#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

enum { SAID_MAX = 64 * 1024, HEARD_MAX = 64 * 1024, SESSION = 7 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static void must(bool holds)
{
	if (!holds)
		abort();
}

struct visit {
	int fd;
	struct loop_watch *watch;
	struct channel *channel;
	struct sbuf said, heard; /* by the client */
	size_t pause_at, sent;
	bool proof_given, over;
	int ups, downs, refusals;
};

/* Of the process: a loop and a door cost more than a visit. */
static struct door {
	struct loop *loop;
	struct channels *channels;
	struct loop_timer *timer;
	char name[ID_NONCE_LEN + 1];
	struct visit *visit;
} door;

/* Not a proof, but as hard to guess for a fuzzer. */
static bool prove(void *arg, int64_t session, const char *text, char to[CHANNEL_PROOF_HEX + 1])
{
	uint64_t sum[4] = { 1, 2, 3, 4 };

	(void)arg;
	for (; *text; text++)
		for (size_t i = 0; i < ARRAY_LEN(sum); i++)
			sum[i] = (sum[i] ^ (unsigned char)*text) * 0x100000001b3ULL;
	for (size_t i = 0; i < ARRAY_LEN(sum); i++)
		(void)snprintf(to + 16 * i, 17, "%016llx", (unsigned long long)sum[i]);
	return session == SESSION;
}

static void up(void *arg, int64_t session, struct channel *c, const struct jr *hello)
{
	struct visit *v = door.visit;

	(void)arg;
	must(session == SESSION && v->proof_given && v->ups == 0);
	must(str_eq(jr_text(hello, "type", JR_STRING), "hello") && str_eq(jr_text(hello, "nonce", JR_STRING), "n"));
	v->ups++;
	v->channel = c;
	if (jr_get(hello, "away"))
		channel_close(c); /* as florusd does with one that it does not want */
}

static void message(void *arg, int64_t session, const char *type, const struct jr *m, struct sbuf *text)
{
	const struct visit *v = door.visit;

	(void)arg, (void)text;
	must(session == SESSION && v->ups == 1 && v->downs == 0 && v->refusals == 0 && m->type == JR_OBJECT);
	if (str_eq(type, "close"))
		channel_close(v->channel);
	else
		channel_send(v->channel, "{\"type\":\"pong\"}", 15);
}

static void refused(void *arg, int64_t session, const char *why)
{
	(void)arg;
	must(session == SESSION && door.visit->ups == 1 && *why);
	door.visit->refusals++;
}

static void down(void *arg, int64_t session)
{
	(void)arg;
	must(session == SESSION);
	door.visit->downs++;
}

/* --- the client --- */

static void put_proofs(struct visit *v)
{
	static const char stars[CHANNEL_PROOF_HEX + 1] =
		"****************************************************************";
	static const char key[] = "\"nonce\":\"";
	const char *nonce = memmem(v->heard.data, v->heard.len, key, strlen(key));
	char text[2 * ID_NONCE_LEN + 64], proof[CHANNEL_PROOF_HEX + 1];

	must(nonce);
	(void)snprintf(text, sizeof text, "driver\n%d\n%.*s\nn", SESSION, ID_NONCE_LEN, nonce + strlen(key));
	(void)prove(NULL, SESSION, text, proof);
	for (char *at = v->said.data; at && v->said.len >= CHANNEL_PROOF_HEX;) {
		at = memmem(at, v->said.len - (size_t)(at - v->said.data), stars, CHANNEL_PROOF_HEX);
		if (!at)
			break;
		memcpy(at, proof, CHANNEL_PROOF_HEX);
		v->proof_given = true;
	}
}

static void say(struct visit *v, size_t until)
{
	while (v->sent < until) {
		ssize_t n = send(v->fd, v->said.data + v->sent, until - v->sent, MSG_NOSIGNAL);

		if (n <= 0)
			break; /* hung up on */
		v->sent += (size_t)n;
	}
}

/* After the pause: the rest, and nothing more. */
static void say_rest(void *arg)
{
	(void)arg;
	struct visit *v = door.visit;

	if (v->over) { /* and what the door had to tidy up is done: its timer is older */
		loop_stop(door.loop);
		return;
	}
	say(v, v->said.len);
	(void)shutdown(v->fd, SHUT_WR);
}

static void hear(void *arg)
{
	struct visit *v = arg;
	size_t before = v->heard.len;
	char *to = sbuf_reserve(&v->heard, HEARD_MAX - v->heard.len);
	ssize_t n = to ? recv(v->fd, to, HEARD_MAX - v->heard.len, MSG_DONTWAIT) : 0;

	if (n < 0 && errno == EAGAIN)
		return;
	if (n > 0)
		sbuf_grew(&v->heard, (size_t)n);
	if (n > 0 && before > 0)
		return;
	if (n > 0) {
		put_proofs(v);
		say(v, v->pause_at);
	} else {
		v->over = true;
		v->watch = loop_watch_free(v->watch);
	}
	loop_timer_set(door.timer, 0, 0);
}

static void open_door(void)
{
	struct channels_setup setup = {
		.name = door.name, .prove = prove, .up = up, .message = message, .refused = refused, .down = down
	};
	struct error e;

	id_random_hex(door.name, ID_NONCE_LEN);
	door.loop = loop_new();
	door.timer = loop_timer_new(door.loop, say_rest, NULL);
	must(channels_new(door.loop, &setup, &door.channels, &e));
}

static void dial(struct visit *v)
{
	struct sockaddr_un a = { .sun_family = AF_UNIX };
	struct error e;

	memcpy(a.sun_path + 1, door.name, ID_NONCE_LEN);
	v->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	must(v->fd >= 0 && connect(v->fd, (struct sockaddr *)&a,
				   (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 + ID_NONCE_LEN)) == 0);
	must(loop_watch_new(door.loop, v->fd, hear, v, &v->watch, &e));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct visit v = { .said = SBUF_INIT(SAID_MAX), .heard = SBUF_INIT(2 * HEARD_MAX) };

	if (n == 0 || n > SAID_MAX)
		return 0;
	if (!door.loop)
		open_door();
	sbuf_add(&v.said, data + 1, n - 1);
	v.pause_at = data[0] < v.said.len ? data[0] : v.said.len;
	door.visit = &v;
	dial(&v);
	loop_run(door.loop);
	must(v.over && v.ups <= 1 && v.downs == v.ups && v.refusals <= v.ups);
	must(v.ups || !memmem(sbuf_str(&v.heard), v.heard.len, "welcome", 7));
	(void)close(v.fd);
	sbuf_done(&v.said);
	sbuf_done(&v.heard);
	return 0;
}
