/*
 * blob - bytes that were made once and never change. A layer above may attach what it made of them, to find it
 * again; it goes with the bytes. One owner, one thread.
 */
#pragma once
#include "base/sbuf.h"

struct blob {
	size_t len;
	char *bytes;
	void *attached; /* NULL: nothing */
	void (*detach)(void *attached);
};

struct blob *blob_from(struct sbuf *b); /* takes the contents */
struct blob *blob_free(struct blob *b); /* takes NULL; returns NULL */
