/*
 * share - files of this host that clusters fetch from us, each by a URL of its own (florus.share.url).
 *
 *     <florus.share.url>/share/<batch>.<attempt>.<n>.<expiry>.<signature>/<name>
 *
 * A job that goes to a cluster by its own API gets such URLs in place of the files that only this host has. The n-th
 * line of run/<batch>.<attempt>.<nonce>/shared says which file it is, and what it was then. The signature is an
 * HMAC-SHA256 with the state directory's key over all else of the URL and the attempt's nonce.
 *
 * Invariants: who has no signature of ours learns nothing, and no disk is read for him. A URL is good for one file,
 * until it expires or its job is over, whatever comes first; after a restart, too. The file is opened anew each time,
 * beneath livy.file.local-dir-whitelist and outside the state directory, and must be what it was when the job was sent:
 * same inode, size and time of change. After a power failure a record may be gone; then its URLs are. Loop thread only;
 * blocks on small reads of local disks, as logs do.
 */
#pragma once
#include "service/batches.h"

enum {
	SHARE_FILES_MAX = 1000, /* of one job */
	SHARE_RECORD_MAX = 1024 * 1024,
};

struct shared_file {
	int fd; /* the caller's */
	int64_t len, batch_id;
};

/*
 * What a URL of ours names; claim and name are the last two parts of its path, the name as it stands there.
 * ERR_FORBIDDEN: we have signed no such thing, or for a job that nobody knows any more. ERR_NOT_FOUND: we have, and it
 * is not to be had any more, as `e` says; ret->batch_id is set then, too.
 */
MUST_CHECK bool batches_shared_file(const struct batches *b, const char *claim, const char *name,
				    struct shared_file *ret, struct error *e);
