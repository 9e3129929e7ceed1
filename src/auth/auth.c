#include "auth/auth.h"
#include "auth/address.h"
#include "auth/passwords.h"
#include "auth/tickets.h"
#include "auth/tokens.h"
#include "auth/waiter.h"
#include "base/clock.h"
#include "base/str.h"
#include <string.h>
#include <strings.h>

enum method {
	METHOD_BASIC = 1 << 0,
	METHOD_TOKEN = 1 << 1,
	METHOD_PROXY = 1 << 2,
	METHOD_LDAP = 1 << 3,
	METHOD_KERBEROS = 1 << 4,
};

#define CHALLENGE_NEGOTIATE "Negotiate"
#define CHALLENGE_BASIC "Basic realm=\"florus\", charset=\"UTF-8\""
#define CHALLENGE_BEARER "Bearer realm=\"florus\""
#define CHALLENGE_PROXY "Proxied realm=\"florus\"" /* nothing a client could answer, but a 401 names a scheme */

struct auth {
	unsigned methods;
	char *users_file, *tokens_file, *proxy_header;
	struct nets *peers;
	struct mac *mac;
	struct cache *cache;
	struct budget *budget;
	struct users *users;   /* NULL: no METHOD_BASIC */
	struct tokens *tokens; /* NULL: no METHOD_TOKEN */
	struct passwords *passwords;
	struct tickets *tickets; /* NULL: no METHOD_KERBEROS */
	const char *challenges[AUTH_CHALLENGES_MAX];
	int challenge_count;
};

/* --- setting up --- */

static bool parse_type(const char *text, unsigned *ret, struct error *e)
{
	static const struct {
		const char *word;
		unsigned method;
	} words[] = {
		{ "basic", METHOD_BASIC }, { "token", METHOD_TOKEN },       { "proxy", METHOD_PROXY },
		{ "ldap", METHOD_LDAP },   { "kerberos", METHOD_KERBEROS },
	};
	size_t n, i;

	*ret = 0;
	for (; text += strspn(text, ", \t"), *text; text += n) {
		n = strcspn(text, ", \t");
		for (i = 0; i < ARRAY_LEN(words); i++)
			if (strlen(words[i].word) == n && memcmp(words[i].word, text, n) == 0)
				break;
		if (i == ARRAY_LEN(words))
			return error_set(e, ERR_CONFIG,
					 "livy.server.auth.type: expected basic, token, proxy, ldap or kerberos, "
					 "several by commas, not %.*s",
					 (int)(n < 40 ? n : 40), text);
		*ret |= words[i].method;
	}
	return *ret || error_set(e, ERR_CONFIG, "livy.server.auth.type is empty");
}

