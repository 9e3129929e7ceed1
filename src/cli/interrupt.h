/*
 * interrupt - Ctrl-C as a flag and a wake-up, so that a command can say goodbye.
 *
 * Without interrupt_catch() the signal ends the program as usual.
 */
#pragma once
#include "base/error.h"
#include <signal.h>
#include <stdint.h>

MUST_CHECK bool interrupt_catch(struct error *e); /* SIGINT and SIGTERM from now on only set the flag */
bool interrupt_seen(void);
const volatile sig_atomic_t *interrupt_flag(void); /* for the HTTP client */
void interrupt_sleep(int64_t ms);                  /* returns early when the flag is set */
