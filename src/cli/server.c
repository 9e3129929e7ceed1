#include "cli/server.h"
#include "base/clock.h"
#include "base/fdio.h"
#include "base/str.h"
#include "cli/interrupt.h"
#include "http/client.h"
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/stat.h>

enum {
	URL_MAX = 4096,
	PATH_MAX_BYTES = 16 * 1024,
	BACKOFF_FIRST_MS = 100,
	BACKOFF_MAX_MS = 5000,
	RETRY_AFTER_MAX_MS = 30 * 1000,
};

/* --- the address --- */

static char *default_state_dir(struct arena *a)
{
	const char *state_home = getenv("XDG_STATE_HOME"), *home = getenv("HOME");
	char path[PATH_MAX] = "/var/lib/florus";

	if (geteuid() != 0 && !str_empty(state_home))
		(void)snprintf(path, sizeof path, "%s/florus", state_home);
	else if (geteuid() != 0 && !str_empty(home))
		(void)snprintf(path, sizeof path, "%s/.local/state/florus", home);
	return arena_strdup(a, path);
}

/* A directory that anyone may have made must not say where to send the password. */
static bool is_mine(const char *dir)
{
	struct stat st;

	return stat(dir, &st) == 0 && (st.st_uid == geteuid() || st.st_uid == 0);
}

static bool read_url_file(const char *dir, struct sbuf *url, struct error *e)
{
	char path[PATH_MAX];

	if (snprintf(path, sizeof path, "%s/url", dir) >= (int)sizeof path)
		return error_set(e, ERR_INVALID, "the state directory's path is too long");
	sbuf_clear(url);
	if (!fdio_read_file(AT_FDCWD, path, url, e))
		return false;
	while (url->len > 0 && strchr(" \t\r\n", url->data[url->len - 1]))
		url->data[--url->len] = '\0';
	return url->len > 0 || error_set(e, ERR_NOT_FOUND, "%s is empty", path);
}

static bool url_in_state_dirs(struct cli *c, struct sbuf *url, struct error *e)
{
	const char *from_env = getenv("FLORUS_STATE_DIR");
	const char *dirs[] = { str_empty(from_env) ? NULL : from_env, ".florus", default_state_dir(c->arena) };

	for (size_t i = 0; i < ARRAY_LEN(dirs); i++) {
		if (!dirs[i] || (dirs[i] != from_env && !is_mine(dirs[i])))
			continue;
		if (read_url_file(dirs[i], url, e)) {
			c->url_dir = dirs[i];
			return true;
		}
		if (e->code != ERR_NOT_FOUND)
			return false;
	}
	return error_set(
		e, ERR_UNAVAILABLE,
		"no server found: --url and FLORUS_URL are not set, and there is no url file in %s%s./.florus "
		"or %s\nStart one here with `make serve` or `florusd`, or name one with --url http://HOST:8998",
		dirs[0] ? dirs[0] : "", dirs[0] ? ", " : "", dirs[2]);
}

/* What the user said in the command goes before what his environment says. */
static bool find_url(struct cli *c, struct sbuf *url, struct error *e)
{
	const char *named = c->common.url;

	if (!named && c->common.state_dir) {
		c->url_dir = c->common.state_dir;
		if (read_url_file(c->common.state_dir, url, e))
			return true;
		if (e->code == ERR_NOT_FOUND)
			e->code = ERR_UNAVAILABLE;
		return error_wrap(e, "no server is running there");
	}
	if (!named)
		named = getenv("FLORUS_URL");
	if (str_empty(named))
		return url_in_state_dirs(c, url, e);
	sbuf_adds(url, named);
	return sbuf_ok(url) || error_set(e, ERR_INVALID, "the server's address is too long");
}

static const char *option_or_env(const char *option, const char *name)
{
	const char *value = option ? option : getenv(name);

	return str_empty(value) ? NULL : value;
}

/* Makes the client, or a new one where the address in the file has changed. */
static bool connect_to_server(struct cli *c, struct error *e)
{
	_sbuf_ struct sbuf url = SBUF_INIT(URL_MAX);
	_cleanup_(http_client_freep) struct http_client *fresh = NULL;
	struct http_client_options options = {
		.user = getenv("FLORUS_USER"),
		.password = getenv("FLORUS_PASSWORD"),
		.user_agent = "florus/" FLORUS_VERSION,
		.stop = interrupt_flag(),
		.ca_file = option_or_env(c->common.cacert, "FLORUS_CACERT"),
		.cert_file = option_or_env(c->common.cert, "FLORUS_CERT"),
	};

	if (!find_url(c, &url, e))
		return false;
	if (str_empty(options.user))
		options.user = NULL;
	if (!http_client_new(url.data, &options, &fresh, e))
		return false;
	if (c->http && strcmp(http_client_url(c->http), http_client_url(fresh)) == 0)
		return true;
	(void)http_client_free(c->http);
	c->http = TAKE(fresh);
	return true;
}

