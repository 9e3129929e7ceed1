#include "base/sbuf.h"
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

enum { SBUF_FIRST_CAP = 256 };

char *sbuf_reserve(struct sbuf *b, size_t n)
{
	if (b->failed || n > b->limit - b->len) {
		b->failed = true;
		return NULL;
	}
	if (b->len + n + 1 > b->cap) {
		size_t cap = b->cap ? b->cap : SBUF_FIRST_CAP;

		while (cap < b->len + n + 1)
			cap *= 2;
		if (cap > b->limit + 1)
			cap = b->limit + 1;
		b->data = xrealloc(b->data, cap);
		b->cap = cap;
		b->data[b->len] = '\0'; /* also when nothing comes to fill it */
	}
	return b->data + b->len;
}

void sbuf_add(struct sbuf *b, const void *bytes, size_t n)
{
	char *to = sbuf_reserve(b, n);

	if (!to)
		return;
	if (n)
		memcpy(to, bytes, n);
	sbuf_grew(b, n);
}

void sbuf_adds(struct sbuf *b, const char *s)
{
	sbuf_add(b, s, strlen(s));
}

void sbuf_addc(struct sbuf *b, char c)
{
	sbuf_add(b, &c, 1);
}

void sbuf_addi(struct sbuf *b, long long n)
{
	char text[24], *p = text + sizeof text;
	unsigned long long rest = n < 0 ? 0ULL - (unsigned long long)n : (unsigned long long)n;

	do
		*--p = (char)('0' + rest % 10);
	while (rest /= 10);
	if (n < 0)
		*--p = '-';
	sbuf_add(b, p, (size_t)(text + sizeof text - p));
}

void sbuf_addf(struct sbuf *b, const char *fmt, ...)
{
	va_list ap, again;
	int n;

	va_start(ap, fmt);
	va_copy(again, ap);
	n = vsnprintf(NULL, 0, fmt, ap);
	va_end(ap);

	char *to = n < 0 ? NULL : sbuf_reserve(b, (size_t)n);
	if (to) {
		(void)vsnprintf(to, (size_t)n + 1, fmt, again);
		b->len += (size_t)n;
	}
	va_end(again);
}

void sbuf_clear(struct sbuf *b)
{
	b->len = 0;
	b->failed = false;
	if (b->data)
		b->data[0] = '\0';
}

char *sbuf_take(struct sbuf *b)
{
	char *data = b->data ? b->data : xcalloc(1, 1);

	*b = (struct sbuf)SBUF_INIT(b->limit);
	return data;
}

void sbuf_done(struct sbuf *b)
{
	free(b->data);
	*b = (struct sbuf)SBUF_INIT(b->limit);
}
