/*
 * profiles - the clusters of the configuration: keys florus.cluster.NAME.KEY (model/profile.h is their table).
 *
 * For the files of config/ only; others find struct profile in struct config. The environment cannot set them, as
 * its names cannot tell a dot from a dash.
 */
#pragma once
#include "config/config.h"

#define PROFILES_PREFIX "florus.cluster."

void profiles_start(struct config *c); /* the cluster `default` is always there */
/* One key that begins with PROFILES_PREFIX. ERR_CONFIG. */
MUST_CHECK bool profiles_set(struct config *c, const char *key, const char *text, const char *origin, struct error *e);
/* Once all else is settled: what follows from other options, and what does not go together (ERR_CONFIG). Looks for versions of Spark. */
MUST_CHECK bool profiles_settle(struct config *c, struct error *e);

void profiles_dump(const struct config *c, FILE *to);
void profiles_help(FILE *to);
