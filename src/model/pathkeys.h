/*
 * pathkeys - the conf keys that make spark-submit open a file (livy.md 4.3, D13). Pure.
 *
 * Taken from the configuration keys of Spark 3.5 and 4.x and of Hadoop 3. What only the driver opens is named where the
 * driver runs on this host; what a program opens by itself is no matter of keys.
 */
#pragma once
#include <stdbool.h>

/* Where a rule about a key holds, here and in policy.c. */
enum key_where {
	ANYWHERE,
	DRIVER_HERE,     /* the driver runs on this host */
	DRIVER_ELSEWHERE /* it runs in a cluster; spark-submit may still open the file in its stead */
};

static inline bool key_where_holds(enum key_where where, bool cluster)
{
	return where == ANYWHERE || (where == DRIVER_ELSEWHERE) == cluster;
}

enum pathkey_kind {
	PATHKEY_NONE,
	PATHKEY_LIST, /* by commas or blanks */
	PATHKEY_ONE
};

/* `cluster`: the driver runs in a cluster, not on this host. */
enum pathkey_kind pathkeys_kind(const char *key, bool cluster);
