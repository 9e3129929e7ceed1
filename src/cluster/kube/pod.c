#include "cluster/kube/make.h"
#include "base/str.h"
#include <ctype.h>
#include <stdio.h>
#include <string.h>

enum { CONF_MODE = 420 /* 0644 */ };

#define CONF_DIR "/opt/spark/conf"
#define HADOOP_DIR "/opt/hadoop/conf"
#define TEMPLATE_VOLUME "pod-template-volume"
#define DRIVER_NODES "spark.kubernetes.driver.node.selector."
#define PYTHON_MAIN "org.apache.spark.deploy.PythonRunner"

/* --- parts of objects --- */

void kube_each_as_member(void *arg, const char *rest, const char *value)
{
	jw_str(arg, rest, value);
}

void kube_write_head(struct jw *w, const char *kind, const char *name, const struct kube_target *to)
{
	jw_open(w, NULL, '{');
	jw_str(w, "apiVersion", "v1");
	jw_str(w, "kind", kind);
	jw_open(w, "metadata", '{');
	jw_str(w, "name", name);
	jw_str(w, "namespace", to->ns);
}

void kube_write_labels(struct jw *w, const struct kube_target *to)
{
	char id[KUBE_NAME_MAX];

	kube_app_id(to, id);
	jw_str(w, "spark-role", "driver");
	jw_str(w, "spark-app-selector", id);
	jw_str(w, KUBE_TAG_LABEL, to->tag);
	jw_str(w, KUBE_SERVER_LABEL, to->instance);
	jw_str(w, KUBE_MAKER_LABEL, "native");
}

bool kube_is_our_label(const char *key)
{
	static const char *const keys[] = { "spark-role",     "spark-app-selector", KUBE_TAG_LABEL, KUBE_SERVER_LABEL,
					    KUBE_MAKER_LABEL, "spark-app-name",     "spark-version" };

	for (size_t i = 0; i < ARRAY_LEN(keys); i++)
		if (str_eq(keys[i], key))
			return true;
	return false;
}

static void port(struct jw *w, const char *name, const char *key, int number, const char *protocol)
{
	jw_open(w, NULL, '{');
	jw_str(w, "name", name);
	jw_int(w, key, number);
	if (protocol)
		jw_str(w, "appProtocol", protocol);
	jw_str(w, "protocol", "TCP"); /* some API servers want it said */
	jw_close(w, '}');
}

