/*
 * yarn-submit - giving a job to YARN by its own API: an id, the files into HDFS, the archive of the configuration, the
 * context.
 *
 * Nothing can run before the last request, so that whatever fails earlier is simply not submitted. That last one is
 * sent with an id that is on the disk already; the resource manager takes one id once. Private to the YARN backend.
 */
#pragma once
#include "cluster/backend.h"

/* backend.h's functions of these names. */
const char *yarn_gate(const struct cluster *c, struct arena *a, const struct submission *s);
void yarn_prepare(struct cluster_app *app, const struct submission *s);
void yarn_submit(struct cluster_app *app);
