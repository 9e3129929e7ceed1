#include "base/landlock.h"
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/landlock.h>
#include <stdint.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>

/* Younger than the headers of Debian 12. */
enum {
	ABI_TRUNCATE = 3,
	ABI_SCOPE = 6,
};
#define ACCESS_TRUNCATE (1ULL << 14)
#define SCOPE_SIGNAL (1ULL << 1)

struct ruleset_attr {
	uint64_t handled_access_fs, handled_access_net, scoped;
};

/* Not LANDLOCK_ACCESS_FS_READ_DIR: for / it could only be allowed together with all below. */
#define ACCESS_FILE (LANDLOCK_ACCESS_FS_EXECUTE | LANDLOCK_ACCESS_FS_WRITE_FILE | LANDLOCK_ACCESS_FS_READ_FILE)
#define ACCESS_DIRECTORY                                                                                               \
	(ACCESS_FILE | LANDLOCK_ACCESS_FS_REMOVE_DIR | LANDLOCK_ACCESS_FS_REMOVE_FILE | LANDLOCK_ACCESS_FS_MAKE_CHAR | \
	 LANDLOCK_ACCESS_FS_MAKE_DIR | LANDLOCK_ACCESS_FS_MAKE_REG | LANDLOCK_ACCESS_FS_MAKE_SOCK |                    \
	 LANDLOCK_ACCESS_FS_MAKE_FIFO | LANDLOCK_ACCESS_FS_MAKE_BLOCK | LANDLOCK_ACCESS_FS_MAKE_SYM |                  \
	 LANDLOCK_ACCESS_FS_REFER)

int landlock_abi(void)
{
	long abi = syscall(SYS_landlock_create_ruleset, NULL, 0, LANDLOCK_CREATE_RULESET_VERSION);

	return abi < 0 ? 0 : (int)abi;
}

static uint64_t truncate_bit(void)
{
	return landlock_abi() >= ABI_TRUNCATE ? ACCESS_TRUNCATE : 0;
}

bool landlock_allow(int ruleset_fd, int fd, struct error *e)
{
	struct stat st;

	if (fstat(fd, &st) < 0)
		return error_errno(e, errno, "look at what Landlock is to allow");
	struct landlock_path_beneath_attr rule = {
		.allowed_access = (S_ISDIR(st.st_mode) ? ACCESS_DIRECTORY : ACCESS_FILE) | truncate_bit(),
		.parent_fd = fd,
	};
	return syscall(SYS_landlock_add_rule, ruleset_fd, LANDLOCK_RULE_PATH_BENEATH, &rule, 0) == 0 ||
	       error_errno(e, errno, "make a rule for Landlock");
}

/* A symbolic link needs no rule: where it leads counts. What is gone by now needs none either. */
static bool allow_entry(int ruleset_fd, int dir_fd, const char *name, struct error *e)
{
	struct stat st;
	_close_ int fd = openat(dir_fd, name, O_PATH | O_NOFOLLOW | O_CLOEXEC);

	if (fd < 0 || fstat(fd, &st) < 0)
		return errno == ENOENT || error_errno(e, errno, "open %.64s for Landlock", name);
	return S_ISLNK(st.st_mode) || landlock_allow(ruleset_fd, fd, e);
}

/* Takes dir_fd. `but` is n bytes long. */
static bool allow_all_but(int ruleset_fd, int dir_fd, const char *but, size_t n, int *rules, struct error *e)
{
	DIR *dir = fdopendir(dir_fd);
	const struct dirent *entry;
	bool ok = true;

	if (!dir) {
		error_errno(e, errno, "list a directory for Landlock");
		(void)close(dir_fd);
		return false;
	}
	while (ok && (entry = readdir(dir))) {
		const char *name = entry->d_name;

		if (strcmp(name, ".") == 0 || strcmp(name, "..") == 0 ||
		    (strlen(name) == n && memcmp(name, but, n) == 0))
			continue;
		ok = ++*rules <= LANDLOCK_RULES_MAX
			     ? allow_entry(ruleset_fd, dirfd(dir), name, e)
			     : error_set(e, ERR_TOO_LARGE, "more than %d entries beside the way to the state directory",
					 LANDLOCK_RULES_MAX);
	}
	(void)closedir(dir);
	return ok;
}

static bool allow_siblings(int ruleset_fd, const char *hidden, struct error *e)
{
	_close_ int at = open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	char name[256];
	int rules = 0;

	for (const char *p = hidden + 1; at >= 0 && *p;) {
		size_t n = strcspn(p, "/");

		if (n == 0 || n >= sizeof name)
			return error_set(e, ERR_INVALID, "Landlock cannot hide this path");
		memcpy(name, p, n);
		name[n] = '\0';
		int next = openat(at, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
		if (!allow_all_but(ruleset_fd, take_fd(&at), p, n, &rules, e)) {
			closep(&next);
			return false;
		}
		at = next;
		p += n;
		p += *p == '/';
	}
	return at >= 0 || error_errno(e, errno, "list the directories on the way to %s", hidden);
}

bool landlock_all_but(const char *hidden, int *ret_fd, struct error *e)
{
	int abi = landlock_abi();
	struct ruleset_attr attr = { .handled_access_fs = ACCESS_DIRECTORY | truncate_bit(),
				     .scoped = abi >= ABI_SCOPE ? SCOPE_SIGNAL : 0 };
	size_t size = abi >= ABI_SCOPE ? sizeof attr : sizeof attr.handled_access_fs;

	if (hidden[0] != '/' || !hidden[1])
		return error_set(e, ERR_INVALID, "Landlock cannot hide this path");
	_close_ int fd = (int)syscall(SYS_landlock_create_ruleset, &attr, size, 0);
	if (fd < 0)
		return error_errno(e, errno, "make a ruleset of Landlock");
	if (!allow_siblings(fd, hidden, e))
		return false;
	*ret_fd = take_fd(&fd);
	return true;
}

bool landlock_enforce(int ruleset_fd)
{
	return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 && syscall(SYS_landlock_restrict_self, ruleset_fd, 0) == 0;
}