void kube_write_ports(struct jw *w, const char *key, const struct making *m)
{
	const struct kube_ports *p = &m->ports;

	jw_open(w, "ports", '[');
	port(w, "driver-rpc-port", key, p->rpc, NULL);
	port(w, "blockmanager", key, p->blocks, NULL);
	port(w, "spark-ui", key, p->ui, NULL);
	if (kube_is_from(m->to, 4, 1))
		port(w, "spark-connect", key, p->connect, str_eq(key, "port") ? "grpc" : NULL);
	jw_close(w, ']');
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

/* Into which the name of the application goes. */
struct naming {
	struct jw *w;
	char id[KUBE_NAME_MAX];
};

static void each_with_names(void *arg, const char *rest, const char *value)
{
	static const char app[] = "{{APP_ID}}", executor[] = "{{EXECUTOR_ID}}"; /* a driver is no executor */
	_sbuf_ struct sbuf text = SBUF_INIT(KUBE_OBJECT_MAX);
	const struct naming *n = arg;

	while (*value) {
		if (str_starts(value, app))
			sbuf_adds(&text, n->id);
		else if (!str_starts(value, executor))
			sbuf_addc(&text, *value);
		value += str_starts(value, app)        ? sizeof app - 1
			 : str_starts(value, executor) ? sizeof executor - 1
						       : 1;
	}
	jw_str(n->w, rest, sbuf_str(&text));
}

static void each_label_with_names(void *arg, const char *rest, const char *value)
{
	if (!kube_is_our_label(rest))
		each_with_names(arg, rest, value);
}

static void labels(struct jw *w, const struct submission *s, const struct kube_target *to)
{
	struct naming naming = { .w = w };
	char name[KUBE_NAME_MAX];

	kube_app_id(to, naming.id);
	label_of_name(s->name, name);
	jw_open(w, "labels", '{');
	kube_write_labels(w, to);
	jw_str(w, "spark-app-name", name);
	if (to->version)
		jw_str(w, "spark-version", to->version);
	submission_each(s, "spark.kubernetes.driver.label.", each_label_with_names, &naming);
	jw_close(w, '}');
	jw_open(w, "annotations", '{');
	submission_each(s, "spark.kubernetes.driver.annotation.", each_with_names, &naming);
	jw_close(w, '}');
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

static void environment(struct jw *w, const struct making *m)
{
	const struct submission *s = m->s;
	const char *python = submission_conf(s, "spark.pyspark.python"),
		   *driver_python = kube_conf(s, "spark.pyspark.driver.python", python);
	_sbuf_ struct sbuf local_dirs = SBUF_INIT(KUBE_OBJECT_MAX);
	char id[KUBE_NAME_MAX];

	kube_app_id(m->to, id);
	kube_volumes_local_dirs(&m->volumes, &local_dirs);
	jw_open(w, "env", '[');
	variable(w, "SPARK_USER", s->user ? s->user : "spark");
	variable(w, "SPARK_APPLICATION_ID", id);
	variable(w, "SPARK_LOCAL_DIRS", sbuf_str(&local_dirs));
	variable(w, "SPARK_CONF_DIR", CONF_DIR);
	if (m->names->hadoop_name[0])
		variable(w, "HADOOP_CONF_DIR", HADOOP_DIR);
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

struct device {
	struct jw *w;
	const struct submission *s;
	char key[SPEC_KEY_MAX], name[SPEC_KEY_MAX];
};

static void each_device(void *arg, const char *rest, const char *value)
{
	const char *dot = strrchr(rest, '.');
	struct device *d = arg;

	if (!dot || !str_eq(dot, ".amount"))
		return;
	(void)snprintf(d->key, sizeof d->key, "spark.driver.resource.%.*s.vendor", (int)(dot - rest), rest);
	(void)snprintf(d->name, sizeof d->name, "%s/%.*s", kube_conf(d->s, d->key, ""), (int)(dot - rest), rest);
	jw_str(d->w, d->name, value);
}

/* spark.driver.resource.NAME.{amount,vendor} */
static void devices(struct jw *w, const struct submission *s)
{
	submission_each(s, KUBE_DEVICES, each_device, &(struct device){ .w = w, .s = s });
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
	devices(w, s);
	jw_close(w, '}');
	jw_close(w, '}');
}

/* Spark says no by itself from some version on: seen in 4.3. */
static void security(struct jw *w, const struct making *m)
{
	const char *escalation = kube_conf(m->s, "spark.kubernetes.driver.securityContext.allowPrivilegeEscalation",
					   kube_conf(m->s, "spark.kubernetes.securityContext.allowPrivilegeEscalation",
						     kube_is_from(m->to, 4, 3) ? "false" : NULL));

	if (!escalation)
		return;
	jw_open(w, "securityContext", '{');
	jw_bool(w, "allowPrivilegeEscalation", str_eq(escalation, "true"));
	jw_close(w, '}');
}

static void mount(struct jw *w, const char *name, const char *path)
{
	jw_open(w, NULL, '{');
	jw_str(w, "name", name);
	jw_str(w, "mountPath", path);
	jw_close(w, '}');
}

static void container(struct jw *w, const struct making *m)
{
	const struct submission *s = m->s;

	jw_open(w, NULL, '{');
	jw_str(w, "name", KUBE_CONTAINER);
	jw_str(w, "image",
	       kube_conf(s, "spark.kubernetes.driver.container.image",
			 kube_conf(s, "spark.kubernetes.container.image", "")));
	jw_str(w, "imagePullPolicy", kube_conf(s, "spark.kubernetes.container.image.pullPolicy", "IfNotPresent"));
	arguments(w, s);
	kube_write_ports(w, "containerPort", m);
	environment(w, m);
	resources(w, s);
	security(w, m);
	jw_open(w, "volumeMounts", '[');
	kube_volumes_write_mounts(w, s, &m->volumes);
	mount(w, KUBE_CONF_VOLUME, CONF_DIR);
	if (m->names->hadoop_name[0])
		mount(w, KUBE_HADOOP_VOLUME, HADOOP_DIR);
	if (m->names->templates_name[0])
		mount(w, TEMPLATE_VOLUME, KUBE_TEMPLATE_DIR);
	jw_close(w, ']');
	jw_close(w, '}');
}

static void map_item(struct jw *w, const char *key, const char *path, int mode)
{
	jw_open(w, NULL, '{');
	jw_str(w, "key", key);
	if (mode)
		jw_int(w, "mode", mode);
	jw_str(w, "path", path);
	jw_close(w, '}');
}

static void map_items(struct jw *w, const struct submission_files *f, int mode)
{
	for (size_t i = 0; i < f->count; i++)
		map_item(w, f->items[i].name, f->items[i].name, mode);
}

static void open_map_volume(struct jw *w, const char *name, const char *map)
{
	jw_open(w, NULL, '{');
	jw_str(w, "name", name);
	jw_open(w, "configMap", '{');
	jw_str(w, "name", map);
	jw_open(w, "items", '[');
}

static void close_map_volume(struct jw *w)
{
	jw_close(w, ']');
	jw_close(w, '}');
	jw_close(w, '}');
}

static void volumes(struct jw *w, const struct making *m)
{
	const struct kube_objects *names = m->names;

	jw_open(w, "volumes", '[');
	kube_volumes_write(w, m->s, &m->volumes);
	open_map_volume(w, KUBE_CONF_VOLUME, names->map_name);
	map_item(w, "spark.properties", "spark.properties", CONF_MODE);
	map_items(w, &m->s->spark_files, CONF_MODE);
	close_map_volume(w);
	if (names->hadoop_name[0]) { /* without items all files of a map are there: another's */
		open_map_volume(w, KUBE_HADOOP_VOLUME, names->hadoop_name);
		map_items(w, &m->s->hadoop_files, 0);
		close_map_volume(w);
	}
	if (names->templates_name[0]) {
		open_map_volume(w, TEMPLATE_VOLUME, names->templates_name);
		map_item(w, KUBE_TEMPLATE_MAP_KEY, KUBE_TEMPLATE_FILE, 0);
		close_map_volume(w);
	}
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

struct nodes {
	struct jw *w;
	const struct submission *s;
};

/* The driver's own word goes before that for all pods. */
static void each_common_node(void *arg, const char *rest, const char *value)
{
	const struct nodes *n = arg;
	char key[SPEC_KEY_MAX];

	(void)snprintf(key, sizeof key, DRIVER_NODES "%s", rest);
	if (!submission_conf(n->s, key))
		jw_str(n->w, rest, value);
}

static void placement(struct jw *w, const struct submission *s)
{
	const char *account = submission_conf(s, "spark.kubernetes.authenticate.driver.serviceAccountName");
	const char *scheduler = kube_conf(s, "spark.kubernetes.driver.scheduler.name",
					  submission_conf(s, "spark.kubernetes.scheduler.name"));

	jw_str(w, "restartPolicy", "Never");
	if (account)
		jw_str(w, "serviceAccountName", account);
	if (scheduler)
		jw_str(w, "schedulerName", scheduler);
	jw_open(w, "nodeSelector", '{');
	submission_each(s, "spark.kubernetes.node.selector.", each_common_node, &(struct nodes){ w, s });
	submission_each(s, DRIVER_NODES, kube_each_as_member, w);
	jw_close(w, '}');
	pull_secrets(w, s);
}

void kube_write_pod(struct jw *w, const struct making *m, size_t *ret_uid_at)
{
	const struct submission *s = m->s;

	*ret_uid_at = 0;
	kube_write_head(w, "Pod", m->names->pod_name, m->to);
	labels(w, s, m->to);
	jw_close(w, '}');
	jw_open(w, "spec", '{');
	placement(w, s);
	jw_open(w, "containers", '[');
	container(w, m);
	jw_close(w, ']');
	volumes(w, m);
	jw_close(w, '}');
	jw_close(w, '}');
}
