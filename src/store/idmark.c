#include "store/idmark.h"
#include "base/clock.h"
#include "base/str.h"
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { DIGITS = 19 }; /* always as many, so that a new number takes no room on the disk */

void idmark_open(const char *path, struct idmark *ret)
{
	char text[DIGITS + 1] = "";

	*ret = (struct idmark){ .fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600) };
	if (ret->fd < 0 || pread(ret->fd, text, DIGITS, 0) != DIGITS || !str_all_digits(text) ||
	    !str_to_i64(text, &ret->next) || ret->next > INT32_MAX) /* ids are Java's int */
		ret->next = 0;
}

void idmark_note(struct idmark *m, int64_t next_id, bool at_the_end)
{
	char text[DIGITS + 16];
	int64_t now_ms = clock_now_ms();

	if (m->fd < 0 || next_id <= m->next)
		return;
	if (!at_the_end && m->written_ms && next_id - m->next < IDMARK_EVERY_IDS &&
	    now_ms - m->written_ms < IDMARK_EVERY_MS)
		return;
	(void)snprintf(text, sizeof text, "%0*" PRId64 "\n", DIGITS, next_id);
	m->written_ms = now_ms;
	if (pwrite(m->fd, text, DIGITS + 1, 0) == DIGITS + 1)
		m->next = next_id;
}

void idmark_close(struct idmark *m)
{
	if (m->fd >= 0)
		(void)close(m->fd);
	m->fd = -1;
}
