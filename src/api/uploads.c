/*
 * uploads - /sessions/{id}/upload-* (livy.md 1.7, D20): a file in a part of a form, which the server has put into a file.
 */
#include "service/uploads.h"
#include "api/api.h"
#include "base/str.h"
#include "http/multipart.h"
#include <errno.h>
#include <sys/mman.h>

/* Livy has its own words for a part that is missing, as a bare string. */
static void refuse(struct call *c, const char *part, const struct error *e)
{
	_sbuf_ struct sbuf text = SBUF_INIT(64), body = SBUF_INIT(128);
	struct jw w = { .out = &body };

	if (e->code != ERR_NOT_FOUND) {
		api_answer_error(c, e);
		return;
	}
	sbuf_addf(&text, "No %s sent!", part);
	jw_str(&w, NULL, sbuf_str(&text));
	api_answer(c, 400, &body);
}

/* The body is a file that nobody else can change. */
static bool find_part(int fd, size_t n, const char *boundary, const char *part, struct multipart_part *ret,
		      struct error *e)
{
	char *body = n ? mmap(NULL, n, PROT_READ, MAP_PRIVATE, fd, 0) : MAP_FAILED;
	bool ok;

	if (body == MAP_FAILED)
		return n ? error_errno(e, errno, "read the upload") : error_set(e, ERR_MALFORMED, "the body is empty");
	ok = multipart_find(body, n, boundary, part, ret, e);
	(void)munmap(body, n);
	return ok;
}

static bool check_part(const struct call *c, const struct multipart_part *part, struct error *e)
{
	if (!part->file_name[0])
		return error_set(e, ERR_INVALID, "the part has no filename");
	return (int64_t)part->len <= c->api->config->livy_file_upload_max_size ||
	       error_set(e, ERR_TOO_LARGE, "the file is larger than livy.file.upload.max.size allows");
}

static void upload(struct call *c, const struct batch *job, const char *what, const char *part)
{
	char boundary[MULTIPART_BOUNDARY_MAX + 1];
	struct multipart_part found;
	struct error e = { 0 };
	int64_t n;
	int fd = http_body_file(c->rq, &n);

	if (!multipart_boundary(http_header(c->rq, "Content-Type"), boundary, &e) ||
	    !find_part(fd, (size_t)n, boundary, part, &found, &e) || !check_part(c, &found, &e)) {
		refuse(c, part, &e);
		return;
	}
	const struct upload u = { what, fd, (int64_t)found.offset, (int64_t)found.len, found.file_name };
	uploads_add(c->api->sessions, job, &u, questions_added, c);
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
