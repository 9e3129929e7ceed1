#include "config/profiles.h"
#include "base/str.h"
#include "config/option.h"
#include "config/sparkversion.h"
#include "model/redact.h"
#include <stddef.h>
#include <string.h>

enum {
	PROFILE_CONF_MAX = 512, /* entries of one profile's conf */
	SHOWN_MAX = 80,         /* bytes of a bad value that an error repeats */
};

#define CONF_PREFIX "conf."

/* clang-format off */
static const struct config_option options[] = {
#define X(type, field, key, standard, min, max, words, doc) \
	{ CONFIG_##type, key, standard, min, max, words, 0, doc, offsetof(struct profile, field) },
	PROFILE_OPTIONS(X)
#undef X
};
/* clang-format on */

enum { OPTION_COUNT = ARRAY_LEN(options) };

static const char **text_of(const struct config *c, size_t profile, size_t option)
{
	return &c->profile_texts[profile * OPTION_COUNT + option];
}

/* --- reading --- */

static bool full(struct error *e)
{
	return error_set(e, ERR_CONFIG, "the values of florus.cluster.* are too large together");
}

static bool name_ok(const char *name, size_t n)
{
	return n > 0 && n < PROFILE_NAME_MAX && strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789-") >= n;
}

static struct profile *add(struct config *c, const char *name, size_t n)
{
	struct profile *p = &c->profiles[c->profiles_count];

	p->name = arena_strndup(c->arena, name, n);
	p->conf = arena_alloc(c->arena, PROFILE_CONF_MAX * sizeof *p->conf);
	if (!p->name || !p->conf)
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
	c->profile_texts = arena_alloc(c->arena, PROFILES_MAX * OPTION_COUNT * sizeof *c->profile_texts);
	(void)add(c, "default", strlen("default")); /* into a fresh arena, which has room */
}

static struct profile *find(struct config *c, const char *name, size_t n)
{
	for (size_t i = 0; i < c->profiles_count; i++)
		if (strlen(c->profiles[i].name) == n && memcmp(c->profiles[i].name, name, n) == 0)
			return &c->profiles[i];
	return NULL;
}

static bool set_conf(struct config *c, struct profile *p, const char *key, const char *text, struct error *e)
{
	struct spec_pair pair = { arena_strdup(c->arena, key), arena_strdup(c->arena, text) };

	if (!pair.key || !pair.value)
		return full(e);
	for (size_t i = 0; i < p->conf_count; i++)
		if (str_eq(p->conf[i].key, key)) {
			p->conf[i] = pair;
			return true;
		}
	if (p->conf_count == PROFILE_CONF_MAX)
		return error_set(e, ERR_CONFIG, "cluster %s has more than %d entries of conf", p->name,
				 PROFILE_CONF_MAX);
	p->conf[p->conf_count++] = pair;
	return true;
}

static bool no_such_key(const char *key, const char *rest, const char *origin, struct error *e)
{
	for (size_t i = 0; i < OPTION_COUNT; i++)
		if (option_is_near(rest, options[i].key))
			return error_set(e, ERR_CONFIG, "%s: there is no key %.*s; did you mean %.*s%s?", origin,
					 SHOWN_MAX, key, (int)(strlen(key) - strlen(rest)), key, options[i].key);
	return error_set(e, ERR_CONFIG, "%s: there is no key %.*s; florusd --help-config lists them", origin, SHOWN_MAX,
			 key);
}

static bool set_option(struct config *c, struct profile *p, const char *key, const char *rest, const char *text,
		       const char *origin, struct error *e)
{
	size_t i = 0;

	while (i < OPTION_COUNT && !str_eq(options[i].key, rest))
		i++;
	if (i == OPTION_COUNT)
		return no_such_key(key, rest, origin, e);
	const char *kept = arena_strdup(c->arena, text);
	if (!kept)
		return full(e);
	if (!option_parse(&options[i], kept, p)) {
		_sbuf_ struct sbuf expected = SBUF_INIT(sizeof e->msg);

		option_describe(&options[i], &expected);
		return error_set(e, ERR_CONFIG, "%s: %s = %.*s: expected %s", origin, key, SHOWN_MAX, text,
				 sbuf_str(&expected));
	}
	*text_of(c, (size_t)(p - c->profiles), i) = kept;
	return true;
}

bool profiles_set(struct config *c, const char *key, const char *text, const char *origin, struct error *e)
{
	const char *name = key + strlen(PROFILES_PREFIX);
	size_t n = strcspn(name, ".");

	if (!name_ok(name, n) || name[n] != '.')
		return error_set(e, ERR_CONFIG,
				 "%s: %.*s: expected " PROFILES_PREFIX
				 "NAME.KEY, where NAME consists of at most %d of a-z, 0-9 and -",
				 origin, SHOWN_MAX, key, PROFILE_NAME_MAX - 1);
	struct profile *p = find(c, name, n);
	if (!p && c->profiles_count == PROFILES_MAX)
		return error_set(e, ERR_CONFIG, "%s: more than %d clusters", origin, PROFILES_MAX);
	if (!p && !(p = add(c, name, n)))
		return full(e);
	if (str_starts(name + n + 1, CONF_PREFIX))
		return set_conf(c, p, name + n + 1 + strlen(CONF_PREFIX), text, e);
	return set_option(c, p, key, name + n + 1, text, origin, e);
}

/* --- what follows from other options --- */

static bool is_native(const struct profile *p)
{
	return str_eq(p->deploy_mode, "cluster") &&
	       (str_starts(p->master, "spark://") || str_starts(p->master, "yarn") || str_starts(p->master, "k8s://"));
}

static bool check(const struct profile *p, struct error *e)
{
	const char *of = p->name;

	if (str_empty(p->master))
		return error_set(e, ERR_CONFIG, "cluster %s has no master; set " PROFILES_PREFIX "%s.master", of, of);
	if (p->deploy_mode && !str_eq(p->deploy_mode, "client") && !str_eq(p->deploy_mode, "cluster"))
		return error_set(e, ERR_CONFIG, PROFILES_PREFIX "%s.deploy-mode is %.40s; it is client or cluster", of,
				 p->deploy_mode);
	if (p->launcher == LAUNCHER_NATIVE && !is_native(p))
		return error_set(e, ERR_CONFIG,
				 PROFILES_PREFIX
				 "%s.launcher is native, which needs deploy-mode = cluster and a master that "
				 "is spark://…, yarn or k8s://…",
				 of);
	if (p->auth != PROFILE_AUTH_NONE && p->auth != PROFILE_AUTH_NEGOTIATE && str_empty(p->secret_file))
		return error_set(e, ERR_CONFIG,
				 PROFILES_PREFIX "%s.auth needs a secret; set " PROFILES_PREFIX "%s.secret-file", of,
				 of);
	return true;
}

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

bool profiles_settle(struct config *c, struct error *e)
{
	for (size_t i = 0; i < c->profiles_count; i++) {
		settle(c, &c->profiles[i]);
		if (i > 0 || c->profiles[i].launcher != LAUNCHER_AUTO)
			if (!check(&c->profiles[i], e))
				return false;
	}
	return true;
}

/* --- showing --- */

static void show(FILE *to, const char *before, const char *name, const char *prefix, const char *key, const char *value)
{
	_sbuf_ struct sbuf whole = SBUF_INIT(4096);

	sbuf_addf(&whole, PROFILES_PREFIX "%s.%s%s", name, prefix, key);
	option_show(to, before, sbuf_str(&whole), value);
}

void profiles_dump(const struct config *c, FILE *to)
{
	for (size_t i = 0; i < c->profiles_count; i++) {
		const struct profile *p = &c->profiles[i];

		for (size_t k = 0; k < OPTION_COUNT; k++)
			if (*text_of(c, i, k))
				show(to, "", p->name, "", options[k].key, *text_of(c, i, k));
		for (size_t k = 0; k < p->conf_count; k++)
			show(to, redact_is_secret(p->conf[k].key) ? "# " : "", p->name, CONF_PREFIX, p->conf[k].key,
			     redact_value(p->conf[k].key, p->conf[k].value));
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
