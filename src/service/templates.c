/*
 * templates - the pod templates that a job's conf names, read for the cluster that they go to.
 *
 * As spark-submit would read them: those of the administrator's own conf wherever they are, a job's beneath the allowed
 * directories. A job that is to run as another user of this host is refused here, since that user might not read the
 * file.
 */
#include "base/fdio.h"
#include "base/str.h"
#include "cluster/kube/template.h"
#include "service/defaults.h"
#include "service/registry.h"
#include <fcntl.h>
#include <string.h>

static const char *value_of(const struct spec_pair *pairs, size_t count, const char *key)
{
	for (size_t i = 0; i < count; i++)
		if (str_eq(pairs[i].key, key))
			return pairs[i].value;
	return NULL;
}

static bool is_of_the_administrator(const struct profile *p, const struct defaults *d, const char *key,
				    const char *value)
{
	return str_eq(value_of(p->conf, p->conf ? p->conf_count : 0, key), value) ||
	       str_eq(value_of(d ? d->pairs : NULL, d ? d->count : 0, key), value);
}

/* "file:///x", "local:/x" and "/x" are "/x"; a host of another name is none of ours: then it is not a path. */
static const char *plain_path(const char *path)
{
	const char *file = path[0] == '/' ? path : strchr(path, ':') + 1;

	return file[1] == '/' ? file + 2 : file;
}

static bool is_of_this_host(const char *path)
{
	bool scheme = str_starts(path, "file:/") || str_starts(path, "local:/");

	return (path[0] == '/' || scheme) && plain_path(path)[0] == '/' && !strpbrk(path, "%#");
}

static bool read_text(const struct batches *b, const char *path, bool trusted, struct sbuf *to, struct error *e)
{
	int opened = -1;

	if (trusted)
		return fdio_read_plain_file(AT_FDCWD, plain_path(path), to, e);
	if (!paths_open(b->paths, plain_path(path), &opened, e))
		return false;
	_close_ int fd = opened;
	return fdio_read_plain_fd(fd, "it", to, e);
}

static struct submission_text read_one(const struct batches *b, struct arena *a, const char *path, bool trusted)
{
	_sbuf_ struct sbuf text = SBUF_INIT(KUBE_TEMPLATE_MAX);
	struct submission_text ret = { 0 };
	struct error e;

	if (!is_of_this_host(path))
		ret.why = "it is not a file of this host";
	else if (!trusted && !str_eq(b->config->florus_launch_run_as, "self"))
		ret.why = "jobs run as another user, who is to read it himself";
	else if (!read_text(b, path, trusted, &text, &e))
		ret.why = e.code == ERR_TOO_LARGE ? "it is over 256 KiB" : "it could not be read here";
	else if (memchr(sbuf_str(&text), '\0', text.len) || !str_utf8_ok(sbuf_str(&text), text.len))
		ret.why = "it is not a text in UTF-8";
	else if (!(ret.text = arena_strndup(a, sbuf_str(&text), text.len)))
		ret.why = "there is no room for it";
	ret.len = text.len;
	return ret;
}

void templates_read(const struct batches *b, struct arena *a, const struct profile *p, const struct defaults *d,
		    struct submission *s)
{
	const struct {
		const char *key;
		struct submission_text *to;
	} keys[] = { { "spark.kubernetes.driver.podTemplateFile", &s->driver_template },
		     { "spark.kubernetes.executor.podTemplateFile", &s->executor_template } };

	for (size_t i = 0; str_starts(p->master, "k8s://") && i < ARRAY_LEN(keys); i++) {
		const char *path = submission_conf(s, keys[i].key);

		if (path)
			*keys[i].to = read_one(b, a, path, is_of_the_administrator(p, d, keys[i].key, path));
	}
}
