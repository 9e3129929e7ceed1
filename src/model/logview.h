/*
 * logview - Livy's log array over a file of lines (livy.md section 3, D8, D30). Pure arithmetic.
 *
 * The array is "stdout: ", the lines, "\nstderr: " and what else comes after them, such as a cluster's diagnostics
 * (service/diagnostics.h); without a process it is empty. Lines never change their place; what comes after them does.
 * `from` and `size` follow SessionServlet: size < 0 everything, from < 0 the tail; past the end is empty, never an
 * error.
 */
#pragma once
#include <stdbool.h>
#include <stdint.h>

struct logview {
	int64_t from, total;            /* as answered */
	bool head;                      /* the slice begins with "stdout: " */
	int64_t first_line, end_line;   /* file lines [first_line, end_line) */
	int64_t first_after, end_after; /* of the elements after the lines; 0 is "\nstderr: " */
};

#define LOGVIEW_HEAD "stdout: "
#define LOGVIEW_TAIL "\nstderr: "
#define LOGVIEW_YARN "\nYARN Diagnostics: "
#define LOGVIEW_KUBERNETES "\nKubernetes Diagnostics: "
enum { LOGVIEW_SIZE_DEFAULT = 100, LOGVIEW_FROM_DEFAULT = -1, LOGVIEW_EXCERPT = 10 };

/*
 * `after`: elements after the lines, at least 1. has_process false: the log is [] and total 0, whatever else is said.
 */
struct logview logview_slice(bool has_process, int64_t lines, int64_t after, int64_t from, int64_t size);
