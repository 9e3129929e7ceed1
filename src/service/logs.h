/*
 * logs - log files that somebody reads: opened once, indexed as they grow, closed when unused.
 *
 * A log may be large, so what was not seen yet is scanned in slices of LOGS_SLICE between other
 * events of the loop; the reader's callback comes when the index is complete. At most LOGS_OPEN_MAX
 * idle files stay open, the longest unused go first. Loop thread only.
 */
#pragma once
#include "loop/loop.h"
#include "run/logfile.h"

enum { LOGS_SLICE = 2 * 1024 * 1024, LOGS_OPEN_MAX = 256 };

struct logs;
struct log_reader;

struct logs *logs_new(struct loop *l, int run_dirfd); /* borrowed */
struct logs *logs_free(struct logs *ls);              /* takes NULL; returns NULL */

/*
 * Opens the log of an attempt for reading. fn gets the file with an index that was complete at that moment, and
 * a reader to close; or an error and no reader. It may be called before logs_read() returns.
 * `ended`: nothing is written there any more.
 */
typedef void logs_fn(void *arg, struct logfile *file, struct log_reader *reader, const struct error *e);
void logs_read(struct logs *ls, const char *attempt_name, bool ended, logs_fn *fn, void *arg);

void logs_close(struct log_reader *reader); /* takes NULL */
void logs_forget(struct logs *ls,
		 const char *attempt_name); /* it is being removed: its disk space is not held longer than read */
void logs_stop(struct logs *ls);            /* whoever waits gets ERR_UNAVAILABLE, and whoever would have to */
