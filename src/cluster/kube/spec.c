#include "cluster/kube/spec.h"
#include "base/json.h"
#include "base/str.h"
#include "cluster/kube/make.h"
#include "cluster/kube/template.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { BUILD_ARENA_MAX = 4 * KUBE_OBJECT_MAX };

static void each_label(void *arg, const char *rest, const char *value)
{
	if (!kube_is_our_label(rest))
		jw_str(arg, rest, value);
}

static void owner(struct jw *w, const char *pod_name, size_t *ret_uid_at)
{
	jw_open(w, "ownerReferences", '[');
	jw_open(w, NULL, '{');
	jw_str(w, "apiVersion", "v1");
	jw_str(w, "kind", "Pod");
	jw_str(w, "name", pod_name);
	jw_bool(w, "controller", true);
	jw_str(w, "uid", "");
	*ret_uid_at = w->out->len - 1; /* between the quotes */
	jw_close(w, '}');
	jw_close(w, ']');
}

static void families(struct jw *w, const struct submission *s)
{
	const char *list = submission_conf(s, "spark.kubernetes.driver.service.ipFamilies");
	const char *policy = submission_conf(s, "spark.kubernetes.driver.service.ipFamilyPolicy");
	char name[16];

	if (policy)
		jw_str(w, "ipFamilyPolicy", policy);
	if (!list)
		return;
	jw_open(w, "ipFamilies", '[');
	for (const char *p = list; *p; p += strspn(p, ", ")) {
		size_t n = strcspn(p, ", ");

		(void)snprintf(name, sizeof name, "%.*s", (int)n, p);
		jw_str(w, NULL, name);
		p += n;
	}
	jw_close(w, ']');
}

static void service(struct jw *w, const struct making *m, size_t *ret_uid_at)
{
	const struct submission *s = m->s;

	kube_write_head(w, "Service", m->names->service_name, m->to);
	jw_open(w, "labels", '{');
	kube_write_labels(w, m->to);
	submission_each(s, "spark.kubernetes.driver.service.label.", each_label, w);
	jw_close(w, '}');
	jw_open(w, "annotations", '{');
	submission_each(s, "spark.kubernetes.driver.service.annotation.", kube_each_as_member, w);
	jw_close(w, '}');
	owner(w, m->names->pod_name, ret_uid_at);
	jw_close(w, '}');
	jw_open(w, "spec", '{');
	jw_str(w, "clusterIP", "None");
	families(w, s);
	jw_open(w, "selector", '{');
	jw_str(w, "spark-role", "driver");
	jw_str(w, KUBE_TAG_LABEL, m->to->tag);
	jw_close(w, '}');
	kube_write_ports(w, "port", m);
	jw_close(w, '}');
	jw_close(w, '}');
}

static void map_head(struct jw *w, const struct making *m, const char *name, size_t *ret_uid_at)
{
	kube_write_head(w, "ConfigMap", name, m->to);
	jw_open(w, "labels", '{');
	kube_write_labels(w, m->to);
	jw_close(w, '}');
	owner(w, m->names->pod_name, ret_uid_at);
	jw_close(w, '}');
	jw_bool(w, "immutable", true);
	jw_open(w, "data", '{');
}

static void files(struct jw *w, const struct submission_files *f)
{
	for (size_t i = 0; i < f->count; i++)
		jw_str(w, f->items[i].name, f->items[i].text);
}

static void config_map(struct jw *w, const struct making *m, size_t *ret_uid_at)
{
	_sbuf_ struct sbuf properties = SBUF_INIT(KUBE_OBJECT_MAX);

	kube_properties(m->s, m->to, m->names, &m->ports, &properties);
	if (!sbuf_ok(&properties))
		w->out->failed = true;
	map_head(w, m, m->names->map_name, ret_uid_at);
	jw_str(w, "spark.properties", sbuf_str(&properties));
	jw_str(w, KUBE_NAMESPACE_KEY, m->to->ns);
	files(w, &m->s->spark_files);
	jw_close(w, '}');
	jw_close(w, '}');
}

static void hadoop_map(struct jw *w, const struct making *m, size_t *ret_uid_at)
{
	map_head(w, m, m->names->hadoop_name, ret_uid_at);
	files(w, &m->s->hadoop_files);
	jw_close(w, '}');
	jw_close(w, '}');
}

/* The executors' template, as it was written: the driver reads it. */
static void templates_map(struct jw *w, const struct making *m, size_t *ret_uid_at)
{
	map_head(w, m, m->names->templates_name, ret_uid_at);
	jw_str(w, KUBE_TEMPLATE_MAP_KEY, m->s->executor_template.text);
	jw_close(w, '}');
	jw_close(w, '}');
}

/* --- all of them --- */

