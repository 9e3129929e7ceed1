#include "service/share.h"
#include "auth/secret.h"
#include "base/clock.h"
#include "base/fdio.h"
#include "base/str.h"
#include "model/localfiles.h"
#include "service/registry.h"
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#define RECORD_SHARED "shared"

enum { CLAIM_MAX = 96, LINE_MAX_BYTES = PATH_MAX + 128, URL_MAX = 8192 };

/* What makes a file the one that it was. */
struct facts {
	uint64_t dev, inode;
	int64_t size, changed_ns;
};

/* --- opening --- */

static struct facts facts_of(const struct stat *st)
{
	return (struct facts){ st->st_dev, st->st_ino, st->st_size,
			       st->st_mtim.tv_sec * INT64_C(1000000000) + st->st_mtim.tv_nsec };
}

/* Our own files are nobody's, whatever directories are allowed. */
static bool is_ours(const struct batches *b, int fd)
{
	size_t n = (size_t)(strrchr(b->run_path, '/') - b->run_path);
	char link[32], path[PATH_MAX];

	(void)snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
	ssize_t len = readlink(link, path, sizeof path - 1);
	if (len < 0)
		return true;
	path[len] = '\0';
	return strncmp(path, b->run_path, n) == 0 && path[n] == '/';
}

/* ERR_FORBIDDEN: it is none that may be shared; else it is not there, or no file. */
static bool open_shared(const struct batches *b, const char *path, int *ret_fd, struct facts *ret, struct error *e)
{
	_close_ int fd = -1;
	struct stat st;

	if (!paths_open(b->paths, path, &fd, e))
		return false;
	if (is_ours(b, fd))
		return error_set(e, ERR_FORBIDDEN, "it is a file of the state directory");
	if (fstat(fd, &st) < 0)
		return error_errno(e, errno, "look at it");
	if (!S_ISREG(st.st_mode))
		return error_set(e, ERR_INVALID, "it is no plain file");
	*ret = facts_of(&st);
	*ret_fd = fd;
	fd = -1;
	return true;
}

/* --- signing --- */

static void sign(const struct batches *b, const char *claim, const char *name, const char *nonce, struct digest *ret)
{
	_sbuf_ struct sbuf text = SBUF_INIT(URL_MAX);

	sbuf_addf(&text, "share\n%s\n%s\n%s", claim, name, nonce);
	secret_hmac(b->share_key, strlen(b->share_key), sbuf_str(&text), text.len, ret);
}

/* As Java's URIs and Spark read it: the last part of the path, decoded, is the file's name. */
static void add_escaped(struct sbuf *to, const char *name)
{
	static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._~";

	for (; *name; name++) {
		if (strchr(plain, *name))
			sbuf_addc(to, *name);
		else
			sbuf_addf(to, "%%%02X", (unsigned char)*name);
	}
}

/* --- a job's files --- */

struct walk {
	const struct batches *of;
	const struct batch *job; /* NULL: it is only asked what could be shared */
	struct arena *arena;
	struct sbuf *record;
	int64_t until_s;
	int count;
};

static const char *url_of(const struct walk *w, const char *name)
{
	_sbuf_ struct sbuf url = SBUF_INIT(URL_MAX), escaped = SBUF_INIT(URL_MAX);
	char claim[CLAIM_MAX], hex[SECRET_DIGEST_HEX + 1];
	struct digest signature;

	(void)snprintf(claim, sizeof claim, "%" PRId64 ".%d.%d.%" PRId64, w->job->id, w->job->attempt, w->count,
		       w->until_s);
	add_escaped(&escaped, name);
	sign(w->of, claim, sbuf_str(&escaped), w->job->nonce, &signature);
	secret_to_hex(&signature, hex);
	sbuf_addf(&url, "%s/share/%s.%s/%s", w->of->config->florus_share_url, claim, hex, sbuf_str(&escaped));
	return sbuf_ok(&url) ? arena_strdup(w->arena, sbuf_str(&url)) : NULL;
}

static bool share_one(void *arg, const struct localfile *f, const char **ret_url, struct error *e)
{
	struct walk *w = arg;
	_close_ int fd = -1;
	struct error why = { 0 };
	struct facts is = { 0 };

	if (!f->path || strchr(f->path, '\n') ||
	    (!open_shared(w->of, f->path, &fd, &is, &why) && why.code == ERR_FORBIDDEN))
		return true; /* the administrator's, or several: the cluster has them by itself, or its gate says no */
	if (!w->job) {
		*ret_url = w->of->config->florus_share_url;
		return true;
	}
	if (fd < 0)
		return error_set(e, ERR_INVALID, "%.200s cannot be shared with the cluster: %s", f->uri, why.msg);
	if (w->count == SHARE_FILES_MAX)
		return error_set(e, ERR_INVALID, "more than %d files of this host", SHARE_FILES_MAX);
	*ret_url = url_of(w, f->name);
	w->count++;
	sbuf_addf(w->record, "%" PRIu64 " %" PRIu64 " %" PRId64 " %" PRId64 " %s\n", is.dev, is.inode, is.size,
		  is.changed_ns, f->path);
	return *ret_url || error_set(e, ERR_TOO_LARGE, "the submission is too large");
}

