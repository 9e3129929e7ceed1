/*
 * sbuf - a growing byte string with a ceiling.
 *
 * A builder never holds more than the limit it was given; the first append that would pass it
 * sets `failed`, and every later append is a no-op. So callers append freely and test once, at
 * the end, with sbuf_ok(). Owns its memory. Zero bytes may be stored; data is NUL-terminated
 * once room was made (the terminator is not counted in len or limit).
 */
#pragma once
#include "base/cleanup.h"
#include <stdbool.h>
#include <stddef.h>

struct sbuf {
	char *data;
	size_t len, cap, limit; /* bytes */
	bool failed;
};
#define SBUF_INIT(max)         \
	{                      \
		.limit = (max) \
	}

/* Makes room for n more bytes; returns where to put them (then sbuf_grew), NULL when over the limit. */
char *sbuf_reserve(struct sbuf *b, size_t n);
static inline void sbuf_grew(struct sbuf *b, size_t n)
{
	b->len += n;
	b->data[b->len] = '\0';
}

void sbuf_add(struct sbuf *b, const void *bytes, size_t n);
void sbuf_adds(struct sbuf *b, const char *s);
void sbuf_addc(struct sbuf *b, char c);
void sbuf_addi(struct sbuf *b, long long n); /* decimal */
void sbuf_addf(struct sbuf *b, const char *fmt, ...) PRINTF(2, 3);

static inline bool sbuf_ok(const struct sbuf *b)
{
	return !b->failed;
}

/* The text so far; "" when nothing was added. Borrowed until the next append. */
static inline const char *sbuf_str(const struct sbuf *b)
{
	return b->data ? b->data : "";
}

void sbuf_clear(struct sbuf *b); /* empty again, memory kept, failed forgotten */
char *sbuf_take(struct sbuf *b); /* the bytes, NUL-terminated, now the caller's to free; b is empty */
void sbuf_done(struct sbuf *b);  /* frees; b is empty and usable again */
#define _sbuf_ _cleanup_(sbuf_done)
