/*
 * fuzz-launch - any bytes as the launch spec that a shim is given, as they are and with a right beginning.
 *
 * Must hold: a refusal says why; what is believed has a plain name, a program, and lists that end, and is itself again
 * after it was written by us.
 */
#include "base/fdio.h"
#include "base/launch.h"
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>

enum { INPUT_MAX_BYTES = 64 * 1024, SEALS = F_SEAL_WRITE | F_SEAL_SHRINK | F_SEAL_GROW };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static void must(bool holds)
{
	if (!holds)
		abort();
}

static void must_equal_lists(char *const *a, char *const *b)
{
	for (; *a && *b; a++, b++)
		must(strcmp(*a, *b) == 0);
	must(!*a && !*b);
}

static void write_again(const struct launch_spec *s)
{
	struct launch_spec again;
	struct error e = { 0 };
	int fd = -1;

	must(launch_spec_write(s, &fd, &e));
	must(launch_spec_open(fd, &again, &e));
	must(strcmp(s->name, again.name) == 0 && strcmp(s->cwd, again.cwd) == 0);
	must(strcmp(s->properties, again.properties) == 0 && strcmp(s->defaults, again.defaults) == 0);
	must(s->uid == again.uid && s->gid == again.gid && s->group_count == again.group_count);
	must(s->group_count == 0 || memcmp(s->groups, again.groups, s->group_count * sizeof *s->groups) == 0);
	must(s->log_max_bytes == again.log_max_bytes && s->grace_ms == again.grace_ms);
	must(s->go_timeout_ms == again.go_timeout_ms);
	must_equal_lists(s->argv, again.argv);
	must_equal_lists(s->envp, again.envp);
	must(strcmp(s->hidden, again.hidden) == 0);
	launch_spec_done(&again);
	closep(&fd);
}

static void check(const uint8_t *bytes, size_t n)
{
	_close_ int fd = memfd_create("florus-fuzz", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	struct launch_spec s = { 0 };
	struct error e = { 0 };

	must(fd >= 0 && fdio_write_all(fd, bytes, n, &e));
	must(!launch_spec_open(fd, &s, &e)); /* not sealed */
	must(fcntl(fd, F_ADD_SEALS, SEALS) == 0);
	if (!launch_spec_open(fd, &s, &e)) {
		must(e.msg[0] && !s.bytes && !s.words);
		return;
	}
	must(s.name[0] && s.name[0] != '.' && !strchr(s.name, '/') && strlen(s.name) < LAUNCH_NAME_MAX);
	must(s.argv[0] && s.group_count <= LAUNCH_GROUPS_MAX);
	write_again(&s);
	launch_spec_done(&s);
}

/* The magic, the version and the whole size, which no fuzzer would hit together. */
static void begin_right(uint8_t *bytes, size_t n)
{
	const uint32_t version = LAUNCH_VERSION, total = (uint32_t)n;

	memcpy(bytes, "florspec", 8);
	memcpy(bytes + 8, &version, sizeof version);
	memcpy(bytes + 12, &total, sizeof total);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	if (n < 16 || n > INPUT_MAX_BYTES)
		return 0;
	_free_ uint8_t *bytes = xmalloc(n);
	memcpy(bytes, data, n);
	check(bytes, n);
	begin_right(bytes, n);
	check(bytes, n);
	return 0;
}
