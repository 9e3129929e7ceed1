#include "model/submission.h"
#include "base/str.h"
#include <stdlib.h>
#include <string.h>

static int by_key(const void *a, const void *b)
{
	return strcmp(((const struct spec_pair *)a)->key, ((const struct spec_pair *)b)->key);
}

static const struct spec_pair *find(const struct spec_pair *pairs, size_t count, const char *key)
{
	const struct spec_pair wanted = { .key = key };

	return count ? bsearch(&wanted, pairs, count, sizeof *pairs, by_key) : NULL;
}

/* An entry with its place, since qsort() forgets which of two came first. */
struct placed {
	struct spec_pair pair;
	size_t at;
};

static int by_key_and_place(const void *a, const void *b)
{
	const struct placed *x = a, *y = b;
	int order = strcmp(x->pair.key, y->pair.key);

	return order ? order : (x->at > y->at) - (x->at < y->at);
}

/*
 * Sorts Spark's own, and leaves out others: they would become system properties of the driver's JVM. Of several with
 * the same key the last one stays. Returns how many there are then.
 */
static size_t sort(struct arena *a, struct spec_pair *pairs, size_t all)
{
	struct placed *placed = arena_alloc(a, (all + 1) * sizeof *placed);
	size_t count = 0, kept = 0;

	if (!placed)
		return 0; /* the arena is full; said by who looks */
	for (size_t i = 0; i < all; i++)
		if (str_starts(pairs[i].key, "spark."))
			placed[count++] = (struct placed){ pairs[i], i };
	qsort(placed, count, sizeof *placed, by_key_and_place);
	for (size_t i = 0; i < count; i++)
		if (i + 1 == count || !str_eq(placed[i].pair.key, placed[i + 1].pair.key))
			pairs[kept++] = placed[i].pair;
	return kept;
}

/* The job's own entries, and those of the defaults that it does not have. */
static bool merge(struct arena *a, const struct sparkargs_conf *own, const struct spec_pair *defaults,
		  size_t defaults_count, struct submission *s, struct error *e)
{
	s->conf = arena_alloc(a, (own->count + defaults_count + 1) * sizeof *s->conf);
	if (!s->conf)
		return error_set(e, ERR_TOO_LARGE, "the submission is too large");
	if (defaults_count)
		memcpy(s->conf, defaults, defaults_count * sizeof *s->conf);
	if (own->count)
		memcpy(s->conf + defaults_count, own->pairs, own->count * sizeof *s->conf);
	s->conf_count = sort(a, s->conf, defaults_count + own->count);
	if (!arena_ok(a))
		return error_set(e, ERR_TOO_LARGE, "the submission is too large");
	return s->conf_count <= SUBMISSION_CONF_MAX ||
	       error_set(e, ERR_INVALID, "Rejected, Reason: conf has more than %d entries.", SUBMISSION_CONF_MAX);
}

/* As SparkSubmit names an application that nobody named. */
static const char *name_of(const struct submission *s, const struct spec *spec)
{
	const char *conf = submission_conf(s, "spark.app.name"), *slash = spec->file ? strrchr(spec->file, '/') : NULL;

	if (spec->name)
		return spec->name;
	if (conf)
		return conf;
	if (spec->class_name)
		return spec->class_name;
	return slash ? slash + 1 : (spec->file ? spec->file : "spark");
}

bool submission_build(struct arena *a, const struct spec *spec, const struct spark_settings *settings,
		      const struct spec_pair *defaults, size_t defaults_count, const char *owner,
		      struct submission *ret, struct error *e)
{
	struct sparkargs_conf own;
	struct submission s = {
		.file = spec->file,
		.class_name = spec->class_name,
		.queue = spec->queue,
		.proxy_user = settings->proxy_user,
		.user = settings->proxy_user ? settings->proxy_user : owner,
		.args = spec->args,
		.python = spec->file && (str_ends(spec->file, ".py") || str_ends(spec->file, ".pyw")),
		.r = spec->file && (str_ends(spec->file, ".R") || str_ends(spec->file, ".r")),
	};

	if (!sparkargs_conf(a, spec, settings, &own, e) || !merge(a, &own, defaults, defaults_count, &s, e))
		return false;
	s.name = name_of(&s, spec);
	*ret = s;
	return true;
}

const char *submission_conf(const struct submission *s, const char *key)
{
	const struct spec_pair *found = find(s->conf, s->conf_count, key);

	return found ? found->value : NULL;
}

void submission_each(const struct submission *s, const char *prefix, submission_each_fn *fn, void *arg)
{
	size_t n = strlen(prefix);

	for (size_t i = 0; i < s->conf_count; i++)
		if (str_starts(s->conf[i].key, prefix))
			fn(arg, s->conf[i].key + n, s->conf[i].value);
}

bool submission_copy(struct arena *a, const struct submission *s, struct submission *ret, struct error *e)
{
	const char **args = arena_alloc(a, (s->args.count + 1) * sizeof *args);
	struct spec_pair *conf = arena_alloc(a, (s->conf_count + 1) * sizeof *conf);

	if (!args || !conf)
		return error_set(e, ERR_TOO_LARGE, "the submission is too large");
	for (size_t i = 0; i < s->args.count; i++)
		args[i] = arena_strdup(a, s->args.items[i]);
	for (size_t i = 0; i < s->conf_count; i++)
		conf[i] = (struct spec_pair){ arena_strdup(a, s->conf[i].key), arena_strdup(a, s->conf[i].value) };
	*ret = *s;
	ret->args.items = args;
	ret->conf = conf;
	ret->driver_template = ret->executor_template = (struct submission_text){ 0 };
	ret->spark_files = ret->hadoop_files = (struct submission_files){ 0 };
	const char **const texts[] = { &ret->name,  &ret->file,       &ret->class_name,
				       &ret->queue, &ret->proxy_user, &ret->user };
	for (size_t i = 0; i < ARRAY_LEN(texts); i++)
		*texts[i] = arena_strdup(a, *texts[i]);
	return arena_ok(a) || error_set(e, ERR_TOO_LARGE, "the submission is too large");
}
