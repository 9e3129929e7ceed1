/* Session drivers that dial: such as know the secret, and all the others. */
#include "run/channel.h"
#include "base/id.h"
#include "base/sbuf.h"
#include "base/str.h"
#include "t.h"
#include <arpa/inet.h>
#include <pthread.h>
#include <stddef.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

/* Florusd's side, and a driver on a thread of its own that ends the loop when it is done. */
struct scene {
	struct loop *loop;
	struct channels *channels;
	struct loop_wake *wake;
	char name[64];
	void (*driver)(struct scene *s);
	int ups, downs, messages, refusals;
	struct channel *channel;
	char last[64];
	size_t last_text;
};

/* Not a proof, but as hard to guess for these tests. */
static bool prove(void *arg, int64_t session, const char *text, char to[CHANNEL_PROOF_HEX + 1])
{
	unsigned sum = 0;

	(void)arg;
	for (; *text; text++)
		sum = sum * 31 + (unsigned char)*text;
	(void)snprintf(to, CHANNEL_PROOF_HEX + 1, "%064x", sum);
	return session == 7;
}

static void up(void *arg, int64_t session, struct channel *c, const struct jr *hello)
{
	struct scene *s = arg;

	CHECK_INT(session, 7);
	CHECK(jr_get(hello, "pid"));
	s->ups++;
	s->channel = c;
}

static void message(void *arg, int64_t session, const char *type, const struct jr *m, struct sbuf *text)
{
	struct scene *s = arg;
	CHECK_INT(session, 7);
	CHECK(jr_get(m, "type"));
	s->messages++;
	(void)snprintf(s->last, sizeof s->last, "%s", type);
	s->last_text = text->len;
	channel_send(s->channel, "{\"type\":\"pong\"}", 15);
}

static void refused(void *arg, int64_t session, const char *why)
{
	struct scene *s = arg;

	CHECK_INT(session, 7);
	s->refusals++;
	(void)snprintf(s->last, sizeof s->last, "%s", why);
}

static void down(void *arg, int64_t session)
{
	struct scene *s = arg;

	CHECK_INT(session, 7);
	s->downs++;
}

/* --- the driver's side --- */

static int dial(struct scene *s)
{
	struct sockaddr_un a = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	memcpy(a.sun_path + 1, s->name, strlen(s->name));
	CHECK(connect(fd, (struct sockaddr *)&a,
		      (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 + strlen(s->name))) == 0);
	return fd;
}

static bool read_all(int fd, char *to, size_t n)
{
	for (ssize_t got; n > 0; to += got, n -= (size_t)got)
		if ((got = recv(fd, to, n, 0)) <= 0)
			return false;
	return true;
}

static bool hear(int fd, char *to, size_t size)
{
	uint32_t length;

	if (!read_all(fd, (char *)&length, sizeof length))
		return false;
	length = ntohl(length);
	CHECK(length < size);
	to[length] = '\0';
	return read_all(fd, to, length);
}

static void say_bytes(int fd, uint32_t length, const char *bytes, size_t n)
{
	length = htonl(length);
	(void)send(fd, &length, sizeof length, MSG_NOSIGNAL);
	for (ssize_t sent; n > 0; bytes += sent, n -= (size_t)sent)
		if ((sent = send(fd, bytes, n, MSG_NOSIGNAL)) <= 0)
			return;
}

static void say(int fd, const char *text)
{
	say_bytes(fd, (uint32_t)strlen(text), text, strlen(text));
}

static bool hung_up(int fd)
{
	char c;

	return recv(fd, &c, 1, 0) <= 0;
}

/* Dials and says hello for a session; true when it was welcome. */
static bool shake_hands(int fd, int64_t session, bool honest)
{
	char said[512], nonce[ID_NONCE_LEN + 1], text[128], proof[CHANNEL_PROOF_HEX + 1];

	CHECK(hear(fd, said, sizeof said));
	const char *at = strstr(said, "\"nonce\":\"");
	CHECK(at);
	(void)snprintf(nonce, sizeof nonce, "%s", at + 9);
	(void)snprintf(text, sizeof text, "driver\n%lld\n%s\nabc", (long long)session, nonce);
	(void)prove(NULL, 7, text, proof);
	if (!honest)
		proof[63] = proof[63] == '0' ? '1' : '0';
	(void)snprintf(
		said, sizeof said,
		"{\"type\":\"hello\",\"version\":1,\"session\":%lld,\"nonce\":\"abc\",\"proof\":\"%s\",\"pid\":1}",
		(long long)session, proof);
	say(fd, said);
	if (!hear(fd, said, sizeof said))
		return false;
	(void)snprintf(text, sizeof text, "florusd\n%lld\nabc\n%s", (long long)session, nonce);
	(void)prove(NULL, 7, text, proof);
	CHECK(strstr(said, "\"welcome\"") && strstr(said, proof));
	return true;
}

