/*
 * hadoop-xml - the properties of one Hadoop configuration file. The only file here that knows libexpat. Pure. Private
 * to hadoop-conf.
 */
#pragma once
#include "base/error.h"
#include <stddef.h>

/* name: not empty, without blanks at its ends; value: as it is written; NULL: none. False: no more fit. */
typedef bool hadoop_xml_fn(void *arg, const char *name, const char *value, bool is_final);

/*
 * Calls fn for each in the order written. ERR_CONFIG says what is wrong and in which line; some may have been given by
 * then.
 */
MUST_CHECK bool hadoop_xml_read(const char *text, size_t n, hadoop_xml_fn *fn, void *arg, struct error *e);
