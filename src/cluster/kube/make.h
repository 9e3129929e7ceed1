/* kube-make - what pod.c and spec.c share while they write one job's objects. */
#pragma once
#include "cluster/kube/spec.h"
#include "cluster/kube/volumes.h"

#define KUBE_HADOOP_VOLUME "hadoop-properties"
#define KUBE_TEMPLATE_MAP_KEY "podspec-configmap-key"

/* What one job's objects are made of. */
struct making {
	const struct submission *s;
	const struct kube_target *to;
	const struct kube_objects *names;
	const struct jr *template, *container; /* of the driver; NULL: none */
	struct kube_ports ports;
	struct kube_volumes volumes;
};

/* For submission_each(): a member of the object that is open. */
void kube_each_as_member(void *jw, const char *rest, const char *value);
/* Opens the object and its metadata. */
void kube_write_head(struct jw *w, const char *kind, const char *name, const struct kube_target *to);
/* Those of all objects of a job, which no conf may set. */
void kube_write_labels(struct jw *w, const struct kube_target *to);
bool kube_is_our_label(const char *key);
/* key: how the object calls a port's number. */
void kube_write_ports(struct jw *w, const char *key, const struct making *m);

/* The driver's pod, without its template. It is nobody's: *ret_uid_at is 0. */
void kube_write_pod(struct jw *w, const struct making *m, size_t *ret_uid_at);
