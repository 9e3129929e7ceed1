#include "base/log.h"
#include "base/clock.h"
#include "base/sbuf.h"
#include <stdio.h>
#include <string.h>

enum { LOG_LINE_MAX = 4096 };

enum log_level log_max_level = LOG_INFO;

static void add_value(struct sbuf *line, const char *s)
{
	if (*s && s[strspn(s, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_./:@+")] == '\0') {
		sbuf_adds(line, s);
		return;
	}
	sbuf_addc(line, '"');
	for (; *s; s++) {
		if (*s == '"' || *s == '\\')
			sbuf_addc(line, '\\');
		if ((unsigned char)*s < 0x20 || *s == 0x7f)
			sbuf_addf(line, "\\x%02x", (unsigned char)*s);
		else
			sbuf_addc(line, *s);
	}
	sbuf_addc(line, '"');
}

static void add_prefix(struct sbuf *line, enum log_level level)
{
	static const char *const names[] = { "error", "warn", "info", "debug" };
	static const int priorities[] = { 3, 4, 6, 7 };
	char now[32];

	if (getenv("JOURNAL_STREAM")) {
		sbuf_addf(line, "<%d>", priorities[level]);
		return;
	}
	clock_rfc3339(clock_wall_ms(), now, sizeof now);
	sbuf_addf(line, "%s %-5s ", now, names[level]);
}

void log_line(enum log_level level, const char *msg, const struct log_field *fields, int count)
{
	_sbuf_ struct sbuf line = SBUF_INIT(LOG_LINE_MAX);

	add_prefix(&line, level);
	sbuf_adds(&line, msg);
	for (int i = 0; i < count; i++) {
		sbuf_addf(&line, " %s=", fields[i].key);
		if (fields[i].str)
			add_value(&line, fields[i].str);
		else
			sbuf_addi(&line, fields[i].num);
	}
	line.failed = false; /* too long: what fits is still worth a line */
	if (line.len == line.limit)
		line.len--;
	sbuf_addc(&line, '\n');
	if (write(STDERR_FILENO, line.data, line.len) < 0)
		return; /* nowhere left to complain */
}
