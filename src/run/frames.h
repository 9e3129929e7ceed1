/*
 * frames - what a driver sends, taken apart: a length of four bytes, big endian, then that many bytes of JSON, an
 * object with `type` (docs/session-protocol.md).
 *
 * A text that is longer than a frame comes ahead of its message, in messages of type `part`; so none costs much at a
 * time, however much a statement answers. Everything here is hostile input, and what waits has ceilings. Pure: no
 * descriptor, no clock. Owns its memory. One thread.
 */
#pragma once
#include "base/error.h"
#include "base/json.h"

struct frames {
	size_t frame_max; /* bytes of one, without its length */
	struct sbuf in;   /* what is no whole frame yet */
	struct sbuf text; /* of parts whose message has not come yet */
};

/*
 * `text`: what parts before this message have said, empty when there were none; it may be taken (sbuf_take). All else
 * is borrowed for the call. False: nothing more is wanted.
 */
typedef bool frames_fn(void *arg, const char *type, const struct jr *message, struct sbuf *text);

/* Sets the ceilings, also of what has come; text_max 0: no parts. */
void frames_limit(struct frames *f, size_t frame_max, size_t text_max);
void frames_done(struct frames *f);

/*
 * Room for *n bytes that come next, as many as one frame may still need and at most `*n`; then frames_take() of those
 * that came.
 */
char *frames_room(struct frames *f, size_t *n);

/*
 * Takes every whole frame. ERR_TOO_LARGE: over a ceiling; ERR_MALFORMED: no message. Then, and when fn has said false,
 * f takes no more and is only to be freed.
 */
MUST_CHECK bool frames_take(struct frames *f, size_t n, frames_fn *fn, void *arg, struct error *e);
