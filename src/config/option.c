#include "config/option.h"
#include "base/str.h"
#include "config/properties.h"
#include <ctype.h>
#include <inttypes.h>
#include <stddef.h>
#include <string.h>
#include <strings.h>

enum {
	NEAR_MAX = 2,
	SHOW_LINE_MAX = 2 * PROPERTIES_FILE_MAX, /* bytes of a value, escapes included */
};

/* clang-format off */
const struct config_option config_options[CONFIG_OPTION_COUNT] = {
#define X(type, field, key, standard, min, max, words, flags, doc) \
	{ CONFIG_##type, key, standard, min, max, words, flags, doc, offsetof(struct config, field) },
	CONFIG_OPTIONS(X)
#undef X
};
/* clang-format on */

size_t option_index(const struct config_option *o)
{
	return (size_t)(o - config_options);
}

const struct config_option *option_find(const char *key)
{
	for (size_t i = 0; i < CONFIG_OPTION_COUNT; i++)
		if (str_eq(config_options[i].key, key))
			return &config_options[i];
	return NULL;
}

/* livy.server.session.state-retain.sec is LIVY_SERVER_SESSION_STATE_RETAIN_SEC. */
static bool env_matches(const char *key, const char *name, size_t n)
{
	if (strlen(key) != n)
		return false;
	for (size_t i = 0; i < n; i++) {
		char c = (char)toupper((unsigned char)key[i]);

		if (name[i] != (c == '.' || c == '-' ? '_' : c))
			return false;
	}
	return true;
}

const struct config_option *option_find_env(const char *name, size_t n)
{
	for (size_t i = 0; i < CONFIG_OPTION_COUNT; i++)
		if (env_matches(config_options[i].key, name, n))
			return &config_options[i];
	return NULL;
}

static bool parse_str(const struct config_option *o, const char *text, void *field)
{
	/* For what has no default, empty means not set. */
	*(const char **)field = *text || o->standard ? text : NULL;
	return true;
}

static bool in_bounds(const struct config_option *o, int64_t v)
{
	return v >= o->min && v <= o->max;
}

static bool parse_int(const struct config_option *o, const char *text, void *field)
{
	int32_t v;

	if (!str_to_i32(text, &v) || !in_bounds(o, v))
		return false;
	*(int *)field = v;
	return true;
}

static bool parse_bool(const struct config_option *o, const char *text, void *field)
{
	bool yes = strcasecmp(text, "true") == 0;

	(void)o;
	if (!yes && strcasecmp(text, "false") != 0)
		return false;
	*(bool *)field = yes;
	return true;
}

static bool parse_bytes(const struct config_option *o, const char *text, void *field)
{
	int64_t v;

	if (!str_to_bytes(text, &v) || !in_bounds(o, v))
		return false;
	*(int64_t *)field = v;
	return true;
}

static bool parse_duration(const struct config_option *o, const char *text, void *field)
{
	int64_t v;

	if (!str_to_ms(text, 1, &v) || !in_bounds(o, v))
		return false;
	/* Without a unit Livy means milliseconds. Nobody who writes grace = 10 does, so ours want one. */
	if (!str_starts(o->key, "livy.") && v != 0 && str_all_digits(text))
		return false;
	*(int64_t *)field = v;
	return true;
}

static bool parse_word(const struct config_option *o, const char *text, void *field)
{
	size_t n = strlen(text);
	int place = 0;

	for (const char *w = o->words; n > 0; w++, place++) {
		size_t len = strcspn(w, "|");

		if (len == n && strncasecmp(w, text, n) == 0) {
			*(int *)field = place;
			return true;
		}
		w += len;
		if (!*w)
			break;
	}
	return false;
}

static bool (*const parsers[CONFIG_TYPE_COUNT])(const struct config_option *, const char *, void *) = {
	[CONFIG_STR] = parse_str,     [CONFIG_INT] = parse_int,           [CONFIG_BOOL] = parse_bool,
	[CONFIG_BYTES] = parse_bytes, [CONFIG_DURATION] = parse_duration, [CONFIG_WORD] = parse_word,
};

bool option_parse(const struct config_option *o, const char *text, void *of)
{
	return parsers[o->type](o, text, (char *)of + o->field_offset);
}

/* The largest unit that says v exactly. */
static void add_amount(struct sbuf *to, int64_t v, const int64_t *units, const char *const *names)
{
	size_t i = 0;

	while (units[i] > 1 && (v == 0 || v % units[i] != 0))
		i++;
	sbuf_addf(to, "%" PRId64 "%s", v / units[i], v == 0 ? "" : names[i]);
}

static void add_bytes(struct sbuf *to, int64_t v)
{
	static const int64_t units[] = { 1024 * CONFIG_GIB, CONFIG_GIB, CONFIG_MIB, CONFIG_KIB, 1 };
	static const char *const names[] = { "t", "g", "m", "k", "" };

	add_amount(to, v, units, names);
}

static void add_duration(struct sbuf *to, int64_t v)
{
	static const int64_t units[] = { 24 * CONFIG_HOUR_MS, CONFIG_HOUR_MS, 60000, 1000, 1 };
	static const char *const names[] = { "d", "h", "m", "s", "ms" };

	add_amount(to, v, units, names);
}

void option_describe(const struct config_option *o, struct sbuf *to)
{
	switch (o->type) {
	case CONFIG_STR:
	case CONFIG_TYPE_COUNT:
		sbuf_adds(to, "text");
		return;
	case CONFIG_INT:
		sbuf_addf(to, "a whole number from %" PRId64 " to %" PRId64, o->min, o->max);
		return;
	case CONFIG_BOOL:
		sbuf_adds(to, "true or false");
		return;
	case CONFIG_BYTES:
		sbuf_adds(to, "a size such as 512k, 10m or 1g, from ");
		add_bytes(to, o->min);
		sbuf_adds(to, " to ");
		add_bytes(to, o->max);
		return;
	case CONFIG_DURATION:
		sbuf_adds(to, "a duration such as 500ms, 10s, 5m, 2h or 30d, from ");
		add_duration(to, o->min);
		sbuf_adds(to, " to ");
		add_duration(to, o->max);
		return;
	case CONFIG_WORD:
		sbuf_adds(to, "one of ");
		for (const char *w = o->words; *w; w += *w == '|') {
			size_t n = strcspn(w, "|");

			sbuf_add(to, w, n);
			w += n;
			sbuf_adds(to, *w ? ", " : "");
		}
		return;
	}
}

bool option_refuse(const struct config_option *o, const char *key, const char *text, const char *origin,
		   struct error *e)
{
	_sbuf_ struct sbuf expected = SBUF_INIT(sizeof e->msg);

	option_describe(o, &expected);
	return error_set(e, ERR_CONFIG, "%s: %s = %.*s%s: expected %s", origin, key, OPTION_SHOWN_MAX,
			 *text ? text : "(nothing)", strlen(text) > OPTION_SHOWN_MAX ? "…" : "", sbuf_str(&expected));
}

bool option_refuse_key(const char *key, const char *near, const char *origin, struct error *e)
{
	if (near)
		return error_set(e, ERR_CONFIG, "%s: there is no key %.*s; did you mean %s?", origin, OPTION_SHOWN_MAX,
				 key, near);
	return error_set(e, ERR_CONFIG, "%s: there is no key %.*s; florusd --help-config lists them", origin,
			 OPTION_SHOWN_MAX, key);
}

void option_show(FILE *to, const char *before, const char *key, const char *value)
{
	_sbuf_ struct sbuf text = SBUF_INIT(SHOW_LINE_MAX);

	properties_escape(&text, value);
	(void)fprintf(to, "%s%s =%s%s\n", before, key, text.len ? " " : "", sbuf_str(&text));
}

static size_t min3(size_t a, size_t b, size_t c)
{
	size_t m = a < b ? a : b;

	return m < c ? m : c;
}

/* Levenshtein's distance, one row at a time. */
bool option_is_near(const char *a, const char *b)
{
	size_t row[OPTION_KEY_MAX], n = strlen(a), m = strlen(b);

	if (n >= OPTION_KEY_MAX || m >= OPTION_KEY_MAX)
		return false;
	for (size_t j = 0; j <= m; j++)
		row[j] = j;
	for (size_t i = 1; i <= n; i++) {
		size_t diagonal = row[0];

		row[0] = i;
		for (size_t j = 1; j <= m; j++) {
			size_t above = row[j];

			row[j] = min3(above + 1, row[j - 1] + 1, diagonal + (a[i - 1] != b[j - 1]));
			diagonal = above;
		}
	}
	return row[m] <= NEAR_MAX;
}
