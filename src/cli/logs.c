#include "cli/logs.h"
#include "base/str.h"
#include "cli/interrupt.h"
#include <string.h>

#define HEAD "stdout: "

enum {
	LINE_MAX_BYTES = 16 * 1024 * 1024, /* a line made visible */
	PAGE_SHRINK = 8,
	TAIL_ELEMENTS = 128, /* among the last ones is where the lines end */
	POLL_FIRST_MS = 50,
	POLL_MAX_MS = 1000,
};

struct cursor {
	int64_t next;   /* element of the array that comes next; 0 is the head */
	int64_t end;    /* element after the last line, as far as is known; 0: no process yet */
	bool seen_end;  /* what comes next begins a section: more lines will come where that stands now */
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

/* asked < 0: the last ones, wherever they begin. */
static bool read_page(const struct jr *answer, int64_t asked, int64_t *ret_from, const struct jr **ret_log,
		      struct error *e)
{
	if (!reply_int(answer, "from", ret_from, e))
		return false;
	*ret_log = jr_get(answer, "log");
	if (!*ret_log || (*ret_log)->type != JR_ARRAY || (asked >= 0 && *ret_from != asked))
		return error_set(e, ERR_INTERNAL, "the server's answer is not the part of the log that was asked for");
	for (size_t i = 0; i < (*ret_log)->count; i++)
		if (!(*ret_log)->items[i].text)
			return error_set(e, ERR_INTERNAL, "line %lld of the log is not text",
					 (long long)(*ret_from + (int64_t)i));
	return true;
}

/* No line has a line end in it. */
static bool begins_section(const char *element)
{
	return *element == '\n';
}

/* As many as can be had at once, which are fewer when lines are very long. */
static bool ask_some(struct cli *c, const struct logs *l, int64_t from, int *size, struct reply *ret, struct error *e)
{
	while (!ask(c, l, from, *size, ret, e)) {
		if (e->code != ERR_TOO_LARGE || *size == 1)
			return false;
		*size = *size > PAGE_SHRINK ? *size / PAGE_SHRINK : 1;
	}
	return true;
}

/* One request; prints its lines and moves the cursor. */
static bool next_page(struct cli *c, const struct logs *l, struct cursor *at, struct error *e)
{
	_reply_ struct reply reply = { 0 };
	const struct jr *log;
	int64_t from;

	if (!ask_some(c, l, at->next, &at->page_lines, &reply, e) || !read_page(reply.json, at->next, &from, &log, e))
		return false;
	at->seen_end = false;
	for (size_t i = 0; i < log->count && !at->seen_end; i++) {
		const char *text = log->items[i].text;

		at->seen_end = begins_section(text);
		if (!at->seen_end && (at->next != 0 || strcmp(text, HEAD) != 0))
			print_line(l, text);
		at->next += !at->seen_end;
	}
	return cli_flush(l->to, e);
}

/* Prints up to element `end`, or with end < 0 up to where the log ends by now. */
static bool catch_up(struct cli *c, const struct logs *l, struct cursor *at, int64_t end, bool *ret_moved,
		     struct error *e)
{
	int64_t before, first = at->next;

	do {
		before = at->next;
		if (!next_page(c, l, at, e))
			return false;
	} while (!at->seen_end && at->next != before && (end < 0 || at->next < end));
	*ret_moved = at->next != first;
	return true;
}

/* What follows the lines: what a cluster says of the job. */
static bool print_sections(struct cli *c, const struct logs *l, const struct cursor *at, struct error *e)
{
	_reply_ struct reply reply = { 0 };
	const struct jr *log;
	int size = TAIL_ELEMENTS;
	bool inside = false;
	int64_t from;

	if (!ask_some(c, l, at->next, &size, &reply, e) || !read_page(reply.json, at->next, &from, &log, e))
		return false;
	for (size_t i = 0; i < log->count; i++) {
		const char *text = log->items[i].text;

		if (inside && !begins_section(text))
			print_line(l, text);
		inside |= begins_section(text); /* lines that were written meanwhile are not asked for */
	}
	return cli_flush(l->to, e);
}

/* Where the lines end, and where the last n of them begin. */
static bool start(struct cli *c, const struct logs *l, struct cursor *at, struct error *e)
{
	_reply_ struct reply reply = { 0 };
	const struct jr *log;
	int size = TAIL_ELEMENTS;
	int64_t from;

	*at = (struct cursor){ .page_lines = LOGS_PAGE_LINES };
	if (!ask_some(c, l, -1, &size, &reply, e) || !read_page(reply.json, -1, &from, &log, e))
		return false;
	at->end = from;
	for (size_t i = 0; i < log->count && !begins_section(log->items[i].text); i++)
		at->end++;
	if (l->last_lines != LOGS_WHOLE && at->end - l->last_lines > 0)
		at->next = at->end - l->last_lines;
	return true;
}

bool logs_print(struct cli *c, const struct logs *l, struct error *e)
{
	struct cursor at;
	bool moved;

	if (!start(c, l, &at, e))
		return false;
	if (at.end == 0)
		return true;
	/* Without this end a driver that prints faster than we read would make this a follow. */
	if (at.next < at.end && !catch_up(c, l, &at, at.end, &moved, e))
		return false;
	if (at.next < at.end)
		return error_set(e, ERR_INTERNAL, "the server ends the log at line %lld of %lld", (long long)at.next,
				 (long long)at.end);
	return print_sections(c, l, &at, e);
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
			return print_sections(c, l, &at, e);
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
