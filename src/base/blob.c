#include "base/blob.h"

struct blob *blob_from(struct sbuf *b)
{
	struct blob *blob = xcalloc(1, sizeof *blob);

	blob->len = b->len;
	blob->bytes = sbuf_take(b);
	return blob;
}

struct blob *blob_free(struct blob *b)
{
	if (!b)
		return NULL;
	if (b->attached)
		b->detach(b->attached);
	free(b->bytes);
	free(b);
	return NULL;
}
