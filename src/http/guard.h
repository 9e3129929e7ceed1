/*
 * guard - is this request framed in one way only? Pure; fuzzed.
 *
 * libmicrohttpd 0.9.75 accepts several framings that another server in front may read otherwise
 * (request smuggling). The guard sees method, version and every header field before a byte of the body
 * is read, and refuses what RFC 9112 lets it refuse. A refused request closes its connection.
 */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * Besides the fields themselves the guard checks that they account for every byte of the header block, which the
 * library takes apart in place: what it skipped or joined in silence (a bare LF, a folded line, a NUL, a field without
 * a name) shows as a gap. Only a NUL in place of a line's \r, and a mix of NULs and line ends as the last four bytes,
 * cannot be told from it; they end the same line. All pointers given to one guard are into that block.
 */
struct guard {
	const char *next; /* where the next field must begin */
	const char *end;  /* one past the block */
	int fields, hosts, lengths, codings;
	bool chunked, expects;
	int64_t content_length; /* -1: none given */
	int status;             /* 0: nothing wrong so far */
	const char *reason;
};

/* Is the target free of blanks and control characters? Asked before the library cuts it up. */
bool guard_target(const char *target);

/*
 * The request line: method, target, version. target_len is that of the target as it was sent, query included; of
 * the text itself only its place is looked at. block_bytes is the header block's length from `method` on.
 */
void guard_begin(struct guard *g, const char *method, const char *target, size_t target_len, const char *version,
		 size_t block_bytes);
void guard_field(struct guard *g, const char *name, size_t name_len, const char *value, size_t value_len);

/* The verdict: 0, or the status to refuse with; g->reason says why. */
int guard_end(struct guard *g, const char *method, const char *version);
