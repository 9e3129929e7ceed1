#include "histogram.h"

/* Values below HISTOGRAM_STEPS have a bucket each; above, every octave has HISTOGRAM_STEPS of them. */
static unsigned bucket_of(uint64_t us)
{
	unsigned octave = 0;

	while (us >> octave >= 2 * HISTOGRAM_STEPS)
		octave++;
	unsigned bucket = octave * HISTOGRAM_STEPS + (unsigned)(us >> octave);
	return bucket < HISTOGRAM_OCTAVES * HISTOGRAM_STEPS ? bucket : HISTOGRAM_OCTAVES * HISTOGRAM_STEPS - 1;
}

static uint64_t value_of(unsigned bucket)
{
	unsigned octave = bucket < HISTOGRAM_STEPS ? 0 : bucket / HISTOGRAM_STEPS - 1;

	return (uint64_t)(bucket - octave * HISTOGRAM_STEPS) << octave;
}

void histogram_add(struct histogram *h, uint64_t us)
{
	h->count++;
	h->buckets[bucket_of(us)]++;
	if (us > h->max_us)
		h->max_us = us;
}

uint64_t histogram_quantile_us(const struct histogram *h, unsigned permille)
{
	uint64_t wanted = (h->count * permille + 999) / 1000, seen = 0;

	for (unsigned i = 0; i < HISTOGRAM_OCTAVES * HISTOGRAM_STEPS; i++) {
		seen += h->buckets[i];
		if (seen >= wanted && seen > 0)
			return value_of(i);
	}
	return h->max_us;
}
