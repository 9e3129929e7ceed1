/* tick - what a cluster does by the clock. Private to the core. */
#pragma once
#include "cluster/backend.h"

void cluster_tick(void *cluster); /* of its timer c->tick: asks for the list, moves apps on; sets the timer again */
