/*
 * tally - how things stand, in numbers, for whoever watches us (GET /metrics). Loop thread only.
 */
#pragma once
#include "cluster/cluster.h"
#include "model/state.h"
#include "service/batches.h"

struct tally {
	/*
	 * By state: all that are not over, and those that ended lately enough to be in memory. Spare ones are among
	 * them.
	 */
	int64_t now[STATE_COUNT];
	/* Since this process began: what was accepted, and what ended in which of the final states. */
	int64_t accepted, ended[STATE_COUNT];
	int slots, slots_max; /* places of this host: taken, and in all */
};

/* Looks at each job in memory: some 100 µs for 20,000. */
void batches_tally(const struct batches *b, struct tally *ret);

/* Of the clusters that are watched, each. */
void batches_tally_clusters(const struct batches *b, clusters_fn *fn, void *arg);
