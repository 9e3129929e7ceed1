/* app - one app's way through its phases (enum app_phase), for cluster.c. Private to the core; backends include backend.h. */
#pragma once
#include "cluster/backend.h"

void app_tick(struct cluster_app *app, int64_t now_ms); /* what is due; the app may be gone afterwards */
void app_saw(struct cluster_app *app, const struct app_status *s);

void app_log_tick(struct cluster_app *app, int64_t now_ms); /* it waits for its turn when its log is due */
void cluster_log_turns(struct cluster *c, int64_t now_ms);  /* reads logs of those whose turn it is */
void app_log_close(struct cluster_app *app);                /* it neither reads nor waits any more */

void cluster_tick(void *cluster);
void app_soon(struct cluster_app *app); /* app_tick() as soon as the loop turns: something waits for it */
void app_calm(struct cluster_app *app); /* not any more */
void cluster_count_on_way(struct cluster *c, int more); /* against submissions-max */
void cluster_soon(struct cluster *c);                   /* a tick for what is not of one app */
int64_t cluster_back_off(int failures);                 /* milliseconds */
