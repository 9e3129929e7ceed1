/*
 * clock - what time it is. Deadlines use clock_now_ms (never jumps back), display uses the wall clock.
 */
#pragma once
#include <stddef.h>
#include <stdint.h>

int64_t clock_now_ms(void); /* CLOCK_BOOTTIME: also counts while the machine sleeps */
int64_t clock_now_us(void);
int64_t clock_wall_ms(void);                                /* since 1970, UTC */
void clock_rfc3339(int64_t wall_ms, char *to, size_t size); /* 2026-11-24T22:31:43.123Z; size >= 25 */