/* --- one try --- */

static enum error_code code_of_status(int status)
{
	if (status == 401)
		return ERR_FORBIDDEN;
	if (status == 408 || status == 502 || status == 504)
		return ERR_UNAVAILABLE;
	for (enum error_code code = ERR_INVALID; code < ERROR_CODE_COUNT; code++)
		if (error_http_status(code) == status)
			return code;
	return status >= 400 && status < 500 ? ERR_INVALID : ERR_INTERNAL;
}

/*
 * jr_parse() refuses U+0000, which a driver may well have printed: it is shown as U+FFFD. Both
 * spellings have six bytes.
 */
static void replace_nul(struct sbuf *json)
{
	char *p = json->data, *end = p + json->len;

	while ((p = memchr(p, '\\', (size_t)(end - p))) != NULL) {
		if (end - p >= 6 && memcmp(p, "\\u0000", 6) == 0)
			memcpy(p, "\\ufffd", 6);
		p += end - p >= 2 ? 2 : 1;
	}
}

/* {"msg":…}, a bare string, or what Livy's server itself says as {"message":…}; NULL: nothing. */
static const char *reason_of(const struct jr *top)
{
	const char *msg = top->type == JR_OBJECT ? reply_text(top, "msg") : NULL;

	if (top->type == JR_STRING)
		msg = top->text;
	else if (top->type == JR_OBJECT && !msg)
		msg = reply_text(top, "message");
	return str_empty(msg) ? NULL : msg;
}

static bool refused(struct cli *c, struct http_answer *answer, struct error *e)
{
	struct arena *a = arena_new(HTTP_CLIENT_BODY_MAX);
	const struct jr *top = NULL;
	const char *msg = NULL;
	struct error ignored = { 0 };

	if (answer->body.len > 0 && jr_parse(a, answer->body.data, answer->body.len, &top, &ignored))
		msg = reason_of(top);
	if (answer->location[0])
		(void)error_set(e, ERR_INVALID, "%s sends us to %s; if you trust it, use --url with that address",
				http_client_url(c->http), answer->location);
	else if (answer->status == 401)
		(void)error_set(e, ERR_FORBIDDEN,
				"%s%sthe server wants to know you: set FLORUS_USER and FLORUS_PASSWORD", msg ? msg : "",
				msg ? "\n" : "");
	else if (msg)
		(void)error_set(e, code_of_status(answer->status), "%s", msg);
	else if (answer->status == 403)
		(void)error_set(
			e, ERR_FORBIDDEN,
			"this is for the owner of the batch, and for those whom the server's configuration names");
	else
		(void)error_set(e, code_of_status(answer->status), "%s answered with HTTP status %d",
				http_client_url(c->http), answer->status);
	(void)arena_free(a);
	return false;
}

static bool read_reply(struct cli *c, struct http_answer *answer, struct reply *ret, struct error *e)
{
	if (answer->status < 200 || answer->status > 299)
		return refused(c, answer, e);
	reply_done(ret);
	ret->arena = arena_new(CALL_JSON_MAX);
	if (answer->body.len > 0)
		replace_nul(&answer->body);
	if (!jr_parse(ret->arena, sbuf_str(&answer->body), answer->body.len, &ret->json, e) ||
	    ret->json->type != JR_OBJECT) {
		if (e->code == ERR_TOO_LARGE)
			return false;
		return error_set(e, ERR_INTERNAL, "%s does not answer like a Livy server", http_client_url(c->http));
	}
	return true;
}

