/*
 * Opening: where the masters are, by the profile or by the master's own URL, and how we show them who we are.
 */
#include "base/privatefile.h"
#include "base/str.h"
#include "cluster/standalone/jws.h"
#include "cluster/standalone/wire.h"
#include <string.h>
#include <sys/stat.h>

enum { REST_PORT = 6066, WEB_PORT = 8080, SECRET_MAX = 1024 * 1024 };

static bool add_url(char *urls[MASTERS_MAX], int *count, const char *url, size_t n, struct error *e)
{
	if (*count == MASTERS_MAX)
		return error_set(e, ERR_CONFIG, "more than %d masters", MASTERS_MAX);
	while (n > 0 && url[n - 1] == '/')
		n--;
	urls[*count] = xcalloc(1, n + 1);
	memcpy(urls[(*count)++], url, n);
	return true;
}

static bool split_urls(const char *list, char *urls[MASTERS_MAX], int *count, struct error *e)
{
	for (const char *p = list; *p; p += strspn(p, ", ")) {
		size_t n = strcspn(p, ", ");

		if (!str_starts(p, "http://") && !str_starts(p, "https://"))
			return error_set(e, ERR_CONFIG, "%.*s is not a URL that begins with http:// or https://",
					 (int)n, p);
		if (!add_url(urls, count, p, n, e))
			return false;
		p += n;
	}
	return true;
}

/* spark://a:7077,b → http://a:PORT and http://b:PORT */
static bool guess_urls(const char *master, int port, char *urls[MASTERS_MAX], int *count, struct error *e)
{
	for (const char *p = master + strlen("spark://"); *p; p += strspn(p, ", ")) {
		size_t n = strcspn(p, ", "), host = n;
		_sbuf_ struct sbuf url = SBUF_INIT(1024);

		while (host > 0 && p[host - 1] >= '0' && p[host - 1] <= '9')
			host--;
		host = host > 0 && host < n && p[host - 1] == ':' ? host - 1 : n;
		sbuf_addf(&url, "http://%.*s:%d", (int)host, p, port);
		if (!sbuf_ok(&url) || !add_url(urls, count, url.data, url.len, e))
			return sbuf_ok(&url) ? false : error_set(e, ERR_CONFIG, "master is too long");
		p += n;
	}
	return true;
}

static bool find_masters(const struct profile *p, struct standalone *w, struct error *e)
{
	int web = 0;

	if (!(p->rest ? split_urls(p->rest, w->rest, &w->count, e)
		      : guess_urls(p->master, REST_PORT, w->rest, &w->count, e)) ||
	    !(p->web ? split_urls(p->web, w->web, &web, e) : guess_urls(p->master, WEB_PORT, w->web, &web, e)))
		return false;
	return (w->count == web && web > 0) ||
	       error_set(e, ERR_CONFIG, "rest has %d URLs and web %d; each master has one of both", w->count, web);
}

static bool read_secret(const struct profile *p, struct sbuf *to, struct error *e)
{
	struct stat st;

	if (!privatefile_read(p->secret_file, PRIVATEFILE_TRUST, to, &st, e))
		return error_wrap(e, "secret-file %s", p->secret_file);
	while (to->len && (unsigned char)to->data[to->len - 1] <= ' ')
		to->data[--to->len] = '\0';
	return true;
}

static bool authenticate(const struct profile *p, const char *secret, struct standalone *w, struct error *e)
{
	_sbuf_ struct sbuf token = SBUF_INIT(1024);

	if (p->auth != PROFILE_AUTH_JWS && p->auth != PROFILE_AUTH_BEARER)
		return true;
	if (p->auth == PROFILE_AUTH_JWS ? !jws_token(secret, &token, e) : (sbuf_adds(&token, secret), !sbuf_ok(&token)))
		return p->auth == PROFILE_AUTH_JWS ? false : error_set(e, ERR_CONFIG, "the token is too long");
	bool ok = http_calls_set_bearer(w->calls, sbuf_str(&token), e);
	explicit_bzero(token.data, token.len);
	return ok;
}

void standalone_close(struct cluster *c)
{
	struct standalone *w = c->wire;

	w->calls = http_calls_free(w->calls);
	w->workers = map_free(w->workers);
	standalone_forget_workers(w);
	for (int i = 0; i < MASTERS_MAX; i++) {
		free(w->rest[i]);
		free(w->web[i]);
	}
	free(w);
	c->wire = NULL;
}

bool standalone_open(struct cluster *c, struct error *e)
{
	const struct profile *p = c->profile;
	struct standalone *w = c->wire = xcalloc(1, sizeof *w);
	_sbuf_ struct sbuf secret = SBUF_INIT(SECRET_MAX);
	const char *origins[2 * MASTERS_MAX + 1] = { NULL };

	w->workers = map_new();
	bool ok = find_masters(p, w, e) && (!p->secret_file || read_secret(p, &secret, e));
	for (int i = 0; i < w->count && ok; i++) {
		origins[2 * i] = w->rest[i];
		origins[2 * i + 1] = w->web[i];
	}
	struct http_calls_options options = {
		.loop = cluster_loop(c), .user_agent = "florus", .origins = origins, .ca_file = p->ca_file
	};
	if (p->auth == PROFILE_AUTH_BASIC) {
		options.user = p->user ? p->user : "";
		options.password = sbuf_str(&secret);
	}
	ok = ok && http_calls_new(&options, &w->calls, e) && authenticate(p, sbuf_str(&secret), w, e);
	if (secret.data)
		explicit_bzero(secret.data, secret.len);
	if (!ok)
		standalone_close(c);
	return ok;
}
