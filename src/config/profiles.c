#include "config/profiles.h"
#include "base/str.h"
#include "config/option.h"
#include "config/sparkversion.h"
#include "model/redact.h"
#include <stddef.h>
#include <string.h>

enum { PROFILE_CONF_MAX = 512 }; /* entries of one profile's conf */

#define CONF_PREFIX "conf."
#define SPARK_PREFIX "spark."

/* clang-format off */
static const struct config_option options[] = {
#define X(type, field, key, standard, min, max, words, doc) \
	{ CONFIG_##type, key, standard, min, max, words, 0, doc, offsetof(struct profile, field) },
	PROFILE_OPTIONS(X)
#undef X
};
/* clang-format on */

enum { OPTION_COUNT = ARRAY_LEN(options) };

/* What was written, and where; NULL: nothing was. */
struct profile_notes {
	const char *text[OPTION_COUNT], *origin[OPTION_COUNT];
	const char *conf_origin[PROFILE_CONF_MAX];
};

static struct profile_notes *notes_of(const struct config *c, const struct profile *p)
{
	return c->profile_notes[p - c->profiles];
}

static const struct config_option *find_option(const char *key)
{
	for (size_t i = 0; i < OPTION_COUNT; i++)
		if (str_eq(options[i].key, key))
			return &options[i];
	return NULL;
}

/* --- reading --- */

/* "florus.cluster.NAME.KEY" in its parts. */
struct key {
	const char *whole, *name, *rest;
	size_t name_len;
};

static bool full(const struct key *key, const char *origin, struct error *e)
{
	return error_set(e, ERR_CONFIG, "%s: %.*s: the values are longer than %d bytes together", origin,
			 OPTION_SHOWN_MAX, key->whole, CONFIG_ARENA_MAX);
}

static bool split_key(const char *whole, const char *origin, struct key *ret, struct error *e)
{
	const char *name = whole + strlen(PROFILES_PREFIX);
	size_t n = strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789-");

	*ret = (struct key){ .whole = whole, .name = name, .rest = name + n + 1, .name_len = n };
	return (n > 0 && n <= PROFILE_NAME_MAX && name[n] == '.') ||
	       error_set(e, ERR_CONFIG,
			 "%s: %.*s: expected " PROFILES_PREFIX
			 "NAME.KEY, where NAME consists of at most %d of a-z, 0-9 and -",
			 origin, OPTION_SHOWN_MAX, whole, PROFILE_NAME_MAX);
}

static struct profile *add(struct config *c, const char *name, size_t n)
{
	struct profile *p = &c->profiles[c->profiles_count];

	p->name = arena_strndup(c->arena, name, n);
	p->conf = arena_alloc(c->arena, PROFILE_CONF_MAX * sizeof *p->conf);
	c->profile_notes[c->profiles_count] = arena_alloc(c->arena, sizeof(struct profile_notes));
	if (!arena_ok(c->arena))
		return NULL;
	for (size_t i = 0; i < OPTION_COUNT; i++)
		if (options[i].standard && !option_parse(&options[i], options[i].standard, p))
			return NULL;
	c->profiles_count++;
	return p;
}

void profiles_start(struct config *c)
{
	c->profiles = arena_alloc(c->arena, PROFILES_MAX * sizeof *c->profiles);
	c->profile_notes = arena_alloc(c->arena, PROFILES_MAX * sizeof(struct profile_notes *));
	(void)add(c, "default", strlen("default")); /* into a fresh arena, which has room */
}

static struct profile *find(struct config *c, const struct key *key)
{
	for (size_t i = 0; i < c->profiles_count; i++)
		if (strlen(c->profiles[i].name) == key->name_len &&
		    memcmp(c->profiles[i].name, key->name, key->name_len) == 0)
			return &c->profiles[i];
	return NULL;
}

/* Conf of a cluster that has a key of its own here, and would be overwritten by that. */
static const char *own_key(const char *spark_key)
{
	static const char *const both[][2] = { { "spark.master", "master" },
					       { "spark.submit.deployMode", "deploy-mode" } };

	for (size_t i = 0; i < ARRAY_LEN(both); i++)
		if (str_eq(both[i][0], spark_key))
			return both[i][1];
	return NULL;
}

static bool check_conf_key(const struct key *key, const char *spark_key, const char *origin, struct error *e)
{
	static const char allowed[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-/";
	const char *own = own_key(spark_key);

	if (own)
		return error_set(e, ERR_CONFIG, "%s: %s has no effect; set " PROFILES_PREFIX "%.*s.%s", origin,
				 key->whole, (int)key->name_len, key->name, own);
	return (str_starts(spark_key, SPARK_PREFIX) && spark_key[strspn(spark_key, allowed)] == '\0') ||
	       error_set(e, ERR_CONFIG,
			 "%s: %.*s: expected " PROFILES_PREFIX "%.*s." CONF_PREFIX
			 "KEY, where KEY begins with " SPARK_PREFIX " and consists of letters, digits and ._-/",
			 origin, OPTION_SHOWN_MAX, key->whole, (int)key->name_len, key->name);
}

static bool set_conf(struct config *c, struct profile *p, const struct key *key, const char *text, const char *origin,
		     struct error *e)
{
	const char *spark_key = key->rest + strlen(CONF_PREFIX);
	size_t i = 0;

	if (!check_conf_key(key, spark_key, origin, e))
		return false;
	while (i < p->conf_count && !str_eq(p->conf[i].key, spark_key))
		i++;
	if (i == PROFILE_CONF_MAX)
		return error_set(e, ERR_CONFIG, "%s: cluster %s has more than %d entries of conf", origin, p->name,
				 PROFILE_CONF_MAX);
	p->conf[i] = (struct spec_pair){ arena_strdup(c->arena, spark_key), arena_strdup(c->arena, text) };
	notes_of(c, p)->conf_origin[i] = arena_strdup(c->arena, origin);
	if (i == p->conf_count)
		p->conf_count++;
	return arena_ok(c->arena) || full(key, origin, e);
}

static bool no_such_key(const struct key *key, const char *origin, struct error *e)
{
	_sbuf_ struct sbuf near = SBUF_INIT(sizeof e->msg);

	for (size_t i = 0; i < OPTION_COUNT && !near.len; i++)
		if (option_is_near(key->rest, options[i].key))
			sbuf_addf(&near, "%.*s%s", (int)(key->rest - key->whole), key->whole, options[i].key);
	return option_refuse_key(key->whole, near.len ? sbuf_str(&near) : NULL, origin, e);
}

static bool set_option(struct config *c, struct profile *p, const struct key *key, const char *text, const char *origin,
		       struct error *e)
{
	const struct config_option *o = find_option(key->rest);
	struct profile_notes *notes = notes_of(c, p);

	if (!o)
		return no_such_key(key, origin, e);
	const char *kept = arena_strdup(c->arena, text), *from = arena_strdup(c->arena, origin);
	if (!kept || !from)
		return full(key, origin, e);
	if (!option_parse(o, kept, p))
		return option_refuse(o, key->whole, text, origin, e);
	notes->text[o - options] = kept;
	notes->origin[o - options] = from;
	return true;
}

bool profiles_set(struct config *c, const char *whole, const char *text, const char *origin, struct error *e)
{
	struct key key;

	if (!split_key(whole, origin, &key, e))
		return false;
	struct profile *p = find(c, &key);
	if (!p && c->profiles_count == PROFILES_MAX)
		return error_set(e, ERR_CONFIG, "%s: more than %d clusters", origin, PROFILES_MAX);
	if (!p && !(p = add(c, key.name, key.name_len)))
		return full(&key, origin, e);
	if (str_starts(key.rest, CONF_PREFIX))
		return set_conf(c, p, &key, text, origin, e);
	return set_option(c, p, &key, text, origin, e);
}

/* --- what follows from other options --- */

static void settle(struct config *c, struct profile *p)
{
	bool is_default = p == c->profiles;

	if (is_default && str_empty(p->master))
		p->master = c->livy_spark_master;
	if (str_empty(p->deploy_mode))
		p->deploy_mode = is_default ? c->livy_spark_deploy_mode : "cluster";
	if (str_empty(p->spark_home))
		p->spark_home = c->livy_server_spark_home;
	if (str_empty(p->spark_version) && p->spark_home)
		p->spark_version = sparkversion_find(c->arena, p->spark_home);
}

void profiles_settle(struct config *c)
{
	for (size_t i = 0; i < c->profiles_count; i++)
		settle(c, &c->profiles[i]);
}

/* --- what cannot be --- */

static const char *text_of(const struct config *c, const struct profile *p, const char *key)
{
	return notes_of(c, p)->text[find_option(key) - options];
}

static const char *origin_of(const struct config *c, const struct profile *p, const char *key)
{
	return notes_of(c, p)->origin[find_option(key) - options];
}

static bool check_deploy_mode(const struct config *c, const struct profile *p, struct error *e)
{
	const char *text = text_of(c, p, "deploy-mode");

	return str_empty(text) || str_eq(text, "client") || str_eq(text, "cluster") ||
	       error_set(e, ERR_CONFIG, "%s: " PROFILES_PREFIX "%s.deploy-mode = %.*s: expected client or cluster",
			 origin_of(c, p, "deploy-mode"), p->name, OPTION_SHOWN_MAX, text);
}

/* A name and a password in it would be in logs. */
static bool url_ok(const char *url, size_t n)
{
	size_t scheme = str_starts(url, "https://") ? strlen("https://") : strlen("http://");

	if (!str_starts(url, "http://") && !str_starts(url, "https://"))
		return false;
	size_t host = strcspn(url + scheme, "/, ");
	return n > scheme && host > 0 && !memchr(url + scheme, '@', host);
}

static bool check_urls(const struct config *c, const struct profile *p, const char *key, struct error *e)
{
	const char *list = text_of(c, p, key);

	for (const char *url = list ? list : ""; *url; url += strspn(url, ", ")) {
		size_t n = strcspn(url, ", ");

		if (!url_ok(url, n))
			return error_set(e, ERR_CONFIG,
					 "%s: " PROFILES_PREFIX
					 "%s.%s: expected URLs such as http://host:8088 or https://host, separated by "
					 "commas, without user and password (" PROFILES_PREFIX
					 "%s.user and .secret-file are for these)",
					 origin_of(c, p, key), p->name, key, p->name);
		url += n;
	}
	return true;
}

static bool takes_jobs_itself(const struct profile *p)
{
	return str_eq(p->deploy_mode, "cluster") &&
	       (str_starts(p->master, "spark://") || str_starts(p->master, "yarn") || str_starts(p->master, "k8s://"));
}

static bool check_launcher(const struct config *c, const struct profile *p, struct error *e)
{
	return p->launcher != LAUNCHER_NATIVE || takes_jobs_itself(p) ||
	       error_set(e, ERR_CONFIG,
			 "%s: " PROFILES_PREFIX
			 "%s.launcher is native, which needs a master that is spark://…, yarn or "
			 "k8s://…, and deploy-mode = cluster; set these, or launcher = auto",
			 origin_of(c, p, "launcher"), p->name);
}

static bool check_auth(const struct config *c, const struct profile *p, struct error *e)
{
	bool secret = p->auth != PROFILE_AUTH_NONE && p->auth != PROFILE_AUTH_NEGOTIATE;
	const char *lacks = secret && str_empty(p->secret_file)                   ? "secret-file"
			    : p->auth == PROFILE_AUTH_BASIC && str_empty(p->user) ? "user"
										  : NULL;

	return !lacks ||
	       error_set(e, ERR_CONFIG, "%s: " PROFILES_PREFIX "%s.auth = %s needs more; set " PROFILES_PREFIX "%s.%s",
			 origin_of(c, p, "auth"), p->name, text_of(c, p, "auth"), p->name, lacks);
}

static bool check(const struct config *c, const struct profile *p, struct error *e)
{
	if (str_empty(p->master))
		return error_set(e, ERR_CONFIG, "cluster %s has no master; set " PROFILES_PREFIX "%s.master", p->name,
				 p->name);
	return check_deploy_mode(c, p, e) && check_urls(c, p, "rest", e) && check_urls(c, p, "web", e) &&
	       check_urls(c, p, "webhdfs", e) && check_launcher(c, p, e) && check_auth(c, p, e);
}

bool profiles_check(const struct config *c, struct error *e)
{
	for (size_t i = 0; i < c->profiles_count; i++)
		if (!check(c, &c->profiles[i], e))
			return false;
	return true;
}

/* --- showing --- */

bool profiles_is_secret(const char *key)
{
	const char *name = str_starts(key, PROFILES_PREFIX) ? key + strlen(PROFILES_PREFIX) : "";
	const char *rest = name + strcspn(name, ".");

	return str_starts(rest, "." CONF_PREFIX) && redact_is_secret(rest + strlen("." CONF_PREFIX));
}

/* Prints "# origin", then the key, as a comment when `hidden`. */
static void show(FILE *to, const char *origin, bool hidden, const char *key, const char *value)
{
	(void)fprintf(to, "# %s\n", origin);
	option_show(to, hidden ? "# " : "", key, value);
}

static void dump_options(const struct config *c, const struct profile *p, FILE *to)
{
	const struct profile_notes *notes = notes_of(c, p);

	for (size_t i = 0; i < OPTION_COUNT; i++) {
		const void *field = (const char *)p + options[i].field_offset;
		const char *found = options[i].type == CONFIG_STR ? *(const char *const *)field : NULL;
		_sbuf_ struct sbuf key = SBUF_INIT(OPTION_KEY_MAX + PROFILE_NAME_MAX);

		sbuf_addf(&key, PROFILES_PREFIX "%s.%s", p->name, options[i].key);
		if (!str_empty(notes->text[i]))
			show(to, notes->origin[i], false, sbuf_str(&key), notes->text[i]);
		else if (!str_empty(found))
			show(to, "worked out", true, sbuf_str(&key), found);
	}
}

static void dump_conf(const struct config *c, const struct profile *p, FILE *to)
{
	for (size_t i = 0; i < p->conf_count; i++) {
		bool secret = redact_is_secret(p->conf[i].key);
		_sbuf_ struct sbuf key = SBUF_INIT(CONFIG_ARENA_MAX);

		sbuf_addf(&key, PROFILES_PREFIX "%s." CONF_PREFIX "%s", p->name, p->conf[i].key);
		show(to, notes_of(c, p)->conf_origin[i], secret, sbuf_str(&key),
		     secret ? "[hidden]" : p->conf[i].value);
	}
}

void profiles_dump(const struct config *c, FILE *to)
{
	for (size_t i = 0; i < c->profiles_count; i++) {
		dump_options(c, &c->profiles[i], to);
		dump_conf(c, &c->profiles[i], to);
	}
}

void profiles_help(FILE *to)
{
	(void)fputs(
		"\n# --- clusters: florus.cluster.NAME.KEY, with a NAME of yours; the NAME default is the cluster of "
		"livy.spark.master ---\n",
		to);
	for (size_t i = 0; i < OPTION_COUNT; i++) {
		_sbuf_ struct sbuf kind = SBUF_INIT(256);

		option_describe(&options[i], &kind);
		(void)fprintf(to, "\n# %s\n", options[i].doc);
		if (options[i].type != CONFIG_STR)
			(void)fprintf(to, "# Takes %s.\n", sbuf_str(&kind));
		(void)fprintf(to, "# " PROFILES_PREFIX "NAME.%s =%s%s\n", options[i].key,
			      options[i].standard ? " " : "", options[i].standard ? options[i].standard : "");
	}
	(void)fputs("\n# Conf that jobs of this cluster get unless they say otherwise, one key a line.\n"
		    "# " PROFILES_PREFIX "NAME.conf.spark.executor.memory = 2g\n",
		    to);
}