static bool header_name_ok(const char *name)
{
	static const char allowed[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_";

	return name[0] && name[strspn(name, allowed)] == '\0' && strcasecmp(name, "Authorization") != 0;
}

/* What a method cannot do without. */
static bool check_needs(const struct auth *a, const struct auth_config *c, struct error *e)
{
	if ((a->methods & METHOD_BASIC) && str_empty(c->users_file))
		return error_set(e, ERR_CONFIG,
				 "livy.server.auth.type has basic, so florus.auth.users-file must be set");
	if ((a->methods & METHOD_TOKEN) && str_empty(c->tokens_file))
		return error_set(e, ERR_CONFIG,
				 "livy.server.auth.type has token, so florus.auth.tokens-file must be set");
	if ((a->methods & METHOD_PROXY) && str_empty(c->proxy_peers))
		return error_set(e, ERR_CONFIG,
				 "livy.server.auth.type has proxy, so florus.auth.proxy-peers must name the proxies");
	if ((a->methods & METHOD_PROXY) && (str_empty(c->proxy_header) || !header_name_ok(c->proxy_header)))
		return error_set(e, ERR_CONFIG,
				 "florus.auth.proxy-header: expected a header's name such as X-Forwarded-User");
	if ((a->methods & METHOD_KERBEROS) && str_empty(c->kerberos_keytab))
		return error_set(e, ERR_CONFIG,
				 "livy.server.auth.type has kerberos, so livy.server.auth.kerberos.keytab must be set");
	return true;
}

/* Negotiate first: some browsers take the first they know. */
static void add_challenges(struct auth *a)
{
	if (a->methods & METHOD_KERBEROS)
		a->challenges[a->challenge_count++] = CHALLENGE_NEGOTIATE;
	if (a->methods & (METHOD_BASIC | METHOD_LDAP))
		a->challenges[a->challenge_count++] = CHALLENGE_BASIC;
	if (a->methods & METHOD_TOKEN)
		a->challenges[a->challenge_count++] = CHALLENGE_BEARER;
	if (a->challenge_count == 0)
		a->challenges[a->challenge_count++] = CHALLENGE_PROXY;
}

static bool load_files(struct auth *a, struct users **ret_users, struct tokens **ret_tokens, struct error *e)
{
	*ret_users = NULL;
	*ret_tokens = NULL;
	if ((a->methods & METHOD_BASIC) && !users_load(a->users_file, ret_users, e)) {
		e->code = ERR_CONFIG;
		return error_wrap(e, "florus.auth.users-file");
	}
	if ((a->methods & METHOD_TOKEN) && !tokens_load(a->tokens_file, a->mac, ret_tokens, e)) {
		*ret_users = users_free(*ret_users);
		e->code = ERR_CONFIG;
		return error_wrap(e, "florus.auth.tokens-file");
	}
	return true;
}

static bool set_up_proxy(struct auth *a, const struct auth_config *c, struct error *e)
{
	if (!(a->methods & METHOD_PROXY))
		return true;
	a->proxy_header = xstrdup(c->proxy_header);
	a->peers = xcalloc(1, sizeof *a->peers);
	return nets_parse(c->proxy_peers, a->peers, e) || error_wrap(e, "florus.auth.proxy-peers");
}

static bool set_up_kerberos(struct auth *a, struct loop *l, const struct auth_config *c, struct error *e)
{
	struct kerberos *kerberos;

	if (!(a->methods & METHOD_KERBEROS))
		return true;
	if (!kerberos_new(c->kerberos_principal, c->kerberos_keytab, c->kerberos_name_rules, &kerberos, e))
		return false;
	a->tickets = tickets_new(&(struct tickets_setup){ .loop = l,
							  .mac = a->mac,
							  .kerberos = kerberos,
							  .cookie_ms = c->cookie_ms,
							  .cookie_only_tls = c->cookie_only_tls,
							  .challenges = a->challenges,
							  .challenge_count = a->challenge_count });
	return true;
}

static bool set_up(struct auth *a, struct loop *l, const struct auth_config *c, struct error *e)
{
	const struct ldap_settings ldap = { c->ldap_url, c->ldap_base_dn, c->ldap_domain, c->ldap_start_tls };

	if (!parse_type(c->type ? c->type : "", &a->methods, e) || !check_needs(a, c, e) || !set_up_proxy(a, c, e) ||
	    !mac_new(&a->mac, e))
		return false;
	if ((a->methods & METHOD_LDAP) && !ldap_check_settings(&ldap, e))
		return false;
	a->users_file = xstrdup(c->users_file);
	a->tokens_file = xstrdup(c->tokens_file);
	if (!load_files(a, &a->users, &a->tokens, e))
		return false;
	a->cache = cache_new();
	a->budget = budget_new();
	add_challenges(a);
	if (!set_up_kerberos(a, l, c, e))
		return false;
	a->passwords = passwords_new(&(struct passwords_setup){ .loop = l,
								.mac = a->mac,
								.cache = a->cache,
								.budget = a->budget,
								.users = a->users,
								.ldap = a->methods & METHOD_LDAP ? &ldap : NULL,
								.cache_ms = c->cache_ms,
								.challenges = a->challenges,
								.challenge_count = a->challenge_count });
	return true;
}

bool auth_new(struct loop *l, const struct auth_config *config, struct auth **ret, struct error *e)
{
	struct auth *a = xcalloc(1, sizeof *a);

	if (!set_up(a, l, config, e)) {
		a = auth_free(a);
		return false;
	}
	*ret = a;
	return true;
}

struct auth *auth_free(struct auth *a)
{
	if (!a)
		return NULL;
	a->passwords = passwords_free(a->passwords);
	a->tickets = tickets_free(a->tickets);
	a->users = users_free(a->users);
	a->tokens = tokens_free(a->tokens);
	a->cache = cache_free(a->cache);
	a->budget = budget_free(a->budget);
	a->mac = mac_free(a->mac);
	free(a->peers);
	free(a->proxy_header);
	free(a->users_file);
	free(a->tokens_file);
	free(a);
	return NULL;
}

bool auth_reload(struct auth *a, struct error *e)
{
	struct users *users, *old = a->users;
	struct tokens *tokens;

	if (!load_files(a, &users, &tokens, e))
		return false;
	a->users = users;
	passwords_set_users(a->passwords, users);
	(void)users_free(old);
	(void)tokens_free(a->tokens);
	a->tokens = tokens;
	cache_stale(a->cache);
	return true;
}

const char *auth_proxy_header(const struct auth *a)
{
	return a->proxy_header;
}

/* --- asking --- */

static struct auth_waiter *right(const char *user, const char *method, auth_fn *fn, void *arg)
{
	fn(arg, &(struct auth_result){ .status = 200, .user = user, .method = method });
	return NULL;
}

static struct auth_waiter *wrong(const struct auth *a, int status, const char *why, auth_fn *fn, void *arg)
{
	struct auth_result r = { .status = status, .why = why };

	if (status == 401) {
		r.challenges = a->challenges;
		r.challenge_count = a->challenge_count;
	}
	fn(arg, &r);
	return NULL;
}

/* The base64 behind "Negotiate"; NULL: another scheme. */
static const char *negotiate_token(const char *authorization)
{
	if (strncasecmp(authorization, CHALLENGE_NEGOTIATE, strlen(CHALLENGE_NEGOTIATE)) != 0)
		return NULL;
	authorization += strlen(CHALLENGE_NEGOTIATE);
	return *authorization == ' ' ? authorization + strspn(authorization, " ") : NULL;
}

bool auth_is_proxy(const struct auth *a, const char *peer)
{
	struct address address;

	return a->peers && peer && address_parse(peer, &address) && nets_contain(a->peers, &address);
}

static struct auth_waiter *check_token(struct auth *a, const struct authorization *given, auth_fn *fn, void *arg)
{
	bool expired = false;
	const char *owner = a->tokens ? tokens_owner(a->tokens, a->mac, given->token, clock_wall_ms(), &expired) : NULL;

	if (owner)
		return right(owner, "token", fn, arg);
	return wrong(a, 401, expired ? "token has expired" : "unknown token", fn, arg);
}

/* What the cache does not answer for. `mac` only means something for passwords. */
static struct auth_waiter *check_given(struct auth *a, const struct auth_request *r, size_t n, const struct digest *mac,
				       bool known, auth_fn *fn, void *arg)
{
	_authorization_ struct authorization given = { 0 };

	if (!authorization_parse(r->authorization, n, &given))
		return wrong(a, 401, "not a credential", fn, arg);
	if (given.scheme == AUTHORIZATION_BEARER)
		return check_token(a, &given, fn, arg);
	if (!(a->methods & (METHOD_BASIC | METHOD_LDAP)))
		return wrong(a, 401, "passwords are not taken here", fn, arg);
	return passwords_check(a->passwords, mac, known, r->peer, &given, fn, arg);
}

/* What was right is recognised as it is written, before it is read. */
static struct auth_waiter *check_authorization(struct auth *a, const struct auth_request *r, auth_fn *fn, void *arg)
{
	size_t n = strnlen(r->authorization, AUTHORIZATION_MAX + 1);
	enum cache_found found = CACHE_ABSENT;
	const char *user, *method;
	struct digest mac = { 0 };
	const char *token = a->tickets ? negotiate_token(r->authorization) : NULL;

	if (token)
		return tickets_check(a->tickets, r->peer, token, strlen(token), fn, arg);
	if (n <= AUTHORIZATION_MAX && strncasecmp(r->authorization, "Basic ", strlen("Basic ")) == 0) {
		mac_quick(a->mac, r->authorization, n, &mac);
		found = cache_get(a->cache, &mac, clock_now_ms(), &user, &method);
	}
	if (found == CACHE_FRESH)
		return right(user, method, fn, arg);
	return check_given(a, r, n, &mac, found == CACHE_KNOWN, fn, arg);
}

struct auth_waiter *auth_check(struct auth *a, const struct auth_request *r, auth_fn *fn, void *arg)
{
	char user[AUTH_NAME_MAX + 1];

	if (r->authorization_count > 1)
		return wrong(a, 400, "several Authorization headers", fn, arg);
	if (r->proxy_user_count > 0 && auth_is_proxy(a, r->peer)) {
		if (r->proxy_user_count > 1)
			return wrong(a, 400, "several headers with the proxy's user", fn, arg);
		/* An empty one is how some proxies say: nobody. */
		if (r->proxy_user[0] && !authorization_name_ok(r->proxy_user, strlen(r->proxy_user)))
			return wrong(a, 400, "the proxy's user is not a name", fn, arg);
		if (r->proxy_user[0])
			return right(r->proxy_user, "proxy", fn, arg);
	}
	if (r->authorization)
		return check_authorization(a, r, fn, arg);
	if (a->tickets && r->cookie_count == 1 && tickets_cookie(a->tickets, r->cookie, user))
		return right(user, "kerberos", fn, arg);
	return wrong(a, 401, "no credentials", fn, arg);
}

void auth_cancel(struct auth_waiter *w)
{
	w->cancel(w);
}
