/*
 * pace - when a cluster is looked at again, and how much may be on its way there. Private to the core; all of it stands
 * on this.
 */
#pragma once
#include "cluster/backend.h"

void app_soon(struct cluster_app *app); /* app_tick() as soon as the loop turns: something waits for it */
void app_calm(struct cluster_app *app); /* not any more */
void cluster_soon(struct cluster *c);   /* a tick for what is not of one app */
int64_t cluster_back_off(int failures); /* milliseconds */
void cluster_count_on_way(struct cluster *c, int more); /* against submissions-max */
