/*
 * entities - text out of HTML: &uuml;, &#252; and &#xFC; are ü. Pure.
 *
 * All names of HTML 4, since that is what Hadoop's pages write for any character that has one.
 */
#pragma once
#include "base/sbuf.h"

enum { ENTITY_MAX = 10 /* bytes of the longest one by name, "&thetasym;" */ };

/* Appends [from, end) with its entities replaced; what is none stays as it is. */
void entities_decode(struct sbuf *to, const char *from, const char *end);
