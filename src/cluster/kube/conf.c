#include "base/str.h"
#include "cluster/kube/spec.h"
#include "cluster/kube/template.h"
#include "cluster/kube/volumes.h"
#include "cluster/sparkjvm.h"
#include "model/javaprops.h"
#include <stdio.h>
#include <string.h>

enum { DRIVER_PORT = 7078, BLOCKS_PORT = 7079, UI_PORT = 4040, CONNECT_PORT = 15002 };

#define EXECUTOR_TEMPLATE_KEY "spark.kubernetes.executor.podTemplateFile"

const char *kube_conf(const struct submission *s, const char *key, const char *otherwise)
{
	const char *value = submission_conf(s, key);

	return str_empty(value) ? otherwise : value;
}

/* --- what goes another way --- */

/* A key that ends with '.' stands for all that begin with it. */
static const struct {
	const char *key, *reason;
} gates[] = {
	{ "spark.kubernetes.driver.pod.featureSteps", "feature steps of its own" },
	{ "spark.kubernetes.driver.pod.excludedFeatureSteps", "feature steps of its own" },
	{ "spark.kubernetes.authenticate.submission.", "credentials of its own for the submission" },
	{ "spark.kubernetes.authenticate.driver.caCertFile", "credentials of its own for the driver" },
	{ "spark.kubernetes.authenticate.driver.clientKeyFile", "credentials of its own for the driver" },
	{ "spark.kubernetes.authenticate.driver.clientCertFile", "credentials of its own for the driver" },
	{ "spark.kubernetes.authenticate.driver.oauthToken", "credentials of its own for the driver" },
	{ "spark.kubernetes.authenticate.driver.oauthTokenFile", "credentials of its own for the driver" },
	{ "spark.kubernetes.context", "a context of its own" },
	{ "spark.kubernetes.kerberos.", "Kerberos" },
	{ "spark.kerberos.", "Kerberos" },
	{ "spark.driver.host", "spark.driver.host, which Spark refuses here" },
	{ "spark.driver.bindAddress", "spark.driver.bindAddress, which Spark refuses here" },
};

static bool key_is(const char *key, const char *pattern)
{
	return str_ends(pattern, ".") ? str_starts(key, pattern) : str_eq(key, pattern);
}

static const char *gate_of_keys(const struct submission *s)
{
	for (size_t i = 0; i < s->conf_count; i++)
		for (size_t k = 0; k < ARRAY_LEN(gates); k++)
			if (key_is(s->conf[i].key, gates[k].key))
				return gates[k].reason;
	return NULL;
}

struct devices {
	const struct submission *s;
	bool bad;
};

/* Kubernetes names a device by its vendor, too. */
static void each_device(void *arg, const char *rest, const char *value)
{
	const char *dot = strrchr(rest, '.');
	struct devices *d = arg;
	char key[SPEC_KEY_MAX];

	if (!dot || !str_eq(dot, ".amount"))
		return;
	(void)snprintf(key, sizeof key, KUBE_DEVICES "%.*s.vendor", (int)(dot - rest), rest);
	d->bad |= !str_all_digits(value) || !kube_conf(d->s, key, NULL);
}

static bool has_bad_devices(const struct submission *s)
{
	struct devices d = { s, false };

	submission_each(s, KUBE_DEVICES, each_device, &d);
	return d.bad;
}

static const char *why_not(struct arena *a, const char *whose, const char *why)
{
	_sbuf_ struct sbuf text = SBUF_INIT(1024);

	sbuf_addf(&text, "a pod template of %s: %s", whose, why);
	return sbuf_ok(&text) ? arena_strdup(a, sbuf_str(&text)) : "a pod template";
}

static const char *gate_of_pod(struct arena *a, const struct submission *s)
{
	const struct jr *template = NULL, *container = NULL;
	struct kube_volumes volumes;
	struct error e;

	if (s->executor_template.why)
		return why_not(a, "executors", s->executor_template.why);
	if (s->driver_template.why)
		return why_not(a, "the driver", s->driver_template.why);
	/* also the one that only the driver reads: whatever is no pod, such as a file of secrets, stays here */
	if (s->executor_template.text &&
	    !kube_template_read(a, s->executor_template.text, s->executor_template.len, &template, &e))
		return why_not(a, "executors", e.msg);
	template = NULL;
	if (s->driver_template.text &&
	    !kube_template_read(a, s->driver_template.text, s->driver_template.len, &template, &e))
		return why_not(a, "the driver", e.msg);
	if (template)
		container = kube_template_container(template, submission_conf(s, KUBE_TEMPLATE_NAME_KEY));
	return kube_volumes_read(a, s, container, &volumes);
}

