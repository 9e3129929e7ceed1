/*
 * The archive of a job's configuration, which its driver's container unpacks as __spark_conf__.
 */
#include "cluster/yarn/archive.h"
#include "cluster/hadoop/conf.h"
#include "cluster/yarn/confzip.h"

static void add_hadoop_property(void *arg, const char *key, const char *value)
{
	struct sbuf *out = arg;

	sbuf_adds(out, "<property><name>");
	yarn_xml_text(out, key);
	sbuf_adds(out, "</name><value>");
	yarn_xml_text(out, value);
	sbuf_adds(out, "</value></property>\n");
}

/*
 * As Spark's client puts together what its own Hadoop reads: the site's files, then what the job says. Of two the later
 * one counts.
 */
static void hadoop_properties(const struct cluster *c, const struct yarn_job *job, struct sbuf *out)
{
	const struct yarn *w = c->wire;

	sbuf_adds(out, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<configuration>\n");
	hadoop_conf_each(w->conf, add_hadoop_property, out);
	submission_each(job->s, "spark.hadoop.", add_hadoop_property, out);
	sbuf_adds(out, "</configuration>\n");
}

bool yarn_conf_archive(struct arena *a, const struct cluster *c, const struct yarn_job *job, struct sbuf *out,
		       struct error *e)
{
	const struct yarn_here *h = ((const struct yarn *)c->wire)->here;
	_sbuf_ struct sbuf hadoop = SBUF_INIT(YARN_CONF_MAX), spark = SBUF_INIT(YARN_CONF_MAX),
			   cache = SBUF_INIT(YARN_CONF_MAX);
	_confzip_ struct confzip *z = confzip_new();

	for (size_t i = 0; i < h->count; i++)
		confzip_add(z, h->files[i].name, h->files[i].bytes, h->files[i].n);
	hadoop_properties(c, job, &hadoop);
	yarn_properties(a, job, &spark);
	yarn_dist_cache(job, &cache);
	confzip_add(z, "__spark_hadoop_conf__.xml", sbuf_str(&hadoop), hadoop.len);
	confzip_add(z, "__spark_conf__.properties", sbuf_str(&spark), spark.len);
	confzip_add(z, "__spark_dist_cache__.properties", sbuf_str(&cache), cache.len);
	if (!sbuf_ok(&hadoop) || !sbuf_ok(&spark) || !sbuf_ok(&cache) || !arena_ok(a))
		return error_set(e, ERR_TOO_LARGE, "the job's configuration is too large");
	return confzip_write(z, out, e);
}
