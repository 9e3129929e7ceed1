/*
 * wall - sets a program's wall clock, and that alone, for tests: LD_PRELOAD=libwall.so WALL=FILE program
 *
 * FILE holds by how many seconds, and may be replaced (rename) while the program runs; absent or empty: by none.
 * Any thread. Uses no stdio and no heap.
 */
#include <dlfcn.h>
#include <fcntl.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

enum { TEXT_MAX = 16 };

typedef int clock_fn(clockid_t id, struct timespec *to);

static long shift_s(void)
{
	char text[TEXT_MAX] = { 0 };
	long seconds = 0;
	const char *path = getenv("WALL");
	int fd = path ? open(path, O_RDONLY | O_CLOEXEC) : -1;

	if (fd < 0)
		return 0;
	(void)!read(fd, text, sizeof text - 1);
	(void)close(fd);
	for (const char *at = text + (text[0] == '-'); *at >= '0' && *at <= '9'; at++)
		seconds = 10 * seconds + (*at - '0');
	return text[0] == '-' ? -seconds : seconds;
}

/* POSIX wants a function out of a data pointer. */
int clock_gettime(clockid_t id, struct timespec *to)
{
	const union {
		void *data;
		clock_fn *fn;
	} next = { .data = dlsym(RTLD_NEXT, "clock_gettime") };
	int status = next.fn(id, to);

	if (status == 0 && id == CLOCK_REALTIME)
		to->tv_sec += shift_s();
	return status;
}
