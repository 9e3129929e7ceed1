/*
 * banned - calls that do not compile here, each because a bounded or reentrant twin exists.
 *
 * Every .c file gets this header from the compiler's command line (meson.build), after libc's own.
 */
#pragma once
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#undef sprintf /* a macro of libc's under clang with _FORTIFY_SOURCE, and a macro cannot be poisoned */
#pragma GCC poison strcpy strcat sprintf vsprintf strtok atoi atol atof gets
#pragma GCC poison strtol strtoul strtoll strtoull gmtime localtime asctime
/* krb5.h has parameters of this name, which poison would refuse too. */
__attribute__((unavailable)) char *ctime(const time_t *t);
