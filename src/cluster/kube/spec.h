/*
 * kube-spec - the objects that are a Spark job on Kubernetes: its driver's pod, a service, a config map, and more with
 * Hadoop's configuration and the executors' pod template, when it has them. Pure.
 *
 * As Spark's own client builds them (KubernetesDriverBuilder.scala and its steps). Names come from the tag, so that an
 * object that is there already is ours, and the same. The pod comes first and owns the others; its container cannot
 * start before the config map is there, which comes last.
 */
#pragma once
#include "base/sbuf.h"
#include "model/submission.h"

#define KUBE_TAG_LABEL "florus-tag"        /* on a driver's pod: cluster_app.tag */
#define KUBE_SERVER_LABEL "florus-server"  /* on all of a server's: its instance */
#define KUBE_MAKER_LABEL "florus-launcher" /* "native": made here, not by spark-submit */
#define KUBE_CONTAINER "spark-kubernetes-driver"
#define KUBE_CONF_VOLUME "spark-conf-volume-driver" /* mounted by the driver's container alone */
#define KUBE_NAMESPACE_KEY "spark.kubernetes.namespace"
#define KUBE_HADOOP_MAP_KEY "spark.kubernetes.hadoop.configMapName"
#define KUBE_TEMPLATE_NAME_KEY "spark.kubernetes.driver.podTemplateContainerName"
#define KUBE_DEVICES "spark.driver.resource."
/* Where the driver finds the template of its executors. */
#define KUBE_TEMPLATE_DIR "/opt/spark/pod-template"
#define KUBE_TEMPLATE_FILE "pod-spec-template.yml"

enum {
	KUBE_OBJECT_MAX = 1536 * 1024, /* bytes; the API server takes no more */
	KUBE_NAME_MAX = 64,
	KUBE_MAP_NAME_MAX = 254,
};

struct kube_target {
	const char *ns, *tag, *instance;
	const char *version; /* of its Spark, "4.1.1"; NULL: unknown */
};

/* JSON with a gap for the uid of the pod, which the API server chooses. */
struct kube_object {
	char *json;
	size_t len, uid_at; /* uid_at 0: no gap */
};

struct kube_objects {
	char pod_name[KUBE_NAME_MAX], service_name[KUBE_NAME_MAX], map_name[KUBE_NAME_MAX];
	char hadoop_name[KUBE_MAP_NAME_MAX]; /* of the config map that has it, ours or another's; "": none */
	char templates_name[KUBE_NAME_MAX];  /* "": executors have no template */
	struct kube_object pod, service, hadoop, templates, map; /* json NULL: there is none such */
};

/*
 * Of a job that the gate lets through; one whose template is another since is judged again: ERR_INVALID says why.
 * ERR_TOO_LARGE: an object is over KUBE_OBJECT_MAX. ret is freed with kube_objects_done().
 */
MUST_CHECK bool kube_objects_build(const struct submission *s, const struct kube_target *to, struct kube_objects *ret,
				   struct error *e);
void kube_objects_done(struct kube_objects *o);

/* --- conf.c --- */

/* Why a job cannot go this way, static or of the arena; NULL: it can. */
const char *kube_gate(struct arena *a, const struct submission *s);
const char *kube_conf(const struct submission *s, const char *key, const char *otherwise);
/* Spark's name for the job. */
void kube_app_id(const struct kube_target *to, char id[KUBE_NAME_MAX]);
/* spark.driver.memory and its overhead, in MiB, as Spark adds them up; false: not sizes. */
MUST_CHECK bool kube_memory_mib(const struct submission *s, int64_t *ret);
/* The factor of memory that is overhead. */
const char *kube_overhead_factor(const struct submission *s);
/* The driver's ports, of its conf or Spark's own; false: one is not a port. */
struct kube_ports {
	int rpc, blocks, ui, connect;
};
MUST_CHECK bool kube_ports_read(const struct submission *s, struct kube_ports *ret);
/* Is it a Spark of this version, or later? Not one of unknown version. */
bool kube_is_from(const struct kube_target *to, int major, int minor);
/* The text of spark.properties. */
void kube_properties(const struct submission *s, const struct kube_target *to, const struct kube_objects *names,
		     const struct kube_ports *ports, struct sbuf *out);
