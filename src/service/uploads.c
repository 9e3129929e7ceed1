#include "service/uploads.h"
#include "base/id.h"
#include "service/registry.h"
#include "service/sessions-priv.h"
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <unistd.h>

enum { UPLOAD_DIR_HEX = 16 };

struct copy {
	struct copy *prev, *next; /* of the sessions'; while somebody waits */
	struct sessions *of;
	int64_t session;
	const char *what;
	char attempt[ATTEMPT_NAME_MAX], dir[32], *file_name;
	int run_dirfd, from;
	int64_t offset, len;
	question_fn *fn;
	void *arg;
	bool ok;
	struct error error;
};

static void unlink_copy(struct copy *c)
{
	if (c->prev)
		c->prev->next = c->next;
	else
		c->of->uploads = c->next;
	if (c->next)
		c->next->prev = c->prev;
}

static void copy_free(struct copy *c)
{
	if (c->fn)
		unlink_copy(c);
	(void)close(c->from);
	free(c->file_name);
	free(c);
}

/* --- on the pool --- */

/* The working directory is the job's own: what is there may be anything, so nothing of it is followed. */
static bool open_dir(struct copy *c, int *ret, struct stat *owner, struct error *e)
{
	char path[ATTEMPT_NAME_MAX + 16];

	(void)snprintf(path, sizeof path, "%s/" RECORD_WORK, c->attempt);
	_close_ int work = openat(c->run_dirfd, path, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (work < 0 || fstat(work, owner) < 0 || mkdirat(work, c->dir, 0700) < 0)
		return error_errno(e, errno, "make a place for the file");
	*ret = openat(work, c->dir, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	return (*ret >= 0 && (geteuid() != 0 || fchown(*ret, owner->st_uid, owner->st_gid) == 0)) ||
	       error_errno(e, errno, "make a place for the file");
}

static bool copy_bytes(const struct copy *c, int to, struct error *e)
{
	off_t at = c->offset;
	int64_t left = c->len;

	while (left > 0) {
		ssize_t n = sendfile(to, c->from, &at, left > INT_MAX ? INT_MAX : (size_t)left);

		if (n <= 0)
			return error_errno(e, n < 0 ? errno : EIO, "write the file");
		left -= n;
	}
	return true;
}

static bool copy_file(struct copy *c, struct error *e)
{
	_close_ int dir = -1;
	struct stat owner;

	if (!open_dir(c, &dir, &owner, e))
		return false;
	_close_ int to = openat(dir, c->file_name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (to < 0)
		return error_errno(e, errno, "make the file");
	if (geteuid() == 0 && fchown(to, owner.st_uid, owner.st_gid) < 0)
		return error_errno(e, errno, "give the file to the session's user");
	return copy_bytes(c, to, e);
}

static void run(void *arg)
{
	struct copy *c = arg;

	c->ok = copy_file(c, &c->error);
}

/* --- on the loop --- */

static void copied(void *arg)
{
	struct copy *c = arg;
	_sbuf_ struct sbuf uri = SBUF_INIT(PATH_MAX);

	if (!c->fn || !c->ok) {
		if (c->fn)
			c->fn(c->arg, NULL, &c->error);
		copy_free(c);
		return;
	}
	sbuf_addf(&uri, "file://%s/%s/" RECORD_WORK "/%s/%s", c->of->jobs->run_path, c->attempt, c->dir, c->file_name);
	questions_add_resolved(c->of, c->session, c->what, sbuf_str(&uri), c->fn, c->arg);
	copy_free(c);
}

void uploads_add(struct sessions *s, const struct batch *job, const struct upload *u, question_fn *fn, void *arg)
{
	struct error e = { 0 };
	const struct session *en = session_find_active(s, job, &e);
	int from = -1;

	if (en && en->in_cluster)
		(void)error_set(
			&e, ERR_INVALID,
			"the session's driver is on another host: put the file where the cluster can read it, and "
			"add it by its URI");
	if (!e.code && (from = fcntl(u->fd, F_DUPFD_CLOEXEC, 3)) < 0)
		(void)error_errno(&e, errno, "take the file");
	if (e.code) {
		fn(arg, NULL, &e);
		return;
	}
	struct copy *c = xcalloc(1, sizeof *c);
	*c = (struct copy){ .of = s,
			    .session = job->id,
			    .what = u->what,
			    .file_name = xstrdup(u->file_name),
			    .run_dirfd = s->jobs->run_dirfd,
			    .from = from,
			    .offset = u->offset,
			    .len = u->len,
			    .fn = fn,
			    .arg = arg,
			    .next = s->uploads };
	if (c->next)
		c->next->prev = c;
	s->uploads = c;
	attempt_name(c->attempt, job->id, job->attempt, job->nonce);
	(void)memcpy(c->dir, "upload-", sizeof "upload-");
	id_random_hex(c->dir + strlen("upload-"), UPLOAD_DIR_HEX);
	loop_work(s->loop, run, copied, c);
}

void uploads_stop(struct sessions *s)
{
	struct error e;

	(void)error_set(&e, ERR_UNAVAILABLE, "Florus is stopping");
	while (s->uploads) {
		struct copy *c = s->uploads;

		unlink_copy(c);
		c->fn(c->arg, NULL, &e);
		c->fn = NULL; /* freed when the pool is done with it */
	}
}
