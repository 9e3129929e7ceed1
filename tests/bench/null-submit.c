/*
 * null-submit - stands in for spark-submit when launching itself is measured.
 *
 * The last argument says what to do: `clock` prints the time of day in microseconds, which tells
 * when it was executed; `sleep` waits to be killed; `lines` prints a dozen lines; anything else
 * ends at once. Static, so that it costs as little as a process can.
 */
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { LINES = 12 };

int main(int argc, char **argv)
{
	const char *order = argv[argc - 1];
	struct timespec now;

	if (strcmp(order, "clock") == 0 && clock_gettime(CLOCK_REALTIME, &now) == 0)
		printf("%lld\n", (long long)now.tv_sec * 1000000 + now.tv_nsec / 1000);
	if (strcmp(order, "lines") == 0)
		for (int i = 0; i < LINES; i++)
			printf("26/01/01 12:00:00 INFO TaskSetManager: Finished task %d.0 in stage 0.0 (TID %d)\n", i,
			       i);
	if (strcmp(order, "sleep") == 0)
		(void)pause();
	return 0;
}
