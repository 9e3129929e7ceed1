/*
 * hide - whether Landlock keeps jobs of florusd's own user out of the state directory (florus.launch.landlock).
 *
 * `auto` takes it only where no job can notice: when nothing but root makes new entries in the directories on the way
 * (base/landlock.h says what becomes of those), and setuid programs are without effect already.
 */
#include "base/landlock.h"
#include "base/log.h"
#include "base/str.h"
#include "service/registry.h"
#include <limits.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>

enum { LANDLOCK_AUTO, LANDLOCK_ON, LANDLOCK_OFF }; /* the words of the option */

/* Every directory above `path`, which is absolute, is root's, and readable for us. */
static bool way_is_stable(const char *path)
{
	char at[PATH_MAX];
	struct stat st;

	for (size_t n = strlen(path); n > 0; n--) {
		if (path[n] != '/' || n >= sizeof at)
			continue;
		memcpy(at, path, n);
		at[n] = '\0';
		if (stat(at, &st) < 0 || st.st_uid != 0 || st.st_mode & (S_IWGRP | S_IWOTH) || access(at, R_OK) < 0)
			return false;
	}
	return true;
}

static bool is_unnoticed(const struct batches *b, const char *state_dir)
{
	return geteuid() != 0 && str_eq(b->config->florus_launch_run_as, "self") &&
	       landlock_abi() >= LANDLOCK_ABI_MIN && prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) == 1 &&
	       way_is_stable(state_dir);
}

/* Once for trial, so that what stands in the way is said now, not with each job. */
static bool can_hide(const char *state_dir, struct error *e)
{
	int fd;

	if (landlock_abi() < LANDLOCK_ABI_MIN)
		return error_set(e, ERR_CONFIG,
				 "florus.launch.landlock = on, and this kernel has no Landlock (Linux 5.19 or later, "
				 "with landlock among the lsm= of its command line); set it to auto");
	if (!landlock_all_but(state_dir, &fd, e)) {
		e->code = ERR_CONFIG;
		return error_wrap(e, "florus.launch.landlock = on");
	}
	(void)close(fd);
	return true;
}

bool hide_setup(struct batches *b, struct error *e)
{
	_free_ char *state_dir = xstrdup(b->run_path);
	int how = b->config->florus_launch_landlock;

	*strrchr(state_dir, '/') = '\0';
	if (how == LANDLOCK_OFF || (how == LANDLOCK_AUTO && !is_unnoticed(b, state_dir)))
		return true;
	if (!can_hide(state_dir, e))
		return how == LANDLOCK_AUTO;
	b->hidden = TAKE(state_dir);
	log_info("jobs are kept out of the state directory by Landlock", LOG_INT("abi", landlock_abi()));
	return true;
}
