#include "base/record.h"
#include "base/fdio.h"
#include "base/str.h"
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

enum { SUM_DIGITS = 16, VALUE_MAX = RECORD_WHY_MAX };

/* FNV-1a: told apart must be whole from torn, not honest from forged. */
static uint64_t checksum(const char *bytes, size_t n)
{
	uint64_t sum = 0xcbf29ce484222325ULL;

	for (size_t i = 0; i < n; i++)
		sum = (sum ^ (unsigned char)bytes[i]) * 0x100000001b3ULL;
	return sum;
}

static void seal(struct sbuf *text)
{
	uint64_t sum = checksum(sbuf_str(text), text->len);

	sbuf_addf(text, "sum=%016" PRIx64 "\n", sum);
}

/* Reads a record and cuts off its sum line. A reserved file may carry NULs behind its text. */
static bool read_sealed(int dirfd, const char *file, struct sbuf *text, struct error *e)
{
	char want[SUM_DIGITS + 8];

	if (!fdio_read_plain_file(dirfd, file, text, e))
		return false;
	const char *sum = strstr(sbuf_str(text), "\nsum=");
	if (!sum)
		return error_set(e, ERR_MALFORMED, "the record %s is incomplete", file);
	size_t n = (size_t)(sum + 1 - text->data);
	(void)snprintf(want, sizeof want, "sum=%016" PRIx64 "\n", checksum(text->data, n));
	if (strcmp(sum + 1, want) != 0)
		return error_set(e, ERR_MALFORMED, "the record %s is damaged", file);
	text->data[n] = '\0';
	text->len = n;
	return true;
}

/* Copies the value of `key`; false when it is absent or too long. */
static bool get(const struct sbuf *text, const char *key, char *to, size_t size)
{
	size_t key_len = strlen(key);

	for (const char *line = sbuf_str(text); *line; line = strchr(line, '\n') + 1) {
		const char *end = strchr(line, '\n');

		if (!end)
			return false;
		if (strncmp(line, key, key_len) != 0 || line[key_len] != '=')
			continue;
		size_t n = (size_t)(end - line) - key_len - 1;
		if (n >= size)
			return false;
		memcpy(to, line + key_len + 1, n);
		to[n] = '\0';
		return true;
	}
	return false;
}

static bool get_int(const struct sbuf *text, const char *key, int64_t *ret)
{
	char value[24];

	return get(text, key, value, sizeof value) && str_to_i64(value, ret);
}

static bool incomplete(const char *file, struct error *e)
{
	return error_set(e, ERR_MALFORMED, "the record %s lacks a field", file);
}

/* --- shim, driver --- */

bool record_write_process(int dirfd, const char *file, const struct record_process *p, struct error *e)
{
	_sbuf_ struct sbuf text = SBUF_INIT(RECORD_BYTES_MAX);

	sbuf_addf(&text, "pid=%d\nstart_ticks=%" PRIu64 "\nboot_id=%s\nversion=%s\n", p->pid, p->start_ticks,
		  p->boot_id, FLORUS_VERSION);
	seal(&text);

	_close_ int fd = openat(dirfd, file, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd < 0 && errno == EEXIST)
		return error_set(e, ERR_CONFLICT, "%s exists", file);
	if (fd < 0)
		return error_errno(e, errno, "create %s", file);
	return fdio_write_all(fd, text.data, text.len, e) || error_wrap(e, "%s", file);
}

bool record_read_process(int dirfd, const char *file, struct record_process *ret, struct error *e)
{
	_sbuf_ struct sbuf text = SBUF_INIT(RECORD_BYTES_MAX);
	struct record_process p = { 0 };
	int64_t pid, ticks;

	if (!read_sealed(dirfd, file, &text, e))
		return false;
	if (!get_int(&text, "pid", &pid) || !get_int(&text, "start_ticks", &ticks) ||
	    !get(&text, "boot_id", p.boot_id, sizeof p.boot_id) || pid <= 1 || pid > INT32_MAX)
		return incomplete(file, e);
	p.pid = (pid_t)pid;
	p.start_ticks = (uint64_t)ticks;
	*ret = p;
	return true;
}

/* --- exit --- */

static const char *const kinds[] = {
	[RECORD_EXITED] = "exit",
	[RECORD_SIGNALED] = "signal",
	[RECORD_NO_EXEC] = "no-exec",
};

bool record_reserve_exit(int dirfd, struct error *e)
{
	_close_ int fd = openat(dirfd, RECORD_EXIT_TMP, O_WRONLY | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK, 0600);

	if (fd < 0)
		return error_errno(e, errno, "create %s", RECORD_EXIT_TMP);
	if (fallocate(fd, FALLOC_FL_KEEP_SIZE, 0, RECORD_BYTES_MAX) == 0)
		return true;
	int err = errno == EOPNOTSUPP ? posix_fallocate(fd, 0, RECORD_BYTES_MAX) : errno;
	return err == 0 || error_errno(e, err, "reserve %s", RECORD_EXIT_TMP);
}

