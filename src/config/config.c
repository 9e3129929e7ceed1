#include "config/config.h"
#include "base/str.h"
#include "config/livykeys.h"
#include "config/option.h"
#include "config/profiles.h"
#include "config/properties.h"
#include <limits.h>
#include <stdarg.h>
#include <string.h>
#include <unistd.h>

enum { WARNING_MAX = 1024 };

struct loader {
	struct config *c;
	const char *file; /* the one being read */
	config_warn_fn *warn;
	void *arg;
	bool named[CONFIG_OPTION_COUNT]; /* set by its name of today: a deprecated one comes second, as in Livy */
};

/* Variables that are not options: the command line tool's, and the tests'. */
static const char *const other_variables[] = { "FLORUS_URL",  "FLORUS_USER",    "FLORUS_PASSWORD",
					       "FLORUS_SHIM", "FLORUS_BIN_DIR", "FLORUS_TEST_" };

static PRINTF(2, 3) void warn(const struct loader *l, const char *fmt, ...)
{
	char text[WARNING_MAX];
	va_list ap;

	if (!l->warn)
		return;
	va_start(ap, fmt);
	(void)vsnprintf(text, sizeof text, fmt, ap);
	va_end(ap);
	l->warn(l->arg, text);
}

/* The option or key of Livy that was probably meant; NULL: no idea. */
static const char *near_key(const char *key)
{
	for (size_t i = 0; i < CONFIG_OPTION_COUNT; i++)
		if (option_is_near(key, config_options[i].key))
			return config_options[i].key;
	for (int i = 0; livykeys_at(i); i++)
		if (option_is_near(key, livykeys_at(i)))
			return livykeys_at(i);
	return NULL;
}

static bool assign(struct loader *l, const struct config_option *o, const char *text, const char *origin,
		   struct error *e)
{
	struct config *c = l->c;
	size_t i = option_index(o);
	const char *kept = arena_strdup(c->arena, text), *from = arena_strdup(c->arena, origin);

	if (!kept || !from)
		return error_set(e, ERR_CONFIG, "%s: the values are longer than %d bytes together", origin,
				 CONFIG_ARENA_MAX);
	if (!option_parse(o, kept, c))
		return option_refuse(o, o->key, text, origin, e);
	c->text[i] = kept;
	c->origin[i] = from;
	return true;
}

static void warn_livy_key(const struct loader *l, const char *key, const char *origin)
{
	const char *why = livykeys_unused(key), *near = why ? NULL : near_key(key);

	if (why)
		warn(l, "%s: %s has no effect: %s", origin, key, why);
	else if (near)
		warn(l, "%s: %.*s is unknown and has no effect; did you mean %s?", origin, OPTION_SHOWN_MAX, key, near);
	else
		warn(l, "%s: %.*s is unknown and has no effect", origin, OPTION_SHOWN_MAX, key);
}

/* A key that begins livy. or florus. */
static bool set_key(struct loader *l, const char *key, const char *text, const char *origin, struct error *e)
{
	const char *now = livykeys_renamed(key);
	const struct config_option *o = option_find(now ? now : key);

	if (now)
		warn(l, "%s: %s is an old name of %s", origin, key, now);
	if (!o && str_starts(key, PROFILES_PREFIX))
		return profiles_set(l->c, key, text, origin, e);
	if (!o && str_starts(key, "florus."))
		return option_refuse_key(key, near_key(key), origin, e);
	if (!o) {
		warn_livy_key(l, now ? now : key, origin);
		return true;
	}
	if (now && l->named[option_index(o)])
		return true;
	if (!now)
		l->named[option_index(o)] = true;
	return assign(l, o, text, origin, e);
}

static bool is_ours(const char *key)
{
	return str_starts(key, "livy.") || str_starts(key, "florus.");
}

static bool on_pair(void *arg, int line, const char *key, const char *value, struct error *e)
{
	struct loader *l = arg;
	char origin[PATH_MAX + 16];

	if (!is_ours(key))
		return true;
	(void)snprintf(origin, sizeof origin, "%s:%d", l->file, line);
	return set_key(l, key, value, origin, e);
}

static bool load_defaults(struct loader *l, struct error *e)
{
	for (size_t i = 0; i < CONFIG_OPTION_COUNT; i++)
		if (config_options[i].standard &&
		    !assign(l, &config_options[i], config_options[i].standard, "default", e))
			return false;
	return true;
}

