/*
 * config - what the administrator wished, read once, checked, typed.
 *
 * Order: default < file < environment < -o. Keys starting livy. mean what they mean to Apache Livy; those starting
 * florus. are our own; all others are not ours and are passed over, as Livy does. An unknown florus. key is
 * an error, an unknown or unsupported livy. key a warning, so that a livy.conf loads as it is.
 *
 * After config_load() every field holds a value within its bounds (options.h), and those which are
 * worked out at the start (state directory, spark-home, shim, max-running) are filled.
 * struct config owns its strings; they live until config_free(). Never changes after it was made, so
 * all threads may read it.
 */
#pragma once
#include "base/arena.h"
#include "base/error.h"
#include "config/options.h"
#include "model/profile.h"
#include <stdint.h>
#include <stdio.h>

enum {
	CONFIG_ARENA_MAX = 8 * 1024 * 1024, /* bytes of all values and their origins */
};

#define X(type, field, ...) CONFIG_OPTION_##field,
/* The words of florus.session.dial. */
enum { SESSION_DIAL_AUTO, SESSION_DIAL_NETWORK };

enum config_option_id { CONFIG_OPTIONS(X) CONFIG_OPTION_COUNT };
#undef X

#define CONFIG_FIELD_STR const char *
#define CONFIG_FIELD_INT int
#define CONFIG_FIELD_BOOL bool
#define CONFIG_FIELD_BYTES int64_t
#define CONFIG_FIELD_DURATION int64_t
#define CONFIG_FIELD_WORD int

/* One field per option: cfg->livy_server_port, cfg->florus_launch_hold, cfg->florus_kill_grace_ms, … */
struct config {
#define X(type, field, ...) CONFIG_FIELD_##type field;
	CONFIG_OPTIONS(X)
#undef X
	const char *file;         /* the one it was read from; NULL: none */
	struct profile *profiles; /* of clusters; the first is `default` */
	size_t profiles_count;
	const char *livy_conf_dir; /* $LIVY_CONF_DIR; NULL: not set */
	/* private: for config_dump() */
	const char *text[CONFIG_OPTION_COUNT];   /* as written; NULL: not set */
	const char *origin[CONFIG_OPTION_COUNT]; /* "default", "florus.conf:12", "FLORUS_LOG_MAX", "-o", … */
	struct profile_notes **profile_notes;    /* the same of each profile */
	struct arena *arena;
};

/* A row of the table. */
struct config_option {
	enum config_type type;
	const char *key;
	const char *standard; /* default as text; NULL: not set, or worked out at the start */
	int64_t min, max;
	const char *words; /* CONFIG_WORD: "error|warn|info|debug" */
	unsigned flags;
	const char *doc;
	size_t field_offset; /* in struct config */
};
extern const struct config_option config_options[CONFIG_OPTION_COUNT];

/* All may be NULL: no file, no environment, no overrides. */
struct config_sources {
	const char *file;             /* a properties file; must exist */
	const char *const *env;       /* "NAME=value", NULL-terminated */
	const char *const *overrides; /* "key=value" of -o, NULL-terminated */
};

/* Told of each thing that is ignored, with a reason; the text dies after the call. May be NULL. */
typedef void config_warn_fn(void *arg, const char *text);

/* Reads all sources. Errors are ERR_CONFIG and name key, value, what is expected and where it stands. */
MUST_CHECK bool config_load(const struct config_sources *sources, config_warn_fn *warn, void *arg, struct config **ret,
			    struct error *e);

/*
 * What no option can see alone: a network address without authentication (D1), access control or impersonation without
 * users (D21), security that this version does not have and must not pretend to have. Each refusal says what to change.
 */
MUST_CHECK bool config_check(const struct config *c, struct error *e);

/* Is this host, or the address of a peer, this machine itself? */
bool config_is_loopback(const char *host);

/* Can nobody outside this machine connect? */
bool config_only_local(const struct config *c);

/* Do passwords or tokens cross a network without TLS? A proxy that does TLS may stand in front. */
bool config_secrets_in_clear(const struct config *c);

struct config *config_free(struct config *c); /* takes NULL; returns NULL */

static inline void config_freep(struct config **c)
{
	(void)config_free(*c);
}
#define _config_ _cleanup_(config_freep)

/* Every option in force, as a file that config_load() reads back, with origins as comments. Secrets are hidden. */
void config_dump(const struct config *c, FILE *to);

/* Every option with doc, kind and default, as a file with all lines commented out: data/florus.conf. */
void config_help(FILE *to);