/* Percent-encoded, as part of a path or of a query. */
static void add_encoded(struct sbuf *to, const char *text)
{
	static const char plain[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~";

	for (; *text; text++) {
		if (strchr(plain, *text))
			sbuf_addc(to, *text);
		else
			sbuf_addf(to, "%%%02X", (unsigned char)*text);
	}
}

/* The path as it is sent: --do-as goes with every request. */
static void add_target(struct sbuf *to, const struct cli *c, const char *path)
{
	sbuf_adds(to, path);
	if (!c->common.do_as)
		return;
	sbuf_adds(to, strchr(path, '?') ? "&doAs=" : "?doAs=");
	add_encoded(to, c->common.do_as);
}

static bool call_once(struct cli *c, const struct call *call, struct http_answer *answer, struct reply *ret,
		      struct error *e)
{
	_sbuf_ struct sbuf target = SBUF_INIT(PATH_MAX_BYTES);
	char key[256] = "";
	const char *headers[] = { "Accept: application/json", "X-Requested-By: florus",
				  "Content-Type: application/json", key, NULL };
	struct http_request request = {
		.method = call->method,
		.headers = headers,
		.body = call->body ? sbuf_str(call->body) : NULL,
		.body_len = call->body ? call->body->len : 0,
		.timeout_ms = call->timeout_ms ? call->timeout_ms : CALL_TIMEOUT_MS,
	};

	add_target(&target, c, call->path);
	if (!sbuf_ok(&target))
		return error_set(e, ERR_INVALID, "the user of --do-as has too long a name");
	request.path = sbuf_str(&target);
	if (!call->body)
		headers[2] = NULL;
	if (call->idempotency_key)
		(void)snprintf(key, sizeof key, "Idempotency-Key: %s", call->idempotency_key);
	else
		headers[3] = NULL;
	if (!http_client_request(c->http, &request, answer, e))
		return false;
	return read_reply(c, answer, ret, e);
}

/* --- patience --- */

struct patience {
	int64_t gone_at_ms; /* 0: it has not been away */
	int64_t wait_ms;
};

static bool worth_another(const struct cli *c, const struct call *call, const struct http_answer *answer,
			  const struct error *e)
{
	if (c->retry_for_ms == 0 || interrupt_seen())
		return false;
	if (call->idempotency_key && answer->status == 409)
		return true;
	return e->code == ERR_UNAVAILABLE && (c->always_retry || c->contacted || answer->sent);
}

static void tell(const struct cli *c, const struct error *e)
{
	int64_t s = c->retry_for_ms / 1000;

	cli_say("%s; trying again for up to %lld %s", e->msg, (long long)(s >= 120 ? s / 60 : s),
		s >= 120 ? "minutes" : "seconds");
}

/* Waits before the next try. False: patience is at its end, and *e says so. */
static bool pause_before_retry(struct cli *c, const struct http_answer *answer, struct patience *p, struct error *e)
{
	struct error ignored = { 0 };
	int64_t now_ms = clock_now_ms(), left_ms, wait_ms, asked_ms = (int64_t)answer->retry_after_s * 1000;

	if (p->gone_at_ms == 0) {
		tell(c, e);
		*p = (struct patience){ .gone_at_ms = now_ms, .wait_ms = BACKOFF_FIRST_MS };
	}
	left_ms = p->gone_at_ms + c->retry_for_ms - now_ms;
	if (left_ms <= 0)
		return error_wrap(e, "gave up waiting for the server");
	wait_ms = asked_ms > p->wait_ms ? asked_ms : p->wait_ms;
	wait_ms = wait_ms < RETRY_AFTER_MAX_MS ? wait_ms : RETRY_AFTER_MAX_MS;
	interrupt_sleep(wait_ms < left_ms ? wait_ms : left_ms);
	p->wait_ms = p->wait_ms * 2 < BACKOFF_MAX_MS ? p->wait_ms * 2 : BACKOFF_MAX_MS;
	if (c->url_dir)
		(void)connect_to_server(c, &ignored); /* no file now: the old address may come back */
	return !interrupt_seen();
}

/* Most often nobody listens: what to look at then. */
static bool never_there(const struct cli *c, struct error *e)
{
	struct error plain = *e;

	return error_set(e, plain.code, "%.300s\nis florusd running there?%s%.150s%s", plain.msg,
			 c->url_dir ? " The address is from " : "", c->url_dir ? c->url_dir : "",
			 c->url_dir ? "/url" : "");
}

/* The handshake failed because one side does not believe the other. */
static bool not_believed(struct error *e)
{
	struct error plain = *e;

	return error_set(
		e, plain.code,
		"%.300s\nname who vouches for the server with --cacert FILE (one that signs itself vouches for "
		"itself), call it by a name that its certificate has with --url, or show yours with --cert FILE",
		plain.msg);
}

bool server_call(struct cli *c, const struct call *call, struct reply *ret, struct error *e)
{
	_http_answer_ struct http_answer answer = HTTP_ANSWER_INIT;
	struct patience p = { 0 };

	ret->maybe_sent = false;
	if (!c->http && !connect_to_server(c, e))
		return false;
	while (!call_once(c, call, &answer, ret, e)) {
		ret->maybe_sent = ret->maybe_sent || (answer.sent && answer.status == 0);
		c->contacted = c->contacted || answer.status != 0;
		if (e->code == ERR_UNAVAILABLE && !c->contacted && !answer.sent && !interrupt_seen() &&
		    !c->always_retry)
			return never_there(c, e);
		if (e->code == ERR_FORBIDDEN && answer.status == 0)
			return not_believed(e);
		if (!worth_another(c, call, &answer, e) || !pause_before_retry(c, &answer, &p, e))
			return false;
	}
	c->contacted = true;
	if (p.gone_at_ms)
		cli_say("the server is back");
	return true;
}

/* --- batches --- */

bool server_batch_path(struct sbuf *to, const char *id, struct error *e)
{
	if (!*id)
		return error_set(e, ERR_INVALID, "a batch's id or name cannot be empty");
	sbuf_adds(to, "/batches/");
	add_encoded(to, id);
	return sbuf_ok(to) || error_set(e, ERR_INVALID, "the batch's name is too long");
}

bool server_get_batch(struct cli *c, const char *id, const char *suffix, struct reply *ret, struct error *e)
{
	_sbuf_ struct sbuf path = SBUF_INIT(PATH_MAX_BYTES);
	struct call call = { .method = "GET" };

	if (!server_batch_path(&path, id, e))
		return false;
	sbuf_adds(&path, suffix);
	call.path = sbuf_str(&path);
	return server_call(c, &call, ret, e);
}

/* --- reading answers --- */

const char *server_header(const struct cli *c, const char *name)
{
	return http_client_header(c->http, name);
}

const char *reply_text(const struct jr *object, const char *key)
{
	const struct jr *value = jr_get(object, key);

	return value ? value->text : NULL;
}

bool reply_need(const struct jr *object, const char *key, const char **ret, struct error *e)
{
	const char *text = reply_text(object, key);

	if (!text)
		return error_set(e, ERR_INTERNAL, "the server's answer has no '%s'", key);
	*ret = text;
	return true;
}

bool reply_int(const struct jr *object, const char *key, int64_t *ret, struct error *e)
{
	const char *text = reply_text(object, key);

	return (text && str_to_i64(text, ret)) ||
	       error_set(e, ERR_INTERNAL, "the server's answer has no number '%s'", key);
}

void reply_copy(struct jw *w, const char *key, const struct jr *value)
{
	_sbuf_ struct sbuf escaped = SBUF_INIT(HTTP_CLIENT_BODY_MAX);

	switch (value->type) {
	case JR_NULL:
		jw_null(w, key);
		break;
	case JR_BOOL:
	case JR_NUMBER:
		jw_raw(w, key, value->text, strlen(value->text));
		break;
	case JR_STRING:
		jw_str(w, key, value->text);
		break;
	case JR_ARRAY:
		jw_open(w, key, '[');
		for (size_t i = 0; i < value->count; i++)
			reply_copy(w, NULL, &value->items[i]);
		jw_close(w, ']');
		break;
	case JR_OBJECT:
		jw_open(w, key, '{');
		for (size_t i = 0; i < value->count; i++) {
			sbuf_clear(&escaped); /* jw writes keys as they are */
			json_escape(&escaped, value->keys[i], strlen(value->keys[i]));
			reply_copy(w, sbuf_str(&escaped), &value->items[i]);
		}
		jw_close(w, '}');
		break;
	}
}

bool reply_print(const struct jr *value, struct error *e)
{
	_sbuf_ struct sbuf out = SBUF_INIT((size_t)HTTP_CLIENT_BODY_MAX * 2);
	struct jw w = { .out = &out };

	reply_copy(&w, NULL, value);
	sbuf_addc(&out, '\n');
	if (!sbuf_ok(&out))
		return error_set(e, ERR_TOO_LARGE, "the answer is too large to print");
	(void)fwrite(out.data, 1, out.len, stdout);
	return cli_flush(stdout, e);
}

bool batch_is_over(const char *state)
{
	static const char *const over[] = { "success", "dead", "killed", "error" };

	for (size_t i = 0; i < ARRAY_LEN(over); i++)
		if (str_eq(state, over[i]))
			return true;
	return false;
}
