/*
 * app - one app's way through its phases (enum app_phase), for tick.c. Private to the core; backends include backend.h.
 */
#pragma once
#include "cluster/backend.h"

void app_tick(struct cluster_app *app, int64_t now_ms); /* what is due; the app may be gone afterwards */
void app_saw(struct cluster_app *app, const struct app_status *s);
