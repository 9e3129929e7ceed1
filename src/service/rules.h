/*
 * rules - the policy for submissions, made of the configuration and of spark-blacklist.conf (livy.md 4.4).
 *
 * That file, if there is one, lies beside the configuration file and in $LIVY_CONF_DIR: properties of which only the
 * keys matter. One that is there and cannot be read is an error, so that a denial is never lost by accident.
 */
#pragma once
#include "config/config.h"
#include "model/policy.h"

/* Reads the files anew each time; blocks. ERR_CONFIG. */
MUST_CHECK bool rules_load(const struct config *c, struct policy **ret, struct error *e);
