#include "base/cleanup.h"
#include <stdio.h>
#include <string.h>

static void *check(void *p)
{
	if (p)
		return p;
	(void)fputs("out of memory\n", stderr);
	abort();
}

void *xmalloc(size_t size)
{
	return check(malloc(size ? size : 1));
}

/* glibc's calloc (before 2.41) passes by the per-thread cache; for small objects malloc and a clear are faster. */
enum { SMALL = 1024 };

void *xcalloc(size_t count, size_t size)
{
	if (count == 1 && size > 0 && size <= SMALL) {
		void *p = xmalloc(size);

		memset(p, 0, size);
		return p;
	}
	return check(calloc(count ? count : 1, size ? size : 1));
}

void *xrealloc(void *p, size_t size)
{
	return check(realloc(p, size ? size : 1));
}

char *xstrdup(const char *s)
{
	return s ? check(strdup(s)) : NULL;
}