static void *run_driver(void *arg)
{
	struct scene *s = arg;

	s->driver(s);
	loop_wake_send(s->wake);
	return NULL;
}

static void stop(void *arg)
{
	loop_stop(((struct scene *)arg)->loop);
}

static void play(struct scene *s, void (*driver)(struct scene *s))
{
	struct channels_setup setup = { .name = s->name,
					.arg = s,
					.prove = prove,
					.up = up,
					.message = message,
					.refused = refused,
					.down = down };
	struct error e = { 0 };
	pthread_t thread;

	id_random_hex(s->name, 24);
	s->driver = driver;
	s->loop = loop_new();
	s->wake = loop_wake_new(s->loop, stop, s);
	CHECK_OK(channels_new(s->loop, &setup, &s->channels, &e), e);
	CHECK(!pthread_create(&thread, NULL, run_driver, s));
	loop_run(s->loop);
	CHECK(!pthread_join(thread, NULL));
	s->channels = channels_free(s->channels);
	s->wake = loop_wake_free(s->wake);
	s->loop = loop_free(s->loop);
}

/* --- scenes --- */

static void talk(struct scene *s)
{
	char said[64];
	int fd = dial(s);

	CHECK(shake_hands(fd, 7, true));
	say(fd, "{\"type\":\"state\"}");
	CHECK(hear(fd, said, sizeof said) && strstr(said, "pong"));
	(void)close(fd);
}

TEST(a_driver_with_the_secret_is_heard)
{
	struct scene s = { 0 };

	play(&s, talk);
	CHECK_INT(s.ups, 1);
	CHECK_INT(s.messages, 1);
	CHECK_STR(s.last, "state");
}

static void lie(struct scene *s)
{
	int fd = dial(s);

	CHECK(!shake_hands(fd, 7, false));
	(void)close(fd);
}

TEST(a_wrong_proof_is_hung_up_on)
{
	struct scene s = { 0 };

	play(&s, lie);
	CHECK_INT(s.ups + s.messages + s.downs, 0);
}

static void be_unknown(struct scene *s)
{
	int fd = dial(s);

	CHECK(!shake_hands(fd, 8, true));
	(void)close(fd);
}

TEST(an_unknown_session_is_hung_up_on)
{
	struct scene s = { 0 };

	play(&s, be_unknown);
	CHECK_INT(s.ups, 0);
}

static void talk_nonsense(struct scene *s)
{
	static const char *const nonsense[] = { "",
						"{",
						"[]",
						"{}",
						"{\"type\":1}",
						"{\"type\":\"hello\"}",
						"null",
						"\xff",
						"{\"type\":\"hello\",\"version\":1,\"session\":7,\"nonce\":\"n\"}" };
	char challenge[512];

	for (size_t i = 0; i < ARRAY_LEN(nonsense); i++) {
		int fd = dial(s);

		CHECK(hear(fd, challenge, sizeof challenge));
		say(fd, nonsense[i]);
		CHECK(hung_up(fd));
		(void)close(fd);
	}
	int fd = dial(s);
	CHECK(hear(fd, challenge, sizeof challenge));
	say_bytes(fd, CHANNEL_HELLO_MAX + 1, "x", 1);
	CHECK(hung_up(fd));
	(void)close(fd);
	fd = dial(s);
	CHECK(shake_hands(fd, 7, true));
	say_bytes(fd, UINT32_MAX, "x", 1);
	CHECK(hung_up(fd));
	(void)close(fd);
}

TEST(nonsense_is_hung_up_on)
{
	struct scene s = { 0 };

	play(&s, talk_nonsense);
	CHECK_INT(s.ups, 1);
	CHECK_INT(s.refusals, 1); /* of a session's driver; of a stranger nothing is told */
	CHECK_INT(s.messages, 0);
}

