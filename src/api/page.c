/*
 * page - refusals that Livy leaves to Jetty: an HTML page, or JSON or text for those who accept that (livy.md 1.2).
 */
#include "api/api.h"
#include "base/str.h"
#include <string.h>

#define SERVLET "org.apache.livy.server.batch.BatchSessionServlet"

static void write_html(struct sbuf *to, int status, const char *message, const char *path)
{
	sbuf_addf(
		to,
		"<html>\n<head>\n<meta http-equiv=\"Content-Type\" content=\"text/html;charset=ISO-8859-1\"/>\n"
		"<title>Error %d %s</title>\n</head>\n<body><h2>HTTP ERROR %d %s</h2>\n<table>\n<tr><th>URI:</th><td>",
		status, message, status, message);
	for (; *path; path++) {
		if (strchr("<>&\"'", *path))
			sbuf_addf(to, "&#%d;", *path);
		else
			sbuf_addc(to, *path);
	}
	sbuf_addf(to,
		  "</td></tr>\n<tr><th>STATUS:</th><td>%d</td></tr>\n<tr><th>MESSAGE:</th><td>%s</td></tr>\n"
		  "<tr><th>SERVLET:</th><td>" SERVLET "</td></tr>\n</table>\n\n</body>\n</html>\n",
		  status, message);
}

/* Each member on a line of its own, the status a string. */
static void write_json(struct sbuf *to, int status, const char *message, const char *path)
{
	sbuf_addf(to, "{\n\"servlet\":\"" SERVLET "\",\n\"message\":\"%s\",\n\"url\":\"", message);
	json_escape(to, path, strlen(path));
	sbuf_addf(to, "\",\n\"status\":\"%d\"\n}", status);
}

void api_answer_page(struct call *c, int status, const char *message)
{
	_sbuf_ struct sbuf body = SBUF_INIT(128 * 1024);
	const char *accept = http_header(c->rq, "Accept"), *path = http_path(c->rq),
		   *type = "text/html;charset=iso-8859-1";

	if (accept && strstr(accept, "application/json")) {
		write_json(&body, status, message, path);
		type = "application/json";
	} else if (accept && strstr(accept, "text/plain")) {
		sbuf_addf(&body, "HTTP ERROR %d %s\nURI: %s\nSTATUS: %d\nMESSAGE: %s\nSERVLET: " SERVLET "\n", status,
			  message, path, status, message);
		type = "text/plain;charset=iso-8859-1";
	} else {
		write_html(&body, status, message, path);
	}
	http_reply_header(c->rq, "Cache-Control", "must-revalidate,no-cache,no-store");
	http_reply(c->rq, status, type, &body);
	api_done(c);
}
