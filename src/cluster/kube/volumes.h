/*
 * kube-volumes - what is mounted into a driver: spark.kubernetes.driver.volumes.*, secrets, local directories. Pure.
 *
 * Everything belongs to the arena, or to the submission that it was read from.
 */
#pragma once
#include "base/json.h"
#include "model/submission.h"

enum { KUBE_VOLUMES_MAX = 64, KUBE_LOCAL_DIRS_MAX = 16 };

/* One volume with its mount: spark.kubernetes.driver.volumes.TYPE.NAME.{mount,options}.* */
struct kube_volume {
	const char *type, *name, *path;
	const char *sub_path, *sub_path_expr; /* NULL: not given */
	bool read_only;
	const char *options[2]; /* in the order of their type's; NULL: not given */
};

struct kube_volumes {
	struct kube_volume items[KUBE_VOLUMES_MAX];
	size_t count;
	const char *local_dirs[KUBE_LOCAL_DIRS_MAX]; /* SPARK_LOCAL_DIRS */
	size_t local_dirs_count;
	bool make_local_dirs; /* nothing is mounted there: they become empty directories */
};

/*
 * container: the driver's of the template, whose mounts may be local directories; NULL: there is none. NULL: all is
 * understood; else why it is not.
 */
const char *kube_volumes_read(struct arena *a, const struct submission *s, const struct jr *container,
			      struct kube_volumes *ret);

/* Items of the lists that are open. */
void kube_volumes_write_mounts(struct jw *w, const struct submission *s, const struct kube_volumes *v);
void kube_volumes_write(struct jw *w, const struct submission *s, const struct kube_volumes *v);
/* The value of SPARK_LOCAL_DIRS. */
void kube_volumes_local_dirs(const struct kube_volumes *v, struct sbuf *out);
