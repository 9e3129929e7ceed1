/*
 * cleanup - the words of ownership that every file uses.
 *
 * `_cleanup_(fn)` runs fn(&var) when var leaves its scope; TAKE(p) moves a pointer out
 * of such a variable, leaving NULL behind. MUST_CHECK makes an ignored result an error.
 */
#pragma once
#include <stdlib.h>
#include <unistd.h>

#define _cleanup_(fn) __attribute__((cleanup(fn)))
#define MUST_CHECK __attribute__((warn_unused_result))
#define PRINTF(fmt, first) __attribute__((format(printf, fmt, first)))
#define NORETURN __attribute__((noreturn))
#define ARRAY_LEN(a) (sizeof(a) / sizeof((a)[0]))

/* Gives up ownership: yields p and leaves NULL behind, so the cleanup has nothing to free. */
#define TAKE(p)                            \
	__extension__({                    \
		__typeof__(p) take_ = (p); \
		(p) = NULL;                \
		take_;                     \
	})

/* The same for a descriptor: yields it and leaves -1 behind. */
static inline int take_fd(int *fd)
{
	int taken = *fd;

	*fd = -1;
	return taken;
}

static inline void freep(void *p)
{
	free(*(void **)p);
}

static inline void closep(int *fd)
{
	if (*fd >= 0)
		(void)close(*fd);
}

#define _free_ _cleanup_(freep)
#define _close_ _cleanup_(closep)

/*
 * Allocators that never return NULL: out of memory ends the process. That is safe here because
 * every request-sized buffer has a ceiling that fails softly first, and jobs live in shims.
 */
void *xmalloc(size_t size);
void *xcalloc(size_t count, size_t size);
void *xrealloc(void *p, size_t size);
char *xstrdup(const char *s); /* NULL stays NULL */
