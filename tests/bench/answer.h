/*
 * answer - reads HTTP/1.1 responses off a keep-alive connection, byte ranges as they come.
 *
 * Knows Content-Length and chunked bodies, nothing else; bodies are counted and thrown away.
 * Anything it cannot follow is ANSWER_BROKEN: the connection must be given up. Owns nothing.
 */
#pragma once
#include <stdbool.h>
#include <stddef.h>

enum { ANSWER_HEAD_MAX = 8192 }; /* bytes of status line and headers */

enum answer_progress { ANSWER_MORE, ANSWER_DONE, ANSWER_BROKEN };

struct answer {
	int status;
	bool close; /* the server said Connection: close */
	/* private */
	enum { IN_HEAD, IN_BODY, IN_CHUNK_SIZE, IN_CHUNK, IN_CHUNK_END, IN_TRAILER } where;
	size_t rest; /* bytes of the body or chunk still to come */
	size_t line; /* bytes of the current size or trailer line */
	size_t head_len;
	char head[ANSWER_HEAD_MAX];
};

void answer_start(struct answer *a);

/* Takes up to n bytes; *ret_used says how many belong to this answer. */
enum answer_progress answer_feed(struct answer *a, const char *bytes, size_t n, size_t *ret_used);