static bool is_other_variable(const char *name)
{
	for (size_t i = 0; i < ARRAY_LEN(other_variables); i++)
		if (str_starts(name, other_variables[i]))
			return true;
	return false;
}

/* Text without the blanks around it, in `a`. */
static const char *trim(struct arena *a, const char *s, size_t n)
{
	while (n > 0 && (unsigned char)s[n - 1] <= ' ')
		n--;
	while (n > 0 && (unsigned char)*s <= ' ')
		s++, n--;
	return arena_strndup(a, s, n);
}

static bool load_env(struct loader *l, const char *const *env, struct error *e)
{
	for (; env && *env; env++) {
		const char *equals = strchr(*env, '=');

		if (!equals || !(str_starts(*env, "FLORUS_") || str_starts(*env, "LIVY_")))
			continue;
		const struct config_option *o = option_find_env(*env, (size_t)(equals - *env));
		if (!o) {
			/* LIVY_HOME, LIVY_CONF_DIR and their like are of Livy's start script, not ours to judge. */
			if (str_starts(*env, "FLORUS_") && !is_other_variable(*env))
				warn(l,
				     "the environment variable %.*s is not the name of an option and has no effect%s",
				     (int)(equals - *env), *env,
				     str_starts(*env, "FLORUS_CLUSTER_") ? ": the file and -o describe clusters" : "");
			continue;
		}
		const char *name = arena_strndup(l->c->arena, *env, (size_t)(equals - *env));
		const char *text = trim(l->c->arena, equals + 1, strlen(equals + 1));
		if (!name || !text)
			return error_set(e, ERR_CONFIG, "the environment is too large");
		if (!assign(l, o, text, name, e))
			return false;
	}
	return true;
}

static void warn_secret(const struct loader *l, const char *key)
{
	const struct config_option *o = option_find(key);

	if ((o && o->flags & CONFIG_SECRET) || profiles_is_secret(key))
		warn(l, "-o: %s is on the command line, which everybody on this host can read: put it into the file",
		     key);
}

static bool load_overrides(struct loader *l, const char *const *pair, struct error *e)
{
	for (; pair && *pair; pair++) {
		const char *equals = strchr(*pair, '=');

		if (!equals)
			return error_set(e, ERR_CONFIG, "-o %.*s: expected KEY=VALUE", OPTION_SHOWN_MAX, *pair);
		const char *key = trim(l->c->arena, *pair, (size_t)(equals - *pair));
		const char *text = trim(l->c->arena, equals + 1, strlen(equals + 1));
		if (!key || !text)
			return error_set(e, ERR_CONFIG, "-o: the values are longer than %d bytes together",
					 CONFIG_ARENA_MAX);
		if (!is_ours(key))
			return option_refuse_key(key, near_key(key), "-o", e);
		if (!set_key(l, key, text, "-o", e))
			return false;
		warn_secret(l, key);
	}
	return true;
}

/* --- what is worked out at the start --- */

static const char *variable(const char *const *env, const char *name)
{
	size_t n = strlen(name);

	for (; env && *env; env++)
		if (strncmp(*env, name, n) == 0 && (*env)[n] == '=' && (*env)[n + 1])
			return *env + n + 1;
	return NULL;
}

static PRINTF(5, 6) bool settle(struct loader *l, enum config_option_id id, const char *origin, struct error *e,
				const char *fmt, ...)
{
	char text[PATH_MAX];
	va_list ap;

	va_start(ap, fmt);
	int n = vsnprintf(text, sizeof text, fmt, ap);
	va_end(ap);
	if (n >= (int)sizeof text)
		return error_set(e, ERR_CONFIG, "%s from %s is too long", config_options[id].key, origin);
	return assign(l, &config_options[id], text, origin, e);
}

static bool settle_state_dir(struct loader *l, const char *const *env, struct error *e)
{
	enum config_option_id id = CONFIG_OPTION_florus_state_dir;
	const char *dir;

	if (l->c->florus_state_dir)
		return true;
	if ((dir = variable(env, "STATE_DIRECTORY")) != NULL) /* systemd separates several by colons */
		return settle(l, id, "$STATE_DIRECTORY", e, "%.*s", (int)strcspn(dir, ":"), dir);
	if (geteuid() == 0)
		return settle(l, id, "default for root", e, "/var/lib/florus");
	if ((dir = variable(env, "XDG_STATE_HOME")) != NULL)
		return settle(l, id, "$XDG_STATE_HOME", e, "%s/florus", dir);
	if ((dir = variable(env, "HOME")) != NULL)
		return settle(l, id, "$HOME", e, "%s/.local/state/florus", dir);
	return error_set(e, ERR_CONFIG,
			 "there is no place for jobs and logs: neither $HOME nor florus.state-dir is set");
}

