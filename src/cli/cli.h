/*
 * cli - the command `florus`: what all its commands share.
 *
 * A command is one file cmd-<name>.c that ends in a `const struct cmd`; main.c finds it, reads its
 * options and runs it. A command returns false with an error, which main.c shows and turns into
 * the exit status of base/error.h, or true with an exit status of its own. stdout carries the
 * result only (with --json: one JSON document), stderr everything said beside it. One thread.
 */
#pragma once
#include "base/arena.h"
#include "base/error.h"
#include "cli/opt.h"
#include "cli/term.h"

enum {
	EXIT_NOT_SUCCESS = 1, /* the batch is over, and not `success` */
	EXIT_USAGE = 2,
	EXIT_INTERRUPTED = 128 + 2,
	RETRY_FOR_DEFAULT_MS = 5 * 60 * 1000, /* how long a server may be away before a command gives up */
};

struct http_client;

/* Options that every command takes. */
struct common_options {
	const char *url, *state_dir, *cacert, *cert, *do_as;
	bool help;
};

struct cli {
	struct arena *arena; /* lives as long as the command */
	struct common_options common;
	struct term out, err;     /* what stdout and stderr are */
	struct http_client *http; /* owned; NULL before the first call */
	const char *url_dir;      /* whose file gave the address, which may change there; NULL: none */
	bool contacted;           /* the server has answered once */
	int64_t retry_for_ms;     /* how long a server that is away is waited for; 0: not at all */
	bool always_retry;        /* also when it has never answered */
};

struct cmd {
	const char *name, *args;   /* "submit", "[OPTION]… FILE [ARG]…" */
	const char *help;          /* one line */
	const char *notes;         /* more lines for `florus CMD --help`; NULL: none */
	const struct opt *options; /* ends with a row without a name */
	size_t options_size;       /* of the struct they fill, zeroed before */
	int args_min, args_max;
	bool args_verbatim; /* what follows the first argument is not ours to read */
	bool (*run)(struct cli *c, const void *options, char **args, int count, int *ret_status, struct error *e);
};

extern const struct cmd cmd_submit, cmd_list, cmd_show, cmd_log, cmd_kill, cmd_wait, cmd_passwd, cmd_token, cmd_version,
	cmd_help;

enum { ARGS_ANY = 1 << 20 };

/* All commands in the order of the help; NULL-terminated. */
const struct cmd *const *cli_commands(void);
const struct cmd *cli_find_command(const char *name); /* NULL: none */
void cli_print_help(FILE *to);
void cli_print_command_help(const struct cmd *cmd, FILE *to);

/* "florus: <message>" on stderr, control characters made visible. */
void cli_complain(const struct error *e);
void cli_say(const char *fmt, ...) PRINTF(1, 2);

/* What the user must type before a command to reach the same server: "" or "--url … ". Borrowed from the arena. */
const char *cli_same_server(struct cli *c);

/* What --retry-for says, else RETRY_FOR_DEFAULT_MS for a server that was there. */
void cli_be_patient(struct cli *c, const struct opt_time *retry_for);

/* Flushes stdout; a full disk or a closed pipe is an error. */
MUST_CHECK bool cli_flush(FILE *to, struct error *e);