bool record_write_exit(int dirfd, const struct record_exit *x, struct error *e)
{
	_sbuf_ struct sbuf text = SBUF_INIT(RECORD_BYTES_MAX);

	sbuf_addf(&text, "kind=%s\ncode=%d\nstarted_ms=%" PRId64 "\nended_ms=%" PRId64 "\nwhy=", kinds[x->kind],
		  x->code, x->started_wall_ms, x->ended_wall_ms);
	for (const char *p = x->why; *p; p++)
		sbuf_addc(&text, (unsigned char)*p < ' ' ? ' ' : *p);
	sbuf_addc(&text, '\n');
	seal(&text);

	_close_ int fd = openat(dirfd, RECORD_EXIT_TMP, O_WRONLY | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK, 0600);
	if (fd < 0)
		return error_errno(e, errno, "open %s", RECORD_EXIT_TMP);
	if (!fdio_write_all(fd, text.data, text.len, e))
		return error_wrap(e, "%s", RECORD_EXIT_TMP);
	if (fdatasync(fd) < 0)
		return error_errno(e, errno, "sync %s", RECORD_EXIT_TMP);
	if (renameat(dirfd, RECORD_EXIT_TMP, dirfd, RECORD_EXIT) < 0)
		return error_errno(e, errno, "rename %s", RECORD_EXIT_TMP);
	return fsync(dirfd) == 0 || error_errno(e, errno, "sync the directory of %s", RECORD_EXIT);
}

bool record_read_exit(int dirfd, struct record_exit *ret, struct error *e)
{
	_sbuf_ struct sbuf text = SBUF_INIT(RECORD_BYTES_MAX);
	struct record_exit x = { 0 };
	char kind[16];
	int64_t code;
	size_t k = 0;

	if (!read_sealed(dirfd, RECORD_EXIT, &text, e))
		return false;
	if (!get(&text, "kind", kind, sizeof kind) || !get_int(&text, "code", &code) ||
	    !get_int(&text, "started_ms", &x.started_wall_ms) || !get_int(&text, "ended_ms", &x.ended_wall_ms) ||
	    !get(&text, "why", x.why, sizeof x.why))
		return incomplete(RECORD_EXIT, e);
	while (k < ARRAY_LEN(kinds) && !str_eq(kind, kinds[k]))
		k++;
	if (k == ARRAY_LEN(kinds) || code < 0 || code > INT32_MAX)
		return error_set(e, ERR_MALFORMED, "the record %s has an unknown kind or code", RECORD_EXIT);
	x.kind = (enum record_exit_kind)k;
	x.code = (int)code;
	*ret = x;
	return true;
}

/* --- log.hole --- */

bool record_write_hole(int dirfd, const struct record_hole *h, struct error *e)
{
	_sbuf_ struct sbuf text = SBUF_INIT(RECORD_BYTES_MAX);

	sbuf_addf(&text, "start=%" PRId64 "\nend=%" PRId64 "\nlines=%" PRId64 "\nstart_inside=%d\nend_inside=%d\n",
		  h->start, h->end, h->lines, h->start_inside, h->end_inside);
	seal(&text);
	return fdio_replace_file(dirfd, RECORD_HOLE, text.data, text.len, e);
}

bool record_read_hole(int dirfd, const char *dirname, struct record_hole *ret, struct error *e)
{
	_sbuf_ struct sbuf text = SBUF_INIT(RECORD_BYTES_MAX);
	struct record_hole h = { 0 };
	int64_t start_inside, end_inside;
	char path[VALUE_MAX];

	if (snprintf(path, sizeof path, "%s/%s", dirname, RECORD_HOLE) >= (int)sizeof path)
		return error_set(e, ERR_INVALID, "directory name too long");
	if (!read_sealed(dirfd, path, &text, e)) {
		if (e->code != ERR_NOT_FOUND)
			return false;
		*ret = h;
		return true;
	}
	if (!get_int(&text, "start", &h.start) || !get_int(&text, "end", &h.end) ||
	    !get_int(&text, "lines", &h.lines) || !get_int(&text, "start_inside", &start_inside) ||
	    !get_int(&text, "end_inside", &end_inside) || h.start < 0 || h.end < h.start || h.lines < 0)
		return incomplete(RECORD_HOLE, e);
	h.start_inside = start_inside != 0;
	h.end_inside = end_inside != 0;
	*ret = h;
	return true;
}

bool record_boot_id(char to[RECORD_BOOT_ID_LEN + 1], struct error *e)
{
	_sbuf_ struct sbuf text = SBUF_INIT(RECORD_BYTES_MAX);

	if (!fdio_read_file(AT_FDCWD, "/proc/sys/kernel/random/boot_id", &text, e))
		return false;
	if (text.len < RECORD_BOOT_ID_LEN)
		return error_set(e, ERR_INTERNAL, "boot_id is too short");
	memcpy(to, text.data, RECORD_BOOT_ID_LEN);
	to[RECORD_BOOT_ID_LEN] = '\0';
	return true;
}
