/* sparkversion - which Spark is in a directory, without starting it. Blocks; at the start only. */
#pragma once
#include "base/arena.h"

/* Like "3.5.2", from jars/spark-core_<scala>-<version>.jar; NULL: there is none, or it cannot be read. */
const char *sparkversion_find(struct arena *a, const char *spark_home);
