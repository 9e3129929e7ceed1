#include "cli/logs.h"
#include "base/str.h"
#include "cli/interrupt.h"
#include <string.h>

#define HEAD "stdout: "
#define TAIL "\nstderr: "

enum {
	LINE_MAX_BYTES = 16 * 1024 * 1024, /* a line made visible */
	PAGE_SHRINK = 8,
	POLL_FIRST_MS = 50,
	POLL_MAX_MS = 1000,
};

struct cursor {
	int64_t next;   /* element of the array that comes next; 0 is the head */
	int64_t total;  /* elements as last answered, headings included; 0: no process yet */
	int page_lines; /* becomes smaller when lines are so long that a page is over the ceiling */
};

static bool ask(struct cli *c, const struct logs *l, int64_t from, int64_t size, struct reply *ret, struct error *e)
{
	char what[96];

	(void)snprintf(what, sizeof what, "/log?from=%lld&size=%lld", (long long)from, (long long)size);
	return server_get_batch(c, l->id, what, ret, e);
}

static void print_line(const struct logs *l, const char *text)
{
	_sbuf_ struct sbuf line = SBUF_INIT(LINE_MAX_BYTES);

	if (l->visible)
		term_visible(&line, text, true);
	(void)fputs(l->visible ? sbuf_str(&line) : text, l->to);
	(void)fputc('\n', l->to);
}

static bool read_page(const struct jr *answer, int64_t asked, int64_t *ret_total, const struct jr **ret_log,
		      struct error *e)
{
	int64_t from;

	if (!reply_int(answer, "from", &from, e) || !reply_int(answer, "total", ret_total, e))
		return false;
	*ret_log = jr_get(answer, "log");
	if (!*ret_log || (*ret_log)->type != JR_ARRAY || from != asked)
		return error_set(e, ERR_INTERNAL, "the server's answer is not the part of the log that was asked for");
	return true;
}

/* One request; prints its lines and moves the cursor. */
static bool next_page(struct cli *c, const struct logs *l, struct cursor *at, struct error *e)
{
	_reply_ struct reply reply = { 0 };
	const struct jr *log;

	while (!ask(c, l, at->next, at->page_lines, &reply, e)) {
		if (e->code != ERR_TOO_LARGE || at->page_lines == 1)
			return false;
		at->page_lines = at->page_lines > PAGE_SHRINK ? at->page_lines / PAGE_SHRINK : 1;
	}
	if (!read_page(reply.json, at->next, &at->total, &log, e))
		return false;
	for (size_t i = 0; i < log->count; i++) {
		const char *text = log->items[i].text;
		int64_t place = at->next;

		if (!text)
			return error_set(e, ERR_INTERNAL, "line %lld of the log is not text", (long long)place);
		/* More lines will come where the tail stands now. */
		if (place == at->total - 1 && strcmp(text, TAIL) == 0)
			break;
		if (place != 0 || strcmp(text, HEAD) != 0)
			print_line(l, text);
		at->next++;
	}
	return cli_flush(l->to, e);
}

/* Prints up to element `end`, or with end < 0 up to where the log ends by now. */
static bool catch_up(struct cli *c, const struct logs *l, struct cursor *at, int64_t end, bool *ret_moved,
		     struct error *e)
{
	int64_t before = at->next, first = before;

	do {
		before = at->next;
		if (!next_page(c, l, at, e))
			return false;
	} while (at->next != before && at->next < (end >= 0 ? end : at->total - 1));
	*ret_moved = at->next != first;
	return true;
}

/* Where the last n lines begin. */
static bool start(struct cli *c, const struct logs *l, struct cursor *at, struct error *e)
{
	_reply_ struct reply reply = { 0 };

	*at = (struct cursor){ .page_lines = LOGS_PAGE_LINES };
	if (!ask(c, l, 0, 0, &reply, e) || !reply_int(reply.json, "total", &at->total, e))
		return false;
	if (l->last_lines != LOGS_WHOLE && at->total - 1 - l->last_lines > 0)
		at->next = at->total - 1 - l->last_lines;
	return true;
}

bool logs_print(struct cli *c, const struct logs *l, struct error *e)
{
	struct cursor at;
	bool moved;

	if (!start(c, l, &at, e))
		return false;
	/* Without this end a driver that prints faster than we read would make this a follow. */
	int64_t end = at.total - 1;
	if (at.next >= end)
		return true;
	if (!catch_up(c, l, &at, end, &moved, e))
		return false;
	if (at.next < end)
		return error_set(e, ERR_INTERNAL, "the server ends the log at line %lld of %lld", (long long)at.next,
				 (long long)end);
	return true;
}

static bool ask_state(struct cli *c, const struct logs *l, char ret_state[LOGS_STATE_MAX], struct error *e)
{
	_reply_ struct reply reply = { 0 };
	const char *state;

	if (!server_get_batch(c, l->id, "/state", &reply, e) || !reply_need(reply.json, "state", &state, e))
		return false;
	(void)snprintf(ret_state, LOGS_STATE_MAX, "%s", state);
	return true;
}

bool logs_follow(struct cli *c, const struct logs *l, char ret_state[LOGS_STATE_MAX], struct error *e)
{
	struct cursor at;
	int64_t wait_ms = POLL_FIRST_MS;
	bool over = false, moved;

	if (!start(c, l, &at, e))
		return false;
	for (;;) {
		if (!catch_up(c, l, &at, -1, &moved, e))
			return false;
		/* The state was final before this reading: nothing can have come after it. */
		if (over)
			return true;
		wait_ms = moved ? POLL_FIRST_MS : wait_ms * 2 < POLL_MAX_MS ? wait_ms * 2 : POLL_MAX_MS;
		if (!moved && !ask_state(c, l, ret_state, e))
			return false;
		over = !moved && batch_is_over(ret_state);
		if (!over)
			interrupt_sleep(wait_ms);
		if (interrupt_seen())
			return error_set(e, ERR_UNAVAILABLE, "interrupted");
	}
}
