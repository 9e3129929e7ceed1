#include "base/clock.h"
#include <stdio.h>
#include <time.h>

int64_t clock_now_us(void)
{
	struct timespec t;

	(void)clock_gettime(CLOCK_BOOTTIME, &t);
	return (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

int64_t clock_now_ms(void)
{
	return clock_now_us() / 1000;
}

int64_t clock_wall_ms(void)
{
	struct timespec t;

	(void)clock_gettime(CLOCK_REALTIME, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

void clock_rfc3339(int64_t wall_ms, char *to, size_t size)
{
	time_t s = (time_t)(wall_ms / 1000);
	struct tm tm;

	(void)gmtime_r(&s, &tm);
	(void)snprintf(to, size, "%04d-%02d-%02dT%02d:%02d:%02d.%03dZ", tm.tm_year + 1900, tm.tm_mon + 1, tm.tm_mday,
		       tm.tm_hour, tm.tm_min, tm.tm_sec, (int)(wall_ms % 1000));
}
