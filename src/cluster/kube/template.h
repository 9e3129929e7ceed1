/*
 * kube-template - pods that people wrote for Spark to begin with (spark.kubernetes.driver.podTemplateFile). Pure.
 *
 * JSON is YAML, so both are read as YAML, into the tree that base/json.h has for everything. What readers of YAML
 * disagree about (a plain `on`, 0644, 1e3), and what makes a small text large (aliases), is refused: spark-submit reads
 * it then, in its own way. No message has a word of the text, which may be any file.
 */
#pragma once
#include "base/json.h"

enum {
	KUBE_TEMPLATE_MAX = 256 * 1024, /* bytes of the text */
	KUBE_TEMPLATE_DEPTH_MAX = 32,
};

/*
 * A pod with a spec. ERR_MALFORMED says what is not as it must be, ERR_TOO_LARGE that it is too much. `ret` is of the
 * arena.
 */
MUST_CHECK bool kube_template_read(struct arena *a, const char *text, size_t n, const struct jr **ret, struct error *e);

/* Which of its containers is to be the driver: the only one of that name, else the first; NULL: it has none. */
const struct jr *kube_template_container(const struct jr *pod, const char *name);

/*
 * Writes `ours`, a pod with one container, laid over the template, as Spark does: what both say is ours, but for the
 * container's name; lists have the template's items first; its other containers come before the driver's.
 */
void kube_template_merge(struct jw *w, const struct jr *pod, const struct jr *container, const struct jr *ours);
