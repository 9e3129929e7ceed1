#include "cluster/hadoop/conf.h"
#include "base/fdio.h"
#include "base/map.h"
#include "base/str.h"
#include "cluster/hadoop/xml.h"
#include <fcntl.h>
#include <limits.h>
#include <string.h>

/* In the order in which Hadoop reads them. mapred-site.xml says where the history server is. */
static const char *const files[] = { "core-site.xml", "hdfs-site.xml", "mapred-site.xml", "yarn-site.xml" };

struct property {
	const char *key, *raw, *value; /* raw NULL: only final so far; value: expanded */
	bool is_final;
	struct property *next;
};

struct hadoop_conf {
	struct arena *memory;
	struct map *by_key;
	struct property *all;
};

const char *hadoop_conf_dir(const char *configured)
{
	const char *dir = configured ? configured : getenv("HADOOP_CONF_DIR");

	return dir ? dir : getenv("YARN_CONF_DIR");
}

/* --- reading --- */

static struct property *property_of(struct hadoop_conf *c, const char *key)
{
	struct property *p = map_get(c->by_key, key);

	if (p)
		return p;
	p = map_count(c->by_key) < HADOOP_CONF_COUNT_MAX ? arena_alloc(c->memory, sizeof *p) : NULL;
	if (!p || !(p->key = arena_strdup(c->memory, key)))
		return NULL;
	p->next = c->all;
	c->all = p;
	map_set(c->by_key, p->key, p);
	return p;
}

static bool set(void *arg, const char *name, const char *value, bool is_final)
{
	struct hadoop_conf *c = arg;
	struct property *p = property_of(c, name);

	if (!p)
		return false;
	if (!p->is_final && value)
		p->raw = arena_strdup(c->memory, value);
	p->is_final |= is_final;
	return arena_ok(c->memory);
}

static bool read_file(struct hadoop_conf *c, const char *dir, const char *name, int *found, struct error *e)
{
	_sbuf_ struct sbuf path = SBUF_INIT(PATH_MAX), text = SBUF_INIT(HADOOP_CONF_FILE_MAX);

	sbuf_addf(&path, "%s/%s", dir, name);
	if (!sbuf_ok(&path))
		return error_set(e, ERR_CONFIG, "the path of %s is too long", name);
	if (!fdio_read_plain_file(AT_FDCWD, sbuf_str(&path), &text, e)) {
		bool missing = e->code == ERR_NOT_FOUND;

		e->code = ERR_CONFIG;
		return missing;
	}
	++*found;
	return hadoop_xml_read(sbuf_str(&text), text.len, set, c, e) || error_wrap(e, "%s", sbuf_str(&path));
}

/* --- ${…} --- */

/* The first ${name} that is known and has no other one in it: where it is, and what it stands for. */
static const struct property *find_variable(const struct hadoop_conf *c, char *text, size_t *at, size_t *end)
{
	const char *open = NULL;

	for (char *s = text; *s; s++) {
		if (str_starts(s, "${"))
			open = s;
		if (*s != '}' || !open)
			continue;
		*s = '\0';
		const struct property *p = map_get(c->by_key, open + 2);
		*s = '}';
		*at = (size_t)(open - text);
		*end = (size_t)(s - text) + 1;
		open = NULL;
		if (p && p->raw)
			return p;
	}
	return NULL;
}

/* False: too often, as in a circle, or too long. */
static bool expand(const struct hadoop_conf *c, struct sbuf *text)
{
	const struct property *p;
	size_t at, end;

	for (int i = 0; (p = find_variable(c, text->data, &at, &end)); i++) {
		struct sbuf next = SBUF_INIT(HADOOP_CONF_VALUE_MAX);

		if (i == HADOOP_CONF_EXPAND_MAX)
			return false;
		sbuf_add(&next, text->data, at);
		sbuf_adds(&next, p->raw);
		sbuf_adds(&next, text->data + end);
		sbuf_done(text);
		*text = next;
		if (!sbuf_ok(text))
			return false;
		if (!text->len)
			return true;
	}
	return true;
}

static const char *trimmed(struct arena *a, const char *s)
{
	static const char blanks[] = " \t\r\n";
	size_t n = strlen(s += strspn(s, blanks));

	while (n && strchr(blanks, s[n - 1]))
		n--;
	return arena_strndup(a, s, n);
}

static void expand_all(struct hadoop_conf *c)
{
	for (struct property *p = c->all; p; p = p->next) {
		_sbuf_ struct sbuf text = SBUF_INIT(HADOOP_CONF_VALUE_MAX);

		if (!p->raw)
			continue;
		sbuf_adds(&text, p->raw);
		bool expanded = text.len && expand(c, &text);
		p->value = trimmed(c->memory, expanded ? sbuf_str(&text) : p->raw);
	}
}

/* --- all --- */

struct hadoop_conf *hadoop_conf_free(struct hadoop_conf *c)
{
	if (!c)
		return NULL;
	(void)map_free(c->by_key);
	(void)arena_free(c->memory);
	free(c);
	return NULL;
}

bool hadoop_conf_load(const char *dir, struct hadoop_conf **ret, struct error *e)
{
	struct hadoop_conf *c = xcalloc(1, sizeof *c);
	bool ok = true;
	int found = 0;

	c->memory = arena_new(HADOOP_CONF_BYTES_MAX);
	c->by_key = map_new();
	for (size_t i = 0; ok && i < ARRAY_LEN(files); i++)
		ok = read_file(c, dir, files[i], &found, e);
	if (ok && !found)
		ok = error_set(e, ERR_NOT_FOUND, "%s: there is no core-site.xml, hdfs-site.xml or yarn-site.xml", dir);
	if (ok) {
		expand_all(c);
		ok = arena_ok(c->memory) || error_set(e, ERR_CONFIG, "%s: its files are too large", dir);
	}
	if (!ok) {
		(void)hadoop_conf_free(c);
		return false;
	}
	*ret = c;
	return true;
}

const char *hadoop_conf_get(const struct hadoop_conf *c, const char *key)
{
	const struct property *p = map_get(c->by_key, key);

	return p ? p->value : NULL;
}

void hadoop_conf_each(const struct hadoop_conf *c, hadoop_conf_fn *fn, void *arg)
{
	for (const struct property *p = c->all; p; p = p->next)
		if (p->raw)
			fn(arg, p->key, p->raw);
}
