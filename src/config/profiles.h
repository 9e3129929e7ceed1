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
/* Once all else is settled: what follows from other options. Looks for versions of Spark. */
void profiles_settle(struct config *c);
/* What is missing, or does not go together, or can never work. ERR_CONFIG. */
MUST_CHECK bool profiles_check(const struct config *c, struct error *e);

bool profiles_is_secret(
	const char *key); /* florus.cluster.NAME.conf.KEY, when KEY names a secret; any key may be asked about */
void profiles_dump(const struct config *c, FILE *to);
void profiles_help(FILE *to);
