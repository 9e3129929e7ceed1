/*
 * urlhosts - from which hosts spark-submit may fetch files over the web: florus.job.url-hosts. Pure.
 *
 * The list: entries by commas or blanks, each [http://|https://]HOST[:PORT]. HOST is a name, *.NAME (whatever ends so,
 * but not NAME itself), an address as it must be written, or * (every name with a dot in it that is no address).
 * Without a scheme an entry means https; without a port the scheme's own. Only URLs of the plainest form are compared
 * at all, so that no reader can see another host than we did. Other schemes that Java knows and that nest or fetch
 * (jar:, ftp:, data:, …) are never allowed; those that are Hadoop's (hdfs:, s3a:, …) are not judged.
 */
#pragma once
#include "base/error.h"

struct urlhosts;

MUST_CHECK bool urlhosts_new(const char *list, struct urlhosts **ret, struct error *e); /* ERR_CONFIG */
struct urlhosts *urlhosts_free(struct urlhosts *h);                                     /* takes NULL; returns NULL */

/* `uri` has a scheme. ERR_INVALID "Rejected, Reason: …". */
MUST_CHECK bool urlhosts_check(const struct urlhosts *h, const char *uri, struct error *e);
