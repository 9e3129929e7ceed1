#include "service/defaults.h"
#include "base/sbuf.h"
#include "base/str.h"
#include "config/properties.h"
#include <limits.h>

static bool on_pair(void *arg, int line, const char *key, const char *value, struct error *e)
{
	struct defaults *d = arg;

	(void)line;
	if (d->count == DEFAULTS_MAX)
		return error_set(e, ERR_CONFIG, "spark-defaults.conf has more than %d entries", DEFAULTS_MAX);
	d->pairs[d->count++] = (struct spec_pair){ arena_strdup(d->arena, key), arena_strdup(d->arena, value) };
	return arena_ok(d->arena) || error_set(e, ERR_CONFIG, "spark-defaults.conf is too large");
}

bool defaults_load(const struct profile *p, struct defaults **ret, struct error *e)
{
	_sbuf_ struct sbuf path = SBUF_INIT(PATH_MAX);
	struct defaults *d = xcalloc(1, sizeof *d);

	d->arena = arena_new(2 * (size_t)PROPERTIES_FILE_MAX);
	d->pairs = arena_alloc(d->arena, DEFAULTS_MAX * sizeof *d->pairs);
	sbuf_addf(&path, "%s/conf/spark-defaults.conf", p->spark_home ? p->spark_home : "");
	if (sbuf_ok(&path) && access(sbuf_str(&path), F_OK) == 0 && !properties_load(sbuf_str(&path), on_pair, d, e)) {
		(void)defaults_free(d);
		return false;
	}
	*ret = d;
	return true;
}

struct defaults *defaults_free(struct defaults *d)
{
	if (d)
		(void)arena_free(d->arena);
	free(d);
	return NULL;
}
