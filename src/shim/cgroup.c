/*
 * cgroup - a control group v2 for one driver, below the one we are in.
 *
 * It adds to the kill by ancestry that nothing can slip out of it. Not every host has one that we
 * may write to; then nothing here does anything.
 */
#include "base/fdio.h"
#include "base/str.h"
#include "shim/shim.h"
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

enum { MOUNTS_BYTES_MAX = 256 * 1024 };

/* Copies where the first cgroup2 of /proc/self/mounts is mounted. */
static bool find_mount(char *to, size_t size)
{
	_sbuf_ struct sbuf text = SBUF_INIT(MOUNTS_BYTES_MAX);
	struct error e;
	char *state = NULL;

	if (!fdio_read_file(AT_FDCWD, "/proc/self/mounts", &text, &e) || !text.data)
		return false;
	for (char *line = strtok_r(text.data, "\n", &state); line; line = strtok_r(NULL, "\n", &state)) {
		char *where = strchr(line, ' ');
		char *type = where ? strchr(where + 1, ' ') : NULL;

		if (!type || !str_starts(type, " cgroup2 "))
			continue;
		*type = '\0';
		return snprintf(to, size, "%s", where + 1) < (int)size;
	}
	return false;
}

static bool find_path(char *to, size_t size)
{
	_sbuf_ struct sbuf text = SBUF_INIT(RECORD_BYTES_MAX);
	struct error e;
	char *state = NULL;

	if (!fdio_read_file(AT_FDCWD, "/proc/self/cgroup", &text, &e) || !text.data)
		return false;
	for (char *line = strtok_r(text.data, "\n", &state); line; line = strtok_r(NULL, "\n", &state))
		if (str_starts(line, "0::/"))
			return snprintf(to, size, "%s", line + strlen("0::")) < (int)size;
	return false;
}

int cgroup_open_own(void)
{
	char mount[PATH_MAX], path[PATH_MAX], whole[2 * PATH_MAX];

	if (!find_mount(mount, sizeof mount) || !find_path(path, sizeof path))
		return -1;
	(void)snprintf(whole, sizeof whole, "%s%s", mount, path);
	_close_ int fd = open(whole, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	/* The root has no cgroup.type: it is the host's, not ours. cgroup.kill came with Linux 5.14. */
	if (fd < 0 || faccessat(fd, "cgroup.type", F_OK, 0) < 0 || faccessat(fd, "cgroup.kill", F_OK, 0) < 0 ||
	    faccessat(fd, ".", W_OK, 0) < 0)
		return -1;
	return take_fd(&fd);
}

static void child_name(char *to, size_t size, const char *attempt_name)
{
	(void)snprintf(to, size, "florus-%s", attempt_name);
}

int cgroup_make(int parent_fd, const char *attempt_name)
{
	char name[LAUNCH_NAME_MAX + 16];

	if (parent_fd < 0)
		return -1;
	child_name(name, sizeof name, attempt_name);
	if (mkdirat(parent_fd, name, 0755) < 0 && errno != EEXIST)
		return -1;
	return openat(parent_fd, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
}

bool cgroup_kill(int cgroup_fd)
{
	_close_ int fd = cgroup_fd < 0 ? -1 : openat(cgroup_fd, "cgroup.kill", O_WRONLY | O_CLOEXEC);

	return fd >= 0 && write(fd, "1", 1) == 1;
}

void cgroup_remove(int parent_fd, const char *attempt_name)
{
	char name[LAUNCH_NAME_MAX + 16];

	child_name(name, sizeof name, attempt_name);
	if (parent_fd >= 0)
		(void)unlinkat(parent_fd, name, AT_REMOVEDIR);
}
