#include "service/uploads.h"
#include "base/id.h"
#include "http/multipart.h"
#include "service/registry.h"
#include "service/sessions-priv.h"
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <unistd.h>

enum { UPLOAD_DIR_HEX = 16 };

struct copy {
	struct copy *prev, *next; /* of the sessions'; while somebody waits */
	struct sessions *of;
	int64_t session;
	const char *what, *part_name;
	char attempt[ATTEMPT_NAME_MAX], dir[32], boundary[MULTIPART_BOUNDARY_MAX + 1];
	int run_dirfd, from;
	int64_t form_len, max;
	struct multipart_part part; /* once it was found */
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
	free(c);
}

/* --- on the pool --- */

static bool find_part(struct copy *c, struct error *e)
{
	size_t n = (size_t)c->form_len;
	char *form = n ? mmap(NULL, n, PROT_READ, MAP_PRIVATE, c->from, 0) : MAP_FAILED;

	if (form == MAP_FAILED)
		return n ? error_errno(e, errno, "read the upload") : error_set(e, ERR_MALFORMED, "the body is empty");
	bool ok = multipart_find(form, n, c->boundary, c->part_name, &c->part, e);
	(void)munmap(form, n);
	if (!ok)
		return e->code == ERR_NOT_FOUND ? error_set(e, ERR_MALFORMED, "No %s sent!", c->part_name) : false;
	if (!c->part.file_name[0])
		return error_set(e, ERR_INVALID, "the part has no filename");
	return (int64_t)c->part.len <= c->max ||
	       error_set(e, ERR_TOO_LARGE, "the file is larger than livy.file.upload.max.size allows");
}

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
	off_t at = (off_t)c->part.offset;
	int64_t left = (int64_t)c->part.len;

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
	_close_ int to = openat(dir, c->part.file_name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (to < 0)
		return error_errno(e, errno, "make the file");
	if (geteuid() == 0 && fchown(to, owner.st_uid, owner.st_gid) < 0)
		return error_errno(e, errno, "give the file to the session's user");
	return copy_bytes(c, to, e);
}

static void run(void *arg)
{
	struct copy *c = arg;

	c->ok = find_part(c, &c->error) && copy_file(c, &c->error);
}

/* --- on the loop --- */

/* What means something in a URI is escaped; what is not ASCII stays, as Java's URIs have it. */
static void add_path(struct sbuf *uri, const char *path)
{
	static const char plain[] = "/-._~0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";

	for (; *path; path++)
		if ((unsigned char)*path >= 0x80 || strchr(plain, *path))
			sbuf_addc(uri, *path);
		else
			sbuf_addf(uri, "%%%02X", (unsigned char)*path);
}

static void copied(void *arg)
{
	struct copy *c = arg;
	_sbuf_ struct sbuf path = SBUF_INIT(PATH_MAX), uri = SBUF_INIT(3 * PATH_MAX);

	if (!c->fn || !c->ok) {
		if (c->fn)
			c->fn(c->arg, NULL, &c->error);
		copy_free(c);
		return;
	}
	sbuf_addf(&path, "%s/%s/" RECORD_WORK "/%s/%s", c->of->jobs->run_path, c->attempt, c->dir, c->part.file_name);
	sbuf_adds(&uri, "file://");
	add_path(&uri, sbuf_str(&path));
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
			    .part_name = u->part,
			    .run_dirfd = s->jobs->run_dirfd,
			    .from = from,
			    .form_len = u->len,
			    .max = u->max,
			    .fn = fn,
			    .arg = arg,
			    .next = s->uploads };
	if (c->next)
		c->next->prev = c;
	s->uploads = c;
	(void)snprintf(c->boundary, sizeof c->boundary, "%s", u->boundary);
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
