#include "run/frames.h"
#include "base/str.h"
#include <arpa/inet.h>
#include <string.h>

enum { LENGTH_BYTES = 4, ARENA_FACTOR = 4, ARENA_MIN = 64 * 1024 };

void frames_limit(struct frames *f, size_t frame_max, size_t text_max)
{
	f->frame_max = frame_max;
	f->in.limit = LENGTH_BYTES + frame_max;
	f->text.limit = text_max;
}

void frames_done(struct frames *f)
{
	sbuf_done(&f->in);
	sbuf_done(&f->text);
}

char *frames_room(struct frames *f, size_t *n)
{
	size_t room = f->in.limit - f->in.len;

	if (*n > room)
		*n = room;
	return sbuf_reserve(&f->in, *n);
}

static bool take_part(struct frames *f, const struct jr *message, struct error *e)
{
	const char *text = jr_text(message, "text", JR_STRING);

	if (!text)
		return error_set(e, ERR_MALFORMED, "a part without text");
	sbuf_adds(&f->text, text);
	return sbuf_ok(&f->text) || error_set(e, ERR_TOO_LARGE, "a text of more than %zu bytes", f->text.limit);
}

static bool take_one(struct frames *f, const char *bytes, size_t n, frames_fn *fn, void *arg, bool *more,
		     struct error *e)
{
	_arena_ struct arena *arena = arena_new(ARENA_FACTOR * n + ARENA_MIN);
	const struct jr *message;
	const char *type;

	if (!jr_parse(arena, bytes, n, &message, e) || message->type != JR_OBJECT ||
	    !(type = jr_text(message, "type", JR_STRING)))
		return error_set(e, ERR_MALFORMED, "a frame that is no message");
	if (str_eq(type, "part"))
		return take_part(f, message, e);
	*more = fn(arg, type, message, &f->text);
	sbuf_done(&f->text);
	return true;
}

/* What was taken goes. Most drivers are silent most of the time, and then cost no memory. */
static void drop(struct frames *f, size_t n)
{
	if (n == f->in.len) {
		sbuf_done(&f->in);
	} else if (n > 0) {
		memmove(f->in.data, f->in.data + n, f->in.len - n);
		f->in.len -= n;
	}
}

bool frames_take(struct frames *f, size_t n, frames_fn *fn, void *arg, struct error *e)
{
	size_t at = 0;
	bool more = true;

	sbuf_grew(&f->in, n);
	while (more && f->in.len - at >= LENGTH_BYTES) {
		uint32_t length;

		memcpy(&length, f->in.data + at, LENGTH_BYTES);
		length = ntohl(length);
		if (length > f->frame_max)
			return error_set(e, ERR_TOO_LARGE, "a message of %u bytes, where %zu are the most", length,
					 f->frame_max);
		if (f->in.len - at - LENGTH_BYTES < length)
			break;
		if (!take_one(f, f->in.data + at + LENGTH_BYTES, length, fn, arg, &more, e))
			return false;
		at += LENGTH_BYTES + length;
	}
	drop(f, at);
	return true;
}
