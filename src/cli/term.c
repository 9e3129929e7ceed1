#include "cli/term.h"
#include "base/str.h"
#include <stdint.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>
#include <wchar.h>

enum { COLUMN_GAP = 2, COLUMN_WIDTH_MIN = 6, CELL_MAX = 64 * 1024 };

static const struct {
	const char *state, *colour;
} state_colours[] = {
	{ "success", "\033[32m" }, { "running", "\033[36m" }, { "dead", "\033[31m" },
	{ "error", "\033[31m" },   { "killed", "\033[33m" },
};
#define COLOUR_OFF "\033[0m"

struct term term_of(FILE *f)
{
	int fd = fileno(f);
	struct term t = { .tty = isatty(fd) == 1 };
	struct winsize size;
	const char *no_color = getenv("NO_COLOR"), *kind = getenv("TERM");

	if (!t.tty)
		return t;
	t.colour = str_empty(no_color) && !str_empty(kind) && !str_eq(kind, "dumb");
	t.columns = ioctl(fd, TIOCGWINSZ, &size) == 0 ? size.ws_col : 0;
	return t;
}

static uint32_t code_point(const unsigned char *s, size_t len)
{
	static const unsigned char first_mask[] = { 0, 0x7f, 0x1f, 0x0f, 0x07 };
	uint32_t c = s[0] & first_mask[len];

	for (size_t i = 1; i < len; i++)
		c = c << 6 | (s[i] & 0x3f);
	return c;
}

/* C0, DEL, C1, line separators and the marks that turn the direction of what follows. */
static bool is_control(uint32_t c)
{
	return c < 0x20 || (c >= 0x7f && c < 0xa0) || c == 0x2028 || c == 0x2029 || c == 0x200e || c == 0x200f ||
	       (c >= 0x202a && c <= 0x202e) || (c >= 0x2066 && c <= 0x2069);
}

void term_visible(struct sbuf *to, const char *s, bool keep_tabs)
{
	const unsigned char *p = (const unsigned char *)s, *end = p + strlen(s);

	while (p < end) {
		size_t len = str_utf8_len(p, (size_t)(end - p));
		uint32_t c = len ? code_point(p, len) : *p;

		if (len == 0 || (c < 0x100 && is_control(c) && !(c == '\t' && keep_tabs)))
			sbuf_addf(to, "\\x%02x", (unsigned)c);
		else if (c >= 0x100 && is_control(c))
			sbuf_addf(to, "\\u%04x", (unsigned)c);
		else
			sbuf_add(to, p, len);
		p += len ? len : 1;
	}
}

const char *term_cell(struct arena *a, const char *s)
{
	_sbuf_ struct sbuf text = SBUF_INIT(CELL_MAX);
	const char *cell;

	if (str_empty(s))
		return "-";
	term_visible(&text, s, false);
	cell = arena_strdup(a, sbuf_str(&text));
	return cell ? cell : "-";
}

static int char_width(const unsigned char *p, size_t len)
{
	int width = len ? wcwidth((wchar_t)code_point(p, len)) : 1;

	return width < 0 ? 1 : width;
}

int term_width(const char *s)
{
	const unsigned char *p = (const unsigned char *)s, *end = p + strlen(s);
	int width = 0;

	while (p < end) {
		size_t len = str_utf8_len(p, (size_t)(end - p));

		width += char_width(p, len);
		p += len ? len : 1;
	}
	return width;
}

void term_print_state(const struct term *t, const char *state, FILE *to)
{
	const char *colour = NULL;

	for (size_t i = 0; i < ARRAY_LEN(state_colours); i++)
		if (str_eq(state, state_colours[i].state))
			colour = state_colours[i].colour;
	if (t->colour && colour)
		(void)fprintf(to, "%s%s" COLOUR_OFF, colour, state);
	else
		(void)fputs(state, to);
}

/* As much of s as fits, "…" where something is missing. Returns the columns it took. */
static int print_cut(const char *s, int room, FILE *to)
{
	const unsigned char *p = (const unsigned char *)s, *end = p + strlen(s);
	int used = 0;

	if (term_width(s) <= room) {
		(void)fputs(s, to);
		return term_width(s);
	}
	while (p < end) {
		size_t len = str_utf8_len(p, (size_t)(end - p));
		int width = char_width(p, len);

		if (used + width > room - 1)
			break;
		(void)fwrite(p, 1, len ? len : 1, to);
		used += width;
		p += len ? len : 1;
	}
	(void)fputs("…", to);
	return used + 1;
}

/* Takes columns from the widest cells that may shrink until the line fits or nothing more can be had. */
static void fit(const struct table_column *columns, size_t count, int *widths, int room)
{
	int total = 0;

	for (size_t i = 0; i < count; i++)
		total += widths[i] + (i + 1 < count ? COLUMN_GAP : 0);
	while (total > room) {
		size_t widest = count;

		for (size_t i = 0; i < count; i++)
			if (columns[i].may_shrink && widths[i] > COLUMN_WIDTH_MIN &&
			    (widest == count || widths[i] > widths[widest]))
				widest = i;
		if (widest == count)
			return;
		widths[widest]--;
		total--;
	}
}

static void print_row(const struct term *t, const struct table_column *columns, size_t count, const int *widths,
		      const char *const *cells, bool is_title, FILE *to)
{
	for (size_t i = 0; i < count; i++) {
		int used = term_width(cells[i]);

		if (columns[i].is_state && !is_title)
			term_print_state(t, cells[i], to);
		else
			used = print_cut(cells[i], widths[i], to);
		if (i + 1 < count)
			(void)fprintf(to, "%*s", (widths[i] > used ? widths[i] - used : 0) + COLUMN_GAP, "");
	}
	(void)fputc('\n', to);
}

void table_print(const struct term *t, const struct table_column *columns, size_t column_count,
		 const char *const *const *rows, size_t row_count, FILE *to)
{
	const char *titles[TABLE_COLUMNS_MAX];
	int widths[TABLE_COLUMNS_MAX];

	for (size_t i = 0; i < column_count; i++) {
		titles[i] = columns[i].title;
		widths[i] = term_width(titles[i]);
		for (size_t row = 0; row < row_count; row++) {
			int width = term_width(rows[row][i]);

			widths[i] = width > widths[i] ? width : widths[i];
		}
	}
	if (t->columns > 0)
		fit(columns, column_count, widths, t->columns);
	print_row(t, columns, column_count, widths, titles, true, to);
	for (size_t row = 0; row < row_count; row++)
		print_row(t, columns, column_count, widths, rows[row], false, to);
}
