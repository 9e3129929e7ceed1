/*
 * Why the linked libmicrohttpd calls http_pool_zero() where it was written memset(), and http_pool_map() for mmap().
 *
 * Version 0.9.75 clears a connection's whole memory pool after every request. A pool must hold a
 * 128 KiB header block (livy.server.request-header.size), so that is 200 KiB written per request: measured here, it
 * cuts throughput to a third and keeps every page of every idle connection resident. The library's own
 * comment says that clearing is "technically not needed"; what lies there is the same client's last request.
 * The build renames these symbols in the static library (meson.build); small clears stay exact.
 */
#include "http/pool.h"
#include <string.h>
#include <sys/mman.h>

void *http_pool_zero(void *at, int byte, size_t n);
void *http_pool_map(void *at, size_t n, int protection, int flags, int fd, off_t offset);

enum { POOL_CLEAR_MAX = 64 * 1024, POOL_CLEAR_HEAD = 4096, POOL_LOOK = 16 };

/* The library's allocator has no argument that could carry it. Only between the making of a pool and pool_latest(). */
static struct pool latest;

void *http_pool_zero(void *at, int byte, size_t n)
{
	return memset(at, byte, n > POOL_CLEAR_MAX ? POOL_CLEAR_HEAD : n);
}

void *http_pool_map(void *at, size_t n, int protection, int flags, int fd, off_t offset)
{
	void *mapped = mmap(at, n, protection, flags, fd, offset);

	latest = (struct pool){ mapped, n };
	if (mapped == MAP_FAILED)
		latest = (struct pool){ 0 };
	return mapped;
}

struct pool pool_latest(void)
{
	struct pool p = latest;

	latest = (struct pool){ 0 };
	return p;
}

/*
 * After a request the library's read buffer begins where the pool does, and was cleared there: as long as no byte of
 * the next request has come, that stays so. A request that begins with NULs is malformed with or without its rest.
 */
void pool_release(const struct pool *p)
{
	static const char nothing[POOL_LOOK];

	if (p->at && memcmp(p->at, nothing, sizeof nothing) == 0)
		(void)madvise(p->at, p->size, MADV_DONTNEED);
}