const char *kube_gate(struct arena *a, const struct submission *s)
{
	struct kube_ports ports;
	const char *why = gate_of_keys(s);
	int64_t mib;

	if (why)
		return why;
	if (s->r)
		return "R programs";
	if (s->hadoop_files.count && submission_conf(s, KUBE_HADOOP_MAP_KEY))
		return "Hadoop's configuration both in a directory and in a config map, which Spark refuses";
	if (!s->python && !s->class_name)
		return "no className: spark-submit reads it from the jar";
	if (!kube_ports_read(s, &ports))
		return "a port of the driver that is not one";
	if (has_bad_devices(s))
		return "a device of the driver without a vendor, or not a whole number of them";
	if (!kube_memory_mib(s, &mib))
		return "a size of the driver's memory that is not understood";
	return gate_of_pod(a, s);
}

/* --- ports --- */

static bool read_port(const struct submission *s, const char *key, int otherwise, int *ret)
{
	const char *value = submission_conf(s, key);
	int64_t n = otherwise;

	if (value && (!str_all_digits(value) || !str_to_i64(value, &n)))
		return false;
	*ret = (int)n;
	return n > 0 && n <= UINT16_MAX;
}

bool kube_ports_read(const struct submission *s, struct kube_ports *ret)
{
	return read_port(s, "spark.driver.port", DRIVER_PORT, &ret->rpc) &&
	       read_port(s, "spark.driver.blockManager.port", BLOCKS_PORT, &ret->blocks) &&
	       read_port(s, "spark.ui.port", UI_PORT, &ret->ui) &&
	       read_port(s, "spark.connect.grpc.binding.port", CONNECT_PORT, &ret->connect);
}

bool kube_is_from(const struct kube_target *to, int major, int minor)
{
	int is = 0, of = 0;

	if (!to->version || sscanf(to->version, "%3d.%3d", &is, &of) != 2) // NOLINT(cert-err34-c): three digits each
		return false;
	return is > major || (is == major && of >= minor);
}

/* --- sizes --- */

const char *kube_overhead_factor(const struct submission *s)
{
	return kube_conf(s, "spark.kubernetes.memoryOverheadFactor", s->python || s->r ? "0.4" : "0.1");
}

bool kube_memory_mib(const struct submission *s, int64_t *ret)
{
	return sparkjvm_driver_mib(s, kube_overhead_factor(s), ret);
}

/* --- the config map --- */

struct property {
	const char *key, *value;
};

/* By the arguments of the driver's spark-submit, or ours to say. */
static bool is_said_elsewhere(const char *key)
{
	static const char *const keys[] = { "spark.app.id",
					    "spark.app.name",
					    "spark.kubernetes.driver.pod.name",
					    "spark.kubernetes.submitInDriver",
					    "spark.kubernetes.memoryOverheadFactor",
					    "spark.kubernetes.resource.type",
					    "spark.driver.host",
					    "spark.driver.port",
					    "spark.driver.blockManager.port",
					    EXECUTOR_TEMPLATE_KEY,
					    KUBE_NAMESPACE_KEY };

	for (size_t i = 0; i < ARRAY_LEN(keys); i++)
		if (str_eq(key, keys[i]))
			return true;
	return false;
}

/* Spark's name for the job: what follows "florus-" is one of a kind. */
void kube_app_id(const struct kube_target *to, char id[KUBE_NAME_MAX])
{
	(void)snprintf(id, KUBE_NAME_MAX, "spark-%s", to->tag + strcspn(to->tag, "-") + 1);
}

void kube_properties(const struct submission *s, const struct kube_target *to, const struct kube_objects *names,
		     const struct kube_ports *ports, struct sbuf *out)
{
	char id[KUBE_NAME_MAX], host[3 * KUBE_NAME_MAX], rpc[16], blocks[16];

	kube_app_id(to, id);
	(void)snprintf(host, sizeof host, "%s.%s.svc", names->service_name, to->ns);
	(void)snprintf(rpc, sizeof rpc, "%d", ports->rpc);
	(void)snprintf(blocks, sizeof blocks, "%d", ports->blocks);
	const struct property ours[] = {
		{ "spark.app.id", id },
		{ "spark.app.name", s->name },
		{ KUBE_NAMESPACE_KEY, to->ns },
		{ "spark.kubernetes.driver.pod.name", names->pod_name },
		{ "spark.kubernetes.submitInDriver", "true" },
		{ "spark.kubernetes.memoryOverheadFactor", kube_overhead_factor(s) },
		{ "spark.kubernetes.resource.type", s->python ? "python" : "java" },
		{ "spark.driver.host", host },
		{ "spark.driver.port", rpc },
		{ "spark.driver.blockManager.port", blocks },
	};

	for (size_t i = 0; i < s->conf_count; i++)
		if (!is_said_elsewhere(s->conf[i].key))
			javaprops_add(out, s->conf[i].key, s->conf[i].value);
	for (size_t i = 0; i < ARRAY_LEN(ours); i++)
		javaprops_add(out, ours[i].key, ours[i].value);
	if (names->hadoop_name[0])
		javaprops_add(out, "spark.kubernetes.executor.hadoopConfigMapName", names->hadoop_name);
	if (names->templates_name[0])
		javaprops_add(out, EXECUTOR_TEMPLATE_KEY, KUBE_TEMPLATE_DIR "/" KUBE_TEMPLATE_FILE);
}
