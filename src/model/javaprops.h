/*
 * javaprops - lines that java.util.Properties reads back as exactly the key and the value given. Pure.
 *
 * ASCII only, since readers differ in the encoding they take a file for: all else is \uXXXX.
 */
#pragma once
#include "base/sbuf.h"

void javaprops_add(struct sbuf *to, const char *key, const char *value); /* both UTF-8; appends one line */
