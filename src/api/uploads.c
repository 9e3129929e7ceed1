/*
 * uploads - /sessions/{id}/upload-* (livy.md 1.7, D20): a file in a part of a form, which the server has put into a
 * file.
 */
#include "service/uploads.h"
#include "api/api.h"
#include "http/multipart.h"

static void upload(struct call *c, const struct batch *job, const char *what, const char *part)
{
	char boundary[MULTIPART_BOUNDARY_MAX + 1];
	struct upload u = { what, part, boundary, .max = c->api->config->livy_file_upload_max_size };
	struct error e;

	u.fd = http_body_file(c->rq, &u.len);
	if (multipart_boundary(http_header(c->rq, "Content-Type"), boundary, &e))
		uploads_add(c->api->sessions, job, &u, questions_added, c);
	else
		api_answer_error(c, &e);
}

void uploads_on_jar(struct call *c, const struct batch *job)
{
	upload(c, job, "jar", "jar");
}

void uploads_on_pyfile(struct call *c, const struct batch *job)
{
	upload(c, job, "pyfile", "file");
}

void uploads_on_file(struct call *c, const struct batch *job)
{
	upload(c, job, "file", "file");
}
