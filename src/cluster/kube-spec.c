#include "cluster/kube-spec.h"
#include "base/json.h"
#include "base/str.h"
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { RPC_PORT = 7078, BLOCK_PORT = 7079, UI_PORT = 4040, CONF_MODE = 420 /* 0644 */ };

#define CONF_DIR "/opt/spark/conf"
#define LOCAL_DIR "/var/data/spark-local"
#define PYTHON_MAIN "org.apache.spark.deploy.PythonRunner"

/* --- parts of objects --- */

static void each_as_member(void *arg, const char *rest, const char *value)
{
	jw_str(arg, rest, value);
}

static void head(struct jw *w, const char *kind, const char *name, const struct kube_target *to)
{
	jw_open(w, NULL, '{');
	jw_str(w, "apiVersion", "v1");
	jw_str(w, "kind", kind);
	jw_open(w, "metadata", '{');
	jw_str(w, "name", name);
	jw_str(w, "namespace", to->ns);
}

/* A label has up to 63 letters, digits, '-', '_' and '.', and begins and ends with one of the first two. */
static void label_of_name(const char *name, char to[KUBE_NAME_MAX])
{
	size_t n = 0;

	for (const char *p = name; *p && n + 1 < KUBE_NAME_MAX; p++) {
		char c = (char)tolower((unsigned char)*p);
		bool plain = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');

		if (plain || (n > 0 && to[n - 1] != '-'))
			to[n++] = plain ? c : '-';
	}
	while (n > 0 && to[n - 1] == '-')
		n--;
	to[n] = '\0';
}

static void our_labels(struct jw *w, const struct kube_target *to)
{
	char id[KUBE_NAME_MAX];

	kube_app_id(to, id);
	jw_str(w, "spark-role", "driver");
	jw_str(w, "spark-app-selector", id);
	jw_str(w, KUBE_TAG_LABEL, to->tag);
	jw_str(w, KUBE_SERVER_LABEL, to->instance);
	jw_str(w, KUBE_MAKER_LABEL, "native");
}

static bool is_our_label(const char *key)
{
	static const char *const keys[] = { "spark-role",     "spark-app-selector", KUBE_TAG_LABEL, KUBE_SERVER_LABEL,
					    KUBE_MAKER_LABEL, "spark-app-name",     "spark-version" };

	for (size_t i = 0; i < ARRAY_LEN(keys); i++)
		if (str_eq(keys[i], key))
			return true;
	return false;
}

static void each_label(void *arg, const char *rest, const char *value)
{
	if (!is_our_label(rest))
		jw_str(arg, rest, value);
}

