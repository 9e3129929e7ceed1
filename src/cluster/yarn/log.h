/* yarn-log - the logs of apps, from node managers and the history server. Private to the YARN backend. */
#pragma once
#include "cluster/yarn/wire.h"

/* Sets w->history, by the profile's `web` or by w->conf. ERR_CONFIG. */
MUST_CHECK bool yarn_log_find_history(struct yarn *w, const struct profile *p, struct error *e);
/* backend.h's log(). */
void yarn_log(struct cluster_app *app);
