#include "run/account.h"
#include <errno.h>
#include <grp.h>
#include <linux/capability.h>
#include <pwd.h>
#include <string.h>
#include <sys/syscall.h>

enum { ENTRY_BYTES = 4096, ENTRY_BYTES_MAX = 1024 * 1024, GROUPS_FIRST = 64 };

/* What getpwnam_r() may say when there is simply no such user (its manual lists them). */
static bool means_absent(int err)
{
	return err == 0 || err == ENOENT || err == ESRCH || err == EBADF || err == EPERM;
}

/* *ret_bytes holds the strings of *pw; the caller's to free. */
static bool read_entry(const char *name, struct passwd *pw, char **ret_bytes, struct error *e)
{
	struct passwd *found = NULL;
	int err;

	for (size_t size = ENTRY_BYTES;; size *= 2) {
		_free_ char *bytes = xmalloc(size);

		err = getpwnam_r(name, pw, bytes, size, &found);
		if (found) {
			*ret_bytes = TAKE(bytes);
			return true;
		}
		if (err != ERANGE || size >= ENTRY_BYTES_MAX)
			break;
	}
	if (means_absent(err))
		return error_set(e, ERR_NOT_FOUND, "this host has no user '%.64s'", name);
	return error_set(e, ERR_UNAVAILABLE, "cannot look up user '%.64s': %s", name, strerror(err));
}

static bool read_groups(const struct passwd *pw, struct account *a, struct error *e)
{
	int count = GROUPS_FIRST, room;

	do {
		room = count;
		a->groups = xrealloc(a->groups, (size_t)room * sizeof *a->groups);
		if (getgrouplist(pw->pw_name, pw->pw_gid, a->groups, &count) >= 0) {
			a->group_count = (size_t)count;
			return true;
		}
	} while (count > room && count <= ACCOUNT_GROUPS_MAX);
	return error_set(e, ERR_FORBIDDEN, "user '%.64s' is in more than %d groups", pw->pw_name, ACCOUNT_GROUPS_MAX);
}

bool account_find(const char *name, uid_t min_uid, struct account *ret, struct error *e)
{
	struct account a = { 0 };
	_free_ char *bytes = NULL;
	struct passwd pw;

	if (!*name || strlen(name) > ACCOUNT_NAME_MAX)
		return error_set(e, ERR_NOT_FOUND, "this host has no user '%.64s'", name);
	if (!read_entry(name, &pw, &bytes, e))
		return false;
	if (pw.pw_uid == 0 || pw.pw_uid < min_uid)
		return error_set(e, ERR_FORBIDDEN, "user '%.64s' has the uid %u, and jobs run with %u or more only",
				 name, pw.pw_uid, min_uid);
	if (!read_groups(&pw, &a, e)) {
		account_done(&a);
		return false;
	}
	a.uid = pw.pw_uid;
	a.gid = pw.pw_gid;
	a.name = xstrdup(pw.pw_name);
	a.home = xstrdup(pw.pw_dir);
	*ret = a;
	return true;
}

void account_done(struct account *a)
{
	free(a->groups);
	free(a->name);
	free(a->home);
	*a = (struct account){ 0 };
}

/* To become somebody, to give him his files, to signal his processes and to remove what he left. */
static const struct {
	int number;
	const char *name;
} needed[] = {
	{ CAP_SETUID, "CAP_SETUID" }, { CAP_SETGID, "CAP_SETGID" }, { CAP_CHOWN, "CAP_CHOWN" },
	{ CAP_KILL, "CAP_KILL" },     { CAP_FOWNER, "CAP_FOWNER" }, { CAP_DAC_OVERRIDE, "CAP_DAC_OVERRIDE" },
};

bool account_can_switch(struct error *e)
{
	struct __user_cap_header_struct head = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3] = { 0 };

	if (geteuid() != 0)
		return error_set(
			e, ERR_CONFIG,
			"florus.launch.run-as needs root: start florusd as root, or set florus.launch.run-as = self");
	if (syscall(SYS_capget, &head, data) < 0)
		return error_errno(e, errno, "read the own capabilities");
	for (size_t i = 0; i < ARRAY_LEN(needed); i++)
		if (!(data[CAP_TO_INDEX(needed[i].number)].effective & CAP_TO_MASK(needed[i].number)))
			return error_set(
				e, ERR_CONFIG,
				"florus.launch.run-as needs %s: give it back to florusd (CapabilityBoundingSet of its "
				"unit), or set florus.launch.run-as = self",
				needed[i].name);
	return true;
}
