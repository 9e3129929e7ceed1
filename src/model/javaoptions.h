/*
 * javaoptions - do Java options only set things, or do they load code, run commands or read files? Pure.
 *
 * Judged without Spark's quoting: quotes and backslashes are taken away and every blank may separate options, so
 * whatever Spark or a shell makes of the text is among what is looked at. Errs on the side of refusing.
 */
#pragma once
#include <stdbool.h>

bool javaoptions_harmless(const char *options);
