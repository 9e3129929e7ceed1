#include "http/request.h"
#include "base/id.h"
#include "base/str.h"
#include "http/inflate.h"
#include <string.h>
#include <strings.h>

/* "http://host/path", as to a proxy, means /path (RFC 9112 3.2.2); "http://host?query" begins with its query. */
static const char *origin_form(const char *target)
{
	const char *rest = strncasecmp(target, "http://", 7) == 0    ? target + 7
			   : strncasecmp(target, "https://", 8) == 0 ? target + 8
								     : NULL;

	if (!rest)
		return target;
	return rest + strcspn(rest, "/?");
}

struct http_request *request_new(struct http_server *s, const char *target)
{
	const char *path = origin_form(target);
	size_t slash = path != target && *path != '/', len = slash + strlen(path);
	struct http_request *rq = xcalloc(1, sizeof *rq + len + 1);
	char *query;

	rq->server = s;
	rq->spool.fd = -1;
	rq->target_len = len;
	rq->sent_len = strlen(target);
	rq->target_ok = guard_target(target);
	rq->target[0] = '/';
	memcpy(rq->target + slash, path, len + 1 - slash);
	if ((query = strchr(rq->target, '?')) != NULL) {
		*query = '\0';
		rq->query = query + 1;
	}
	return rq;
}

struct http_request *request_free(struct http_request *rq)
{
	if (!rq)
		return NULL;
	for (int i = 0; i < rq->reply_header_count; i++)
		free(rq->reply_values[i]);
	if (rq->response && !rq->response_lent)
		MHD_destroy_response(rq->response);
	sbuf_done(&rq->body);
	if (rq->spool.fd >= 0)
		rq->server->spools--;
	spool_close(&rq->spool);
	free(rq->query_pairs.pairs);
	free(rq->form_pairs.pairs);
	free(rq->form_pairs.text);
	free(rq);
	return NULL;
}

static const struct {
	const char *name;
	enum http_method method;
} methods[] = { { "GET", HTTP_GET }, { "POST", HTTP_POST }, { "DELETE", HTTP_DELETE }, { "HEAD", HTTP_HEAD } };

enum http_method http_method_known(const char *name)
{
	for (size_t i = 0; i < ARRAY_LEN(methods); i++)
		if (strcmp(name, methods[i].name) == 0)
			return methods[i].method;
	return HTTP_OTHER;
}

enum http_method http_method_parse(const char *name)
{
	for (size_t i = 0; i < ARRAY_LEN(methods); i++)
		if (strcasecmp(name, methods[i].name) == 0)
			return methods[i].method;
	return HTTP_OTHER;
}

enum http_method http_method(const struct http_request *rq)
{
	return rq->method;
}

const char *http_method_name(const struct http_request *rq)
{
	return rq->method_name;
}

const char *http_path(const struct http_request *rq)
{
	return rq->target;
}

static void plus_to_blank(char *s)
{
	for (; *s; s++)
		if (*s == '+')
			*s = ' ';
}

/* Takes "a=1&b=2" apart, decoding both sides; a parameter with a bad escape is left out. */
static void parse(struct query *q, char *rest)
{
	char *part;

	q->pairs = xcalloc(HTTP_QUERY_MAX, sizeof *q->pairs);
	while ((part = strsep(&rest, "&")) != NULL && q->count < HTTP_QUERY_MAX) {
		char *value = strchr(part, '=');

		if (value)
			*value++ = '\0';
		else
			value = part + strlen(part);
		plus_to_blank(part);
		plus_to_blank(value);
		if (str_percent_decode(part) < 0 || str_percent_decode(value) < 0)
			continue;
		q->pairs[q->count].name = part;
		q->pairs[q->count++].value = value;
	}
	q->cut = part != NULL;
}

static const char *find(const struct query *q, const char *name)
{
	for (int i = 0; i < q->count; i++)
		if (strcmp(q->pairs[i].name, name) == 0)
			return q->pairs[i].value;
	return NULL;
}

const char *http_query(struct http_request *rq, const char *name)
{
	if (rq->query && !rq->query_pairs.pairs)
		parse(&rq->query_pairs, rq->query);
	return find(&rq->query_pairs, name);
}

