/*
 * histogram - how long things took, in microseconds, within 1/64 of the truth. Fixed size, owns nothing.
 */
#pragma once
#include <stdint.h>

enum { HISTOGRAM_STEPS = 64, HISTOGRAM_OCTAVES = 32 };

struct histogram {
	uint64_t count, max_us;
	uint64_t buckets[HISTOGRAM_OCTAVES * HISTOGRAM_STEPS];
};

void histogram_add(struct histogram *h, uint64_t us);

/* The value that `permille` of 1000 values do not exceed; 0 when there are none. */
uint64_t histogram_quantile_us(const struct histogram *h, unsigned permille);
