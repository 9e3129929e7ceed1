/*
 * diagnostics - what comes after the lines of a job's log: "\nstderr: ", and for clusters that Livy knows the section
 * in which it shows what they say of a job (livy.md section 3).
 *
 * What a cluster says is replaced whole, while lines of a log never change (D8): so it is a file beside the log,
 * written at once, and as short-lived. Loop thread only; files are small.
 */
#pragma once
#include "base/json.h"

enum { DIAGNOSTICS_MAX = 4096 /* bytes that are kept */ };

struct diagnostics {
	const char *head; /* static: how the section begins; NULL: there is none, and lines follow "\nstderr: " */
	int64_t lines;
	char text[DIAGNOSTICS_MAX + 1];
};

/* Of an attempt, by the name of its directory. No file: no lines. */
void diagnostics_read(int run_dirfd, const char *attempt_name, const char *head, struct diagnostics *ret);

int64_t diagnostics_elements(const struct diagnostics *d); /* "\nstderr: " is the first */
void diagnostics_write_elements(const struct diagnostics *d, int64_t first, int64_t end, struct jw *w);

/* In place of what was there; "" for nothing. What cannot be written is logged. */
void diagnostics_set(int run_dirfd, const char *attempt_name, const char *text);
/* After what is there, unless that says it already. */
void diagnostics_add(int run_dirfd, const char *attempt_name, const char *text);
