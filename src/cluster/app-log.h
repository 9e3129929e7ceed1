/* app-log - reading the logs of apps, in turn. Private to the core. */
#pragma once
#include "cluster/backend.h"

void app_log_tick(struct cluster_app *app, int64_t now_ms); /* it waits for its turn when its log is due */
void cluster_log_turns(struct cluster *c, int64_t now_ms);  /* reads logs of those whose turn it is */
void app_log_close(struct cluster_app *app);                /* it neither reads nor waits any more */
