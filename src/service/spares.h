/*
 * spares - sessions that are up before anybody asks for one (florus.session.warm). Private to service/.
 *
 * A spare one is a session like any other, durable and supervised, that has no owner, and that nobody sees or finds
 * (batch.spare). A create that wants no more than its kind gets it instead of a new one: it is his from the commit on.
 * So a crash leaves it spare or his, never in between, and after a restart it is spare still, or too many and ended.
 *
 * Ids are given when a spare one is made. So they are never given twice, but with spares a session may have a lower id
 * than one that was created before it. Loop thread only.
 */
#pragma once
#include "model/spec.h"
#include "service/batches.h"

enum {
	SPARES_WANTED_MAX = 16,         /* in all */
	SPARES_KINDS_MAX = 8,           /* entries of the option */
	SPARES_BACKOFF_MIN_MS = 1000,   /* after one that did not come up */
	SPARES_BACKOFF_MAX_MS = 300000, /* … and after many in a row */
};

struct sessions;
struct spares;

/* ERR_CONFIG: the option makes no sense, and why. Without the option none are kept. *ret is to be freed in any case. */
MUST_CHECK bool spares_check(const struct config *c, struct error *e);
MUST_CHECK bool spares_new(struct sessions *s, struct spares **ret, struct error *e);
struct spares *spares_free(struct spares *p); /* takes NULL; returns NULL */

void spares_tick(struct spares *p);                             /* each second */
void spares_changed(struct spares *p, const struct batch *job); /* a spare one has changed its state */
void spares_ready(struct spares *p, int64_t id);                /* … or has come up */
int64_t spares_find(struct spares *p, const struct batch *wanted,
		    const struct spec *spec); /* batches_kind.find_spare */
