/*
 * hdfs-read - what WebHDFS is asked and answers, as text. Pure. Private to hdfs.
 *
 * Sources: the WebHDFS manual; NamenodeWebHdfsMethods.java, ExceptionHandler.java (which exception has which status).
 */
#pragma once
#include "base/json.h"
#include "base/sbuf.h"
#include "cluster/hadoop/hdfs.h"

/* Absolute, UTF-8, without an empty part, "." or "..", not too long; "/" is one. ERR_INVALID. */
MUST_CHECK bool hdfs_path_check(const char *path, struct error *e);

/* Percent-encodes what is neither a letter, a digit nor one of -._~, but for slashes if `keep_slash`. */
void hdfs_encode(struct sbuf *to, const char *text, bool keep_slash);

/*
 * What follows a base URL: "/webhdfs/v1/a%20b?op=MKDIRS&permission=700&user.name=florus&doas=etl". more: "&x=y" or "".
 */
void hdfs_target(struct sbuf *to, const char *path, const char *op, const char *more, const char *user, const char *as);

/* The URL of a data node as it must be sent: name nodes leave bytes in it that no URL has. */
void hdfs_mend(struct sbuf *to, const char *url);

/* {"FileStatus":{…}}. Strings are of the arena that `top` is of. */
bool hdfs_read_status(const struct jr *top, struct hdfs_status *ret);
/* {"boolean":true} */
bool hdfs_read_yes(const struct jr *top, bool *ret);

/* Why HDFS did not do it. */
struct hdfs_refusal {
	const char *exception; /* "AccessControlException" */
	const char *message;   /* its first line; of the arena */
	enum error_code code;
	bool elsewhere; /* another name node may do it: this one is in standby, or in safe mode */
};
/* {"RemoteException":{…}}; false: it is not from HDFS. */
bool hdfs_read_refusal(struct arena *a, const struct jr *top, struct hdfs_refusal *ret);