static void name_objects(const struct submission *s, const struct kube_target *to, struct kube_objects *ret)
{
	const char *pod_name = submission_conf(s, "spark.kubernetes.driver.pod.name");

	(void)snprintf(ret->service_name, sizeof ret->service_name, "%.58s-svc", to->tag);
	(void)snprintf(ret->map_name, sizeof ret->map_name, "%.58s-conf", to->tag);
	if (s->hadoop_files.count)
		(void)snprintf(ret->hadoop_name, sizeof ret->hadoop_name, "%.50s-hadoop", to->tag);
	else
		(void)snprintf(ret->hadoop_name, sizeof ret->hadoop_name, "%s", kube_conf(s, KUBE_HADOOP_MAP_KEY, ""));
	if (s->executor_template.text)
		(void)snprintf(ret->templates_name, sizeof ret->templates_name, "%.50s-podspec", to->tag);
	if (pod_name && strlen(pod_name) < sizeof ret->pod_name)
		(void)snprintf(ret->pod_name, sizeof ret->pod_name, "%s", pod_name);
	else
		(void)snprintf(ret->pod_name, sizeof ret->pod_name, "%.56s-driver", to->tag);
}

/* Judged again: a file may be another since. */
static bool prepare(struct arena *a, struct making *m, struct error *e)
{
	const struct submission_text *text = &m->s->driver_template;
	const char *why = kube_gate(a, m->s);

	if (why)
		return error_set(e, ERR_INVALID, "this job needs spark-submit: %s", why);
	if (text->text && !kube_template_read(a, text->text, text->len, &m->template, e))
		return false;
	if (m->template)
		m->container = kube_template_container(m->template, submission_conf(m->s, KUBE_TEMPLATE_NAME_KEY));
	return !kube_volumes_read(a, m->s, m->container, &m->volumes) && kube_ports_read(m->s, &m->ports);
}

typedef void write_fn(struct jw *w, const struct making *m, size_t *ret_uid_at);

static bool make(write_fn *fn, const struct making *m, struct kube_object *to)
{
	_sbuf_ struct sbuf json = SBUF_INIT(KUBE_OBJECT_MAX);
	size_t uid_at = 0;

	fn(&(struct jw){ .out = &json }, m, &uid_at);
	if (!sbuf_ok(&json))
		return false;
	*to = (struct kube_object){ .len = json.len, .uid_at = uid_at };
	to->json = sbuf_take(&json);
	return true;
}

/* The pod laid over its template. */
static bool make_pod_on_template(struct arena *a, const struct making *m, struct kube_object *to)
{
	_sbuf_ struct sbuf json = SBUF_INIT(KUBE_OBJECT_MAX);
	struct kube_object bare = { 0 };
	const struct jr *ours;
	struct error e;

	if (!make(kube_write_pod, m, &bare))
		return false;
	_free_ char *text = bare.json;
	if (!jr_parse(a, text, bare.len, &ours, &e))
		return false;
	kube_template_merge(&(struct jw){ .out = &json }, m->template, m->container, ours);
	if (!sbuf_ok(&json))
		return false;
	*to = (struct kube_object){ .len = json.len };
	to->json = sbuf_take(&json);
	return true;
}

static bool make_all(struct arena *a, const struct making *m, struct kube_objects *ret)
{
	return (m->template ? make_pod_on_template(a, m, &ret->pod) : make(kube_write_pod, m, &ret->pod)) &&
	       make(service, m, &ret->service) && (!m->s->hadoop_files.count || make(hadoop_map, m, &ret->hadoop)) &&
	       (!ret->templates_name[0] || make(templates_map, m, &ret->templates)) && make(config_map, m, &ret->map);
}

bool kube_objects_build(const struct submission *s, const struct kube_target *to, struct kube_objects *ret,
			struct error *e)
{
	_arena_ struct arena *a = arena_new(BUILD_ARENA_MAX);
	struct making m = { .s = s, .to = to, .names = ret };

	*ret = (struct kube_objects){ 0 };
	name_objects(s, to, ret);
	if (!prepare(a, &m, e))
		return false;
	if (make_all(a, &m, ret))
		return true;
	kube_objects_done(ret);
	return error_set(e, ERR_TOO_LARGE, "the submission is too large for Kubernetes (1.5 MB)");
}

void kube_objects_done(struct kube_objects *o)
{
	struct kube_object *const all[] = { &o->pod, &o->service, &o->hadoop, &o->templates, &o->map };

	for (size_t i = 0; i < ARRAY_LEN(all); i++) {
		if (all[i]->json)
			explicit_bzero(all[i]->json, all[i]->len);
		free(all[i]->json);
		*all[i] = (struct kube_object){ 0 };
	}
}
