/*
 * log - one line per event on stderr: a fixed English message, the variable parts as key=value.
 *
 *     log_info("batch finished", LOG_INT("batch", id), LOG_STR("state", "success"));
 *
 * On a terminal or file a line starts with time and level; under systemd (JOURNAL_STREAM) with
 * <N>. Values with blanks, quotes or control bytes are quoted and escaped, so a line is one
 * line. Library layers (base, model, config, store, http, run) return errors and log at most at
 * debug; service and florusd log. Never log bodies, tokens, environments, conf values.
 * Thread-safe: one write(2) a line.
 */
#pragma once
#include "base/cleanup.h"
#include <stdint.h>

enum log_level { LOG_ERROR, LOG_WARN, LOG_INFO, LOG_DEBUG };

struct log_field {
	const char *key;
	const char *str; /* NULL: use num */
	int64_t num;
};
/* A function, because clang objects to testing a literal. */
static inline const char *log_text(const char *s)
{
	return s ? s : "";
}
#define LOG_STR(k, v) ((struct log_field){ .key = (k), .str = log_text(v) })
#define LOG_INT(k, v) ((struct log_field){ .key = (k), .num = (int64_t)(v) })

extern enum log_level log_max_level; /* lines above it are not made */

void log_line(enum log_level level, const char *msg, const struct log_field *fields, int count);

#define LOG_AT(level, msg, ...)                                                             \
	do {                                                                                \
		if ((level) <= log_max_level) {                                             \
			const struct log_field fields_[] = { { 0 }, ##__VA_ARGS__ };        \
			log_line((level), (msg), fields_ + 1, (int)ARRAY_LEN(fields_) - 1); \
		}                                                                           \
	} while (0)
#define log_error(...) LOG_AT(LOG_ERROR, __VA_ARGS__)
#define log_warn(...) LOG_AT(LOG_WARN, __VA_ARGS__)
#define log_info(...) LOG_AT(LOG_INFO, __VA_ARGS__)
#define log_debug(...) LOG_AT(LOG_DEBUG, __VA_ARGS__)
