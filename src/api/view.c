#include "api/api.h"
#include "base/blob.h"

void view_log(struct jw *w, struct batches *b, const struct batch *batch, bool with_log)
{
	jw_open(w, "log", '[');
	if (with_log && batch->attempt > 0) {
		struct diagnostics after;

		(void)batches_log_changed(b, batch); /* opens it */
		batches_diagnostics(b, batch, &after);
		excerpt_write(batch->excerpt, state_is_final(batch->state), &after, w);
	}
	if (state_is_final(batch->state))
		excerpt_close(batch->excerpt);
	jw_close(w, ']');
}

void view_batch(struct jw *w, struct batches *b, const struct batch *batch, bool with_log)
{
	jw_open(w, NULL, '{');
	jw_int(w, "id", batch->id);
	jw_str(w, "name", batch->name);
	jw_str(w, "owner", batch->owner);
	jw_str(w, "proxyUser", batch->proxy_user);
	jw_str(w, "state", state_livy_name(batch->state));
	jw_str(w, "appId", batch->app_id);
	jw_open(w, "appInfo", '{');
	jw_str(w, "driverLogUrl", batch->log_url);
	jw_str(w, "sparkUiUrl", batch->ui_url);
	jw_null(w, "executorLogUrls");
	jw_close(w, '}');
	view_log(w, b, batch, with_log);
	jw_close(w, '}');
}

bool view_is_fresh(struct batches *b, const struct batch *batch)
{
	return *batch->view && (state_is_final(batch->state) || !batches_log_changed(b, batch));
}

struct blob *view_batch_blob(struct batches *b, const struct batch *batch)
{
	_sbuf_ struct sbuf body = SBUF_INIT(ANSWER_MAX);
	struct jw w = { .out = &body };

	if (view_is_fresh(b, batch))
		return *batch->view;
	(void)blob_free(*batch->view);
	view_batch(&w, b, batch, true);
	*batch->view = blob_from(&body);
	return *batch->view;
}