static void replace(struct scene *s)
{
	int first = dial(s), second;
	char said[64];

	CHECK(shake_hands(first, 7, true));
	second = dial(s);
	CHECK(shake_hands(second, 7, true));
	CHECK(hung_up(first));
	say(second, "{\"type\":\"state\"}");
	CHECK(hear(second, said, sizeof said));
	(void)close(first);
	(void)close(second);
}

TEST(a_driver_that_dials_anew_replaces_its_connection)
{
	struct scene s = { 0 };

	play(&s, replace);
	CHECK_INT(s.ups, 2);
	CHECK(s.downs <= 1); /* the second one's end may have been seen, the first one's is not told */
}

/* A message of this type, n bytes in all. */
static void say_large(int fd, const char *type, size_t n)
{
	_sbuf_ struct sbuf text = SBUF_INIT(n);

	sbuf_addf(&text, "{\"type\":\"%s\",\"text\":\"", type);
	while (text.len < n - 2)
		sbuf_addc(&text, 'x');
	sbuf_adds(&text, "\"}");
	say_bytes(fd, (uint32_t)text.len, text.data, text.len);
}

static size_t part_text(size_t n)
{
	return n - strlen("{\"type\":\"part\",\"text\":\"\"}");
}

static void send_large(struct scene *s)
{
	char said[64];
	int fd = dial(s);

	CHECK(shake_hands(fd, 7, true));
	for (int i = 0; i < 20; i++)
		say_large(fd, "part", CHANNEL_FRAME_MAX);
	say(fd, "{\"type\":\"result\"}");
	CHECK(hear(fd, said, sizeof said));
	(void)close(fd);
}

TEST(a_text_in_parts_arrives_whole)
{
	struct scene s = { 0 };

	play(&s, send_large);
	CHECK_INT(s.messages, 1);
	CHECK_STR(s.last, "result");
	CHECK_INT(s.last_text, 20 * part_text(CHANNEL_FRAME_MAX));
}

static void send_too_large(struct scene *s)
{
	int fd = dial(s);

	CHECK(shake_hands(fd, 7, true));
	say_large(fd, "result", CHANNEL_FRAME_MAX + 1);
	CHECK(hung_up(fd));
	(void)close(fd);
}

static void send_too_many_parts(struct scene *s)
{
	int fd = dial(s);

	CHECK(shake_hands(fd, 7, true));
	for (size_t sent = 0; sent <= CHANNEL_TEXT_MAX; sent += part_text(CHANNEL_FRAME_MAX))
		say_large(fd, "part", CHANNEL_FRAME_MAX);
	CHECK(hung_up(fd));
	(void)close(fd);
}

TEST(what_is_too_large_is_told_of_and_hung_up_on)
{
	struct scene one = { 0 }, many = { 0 };

	play(&one, send_too_large);
	CHECK_STR(one.last, "a message of 131073 bytes, where 131072 are the most");
	play(&many, send_too_many_parts);
	CHECK_STR(many.last, "a text of more than 33554432 bytes");
	CHECK_INT(one.messages + many.messages, 0);
	CHECK_INT(one.refusals, 1);
	CHECK_INT(many.refusals, 1);
}

static void crowd(struct scene *s)
{
	enum { CROWD = CHANNEL_STRANGERS_MAX + 8 };
	int fds[CROWD];
	char said[512];

	for (int i = 0; i < CROWD; i++)
		fds[i] = dial(s);
	for (int i = 0; i < CHANNEL_STRANGERS_MAX; i++)
		CHECK(hear(fds[i], said, sizeof said));
	for (int i = CHANNEL_STRANGERS_MAX; i < CROWD; i++)
		CHECK(hung_up(fds[i]));
	for (int i = 0; i < CROWD; i++)
		(void)close(fds[i]);
}

TEST(strangers_are_counted)
{
	struct scene s = { 0 };

	play(&s, crowd);
	CHECK_INT(s.ups, 0);
}

TEST(a_taken_name_is_an_error)
{
	struct loop *l = loop_new();
	struct channels_setup setup = { .name = "florus-test-taken-name",
					.prove = prove,
					.up = up,
					.message = message,
					.refused = refused,
					.down = down };
	struct channels *one, *two;
	struct error e = { 0 };
	char name[64];

	(void)snprintf(name, sizeof name, "florus-test-%d", (int)getpid());
	setup.name = name;
	CHECK_OK(channels_new(l, &setup, &one, &e), e);
	CHECK(!channels_new(l, &setup, &two, &e));
	CHECK_INT(e.code, ERR_CONFIG);
	(void)channels_free(one);
	(void)loop_free(l);
}
