/*
 * kube-spec - the three objects that are a Spark job on Kubernetes: its driver's pod, a service, a config map. Pure.
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
#define KUBE_NAMESPACE_KEY "spark.kubernetes.namespace"

enum {
	KUBE_OBJECT_MAX = 1536 * 1024, /* bytes; the API server takes no more */
	KUBE_NAME_MAX = 64,
};

struct kube_target {
	const char *ns, *tag, *instance;
	const char *version; /* of its Spark; NULL: unknown */
};

/* JSON with a gap for the uid of the pod, which the API server chooses. */
struct kube_object {
	char *json;
	size_t len, uid_at; /* uid_at 0: no gap */
};

struct kube_objects {
	char pod_name[KUBE_NAME_MAX], service_name[KUBE_NAME_MAX], map_name[KUBE_NAME_MAX];
	struct kube_object pod, service, map;
};

/* False: an object is over KUBE_OBJECT_MAX. ret is freed with kube_objects_done(). */
MUST_CHECK bool kube_objects_build(const struct submission *s, const struct kube_target *to, struct kube_objects *ret);
void kube_objects_done(struct kube_objects *o);

/* --- kube-conf.c --- */

/* Why a job cannot go this way; NULL: it can. */
const char *kube_gate(const struct submission *s);
const char *kube_conf(const struct submission *s, const char *key, const char *otherwise);
/* Spark's name for the job. */
void kube_app_id(const struct kube_target *to, char id[KUBE_NAME_MAX]);
/* spark.driver.memory and its overhead, in MiB, as Spark adds them up; false: not sizes. */
MUST_CHECK bool kube_memory_mib(const struct submission *s, int64_t *ret);
/* The factor of memory that is overhead. */
const char *kube_overhead_factor(const struct submission *s);
/* The text of spark.properties. */
void kube_properties(const struct submission *s, const struct kube_target *to, const struct kube_objects *names,
		     struct sbuf *out);
