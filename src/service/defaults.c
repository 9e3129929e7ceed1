#include "service/defaults.h"
#include "config/properties.h"
#include "service/confdir.h"
#include <unistd.h>

static bool on_pair(void *arg, int line, const char *key, const char *value, struct error *e)
{
	struct defaults *d = arg;

	(void)line;
	if (d->count == DEFAULTS_MAX)
		return error_set(e, ERR_CONFIG, "spark-defaults.conf has more than %d entries", DEFAULTS_MAX);
	d->pairs[d->count++] = (struct spec_pair){ arena_strdup(d->arena, key), arena_strdup(d->arena, value) };
	return arena_ok(d->arena) || error_set(e, ERR_CONFIG, "spark-defaults.conf is too large");
}

bool defaults_load(const char *path, struct defaults **ret, struct error *e)
{
	struct defaults *d = xcalloc(1, sizeof *d);

	d->arena = arena_new(2 * (size_t)PROPERTIES_FILE_MAX + 4 * (size_t)CONFDIR_BYTES_MAX);
	d->pairs = arena_alloc(d->arena, DEFAULTS_MAX * sizeof *d->pairs);
	if (access(path, F_OK) == 0 && !properties_load(path, on_pair, d, e)) {
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
