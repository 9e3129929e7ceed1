/*
 * log - GET …/log: a slice of Livy's log array (livy.md section 3, D8). Small answers are built whole, large ones
 * streamed from the file, so that the size of a log costs no memory.
 */
#include "api/api.h"
#include "model/logview.h"
#include <string.h>

enum { LOG_INLINE_MAX = 1024 * 1024, TAIL_ROOM = 8 * DIAGNOSTICS_MAX };

struct log_call {
	struct call *call;
	int64_t id;
	struct diagnostics after;
};

/* An answer that is given in pieces. */
struct log_stream {
	struct logview view;
	struct diagnostics after;
	struct logfile_cursor cursor;
	struct log_reader *reader;
	struct sbuf begin; /* the whole, or its head when the rest is streamed */
	bool begin_given, lines_done;
};

static void write_head(struct sbuf *out, const struct log_call *lc, const struct logview *v)
{
	struct jw w = { .out = out };

	jw_open(&w, NULL, '{');
	jw_int(&w, "id", lc->id);
	jw_int(&w, "from", v->from);
	if (lc->call->mount_len > 0)
		jw_int(&w, "size", v->total);
	jw_int(&w, "total", v->total);
	jw_open(&w, "log", '[');
	if (v->head)
		jw_str(&w, NULL, LOGVIEW_HEAD);
	if (v->head && (v->first_line < v->end_line))
		sbuf_addc(out, ',');
}

static void write_tail(struct sbuf *out, const struct logview *v, const struct diagnostics *after)
{
	struct jw w = { .out = out, .comma = v->head || v->first_line < v->end_line };

	diagnostics_write_elements(after, v->first_after, v->end_after, &w);
	sbuf_adds(out, "]}");
}

static bool stream_next(void *arg, struct sbuf *out, bool *ret_done)
{
	struct log_stream *st = arg;
	struct error e = { 0 };

	if (!st->begin_given) {
		st->begin_given = true;
		sbuf_add(out, st->begin.data, st->begin.len);
		return true;
	}
	if (!st->lines_done)
		return logfile_next(&st->cursor, out, &st->lines_done, &e);
	write_tail(out, &st->view, &st->after);
	*ret_done = true;
	return true;
}

static void stream_done(void *arg)
{
	struct log_stream *st = arg;

	logs_close(st->reader);
	sbuf_done(&st->begin);
	free(st);
}

static void seek(struct log_stream *st, struct logfile *file)
{
	st->lines_done = st->view.first_line >= st->view.end_line;
	if (!st->lines_done)
		logfile_seek(file, st->view.first_line, st->view.end_line, LOGFILE_LINE_MAX, &st->cursor);
}

/* A reader that stops must not hold what was built before we knew that it is large: that is read once more. */
static void stream(struct log_call *lc, struct log_stream *st, struct logfile *file)
{
	const struct http_stream source = { stream_next, stream_done, st };
	struct call *c = lc->call;

	sbuf_done(&st->begin);
	st->begin = (struct sbuf)SBUF_INIT(HTTP_STREAM_BLOCK);
	write_head(&st->begin, lc, &st->view);
	seek(st, file);
	http_reply_stream(c->rq, 200, API_JSON, &source);
	api_done(c);
}

/* Builds the answer; when it grows past LOG_INLINE_MAX it is streamed. Takes the reader. */
static void answer(struct log_call *lc, const struct logview *v, struct logfile *file, struct log_reader *reader)
{
	struct log_stream *st = xcalloc(1, sizeof *st);
	struct call *c = lc->call;
	struct error e = { 0 };

	st->view = *v;
	st->after = lc->after;
	st->reader = reader;
	st->begin.limit = LOG_INLINE_MAX;
	write_head(&st->begin, lc, v);
	seek(st, file);
	if (!st->lines_done && !logfile_next(&st->cursor, &st->begin, &st->lines_done, &e)) {
		stream_done(st);
		api_answer_error(c, &e);
		return;
	}
	if (!st->lines_done || st->begin.limit - st->begin.len < TAIL_ROOM) {
		stream(lc, st, file);
		return;
	}
	write_tail(&st->begin, v, &st->after);
	api_answer(c, 200, &st->begin);
	stream_done(st);
}

static void opened(void *arg, struct logfile *file, struct log_reader *reader, const struct error *e)
{
	struct log_call *lc = arg;
	struct call *c = lc->call;

	if (e->code) {
		api_answer_error(c, e);
	} else {
		struct logview v = logview_slice(file != NULL, file ? logfile_lines(file) : 0,
						 diagnostics_elements(&lc->after), c->from, c->size);

		answer(lc, &v, file, reader);
	}
	free(lc);
}

void batches_on_log(struct call *c, const struct batch *batch)
{
	struct error e = { 0 };

	if (!api_query_int(c, "from", LOGVIEW_FROM_DEFAULT, &c->from, &e) ||
	    !api_query_int(c, "size", LOGVIEW_SIZE_DEFAULT, &c->size, &e)) {
		api_answer_error(c, &e);
		return;
	}
	struct log_call *lc = xcalloc(1, sizeof *lc);
	lc->call = c;
	lc->id = batch->id;
	batches_diagnostics(c->jobs, batch, &lc->after);
	batches_log(c->jobs, batch, opened, lc);
}
