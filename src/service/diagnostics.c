#include "service/diagnostics.h"
#include "base/fdio.h"
#include "base/log.h"
#include "model/logview.h"
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#define FILE_NAME "diagnostics"

static bool path_of(char path[PATH_MAX], const char *attempt_name)
{
	return snprintf(path, PATH_MAX, "%s/" FILE_NAME, attempt_name) < PATH_MAX;
}

static void read_text(int run_dirfd, const char *attempt_name, char text[DIAGNOSTICS_MAX + 1])
{
	char path[PATH_MAX];
	_close_ int fd = path_of(path, attempt_name)
				 ? openat(run_dirfd, path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NOFOLLOW | O_NONBLOCK)
				 : -1;
	ssize_t n = fd >= 0 ? pread(fd, text, DIAGNOSTICS_MAX, 0) : 0;

	text[n > 0 ? n : 0] = '\0';
}

void diagnostics_read(int run_dirfd, const char *attempt_name, const char *head, struct diagnostics *ret)
{
	read_text(run_dirfd, attempt_name, ret->text);
	ret->head = head;
	ret->lines = 0;
	for (char *p = ret->text; *p; ret->lines++) {
		p += strcspn(p, "\n");
		if (*p)
			*p++ = '\0';
	}
}

int64_t diagnostics_elements(const struct diagnostics *d)
{
	return 1 + (d->head != NULL) + d->lines;
}

void diagnostics_write_elements(const struct diagnostics *d, int64_t first, int64_t end, struct jw *w)
{
	const char *line = d->text;
	int64_t at = 0;

	if (at >= first && at < end)
		jw_str(w, NULL, LOGVIEW_TAIL);
	at++;
	if (d->head && at >= first && at < end)
		jw_str(w, NULL, d->head);
	at += d->head != NULL;
	for (int64_t i = 0; i < d->lines && at < end; i++, at++, line += strlen(line) + 1)
		if (at >= first)
			jw_str(w, NULL, line);
}

void diagnostics_set(int run_dirfd, const char *attempt_name, const char *text)
{
	size_t n = strnlen(text, DIAGNOSTICS_MAX);
	char path[PATH_MAX];
	struct error e = { 0 };

	while (n > 0 && ((unsigned char)text[n] & 0xC0) == 0x80) /* cut between characters */
		n--;
	while (n > 0 && text[n - 1] == '\n') /* as Java's split() does */
		n--;
	(void)mkdirat(run_dirfd, attempt_name, 0700);
	_close_ int fd =
		path_of(path, attempt_name)
			? openat(run_dirfd, path,
				 O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOCTTY | O_NOFOLLOW | O_NONBLOCK, 0600)
			: -1;
	if (fd < 0 || !fdio_write_all(fd, text, n, &e))
		log_warn("what the cluster says of a job is not written", LOG_STR("attempt", attempt_name),
			 LOG_STR("reason", e.msg));
}

void diagnostics_add(int run_dirfd, const char *attempt_name, const char *text)
{
	_sbuf_ struct sbuf both = SBUF_INIT(2 * DIAGNOSTICS_MAX);
	char said[DIAGNOSTICS_MAX + 1];

	read_text(run_dirfd, attempt_name, said);
	if (strstr(said, text))
		return;
	sbuf_addf(&both, "%s%s%.*s", said, *said ? "\n" : "", DIAGNOSTICS_MAX / 2, text);
	diagnostics_set(run_dirfd, attempt_name, sbuf_str(&both));
}
