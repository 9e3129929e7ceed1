/*
 * identity - becoming the user whom a driver runs as, for good or for the time of one look at a file.
 */
#include "shim/shim.h"
#include <errno.h>
#include <grp.h>
#include <linux/capability.h>
#include <linux/keyctl.h>
#include <sys/fsuid.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

/*
 * glibc's wrappers would speak to all threads of the process, and after vfork that is the shim: the calls themselves.
 */
bool identity_become(const struct launch_spec *spec)
{
	struct __user_cap_header_struct head = { .version = _LINUX_CAPABILITY_VERSION_3 };
	const struct __user_cap_data_struct none[_LINUX_CAPABILITY_U32S_3] = { 0 };

	if (spec->uid < 0)
		return true;
	(void)syscall(SYS_keyctl, KEYCTL_JOIN_SESSION_KEYRING, NULL); /* no keys of ours; some kernels have none */
	/*
	 * Without capabilities even where the daemon has some without being root, and setuid programs give none back.
	 */
	return syscall(SYS_setgroups, spec->group_count, spec->groups) == 0 &&
	       syscall(SYS_setresgid, spec->gid, spec->gid, spec->gid) == 0 &&
	       syscall(SYS_setresuid, spec->uid, spec->uid, spec->uid) == 0 && syscall(SYS_capset, &head, none) == 0 &&
	       prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0;
}

/*
 * Looks at the file system with the user's eyes until identity_restore(). A file he may not read must not reach him by
 * our reading it for him.
 */
bool identity_borrow(const struct launch_spec *spec, struct identity *ret)
{
	int count = spec->uid < 0 ? 0 : getgroups(0, NULL);

	*ret = (struct identity){ 0 };
	if (spec->uid < 0)
		return true;
	if (count < 0)
		return false;
	ret->groups = xcalloc((size_t)count + 1, sizeof *ret->groups);
	ret->group_count = getgroups(count, ret->groups);
	ret->borrowed = true;
	if (ret->group_count < 0 || setgroups(spec->group_count, spec->groups) < 0)
		return false;
	(void)setfsgid((gid_t)spec->gid);
	(void)setfsuid((uid_t)spec->uid);
	return setfsuid((uid_t)-1) == (int)spec->uid && setfsgid((gid_t)-1) == (int)spec->gid;
}

bool identity_restore(struct identity *i)
{
	bool ok = true;

	if (i->borrowed) {
		(void)setfsuid(geteuid());
		(void)setfsgid(getegid());
		ok = i->group_count >= 0 && setgroups((size_t)i->group_count, i->groups) == 0 &&
		     setfsuid((uid_t)-1) == (int)geteuid();
	}
	free(i->groups);
	return ok;
}
