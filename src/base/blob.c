#include "base/blob.h"

struct blob *blob_from(struct sbuf *b)
{
	struct blob *blob = xcalloc(1, sizeof *blob);

	blob->holders = 1;
	blob->len = b->len;
	blob->bytes = sbuf_take(b);
	return blob;
}

struct blob *blob_hold(struct blob *b)
{
	b->holders++;
	return b;
}

struct blob *blob_drop(struct blob *b)
{
	if (!b || --b->holders > 0)
		return NULL;
	if (b->attached)
		b->detach(b->attached);
	free(b->bytes);
	free(b);
	return NULL;
}
