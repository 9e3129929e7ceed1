#include "model/logview.h"

static int64_t clamp(int64_t n, int64_t low, int64_t high)
{
	return n < low ? low : n > high ? high : n;
}

struct logview logview_slice(bool has_process, int64_t lines, int64_t after, int64_t from, int64_t size)
{
	int64_t total = has_process ? 1 + lines + after : 0;

	size = size < 0 || size > total ? total : size;
	if (from < 0)
		from = total - size;

	int64_t start = clamp(from, 0, total);
	int64_t end = start + clamp(size, 0, total - start); /* never a sum over total: no overflow */
	struct logview v = { .from = from, .total = total };
	if (start == end)
		return v;

	v.head = start == 0;
	/* Element i of the array is line i - 1 of the file. */
	v.first_line = clamp(start - 1, 0, lines);
	v.end_line = clamp(end - 1, 0, lines);
	v.first_after = clamp(start - 1 - lines, 0, after);
	v.end_after = clamp(end - 1 - lines, 0, after);
	return v;
}
