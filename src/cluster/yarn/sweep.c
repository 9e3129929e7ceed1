/*
 * After the end of an application: its directory in HDFS goes. Spark's driver removes it itself, unless it was killed.
 */
#include "cluster/yarn/sweep.h"
#include "cluster/yarn/here.h"
#include "cluster/yarn/read.h"
#include <stdio.h>

static void on_swept(void *arg, const struct hdfs_answer *answer)
{
	struct yarn_sweep *sweep = arg;

	(void)answer; /* what stays is of no harm */
	sweep->of = NULL;
}

static void sweep_below(struct yarn_sweep *sweep, const char *home)
{
	const struct yarn_here *h = ((struct yarn *)sweep->of->wire)->here;
	_sbuf_ struct sbuf path = SBUF_INIT(YARN_PATH_MAX);

	sbuf_addf(&path, "%s/" YARN_STAGING "/%s", home, sweep->app_id);
	sweep->call = hdfs_remove(h->hdfs, sbuf_str(&path), true, sweep->as[0] ? sweep->as : NULL, on_swept, sweep);
}

static void on_sweep_home(void *arg, const struct hdfs_answer *answer)
{
	struct yarn_sweep *sweep = arg;

	if (answer->error.code)
		sweep->of = NULL;
	else
		sweep_below(sweep, answer->home);
}

void yarn_clean(struct cluster_app *app)
{
	struct yarn_here *h = yarn_here(app);
	const char *as = app->own ? yarn_as(app) : NULL;
	_sbuf_ struct sbuf home = SBUF_INIT(YARN_PATH_MAX);
	struct yarn_sweep *sweep = NULL;

	for (size_t i = 0; h && i < YARN_SWEEPS_MAX; i++)
		if (!h->sweeps[i].of)
			sweep = &h->sweeps[i];
	if (!sweep || !yarn_read_id(app->handle))
		return;
	*sweep = (struct yarn_sweep){ .of = app->of };
	(void)snprintf(sweep->app_id, sizeof sweep->app_id, "%s", app->handle);
	(void)snprintf(sweep->as, sizeof sweep->as, "%s", as ? as : "");
	if (!h->staging_root) {
		sweep->call = hdfs_home(h->hdfs, sweep->as[0] ? sweep->as : NULL, on_sweep_home, sweep);
		return;
	}
	sbuf_addf(&home, "%s/%s", h->staging_root, as ? as : h->user);
	sweep_below(sweep, sbuf_str(&home));
}
