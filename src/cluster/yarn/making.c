#include "cluster/yarn/making.h"
#include "cluster/yarn/sweep.h"
#include <stdarg.h>
#include <stdio.h>

const char *yarn_in_staging(struct yarn_making *m, const char *name)
{
	_sbuf_ struct sbuf path = SBUF_INIT(YARN_PATH_MAX);

	sbuf_addf(&path, "%s/%s", m->job.staging, name);
	return sbuf_ok(&path) ? arena_strdup(m->arena, sbuf_str(&path)) : NULL;
}

static void cancel_uploads(struct yarn_making *m)
{
	hdfs_cancel(TAKE(m->call));
	for (size_t i = 0; i < YARN_UPLOADS_MAX; i++)
		hdfs_cancel(TAKE(m->uploads[i].call));
}

void yarn_making_end(struct cluster_app *app)
{
	struct yarn_making *m = yarn_making(app);

	if (!m)
		return;
	yarn_libs_leave(&yarn_here(app)->libs, app);
	cancel_uploads(m);
	(void)arena_free(m->arena);
	free(m);
	((struct yarn_own *)app->own)->making = NULL;
}

void yarn_refuse(struct cluster_app *app, enum attempt_again again, int64_t retry_ms, const char *fmt, ...)
{
	char why[256];
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(why, sizeof why, fmt, ap);
	va_end(ap);
	if (app->handle[0])
		yarn_clean(app);
	yarn_making_end(app);
	app_refused(app, again, retry_ms, "%s", why);
}

/* Nothing was submitted yet. What is away comes back; what is forbidden, or not there, stays so. */
void yarn_refuse_files(struct cluster_app *app, const struct error *e)
{
	bool away = e->code == ERR_UNAVAILABLE || e->code == ERR_BUSY;
	bool odd = e->code == ERR_INVALID || e->code == ERR_INTERNAL || e->code == ERR_TOO_LARGE;

	yarn_refuse(app,
		    away  ? ATTEMPT_WAIT
		    : odd ? ATTEMPT_BY_SUBMIT
			  : ATTEMPT_NEVER_AGAIN,
		    YARN_WAIT_MS, "%s", e->msg);
}