static void labels(struct jw *w, const struct submission *s, const struct kube_target *to)
{
	char name[KUBE_NAME_MAX];

	label_of_name(s->name, name);
	jw_open(w, "labels", '{');
	our_labels(w, to);
	jw_str(w, "spark-app-name", name);
	if (to->version)
		jw_str(w, "spark-version", to->version);
	submission_each(s, "spark.kubernetes.driver.label.", each_label, w);
	jw_close(w, '}');
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

static void port(struct jw *w, const char *name, const char *key, int number)
{
	jw_open(w, NULL, '{');
	jw_str(w, "name", name);
	jw_int(w, key, number);
	jw_str(w, "protocol", "TCP"); /* some API servers want it said */
	jw_close(w, '}');
}

static void ports(struct jw *w, const char *key)
{
	jw_open(w, "ports", '[');
	port(w, "driver-rpc-port", key, RPC_PORT);
	port(w, "blockmanager", key, BLOCK_PORT);
	port(w, "spark-ui", key, UI_PORT);
	jw_close(w, ']');
}

/* --- the pod --- */

static void variable(struct jw *w, const char *name, const char *value)
{
	jw_open(w, NULL, '{');
	jw_str(w, "name", name);
	jw_str(w, "value", value);
	jw_close(w, '}');
}

static void each_variable(void *arg, const char *rest, const char *value)
{
	variable(arg, rest, value);
}

/* spark.kubernetes.driver.secretKeyRef.VARIABLE = secret:key */
static void each_secret_variable(void *arg, const char *rest, const char *value)
{
	struct jw *w = arg;
	const char *colon = strchr(value, ':');
	char secret[256];

	if (!colon)
		return;
	(void)snprintf(secret, sizeof secret, "%.*s", (int)(colon - value), value);
	jw_open(w, NULL, '{');
	jw_str(w, "name", rest);
	jw_open(w, "valueFrom", '{');
	jw_open(w, "secretKeyRef", '{');
	jw_str(w, "name", secret);
	jw_str(w, "key", colon + 1);
	jw_close(w, '}');
	jw_close(w, '}');
	jw_close(w, '}');
}

static void environment(struct jw *w, const struct submission *s, const struct kube_target *to)
{
	const char *python = submission_conf(s, "spark.pyspark.python"),
		   *driver_python = kube_conf(s, "spark.pyspark.driver.python", python);
	char id[KUBE_NAME_MAX];

	kube_app_id(to, id);
	jw_open(w, "env", '[');
	variable(w, "SPARK_USER", s->user ? s->user : "spark");
	variable(w, "SPARK_APPLICATION_ID", id);
	variable(w, "SPARK_LOCAL_DIRS", LOCAL_DIR);
	variable(w, "SPARK_CONF_DIR", CONF_DIR);
	if (s->python && python)
		variable(w, "PYSPARK_PYTHON", python);
	if (s->python && driver_python)
		variable(w, "PYSPARK_DRIVER_PYTHON", driver_python);
	submission_each(s, "spark.kubernetes.driverEnv.", each_variable, w);
	submission_each(s, "spark.kubernetes.driver.secretKeyRef.", each_secret_variable, w);
	jw_open(w, NULL, '{');
	jw_str(w, "name", "SPARK_DRIVER_BIND_ADDRESS");
	jw_open(w, "valueFrom", '{');
	jw_open(w, "fieldRef", '{');
	jw_str(w, "apiVersion", "v1");
	jw_str(w, "fieldPath", "status.podIP");
	jw_close(w, '}');
	jw_close(w, '}');
	jw_close(w, '}');
	jw_close(w, ']');
}

/* What the image's entrypoint gives to the spark-submit in the pod. */
static void arguments(struct jw *w, const struct submission *s)
{
	jw_open(w, "args", '[');
	jw_str(w, NULL, "driver");
	if (s->proxy_user) {
		jw_str(w, NULL, "--proxy-user");
		jw_str(w, NULL, s->proxy_user);
	}
	jw_str(w, NULL, "--properties-file");
	jw_str(w, NULL, CONF_DIR "/spark.properties");
	jw_str(w, NULL, "--class");
	jw_str(w, NULL, s->python ? PYTHON_MAIN : s->class_name);
	jw_str(w, NULL, s->file);
	for (size_t i = 0; i < s->args.count; i++)
		jw_str(w, NULL, s->args.items[i]);
	jw_close(w, ']');
}

static void resources(struct jw *w, const struct submission *s)
{
	const char *cores =
		kube_conf(s, "spark.kubernetes.driver.request.cores", kube_conf(s, "spark.driver.cores", "1"));
	const char *limit = submission_conf(s, "spark.kubernetes.driver.limit.cores");
	char memory[32];
	int64_t mib = 0;

	if (!kube_memory_mib(s, &mib))
		mib = 0; /* the gate lets none of these through */
	(void)snprintf(memory, sizeof memory, "%lldMi", (long long)mib);
	jw_open(w, "resources", '{');
	jw_open(w, "requests", '{');
	jw_str(w, "cpu", cores);
	jw_str(w, "memory", memory);
	jw_close(w, '}');
	jw_open(w, "limits", '{');
	if (limit)
		jw_str(w, "cpu", limit);
	jw_str(w, "memory", memory);
	jw_close(w, '}');
	jw_close(w, '}');
}

static void mount(struct jw *w, const char *name, const char *path)
{
	jw_open(w, NULL, '{');
	jw_str(w, "name", name);
	jw_str(w, "mountPath", path);
	jw_close(w, '}');
}

/* spark.kubernetes.driver.secrets.NAME = path */
static void each_secret_mount(void *arg, const char *rest, const char *value)
{
	char volume[300];

	(void)snprintf(volume, sizeof volume, "%.200s-volume", rest);
	mount(arg, volume, value);
}

static void each_secret_volume(void *arg, const char *rest, const char *value)
{
	struct jw *w = arg;
	char volume[300];

	(void)value;
	(void)snprintf(volume, sizeof volume, "%.200s-volume", rest);
	jw_open(w, NULL, '{');
	jw_str(w, "name", volume);
	jw_open(w, "secret", '{');
	jw_str(w, "secretName", rest);
	jw_close(w, '}');
	jw_close(w, '}');
}

static void container(struct jw *w, const struct submission *s, const struct kube_target *to)
{
	jw_open(w, NULL, '{');
	jw_str(w, "name", KUBE_CONTAINER);
	jw_str(w, "image",
	       kube_conf(s, "spark.kubernetes.driver.container.image",
			 kube_conf(s, "spark.kubernetes.container.image", "")));
	jw_str(w, "imagePullPolicy", kube_conf(s, "spark.kubernetes.container.image.pullPolicy", "IfNotPresent"));
	arguments(w, s);
	ports(w, "containerPort");
	environment(w, s, to);
	resources(w, s);
	jw_open(w, "volumeMounts", '[');
	mount(w, "spark-local-dir-1", LOCAL_DIR);
	mount(w, "spark-conf-volume-driver", CONF_DIR);
	submission_each(s, "spark.kubernetes.driver.secrets.", each_secret_mount, w);
	jw_close(w, ']');
	jw_close(w, '}');
}

static void volumes(struct jw *w, const struct submission *s, const char *map_name)
{
	jw_open(w, "volumes", '[');
	jw_open(w, NULL, '{');
	jw_str(w, "name", "spark-local-dir-1");
	jw_open(w, "emptyDir", '{');
	if (str_eq(submission_conf(s, "spark.kubernetes.local.dirs.tmpfs"), "true"))
		jw_str(w, "medium", "Memory");
	jw_close(w, '}');
	jw_close(w, '}');
	jw_open(w, NULL, '{');
	jw_str(w, "name", "spark-conf-volume-driver");
	jw_open(w, "configMap", '{');
	jw_str(w, "name", map_name);
	jw_open(w, "items", '[');
	jw_open(w, NULL, '{');
	jw_str(w, "key", "spark.properties");
	jw_int(w, "mode", CONF_MODE);
	jw_str(w, "path", "spark.properties");
	jw_close(w, '}');
	jw_close(w, ']');
	jw_close(w, '}');
	jw_close(w, '}');
	submission_each(s, "spark.kubernetes.driver.secrets.", each_secret_volume, w);
	jw_close(w, ']');
}

static void pull_secrets(struct jw *w, const struct submission *s)
{
	const char *list = kube_conf(s, "spark.kubernetes.container.image.pullSecrets", "");
	char name[256];

	if (!*list)
		return;
	jw_open(w, "imagePullSecrets", '[');
	for (const char *p = list; *p; p += strspn(p, ", ")) {
		size_t n = strcspn(p, ", ");

		(void)snprintf(name, sizeof name, "%.*s", (int)n, p);
		jw_open(w, NULL, '{');
		jw_str(w, "name", name);
		jw_close(w, '}');
		p += n;
	}
	jw_close(w, ']');
}

static void placement(struct jw *w, const struct submission *s)
{
	const char *account = submission_conf(s, "spark.kubernetes.authenticate.driver.serviceAccountName");
	const char *scheduler = kube_conf(s, "spark.kubernetes.driver.scheduler.name",
					  submission_conf(s, "spark.kubernetes.scheduler.name"));
	const char *priority = submission_conf(s, "spark.kubernetes.driver.priorityClassName");

	jw_str(w, "restartPolicy", "Never");
	if (account)
		jw_str(w, "serviceAccountName", account);
	if (scheduler)
		jw_str(w, "schedulerName", scheduler);
	if (priority)
		jw_str(w, "priorityClassName", priority);
	jw_open(w, "nodeSelector", '{');
	submission_each(s, "spark.kubernetes.node.selector.", each_as_member, w);
	submission_each(s, "spark.kubernetes.driver.node.selector.", each_as_member, w);
	jw_close(w, '}');
	pull_secrets(w, s);
}

static void pod(struct jw *w, const struct submission *s, const struct kube_target *to,
		const struct kube_objects *names)
{
	head(w, "Pod", names->pod_name, to);
	labels(w, s, to);
	jw_open(w, "annotations", '{');
	submission_each(s, "spark.kubernetes.driver.annotation.", each_as_member, w);
	jw_close(w, '}');
	jw_close(w, '}');
	jw_open(w, "spec", '{');
	placement(w, s);
	jw_open(w, "containers", '[');
	container(w, s, to);
	jw_close(w, ']');
	volumes(w, s, names->map_name);
	jw_close(w, '}');
	jw_close(w, '}');
}

/* --- the others --- */

static void service(struct jw *w, const struct submission *s, const struct kube_target *to,
		    const struct kube_objects *names, size_t *ret_uid_at)
{
	head(w, "Service", names->service_name, to);
	jw_open(w, "labels", '{');
	our_labels(w, to);
	submission_each(s, "spark.kubernetes.driver.service.label.", each_label, w);
	jw_close(w, '}');
	jw_open(w, "annotations", '{');
	submission_each(s, "spark.kubernetes.driver.service.annotation.", each_as_member, w);
	jw_close(w, '}');
	owner(w, names->pod_name, ret_uid_at);
	jw_close(w, '}');
	jw_open(w, "spec", '{');
	jw_str(w, "clusterIP", "None");
	jw_open(w, "selector", '{');
	jw_str(w, "spark-role", "driver");
	jw_str(w, KUBE_TAG_LABEL, to->tag);
	jw_close(w, '}');
	ports(w, "port");
	jw_close(w, '}');
	jw_close(w, '}');
}

static void config_map(struct jw *w, const struct submission *s, const struct kube_target *to,
		       const struct kube_objects *names, size_t *ret_uid_at)
{
	_sbuf_ struct sbuf properties = SBUF_INIT(KUBE_OBJECT_MAX);

	kube_properties(s, to, names, &properties);
	if (!sbuf_ok(&properties))
		w->out->failed = true;
	head(w, "ConfigMap", names->map_name, to);
	jw_open(w, "labels", '{');
	our_labels(w, to);
	jw_close(w, '}');
	owner(w, names->pod_name, ret_uid_at);
	jw_close(w, '}');
	jw_bool(w, "immutable", true);
	jw_open(w, "data", '{');
	jw_str(w, "spark.properties", sbuf_str(&properties));
	jw_str(w, KUBE_NAMESPACE_KEY, to->ns);
	jw_close(w, '}');
	jw_close(w, '}');
}

static void take(struct sbuf *from, size_t uid_at, struct kube_object *to)
{
	*to = (struct kube_object){ .len = from->len, .uid_at = uid_at };
	to->json = sbuf_take(from);
}

static void name_objects(const struct submission *s, const struct kube_target *to, struct kube_objects *ret)
{
	const char *pod_name = submission_conf(s, "spark.kubernetes.driver.pod.name");

	(void)snprintf(ret->service_name, sizeof ret->service_name, "%.58s-svc", to->tag);
	(void)snprintf(ret->map_name, sizeof ret->map_name, "%.58s-conf", to->tag);
	if (pod_name && strlen(pod_name) < sizeof ret->pod_name)
		(void)snprintf(ret->pod_name, sizeof ret->pod_name, "%s", pod_name);
	else
		(void)snprintf(ret->pod_name, sizeof ret->pod_name, "%.56s-driver", to->tag);
}

bool kube_objects_build(const struct submission *s, const struct kube_target *to, struct kube_objects *ret)
{
	_sbuf_ struct sbuf pods = SBUF_INIT(KUBE_OBJECT_MAX), services = SBUF_INIT(KUBE_OBJECT_MAX),
			   maps = SBUF_INIT(KUBE_OBJECT_MAX);
	size_t service_uid = 0, map_uid = 0;

	*ret = (struct kube_objects){ 0 };
	name_objects(s, to, ret);
	pod(&(struct jw){ .out = &pods }, s, to, ret);
	service(&(struct jw){ .out = &services }, s, to, ret, &service_uid);
	config_map(&(struct jw){ .out = &maps }, s, to, ret, &map_uid);
	if (!sbuf_ok(&pods) || !sbuf_ok(&services) || !sbuf_ok(&maps))
		return false;
	take(&pods, 0, &ret->pod);
	take(&services, service_uid, &ret->service);
	take(&maps, map_uid, &ret->map);
	return true;
}

void kube_objects_done(struct kube_objects *o)
{
	struct kube_object *const all[] = { &o->pod, &o->service, &o->map };

	for (size_t i = 0; i < ARRAY_LEN(all); i++) {
		if (all[i]->json)
			explicit_bzero(all[i]->json, all[i]->len);
		free(all[i]->json);
		*all[i] = (struct kube_object){ 0 };
	}
}
