/*
 * replay - a fuzz target as an ordinary test: every file of the given directory once, as TAP.
 *
 * What a fuzzer found once is kept in the corpus and tried at each build, with any compiler.
 */
#include "base/cleanup.h"
#include "base/fdio.h"
#include <dirent.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

enum { SEED_MAX_BYTES = 4 * 1024 * 1024, SEEDS_MAX = 10000 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

/* Of exactly n bytes, so that the address sanitizer sees a read past the end. */
static void try_exactly(const struct sbuf *seed)
{
	_free_ uint8_t *exact = xmalloc(seed->len ? seed->len : 1);

	if (seed->len)
		memcpy(exact, seed->data, seed->len);
	(void)LLVMFuzzerTestOneInput(exact, seed->len);
}

static bool try_file(int dirfd, const char *name, int number)
{
	_sbuf_ struct sbuf seed = SBUF_INIT(SEED_MAX_BYTES);
	struct error e = { 0 };

	printf("# %s\n", name); /* who crashes is named by the last line */
	(void)fflush(stdout);
	if (!fdio_read_file(dirfd, name, &seed, &e)) {
		printf("not ok %d - %s\n# %s\n", number, name, e.msg);
		return false;
	}
	try_exactly(&seed);
	printf("ok %d - %s\n", number, name);
	return true;
}

int main(int argc, char **argv)
{
	struct dirent **names;
	int found = argc == 2 ? scandir(argv[1], &names, NULL, alphasort) : -1, tried = 0;
	bool ok = found > 0 && found < SEEDS_MAX;
	_close_ int dirfd = ok ? open(argv[1], O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1;

	for (int i = 0; i < found; i++) {
		if (dirfd >= 0 && names[i]->d_name[0] != '.')
			ok &= try_file(dirfd, names[i]->d_name, ++tried);
		free(names[i]);
	}
	if (found >= 0)
		free(names);
	printf("1..%d\n", tried);
	return ok && tried > 0 ? 0 : 1;
}
