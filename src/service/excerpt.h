/*
 * excerpt - the last lines of a log, for the `log` of a batch object, without reading the rest.
 *
 * Looks back from the end for as many line ends as it needs, at most EXCERPT_WINDOW bytes, so its cost does not depend
 * on the log's size. A line longer than EXCERPT_LINE_MAX is cut, with a marker; /log has more of it.
 */
#pragma once
#include "service/diagnostics.h"

enum { EXCERPT_WINDOW = 16 * 1024 * 1024, EXCERPT_LINE_MAX = 4096 };

/* The excerpt's state; zero (fd -1) at first. The fd stays open while the driver runs. */
struct excerpt {
	int fd;
	int64_t size; /* of the log when it was last written out */
};

/* Opens the log when there is one yet. True when it has grown since excerpt_write() (or was never written). */
bool excerpt_changed(struct excerpt *x, int run_dirfd, const char *attempt_name);

/*
 * Appends to w the array elements of the last LOGVIEW_EXCERPT lines (headers included, livy.md section 3), what comes
 * after its lines among them. `ended`: the unterminated rest is a line. An unreadable log reads as empty.
 */
void excerpt_write(struct excerpt *x, bool ended, const struct diagnostics *after, struct jw *w);
void excerpt_close(struct excerpt *x);
