#include "base/str.h"
#include "cluster/kube-spec.h"
#include "cluster/sparkjvm.h"
#include "model/javaprops.h"
#include <stdio.h>
#include <string.h>

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
	{ "spark.kubernetes.driver.podTemplateFile", "a pod template" },
	{ "spark.kubernetes.executor.podTemplateFile", "a pod template" },
	{ "spark.kubernetes.driver.pod.featureSteps", "feature steps of its own" },
	{ "spark.kubernetes.driver.volumes.", "volumes of the driver" },
	{ "spark.kubernetes.authenticate.submission.", "credentials of its own for the submission" },
	{ "spark.kubernetes.authenticate.driver.caCertFile", "credentials of its own for the driver" },
	{ "spark.kubernetes.authenticate.driver.clientKeyFile", "credentials of its own for the driver" },
	{ "spark.kubernetes.authenticate.driver.clientCertFile", "credentials of its own for the driver" },
	{ "spark.kubernetes.authenticate.driver.oauthToken", "credentials of its own for the driver" },
	{ "spark.kubernetes.authenticate.driver.oauthTokenFile", "credentials of its own for the driver" },
	{ "spark.kubernetes.authenticate.driver.mounted.", "credentials of its own for the driver" },
	{ "spark.kubernetes.context", "a context of its own" },
	{ "spark.kubernetes.hadoop.configMapName", "Hadoop's configuration in a config map" },
	{ "spark.kubernetes.kerberos.", "Kerberos" },
	{ "spark.kerberos.", "Kerberos" },
	{ "spark.driver.resource.", "resources of the driver such as GPUs" },
	{ "spark.driver.host", "spark.driver.host, which Spark refuses here" },
	{ "spark.driver.bindAddress", "spark.driver.bindAddress, which Spark refuses here" },
	{ "spark.driver.port", "a driver's port of its own" },
	{ "spark.driver.blockManager.port", "a block manager's port of its own" },
	{ "spark.ui.port", "a port of its own for the driver's page" },
	{ "spark.local.dir", "local directories of its own" },
};

static bool key_is(const char *key, const char *pattern)
{
	return str_ends(pattern, ".") ? str_starts(key, pattern) : str_eq(key, pattern);
}

const char *kube_gate(const struct submission *s)
{
	int64_t mib;

	for (size_t i = 0; i < s->conf_count; i++)
		for (size_t k = 0; k < ARRAY_LEN(gates); k++)
			if (key_is(s->conf[i].key, gates[k].key))
				return gates[k].reason;
	if (s->r)
		return "R programs";
	if (!s->python && !s->class_name)
		return "no className: spark-submit reads it from the jar";
	return kube_memory_mib(s, &mib) ? NULL : "a size of the driver's memory that is not understood";
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
		     struct sbuf *out)
{
	char id[KUBE_NAME_MAX], host[3 * KUBE_NAME_MAX];

	kube_app_id(to, id);
	(void)snprintf(host, sizeof host, "%s.%s.svc", names->service_name, to->ns);
	const struct property ours[] = {
		{ "spark.app.id", id },
		{ "spark.app.name", s->name },
		{ KUBE_NAMESPACE_KEY, to->ns },
		{ "spark.kubernetes.driver.pod.name", names->pod_name },
		{ "spark.kubernetes.submitInDriver", "true" },
		{ "spark.kubernetes.memoryOverheadFactor", kube_overhead_factor(s) },
		{ "spark.kubernetes.resource.type", s->python ? "python" : "java" },
		{ "spark.driver.host", host },
		{ "spark.driver.port", "7078" },
		{ "spark.driver.blockManager.port", "7079" },
	};

	for (size_t i = 0; i < s->conf_count; i++)
		if (!is_said_elsewhere(s->conf[i].key))
			javaprops_add(out, s->conf[i].key, s->conf[i].value);
	for (size_t i = 0; i < ARRAY_LEN(ours); i++)
		javaprops_add(out, ours[i].key, ours[i].value);
}
