#include "cli/opt.h"
#include "base/str.h"
#include "cli/term.h"
#include <string.h>

enum { OPT_HELP_COLUMN = 30 };

static const struct opt *find(const struct opt_set *sets, size_t set_count, const char *name, size_t len, char letter,
			      void **ret_values)
{
	for (size_t i = 0; i < set_count; i++)
		for (const struct opt *o = sets[i].table; o->name; o++) {
			bool same = letter ? o->letter == letter
					   : strlen(o->name) == len && memcmp(o->name, name, len) == 0;

			if (!same)
				continue;
			*ret_values = sets[i].values;
			return o;
		}
	return NULL;
}

/* The array doubles at each power of two; the old one stays in the arena. */
static void list_add(struct arena *a, struct opt_list *list, const char *item)
{
	if ((list->count & (list->count - 1)) == 0) {
		size_t room = list->count ? list->count * 2 : 1;
		const char **more = arena_alloc(a, room * sizeof *more);

		if (!more)
			return;
		for (size_t i = 0; i < list->count; i++)
			more[i] = list->items[i];
		list->items = more;
	}
	list->items[list->count++] = item;
}

static void list_split(struct arena *a, struct opt_list *list, const char *text)
{
	for (size_t n; *text; text += n + (text[n] == ',')) {
		n = strcspn(text, ",");
		if (n > 0)
			list_add(a, list, arena_strndup(a, text, n));
	}
}

static bool store(struct arena *a, const struct opt *o, char *values, const char *text, struct error *e)
{
	void *to = values + o->offset;
	struct opt_count *count = to;
	struct opt_time *time = to;

	switch (o->kind) {
	case OPT_FLAG:
		*(bool *)to = true;
		return true;
	case OPT_TEXT:
		*(const char **)to = text;
		return true;
	case OPT_COUNT:
		count->given = str_to_i32(text, &count->value) && count->value >= 0;
		return count->given || error_set(e, ERR_INVALID, "--%s wants a number, not '%s'", o->name, text);
	case OPT_TIME:
		time->given = str_to_ms(text, 1000, &time->ms);
		return time->given ||
		       error_set(e, ERR_INVALID, "--%s wants a time such as 30s or 5m, not '%s'", o->name, text);
	case OPT_LIST:
		list_split(a, to, text);
		break;
	case OPT_PAIR:
		if (!strchr(text, '=') || text[0] == '=')
			return error_set(e, ERR_INVALID, "--%s wants %s, not '%s'", o->name, o->arg, text);
		list_add(a, to, text);
		break;
	}
	return arena_ok(a) || error_set(e, ERR_TOO_LARGE, "--%s is too long", o->name);
}

/* argv[i] is an option; returns how many elements it took in *ret_used. */
static bool take_option(struct arena *a, const struct opt_set *sets, size_t set_count, char **argv, int left,
			int *ret_used, struct error *e)
{
	const char *word = argv[0], *name = word + 2, *value = NULL;
	bool is_long = word[1] == '-';
	size_t len = strcspn(name, "=");
	void *values = NULL;
	const struct opt *o =
		is_long ? find(sets, set_count, name, len, 0, &values) : find(sets, set_count, "", 0, word[1], &values);

	if (!o)
		return error_set(e, ERR_INVALID, "unknown option %.*s", (int)(is_long ? len + 2 : 2), word);
	if (is_long && name[len] == '=')
		value = name + len + 1;
	else if (!is_long && word[2])
		value = word + 2;
	*ret_used = 1;
	if (!o->arg && value)
		return is_long ? error_set(e, ERR_INVALID, "--%s takes no value", o->name)
			       : error_set(e, ERR_INVALID, "write %s as separate options", word);
	if (o->arg && !value) {
		if (left < 2)
			return error_set(e, ERR_INVALID, "--%s wants a value: %s", o->name, o->arg);
		value = argv[1];
		*ret_used = 2;
	}
	return store(a, o, values, value ? value : "", e);
}

bool opt_parse(struct arena *a, const struct opt_set *sets, size_t set_count, bool verbatim, char **argv, int *count,
	       struct error *e)
{
	int kept = 0, i = 0, used = 0;

	while (i < *count) {
		if (strcmp(argv[i], "--") == 0) {
			i++;
			break;
		}
		if (argv[i][0] == '-' && argv[i][1]) {
			if (!take_option(a, sets, set_count, argv + i, *count - i, &used, e))
				return false;
			i += used;
			continue;
		}
		argv[kept++] = argv[i++];
		if (verbatim)
			break;
	}
	while (i < *count)
		argv[kept++] = argv[i++];
	*count = kept;
	return true;
}

void opt_print(const struct opt *table, FILE *to)
{
	for (const struct opt *o = table; o->name; o++) {
		char left[64];

		(void)snprintf(left, sizeof left, "%c%c%s--%s%s%s", o->letter ? '-' : ' ', o->letter ? o->letter : ' ',
			       o->letter ? ", " : "  ", o->name, o->arg ? " " : "", o->arg ? o->arg : "");
		int pad = OPT_HELP_COLUMN - term_width(left);

		(void)fprintf(to, "  %s%*s %s\n", left, pad > 0 ? pad : 0, "", o->help);
	}
}
