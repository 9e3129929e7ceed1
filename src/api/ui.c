/*
 * ui - the web page and what it loads.
 *
 * Every address of Livy's pages gives the same page; its script reads the address and asks the API. The page names its
 * files relative to itself, so it works behind whatever prefix a proxy puts before us, known to us or not.
 */
#include "api/api.h"
#include "api/web.h"
#include "base/str.h"
#include <string.h>

enum { PAGE_MAX = 64 * 1024, LOCATION_MAX = 16 * 1024 };

/* In place of Livy's, which lets inline scripts run. */
#define UI_CSP                                                                                          \
	"default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; " \
	"base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

static bool off(struct call *c)
{
	if (c->api->config->livy_ui_enabled)
		return false;
	api_answer_empty(c, 404, API_HTML);
	return true;
}

static void add_headers(struct call *c)
{
	http_reply_header(c->rq, "Content-Security-Policy", UI_CSP);
	http_reply_header(c->rq, "Referrer-Policy", "no-referrer");
	http_reply_header(c->rq, "Cache-Control", "no-cache");
}

/* `up` is how many folders the address is below the root: 2 for /ui/batch/7. */
static void write_page(struct sbuf *out, int up)
{
	const char *at = (const char *)web_page.bytes, *end = at + web_page.len, *mark;

	while ((mark = memmem(at, (size_t)(end - at), WEB_UP, strlen(WEB_UP))) != NULL) {
		sbuf_add(out, at, (size_t)(mark - at));
		for (int i = 0; i < up; i++)
			sbuf_adds(out, "../");
		at = mark + strlen(WEB_UP);
	}
	sbuf_add(out, at, (size_t)(end - at));
}

static void answer_page(struct call *c, int up)
{
	_sbuf_ struct sbuf body = SBUF_INIT(PAGE_MAX);

	if (off(c))
		return;
	add_headers(c);
	write_page(&body, up);
	http_reply(c->rq, 200, web_page.type, &body);
	api_done(c);
}

void ui_on_lists(struct call *c, const char *id)
{
	(void)id;
	answer_page(c, str_ends(http_path(c->rq), "/") ? 1 : 0);
}

void ui_on_one(struct call *c, const char *id)
{
	(void)id;
	answer_page(c, 2);
}

void ui_on_log(struct call *c, const char *id)
{
	(void)id;
	answer_page(c, 3);
}

/* Livy redirects to a whole address, so we do; who names no host (HTTP/1.0) gets the path alone. */
void ui_on_root(struct call *c, const char *id)
{
	_sbuf_ struct sbuf location = SBUF_INIT(LOCATION_MAX);
	const char *host = http_header(c->rq, "Host"), *base = c->api->config->florus_http_base_path;

	(void)id;
	if (!str_empty(host))
		sbuf_addf(&location, "%s://%s", str_empty(c->api->config->florus_tls_cert) ? "http" : "https", host);
	sbuf_addf(&location, "%s%s/%s", base ? base : "", c->mount_len ? "/livy" : "",
		  c->api->config->livy_ui_enabled ? "ui" : "metrics"); /* as Livy */
	if (sbuf_ok(&location))
		http_reply_header(c->rq, "Location", sbuf_str(&location));
	api_answer_empty(c, sbuf_ok(&location) ? 302 : 400, API_HTML);
}

/* --- what the page loads --- */

static void keep(void *constant)
{
	(void)constant;
}

void ui_on_static(struct call *c, const char *id)
{
	const struct web_file *file = web_files;
	const char *known = http_header(c->rq, "If-None-Match");

	if (off(c))
		return;
	while (file->name && !str_eq(file->name, id))
		file++;
	if (!file->name) {
		api_answer_empty(c, 404, API_HTML);
		return;
	}
	add_headers(c);
	http_reply_header(c->rq, "ETag", file->etag);
	/* A 304 has the headers of the 200 but never its bytes: the HTTP library sees to that. */
	int status = known && (str_eq(known, "*") || strstr(known, file->etag)) ? 304 : 200;
	http_reply_shared(c->rq, status, file->type, (const char *)file->bytes, file->len, keep, NULL);
	api_done(c);
}
