/*
 * fuzz-record - any bytes as the small files of an attempt's directory, as they are and with a right checksum.
 *
 * Must hold: a refusal says why; what is believed is within its bounds, and is read as itself again after it was
 * written by us.
 */
#include "base/fdio.h"
#include "base/record.h"
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static void must(bool holds)
{
	if (!holds)
		abort();
}

static void must_be_refusal(const struct error *e)
{
	must(e->msg[0] != '\0');
	must(e->code == ERR_MALFORMED || e->code == ERR_TOO_LARGE);
}

static void check_process(int dirfd)
{
	struct record_process p = { 0 }, again = { 0 };
	struct error e = { 0 };

	if (!record_read_process(dirfd, RECORD_DRIVER, &p, &e)) {
		must_be_refusal(&e);
		return;
	}
	must(p.pid > 1);
	must(strlen(p.boot_id) <= RECORD_BOOT_ID_LEN && !strchr(p.boot_id, '\n'));
	must(unlinkat(dirfd, RECORD_DRIVER, 0) == 0);
	if (p.start_ticks > INT64_MAX)
		return; /* negative in the file; no kernel says so */
	must(record_write_process(dirfd, RECORD_DRIVER, &p, &e));
	must(record_read_process(dirfd, RECORD_DRIVER, &again, &e));
	must(again.pid == p.pid && again.start_ticks == p.start_ticks && strcmp(again.boot_id, p.boot_id) == 0);
}

static void check_exit(int dirfd)
{
	struct record_exit x = { 0 }, again = { 0 };
	struct error e = { 0 };

	if (!record_read_exit(dirfd, &x, &e)) {
		must_be_refusal(&e);
		return;
	}
	must(x.kind == RECORD_EXITED || x.kind == RECORD_SIGNALED || x.kind == RECORD_NO_EXEC);
	must(x.code >= 0 && !strchr(x.why, '\n') && strlen(x.why) < RECORD_WHY_MAX);
	must(record_write_exit(dirfd, &x, &e));
	must(record_read_exit(dirfd, &again, &e));
	must(again.kind == x.kind && again.code == x.code);
	must(again.started_wall_ms == x.started_wall_ms && again.ended_wall_ms == x.ended_wall_ms);
	for (size_t i = 0; x.why[i] || again.why[i]; i++)
		must(again.why[i] == ((unsigned char)x.why[i] < ' ' ? ' ' : x.why[i]));
}

static void check_hole(int dirfd)
{
	struct record_hole h = { 0 }, again = { 0 };
	struct error e = { 0 };

	if (!record_read_hole(dirfd, ".", &h, &e)) {
		must_be_refusal(&e);
		return;
	}
	must(h.start >= 0 && h.end >= h.start && h.lines >= 0);
	must(record_write_hole(dirfd, &h, &e));
	must(record_read_hole(dirfd, ".", &again, &e));
	must(again.start == h.start && again.end == h.end && again.lines == h.lines);
	must(again.start_inside == h.start_inside && again.end_inside == h.end_inside);
}

static void check_all(int dirfd, const char *bytes, size_t n)
{
	static const char *const files[] = { RECORD_DRIVER, RECORD_EXIT, RECORD_HOLE };

	for (size_t i = 0; i < sizeof files / sizeof files[0]; i++) {
		_close_ int fd = openat(dirfd, files[i], O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
		struct error e;

		must(fd >= 0 && fdio_write_all(fd, bytes, n, &e));
	}
	check_process(dirfd);
	check_exit(dirfd);
	check_hole(dirfd);
}

/* As record.c seals: FNV-1a over all that stands before. */
static void add_sum(struct sbuf *text)
{
	uint64_t sum = 0xcbf29ce484222325ULL;

	for (size_t i = 0; i < text->len; i++)
		sum = (sum ^ (unsigned char)text->data[i]) * 0x100000001b3ULL;
	sbuf_addf(text, "sum=%016" PRIx64 "\n", sum);
}

static void remove_all(int dirfd, const char *dir)
{
	static const char *const files[] = { RECORD_DRIVER, RECORD_EXIT, RECORD_HOLE };

	for (size_t i = 0; i < sizeof files / sizeof files[0]; i++)
		(void)unlinkat(dirfd, files[i], 0);
	must(rmdir(dir) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	_sbuf_ struct sbuf sealed = SBUF_INIT(2 * RECORD_BYTES_MAX);
	char dir[] = "/tmp/florus-fuzz.XXXXXX";

	if (n > RECORD_BYTES_MAX + 1)
		return 0;
	must(mkdtemp(dir) != NULL);
	_close_ int dirfd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	must(dirfd >= 0);
	check_all(dirfd, n ? (const char *)data : "", n);

	sbuf_add(&sealed, data, n);
	sbuf_addc(&sealed, '\n');
	add_sum(&sealed);
	check_all(dirfd, sealed.data, sealed.len);
	remove_all(dirfd, dir);
	return 0;
}
