/*
 * password - asks the terminal for a password that is not shown, or takes it from a line of stdin.
 *
 * The caller wipes what he got. While the terminal's echo is off, signals that would end
 * the program are held back, and ^C comes as a character, so that a shell never stays mute.
 */
#pragma once
#include "base/error.h"

enum { PASSWORD_BYTES = 1024 + 1 }; /* NUL included: no password is longer */

/* Twice, until both are the same; ERR_INVALID: given up, too long, or no terminal. */
MUST_CHECK bool password_ask(char to[PASSWORD_BYTES], struct error *e);

/* The first line of stdin, without its end. */
MUST_CHECK bool password_read_stdin(char to[PASSWORD_BYTES], struct error *e);
