/*
 * fuzz-frames - the first byte says in pieces of how many bytes the rest comes from a driver.
 *
 * Must hold: the messages are the same as when all comes at once; each has a type, and a text of parts that fits its
 * ceiling; who is refused is told why; after the end nothing is left waiting beyond a frame.
 */
#include "base/str.h"
#include "run/frames.h"
#include <stdint.h>
#include <stdio.h>
#include <string.h>

enum { FRAME_MAX = 512, TEXT_MAX = 1024, HEARD_MAX = 1 << 20 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static void must(bool holds)
{
	if (!holds)
		abort();
}

struct heard {
	struct sbuf text;
	bool stopped; /* a message of type "stop" is the last one that is wanted */
};

static bool hear(void *arg, const char *type, const struct jr *message, struct sbuf *text)
{
	struct heard *heard = arg;

	must(message->type == JR_OBJECT && !str_eq(type, "part"));
	must(text->len <= TEXT_MAX && strlen(sbuf_str(text)) == text->len && str_utf8_ok(sbuf_str(text), text->len));
	must(!heard->stopped);
	heard->stopped = str_eq(type, "stop");
	sbuf_addf(&heard->text, "%s(%zu)%s\n", type, message->count, sbuf_str(text));
	return !heard->stopped;
}

/* What is heard when it comes in pieces; the reason of a refusal is its last line. */
static void listen_to(const uint8_t *data, size_t n, size_t piece, struct heard *heard)
{
	struct frames f = { 0 };
	struct error e = { 0 };
	bool ok = true;

	frames_limit(&f, FRAME_MAX, TEXT_MAX);
	while (ok && !heard->stopped && n > 0) {
		size_t take = piece < n ? piece : n;
		char *to = frames_room(&f, &take);

		must(to && take > 0);
		memcpy(to, data, take);
		data += take;
		n -= take;
		ok = frames_take(&f, take, hear, heard, &e);
		must(!ok || f.in.len < 4 + FRAME_MAX);
	}
	must(ok || e.code == ERR_TOO_LARGE || e.code == ERR_MALFORMED);
	if (!ok)
		sbuf_addf(&heard->text, "refused: %s\n", e.msg);
	frames_done(&f);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct heard whole = { SBUF_INIT(HEARD_MAX), false }, pieces = { SBUF_INIT(HEARD_MAX), false };

	if (n == 0)
		return 0;
	listen_to(data + 1, n - 1, SIZE_MAX, &whole);
	listen_to(data + 1, n - 1, data[0] ? data[0] : 1, &pieces);
	must(sbuf_ok(&whole.text) && sbuf_ok(&pieces.text));
	must(str_eq(sbuf_str(&whole.text), sbuf_str(&pieces.text)));
	sbuf_done(&whole.text);
	sbuf_done(&pieces.text);
	return 0;
}
