/*
 * leftovers - after a start: directories under run/ that no batch of the store has, such as a purge leaves when florusd
 * is killed between forgetting a batch and removing its files. Some at a time; nothing that lives is touched.
 */
#include "base/log.h"
#include "base/str.h"
#include "run/rundir.h"
#include "service/registry.h"
#include <dirent.h>
#include <fcntl.h>
#include <string.h>

enum { LEFTOVERS_SLICE = 64 };

struct leftovers {
	struct store_get get; /* first */
	struct batches *of;   /* NULL: these have gone */
	int run_dirfd;
	DIR *dir;
	char names[LEFTOVERS_SLICE][ATTEMPT_NAME_MAX]; /* read; then of those only the unknown ones */
	int count, looked_at, unknown, removed, total;
	bool end;
};

static void read_some(void *arg);

static void leftovers_free(struct leftovers *lo)
{
	if (lo->of)
		lo->of->leftovers = NULL;
	if (lo->total)
		log_info("directories of unknown jobs removed", LOG_INT("count", lo->total));
	if (lo->dir)
		(void)closedir(lo->dir);
	free(lo);
}

void leftovers_stop(struct leftovers *lo)
{
	if (lo)
		lo->of = NULL;
}

/* "<id>.<attempt>.<nonce>"; anything else is not ours. */
static bool parse_name(const char *name, int64_t *ret_id)
{
	char id[ATTEMPT_NAME_MAX];
	size_t n = strcspn(name, "."), attempt;

	if (name[n] != '.' || n == 0 || strlen(name) >= sizeof id)
		return false;
	memcpy(id, name, n);
	id[n] = '\0';
	name += n + 1;
	attempt = strspn(name, "0123456789");
	return str_all_digits(id) && str_to_i64(id, ret_id) && attempt > 0 && name[attempt] == '.' &&
	       strspn(name + attempt + 1, "0123456789abcdef") == ID_NONCE_LEN &&
	       strlen(name + attempt + 1) == ID_NONCE_LEN;
}

/* --- removing, on the pool --- */

/* True only when no lock is held: what could not be looked at stays. */
static bool is_over(int run_dirfd, const char *name)
{
	struct rundir d;
	struct error e = { 0 };

	return rundir_look(run_dirfd, name, &d, &e) && d.exists && !d.shim_lives && !d.tree_lives;
}

static void remove_unknown(void *arg)
{
	struct leftovers *lo = arg;
	struct error e = { 0 };

	lo->removed = 0;
	for (int i = 0; i < lo->unknown; i++)
		if (is_over(lo->run_dirfd, lo->names[i]) && attempt_remove_dir(lo->run_dirfd, lo->names[i], &e))
			lo->removed++;
}

static void go_on(struct leftovers *lo);

static void on_removed(void *arg)
{
	struct leftovers *lo = arg;

	lo->total += lo->removed;
	lo->unknown = 0;
	go_on(lo);
}

/* --- asking, on the loop --- */

static void look(struct leftovers *lo);

static void on_looked_up(struct store_op *op)
{
	struct leftovers *lo = (struct leftovers *)op;

	store_row_done(&lo->get.out_row);
	if (!op->ok && op->error.code == ERR_NOT_FOUND)
		memmove(lo->names[lo->unknown++], lo->names[lo->looked_at], ATTEMPT_NAME_MAX);
	lo->looked_at++;
	look(lo);
}

/* Those in memory are known, those of the history are asked for, one after the other. */
static void look(struct leftovers *lo)
{
	int64_t id;

	for (; lo->of && !lo->of->stopping && lo->looked_at < lo->count; lo->looked_at++) {
		if (!parse_name(lo->names[lo->looked_at], &id) || registry_by_id(lo->of, id))
			continue;
		lo->get = (struct store_get){ .id = id, .op.done = on_looked_up };
		store_get(lo->of->store, &lo->get);
		return;
	}
	if (lo->of && !lo->of->stopping && lo->unknown > 0)
		loop_work(lo->of->loop, remove_unknown, on_removed, lo);
	else
		go_on(lo);
}

/* --- reading, on the pool --- */

static void read_some(void *arg)
{
	struct leftovers *lo = arg;
	const struct dirent *entry;

	lo->count = lo->looked_at = 0;
	while (lo->count < LEFTOVERS_SLICE && (entry = readdir(lo->dir)))
		if (strlen(entry->d_name) < ATTEMPT_NAME_MAX)
			memcpy(lo->names[lo->count++], entry->d_name, strlen(entry->d_name) + 1);
	lo->end = lo->count < LEFTOVERS_SLICE;
}

static void on_read(void *arg)
{
	look(arg);
}

static void go_on(struct leftovers *lo)
{
	if (lo->of && !lo->of->stopping && !lo->end)
		loop_work(lo->of->loop, read_some, on_read, lo);
	else
		leftovers_free(lo);
}

void leftovers_start(struct batches *b)
{
	struct leftovers *lo;
	int fd;

	if (store_ids_lost(b->store) > 0)
		return; /* an older copy of the store was put back: what it does not know may be wanted yet */
	fd = openat(b->run_dirfd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return;
	DIR *dir = fdopendir(fd);
	if (!dir) {
		(void)close(fd);
		return;
	}
	lo = xcalloc(1, sizeof *lo);
	lo->dir = dir;
	lo->of = b;
	lo->run_dirfd = b->run_dirfd;
	b->leftovers = lo;
	go_on(lo);
}