bool http_is_form(const struct http_request *rq)
{
	static const char form[] = "application/x-www-form-urlencoded";
	const char *type = http_header(rq, "Content-Type"), *body = sbuf_str(&rq->body);

	return type && strncasecmp(type, form, sizeof form - 1) == 0 && body[strspn(body, " \t\r\n")] != '{';
}

const char *http_form(struct http_request *rq, const char *name)
{
	struct query *q = &rq->form_pairs;

	if (!q->pairs && http_is_form(rq)) {
		q->text = xstrdup(sbuf_str(&rq->body));
		parse(q, q->text);
	}
	return find(q, name);
}

bool http_query_once(struct http_request *rq, const char *name, const char **ret)
{
	const struct query *q = &rq->query_pairs;
	int count = 0;

	*ret = http_query(rq, name);
	for (int i = 0; i < q->count; i++)
		count += strcmp(q->pairs[i].name, name) == 0;
	return count <= 1 && !q->cut;
}

const char *http_header(const struct http_request *rq, const char *name)
{
	return MHD_lookup_connection_value(rq->connection, MHD_HEADER_KIND, name);
}

struct counting {
	const char *name;
	size_t name_len;
	int count;
};

static enum MHD_Result count_field(void *arg, enum MHD_ValueKind kind, const char *name, size_t name_len,
				   const char *value, size_t value_len)
{
	struct counting *c = arg;

	(void)kind, (void)value, (void)value_len;
	c->count += name_len == c->name_len && strncasecmp(name, c->name, name_len) == 0;
	return MHD_YES;
}

int http_header_count(const struct http_request *rq, const char *name)
{
	struct counting c = { name, strlen(name), 0 };

	(void)MHD_get_connection_values_n(rq->connection, MHD_HEADER_KIND, count_field, &c);
	return c.count;
}

const char *http_peer(const struct http_request *rq)
{
	struct conn *c = rq->conn;
	const union MHD_ConnectionInfo *info;

	if (c->peer[0])
		return c->peer;
	info = MHD_get_connection_info(rq->connection, MHD_CONNECTION_INFO_CLIENT_ADDRESS);
	return gate_address(info ? info->client_addr : NULL, c->peer, sizeof c->peer);
}

int http_body_file(const struct http_request *rq, int64_t *ret_len)
{
	*ret_len = rq->spool.len;
	return rq->spool.fd;
}

const char *http_body(const struct http_request *rq, size_t *ret_len)
{
	*ret_len = rq->body.len;
	return sbuf_str(&rq->body);
}

bool http_body_decode(struct http_request *rq, struct error *e)
{
	const char *coding = http_header(rq, "Content-Encoding");

	if (rq->spool.fd >= 0 && coding && strcasecmp(coding, "identity") != 0)
		return error_set(e, ERR_UNSUPPORTED, "uploads are taken as they are, without a Content-Encoding");
	return rq->body.len == 0 || inflate_body(coding, &rq->body, e);
}

static bool id_ok(const char *s)
{
	size_t n = strlen(s);

	for (size_t i = 0; i < n; i++)
		if (s[i] <= ' ' || s[i] > '~')
			return false;
	return n > 0 && n <= REQUEST_ID_MAX;
}

const char *http_request_id(struct http_request *rq)
{
	const char *given;

	if (rq->id[0])
		return rq->id;
	given = http_header(rq, "X-Request-Id");
	if (given && id_ok(given))
		memcpy(rq->id, given, strlen(given) + 1);
	else
		id_random_hex(rq->id, REQUEST_ID_DIGITS);
	return rq->id;
}

bool request_has_room(struct http_request *rq, size_t bytes)
{
	struct http_server *s = rq->server;

	if (bytes <= HTTP_SMALL_BYTES)
		return true;
	if (s->large_bytes - rq->large_bytes + bytes > HTTP_LARGE_MAX_BYTES)
		return false;
	s->large_bytes += bytes - rq->large_bytes;
	rq->large_bytes = bytes;
	return true;
}
