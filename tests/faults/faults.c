/*
 * faults - makes file system calls fail on order, for tests: LD_PRELOAD=libfaults.so FAULTS=FILE program
 *
 * FILE holds one rule per line, and may be replaced (rename) while the program runs; its counts then start anew:
 *
 *     CALL PATTERN NTH ERRNO once|ever       fdatasync *.db-wal 3 5 once
 *     CALL PATTERN NTH 0 hang                fdatasync *.db-wal 1 0 hang
 *
 * CALL is pwrite, write, fdatasync, fsync, ftruncate, fallocate or any; PATTERN is for fnmatch(3) on the path that the
 * descriptor has; ERRNO is a number. The NTH matching call (from 1), or with `ever` that and every later one, fails.
 * With `hang` that and every later one waits until FILE is another. Each failure appends a line "CALL PATH" to
 * FILE.hits. FILE absent or empty: nothing fails.
 *
 * Any thread; the lock is held while a rule is judged. Uses no stdio and no heap, so it may stand below both.
 */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <fnmatch.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>
#include <time.h>
#include <unistd.h>

enum { RULES_MAX = 16, TEXT_MAX = 4096, PATH_LEN_MAX = 4096, WORD_MAX = 256, HANG_STEP_NS = 5000000 };

struct rule {
	char call[WORD_MAX], pattern[WORD_MAX];
	int nth, err, seen;
	bool for_ever, hangs;
};

static struct {
	pthread_mutex_t lock;
	char text[TEXT_MAX]; /* of the rules in force */
	struct rule rules[RULES_MAX];
	int count;
} faults = { .lock = PTHREAD_MUTEX_INITIALIZER };

typedef ssize_t write_fn(int fd, const void *bytes, size_t n);
typedef ssize_t pwrite_fn(int fd, const void *bytes, size_t n, off_t at);
typedef int fd_fn(int fd);
typedef int size_fn(int fd, off_t size);
typedef int range_fn(int fd, off_t at, off_t n);
typedef int mode_fn(int fd, int mode, off_t at, off_t n);

/* The one below us. POSIX wants a function out of a data pointer. */
#define NEXT(type, name)                      \
	((union {                             \
		 void *data;                  \
		 type *fn;                    \
	 }){ .data = dlsym(RTLD_NEXT, name) } \
		 .fn)

static void read_rules(const char *path)
{
	char text[TEXT_MAX] = { 0 };
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? 0 : read(fd, text, sizeof text - 1);

	if (fd >= 0)
		(void)close(fd);
	if (n < 0 || strcmp(text, faults.text) == 0)
		return;
	(void)memcpy(faults.text, text, sizeof text);
	faults.count = 0;
	for (char *rest = text, *line; faults.count < RULES_MAX && (line = strsep(&rest, "\n"));) {
		struct rule *r = &faults.rules[faults.count];
		char how[8] = "";

		*r = (struct rule){ 0 };
		if (sscanf(line, "%255s %255s %d %d %7s", r->call, r->pattern, &r->nth, &r->err, how) != 5)
			continue;
		r->for_ever = strcmp(how, "ever") == 0;
		r->hangs = strcmp(how, "hang") == 0;
		faults.count++;
	}
}

static void note_hit(const char *orders, const char *call, const char *path)
{
	char hits[PATH_LEN_MAX], line[PATH_LEN_MAX + WORD_MAX];
	int n = snprintf(line, sizeof line, "%s %s\n", call, path);

	(void)snprintf(hits, sizeof hits, "%s.hits", orders);
	int fd = open(hits, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
	if (fd < 0 || NEXT(write_fn, "write")(fd, line, (size_t)n) != n)
		abort(); /* a test that cannot see its faults proves nothing */
	(void)close(fd);
}

static void hang(const char *orders)
{
	char text[TEXT_MAX];
	bool same = true;

	(void)pthread_mutex_lock(&faults.lock);
	(void)memcpy(text, faults.text, sizeof text);
	while (same) {
		(void)pthread_mutex_unlock(&faults.lock);
		(void)nanosleep(&(struct timespec){ .tv_nsec = HANG_STEP_NS }, NULL);
		(void)pthread_mutex_lock(&faults.lock);
		read_rules(orders);
		same = strcmp(text, faults.text) == 0;
	}
	(void)pthread_mutex_unlock(&faults.lock);
}

/* The errno that this call must fail with; 0: let it through. */
static int judge(const char *call, int fd)
{
	const char *orders = getenv("FAULTS");
	char link[64], path[PATH_LEN_MAX];
	int err = 0, saved = errno;
	bool hangs = false;

	if (!orders)
		return 0;
	(void)snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
	ssize_t n = readlink(link, path, sizeof path - 1);
	path[n < 0 ? 0 : n] = '\0';
	(void)pthread_mutex_lock(&faults.lock);
	read_rules(orders);
	for (int i = 0; i < faults.count && !err; i++) {
		struct rule *r = &faults.rules[i];

		if ((strcmp(r->call, call) != 0 && strcmp(r->call, "any") != 0) || fnmatch(r->pattern, path, 0) != 0)
			continue;
		r->seen++;
		hangs |= r->hangs && r->seen >= r->nth;
		if (r->seen == r->nth || (r->for_ever && r->seen > r->nth))
			err = r->err;
	}
	if (err)
		note_hit(orders, call, path);
	(void)pthread_mutex_unlock(&faults.lock);
	if (hangs)
		hang(orders);
	errno = saved;
	return err;
}

static bool fails(const char *call, int fd)
{
	int err = judge(call, fd);

	if (err)
		errno = err;
	return err != 0;
}

/* --- the calls --- */

ssize_t write(int fd, const void *bytes, size_t n)
{
	return fails("write", fd) ? -1 : NEXT(write_fn, "write")(fd, bytes, n);
}

ssize_t pwrite(int fd, const void *bytes, size_t n, off_t at)
{
	return fails("pwrite", fd) ? -1 : NEXT(pwrite_fn, "pwrite")(fd, bytes, n, at);
}

ssize_t pwrite64(int fd, const void *bytes, size_t n, off_t at)
{
	return fails("pwrite", fd) ? -1 : NEXT(pwrite_fn, "pwrite64")(fd, bytes, n, at);
}

int fdatasync(int fd)
{
	return fails("fdatasync", fd) ? -1 : NEXT(fd_fn, "fdatasync")(fd);
}

int fsync(int fd)
{
	return fails("fsync", fd) ? -1 : NEXT(fd_fn, "fsync")(fd);
}

int ftruncate(int fd, off_t size)
{
	return fails("ftruncate", fd) ? -1 : NEXT(size_fn, "ftruncate")(fd, size);
}

int ftruncate64(int fd, off_t size)
{
	return fails("ftruncate", fd) ? -1 : NEXT(size_fn, "ftruncate64")(fd, size);
}

int fallocate(int fd, int mode, off_t at, off_t n)
{
	return fails("fallocate", fd) ? -1 : NEXT(mode_fn, "fallocate")(fd, mode, at, n);
}

int fallocate64(int fd, int mode, off_t at, off_t n)
{
	return fails("fallocate", fd) ? -1 : NEXT(mode_fn, "fallocate64")(fd, mode, at, n);
}

/* These give the error back instead of setting errno. */
int posix_fallocate(int fd, off_t at, off_t n)
{
	int err = judge("fallocate", fd);

	return err ? err : NEXT(range_fn, "posix_fallocate")(fd, at, n);
}

int posix_fallocate64(int fd, off_t at, off_t n)
{
	int err = judge("fallocate", fd);

	return err ? err : NEXT(range_fn, "posix_fallocate64")(fd, at, n);
}
