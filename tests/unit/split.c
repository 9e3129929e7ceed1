#include "split.h"
#include "base/cleanup.h"
#include <string.h>

enum { REFUSED_BY_LIBRARY = 400, SPLIT_FIELDS_MAX = 1024 };

struct field {
	const char *name, *value;
};

struct split {
	char *next, *end;
	char *method, *target, *version;
	size_t target_len;
	bool target_ok;
	struct field fields[SPLIT_FIELDS_MAX];
	int count;
};

/* The next line, cut out of the block; NULL when it is not complete. */
static char *take_line(struct split *s, size_t *ret_len)
{
	char *line = s->next, *lf = memchr(line, '\n', (size_t)(s->end - line));

	if (!lf)
		return NULL;
	*lf = '\0';
	s->next = lf + 1;
	if (lf > line && lf[-1] == '\r')
		*--lf = '\0';
	*ret_len = (size_t)(lf - line);
	return line;
}

static char *skip_blanks(char *s)
{
	return s + strspn(s, " \t");
}

/* False: refused by the library. */
static bool take_request_line(struct split *s)
{
	size_t n;
	char *line = take_line(s, &n), *first, *last;

	if (!line || !(first = memchr(line, ' ', n)))
		return false;
	last = memrchr(line, ' ', n);
	*first = '\0';
	s->method = line;
	s->target = first + 1;
	while (*s->target == ' ')
		s->target++;
	if (last < s->target)
		return false;
	*last = '\0';
	s->version = last + 1;
	s->target_len = strlen(s->target);
	s->target_ok = guard_target(s->target);
	if (memchr(s->target, ' ', (size_t)(last - s->target)) || strncmp(s->version, "HTTP/", 5) != 0)
		return false;
	char *query = strchr(s->target, '?');
	if (query)
		*query = '\0';
	return true;
}

/* The fields and the empty line. False: refused by the library, or the block is not complete. */
static bool take_fields(struct split *s)
{
	static const char elsewhere[] = "Folded";
	char *line;
	size_t n;

	while ((line = take_line(s, &n)) != NULL && *line) {
		char *colon = strchr(line, ':');

		if (s->count > 0 && (*line == ' ' || *line == '\t')) {
			s->fields[s->count - 1].name = elsewhere;
			continue;
		}
		if (!colon || s->count == SPLIT_FIELDS_MAX)
			return false;
		*colon = '\0';
		if (*line)
			s->fields[s->count++] = (struct field){ line, skip_blanks(colon + 1) };
	}
	return line != NULL;
}

int split_judge(char *block, size_t n, struct guard *g, size_t *ret_end)
{
	_free_ struct split *s = xcalloc(1, sizeof *s);

	block[n] = '\0';
	s->next = block;
	s->end = block + n;
	if (!take_request_line(s) || !take_fields(s))
		return REFUSED_BY_LIBRARY;
	*ret_end = (size_t)(s->next - block);
	guard_begin(g, s->method, s->target, s->target_len, s->version, (size_t)(s->next - s->method));
	for (int i = 0; i < s->count; i++)
		guard_field(g, s->fields[i].name, strlen(s->fields[i].name), s->fields[i].value,
			    strlen(s->fields[i].value));
	int status = guard_end(g, s->method, s->version);
	return status == 0 && !s->target_ok ? 400 : status;
}

/* --- the reader of its own: no pointers into lines, one byte after the other --- */

struct reader {
	const unsigned char *p, *end;
};

static bool take(struct reader *r, const char *text)
{
	size_t n = strlen(text);

	if ((size_t)(r->end - r->p) < n || memcmp(r->p, text, n) != 0)
		return false;
	r->p += n;
	return true;
}

static bool take_eol(struct reader *r)
{
	if (r->end - r->p < 2 || (r->p[0] != '\r' && r->p[0] != '\0') || r->p[1] != '\n')
		return false;
	r->p += 2;
	return true;
}

/* The last field's end and the empty line, of which the library leaves four NULs. */
static bool take_blurred_end(struct reader *r)
{
	if (r->end - r->p != 4 || r->end[-1] != '\n')
		return false;
	for (int i = 0; i < 3; i++)
		if (r->p[i] != '\0' && r->p[i] != '\r' && r->p[i] != '\n')
			return false;
	r->p += 4;
	return true;
}

static bool take_token(struct reader *r)
{
	static const char separators[] = "\"(),/:;<=>?@[\\]{}";
	const unsigned char *from = r->p;

	while (r->p<r->end && * r->p> ' ' && *r->p < 0x7f && !strchr(separators, *r->p))
		r->p++;
	return r->p > from;
}

/* Everything up to a blank or a control character. */
static bool take_target(struct reader *r)
{
	const unsigned char *from = r->p;

	while (r->p<r->end && * r->p> ' ' && *r->p != 0x7f)
		r->p++;
	return r->p > from;
}

static void take_value(struct reader *r)
{
	while (r->p < r->end && (*r->p == '\t' || (*r->p >= ' ' && *r->p != 0x7f)))
		r->p++;
}

bool split_well_formed(const char *block, size_t n)
{
	struct reader r = { (const unsigned char *)block, (const unsigned char *)block + n };

	if (!take_token(&r) || !take(&r, " ") || !take_target(&r) || !take(&r, " "))
		return false;
	if (!take(&r, "HTTP/1.1") && !take(&r, "HTTP/1.0"))
		return false;
	if (take_blurred_end(&r))
		return true;
	if (!take_eol(&r))
		return false;
	while (!take_eol(&r)) {
		if (!take_token(&r) || !take(&r, ":"))
			return false;
		take_value(&r);
		if (take_blurred_end(&r))
			break;
		if (!take_eol(&r))
			return false;
	}
	return r.p == r.end;
}