/* Beside this program (a build, a private installation), below the same prefix, or where packages put it. */
static bool settle_shim(struct loader *l, struct error *e)
{
	enum config_option_id id = CONFIG_OPTION_florus_launch_shim;
	char self[PATH_MAX], path[2 * PATH_MAX];
	ssize_t n;

	if (l->c->florus_launch_shim)
		return true;
	n = readlink("/proc/self/exe", self, sizeof self - 1);
	if (n > 0) {
		self[n] = '\0';
		*strrchr(self, '/') = '\0';
		(void)snprintf(path, sizeof path, "%s/florus-shim", self);
		if (access(path, X_OK) == 0)
			return settle(l, id, "beside florusd", e, "%s", path);
		(void)snprintf(path, sizeof path, "%s/../libexec/florus/florus-shim", self);
		if (access(path, X_OK) == 0)
			return settle(l, id, "prefix of florusd", e, "%s", path);
	}
	return settle(l, id, "default", e, "/usr/libexec/florus/florus-shim");
}

/* Finds a file in one of the places (relative to florusd, NULL at the end), or says where it would be expected. */
static bool settle_near(struct loader *l, enum config_option_id id, const char *const *places, const char *name,
			struct error *e)
{
	char self[PATH_MAX], path[2 * PATH_MAX];
	ssize_t n = readlink("/proc/self/exe", self, sizeof self - 1);

	for (; n > 0 && *places; places++) {
		self[n] = '\0';
		(void)snprintf(path, sizeof path, "%.*s%s/%s", (int)(strrchr(self, '/') - self + 1), self, *places,
			       name);
		if (access(path, R_OK) == 0)
			return settle(l, id, "near florusd", e, "%s", path);
	}
	return settle(l, id, "default", e, "/usr/share/florus/driver/%s", name);
}

/* Where the driver of sessions is. A source tree has it beside build/, and what is made of it in build/. */
static bool settle_driver(struct loader *l, struct error *e)
{
	static const char *const driver[] = { "driver", "../driver", "../share/florus/driver", NULL };
	static const char *const package[] = { "driver", "../share/florus/driver", NULL };

	return (l->c->florus_session_driver ||
		settle_near(l, CONFIG_OPTION_florus_session_driver, driver, "florus_session.py", e)) &&
	       (l->c->florus_session_package ||
		settle_near(l, CONFIG_OPTION_florus_session_package, package, "florus.zip", e));
}

static bool settle_all(struct loader *l, const char *const *env, struct error *e)
{
	const char *spark = variable(env, "SPARK_HOME");
	long cores = sysconf(_SC_NPROCESSORS_ONLN);

	if (!l->c->livy_server_spark_home && spark &&
	    !settle(l, CONFIG_OPTION_livy_server_spark_home, "$SPARK_HOME", e, "%s", spark))
		return false;
	if (l->c->florus_launch_max_running == 0 &&
	    !settle(l, CONFIG_OPTION_florus_launch_max_running, "number of cores", e, "%ld", cores > 0 ? cores : 1))
		return false;
	if (!settle_state_dir(l, env, e) || !settle_shim(l, e) || !settle_driver(l, e))
		return false;
	profiles_settle(l->c);
	return true;
}

bool config_load(const struct config_sources *sources, config_warn_fn *warn_fn, void *arg, struct config **ret,
		 struct error *e)
{
	_config_ struct config *c = xcalloc(1, sizeof *c);
	struct loader l = { .c = c, .file = sources->file, .warn = warn_fn, .arg = arg };

	c->arena = arena_new(CONFIG_ARENA_MAX);
	profiles_start(c);
	c->file = arena_strdup(c->arena, sources->file);
	c->livy_conf_dir = arena_strdup(c->arena, variable(sources->env, "LIVY_CONF_DIR"));
	if (!load_defaults(&l, e))
		return false;
	if (sources->file && !properties_load(sources->file, on_pair, &l, e))
		return false;
	if (!load_env(&l, sources->env, e) || !load_overrides(&l, sources->overrides, e) ||
	    !settle_all(&l, sources->env, e))
		return false;
	*ret = TAKE(c);
	return true;
}

struct config *config_free(struct config *c)
{
	if (c)
		(void)arena_free(c->arena);
	free(c);
	return NULL;
}
