/*
 * blob - bytes that several hold at once: made once, never changed, freed with the last holder.
 * A layer above may attach what it made of them, to find it again; it goes with the bytes. One thread.
 */
#pragma once
#include "base/sbuf.h"

struct blob {
	int holders;
	size_t len;
	char *bytes;
	void *attached; /* NULL: nothing */
	void (*detach)(void *attached);
};

struct blob *blob_from(struct sbuf *b); /* takes the contents; one holder: the caller */
struct blob *blob_hold(struct blob *b); /* one more; returns b */
struct blob *blob_drop(struct blob *b); /* one less; takes NULL; returns NULL */