/* Not synced: what is lost with the power are URLs of a job whose driver then says so. */
static bool write_record(const struct batches *b, const struct batch *job, const struct sbuf *record, struct error *e)
{
	char dir[ATTEMPT_NAME_MAX], path[ATTEMPT_NAME_MAX + 16];

	attempt_name(dir, job->id, job->attempt, job->nonce);
	(void)snprintf(path, sizeof path, "%s/" RECORD_SHARED, dir);
	if (mkdirat(b->run_dirfd, dir, 0700) < 0 && errno != EEXIST)
		return error_errno(e, errno, "make %s", dir);
	_close_ int fd = openat(b->run_dirfd, path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd < 0)
		return error_errno(e, errno, "make %s", path);
	return fdio_write_all(fd, record->data, record->len, e) || error_wrap(e, "write %s", path);
}

bool share_could(const struct batches *b, struct arena *a, struct submission *s, struct error *e)
{
	struct walk w = { .of = b, .arena = a };

	return !b->share_key || localfiles_each(a, s, share_one, &w, e);
}

bool share_files(const struct batches *b, const struct batch *job, struct arena *a, struct submission *s,
		 struct error *e)
{
	_sbuf_ struct sbuf record = SBUF_INIT(SHARE_RECORD_MAX);
	struct walk w = { b, job, a, &record, (clock_wall_ms() + b->config->florus_share_ttl_ms) / 1000, 0 };

	if (!b->share_key)
		return true;
	if (!localfiles_each(a, s, share_one, &w, e))
		return false;
	if (w.count == 0)
		return true;
	return sbuf_ok(&record) ? write_record(b, job, &record, e)
				: error_set(e, ERR_TOO_LARGE, "too many files of this host");
}

/* --- serving --- */

/* What a URL says of itself. */
struct claim {
	char text[CLAIM_MAX]; /* all before the signature */
	struct digest signature;
	int64_t batch_id, until_s;
	int attempt, at;
};

static bool read_claim(const char *text, struct claim *c)
{
	const char *dot = strrchr(text, '.');
	size_t n = dot ? (size_t)(dot - text) : 0;
	int end = 0;

	if (!dot || n >= sizeof c->text || !secret_from_hex(dot + 1, strlen(dot + 1), &c->signature))
		return false;
	memcpy(c->text, text, n);
	c->text[n] = '\0';
	return sscanf(c->text, "%" SCNd64 ".%d.%d.%" SCNd64 "%n", &c->batch_id, &c->attempt, &c->at, &c->until_s,
		      &end) == 4 &&
	       c->text[end] == '\0';
}

/* The line of the record that a URL is about. */
static bool read_line(const struct batches *b, const struct batch *job, int at, struct facts *ret, char path[PATH_MAX],
		      struct error *e)
{
	_sbuf_ struct sbuf text = SBUF_INIT(SHARE_RECORD_MAX);
	char file[ATTEMPT_NAME_MAX + 16];
	int end = 0;

	attempt_name(file, job->id, job->attempt, job->nonce);
	(void)snprintf(file + strlen(file), sizeof file - strlen(file), "/" RECORD_SHARED);
	if (!fdio_read_plain_file(b->run_dirfd, file, &text, e))
		return false;
	const char *line = sbuf_str(&text);
	for (; line && at > 0; at--)
		line = strchr(line, '\n') ? strchr(line, '\n') + 1 : NULL;
	size_t n = line ? strcspn(line, "\n") : 0;
	if (n == 0 || line[n] != '\n' ||
	    sscanf(line, "%" SCNu64 " %" SCNu64 " %" SCNd64 " %" SCNd64 "%n", &ret->dev, &ret->inode, &ret->size,
		   &ret->changed_ns, &end) != 4 ||
	    line[end] != ' ' || n - (size_t)end - 1 >= PATH_MAX)
		return error_set(e, ERR_NOT_FOUND, "the record is damaged");
	memcpy(path, line + end + 1, n - (size_t)end - 1);
	path[n - (size_t)end - 1] = '\0';
	return true;
}

static bool is_same(const struct facts *a, const struct facts *b)
{
	return a->dev == b->dev && a->inode == b->inode && a->size == b->size && a->changed_ns == b->changed_ns;
}

static bool open_claimed(const struct batches *b, const struct batch *job, const struct claim *c,
			 struct shared_file *ret, struct error *e)
{
	struct facts was, is;
	char path[PATH_MAX];

	if (state_is_final(job->state) || c->attempt != job->attempt || !entry_of(job)->native)
		return error_set(e, ERR_NOT_FOUND, "the job, or this attempt of it, is over");
	if (clock_wall_ms() / 1000 >= c->until_s)
		return error_set(e, ERR_NOT_FOUND, "florus.share.ttl is over");
	if (!read_line(b, job, c->at, &was, path, e) || !open_shared(b, path, &ret->fd, &is, e))
		return false;
	ret->len = is.size;
	if (is_same(&was, &is))
		return true;
	closep(&ret->fd);
	return error_set(e, ERR_NOT_FOUND, "it has changed since the job was sent");
}

bool batches_shared_file(const struct batches *b, const char *claim, const char *name, struct shared_file *ret,
			 struct error *e)
{
	struct claim c;
	struct digest right;
	const struct entry *en = b->share_key && read_claim(claim, &c) ? registry_find(b, c.batch_id) : NULL;

	*ret = (struct shared_file){ .fd = -1, .batch_id = en ? en->shown.id : -1 };
	if (en)
		sign(b, c.text, name, en->shown.nonce, &right);
	if (!en || !secret_equal(&right, &c.signature))
		return error_set(e, ERR_FORBIDDEN, "no URL of ours");
	if (open_claimed(b, &en->shown, &c, ret, e))
		return true;
	e->code = ERR_NOT_FOUND;
	return false;
}
