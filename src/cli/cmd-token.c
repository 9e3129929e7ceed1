/* florus token - makes bearer tokens. */
#include "auth/edit.h"
#include "base/clock.h"
#include "base/str.h"
#include "cli/cli.h"
#include <string.h>

enum { LINE_BYTES_MAX = 1024 };
#define DAY_MS (24 * 3600 * 1000LL)
#define EXPIRES_DEFAULT_MS (90 * DAY_MS)
#define EXPIRES_MAX_MS (3650 * DAY_MS)

struct token_options {
	struct opt_time expires;
	const char *file, *name;
};

static const struct opt options[] = {
	{ "expires", 0, OPT_TIME, "TIME", "how long it is good for (default 90d, at most 3650d)",
	  offsetof(struct token_options, expires) },
	{ "name", 0, OPT_TEXT, "NAME", "a word that says what it is for", offsetof(struct token_options, name) },
	{ "file", 0, OPT_TEXT, "FILE", "add its line to this tokens file instead of printing it",
	  offsetof(struct token_options, file) },
	{ 0 },
};

static bool run(struct cli *c, const void *values, char **args, int count, int *ret_status, struct error *e)
{
	const struct token_options *o = values;
	int64_t lifetime_ms = o->expires.given ? o->expires.ms : EXPIRES_DEFAULT_MS;
	_sbuf_ struct sbuf line = SBUF_INIT(LINE_BYTES_MAX);
	char token[EDIT_TOKEN_BYTES];

	(void)c, (void)count;
	*ret_status = 0;
	if (!str_eq(args[0], "new"))
		return error_set(e, ERR_INVALID, "token knows 'new', not '%s'", args[0]);
	if (lifetime_ms <= 0 || lifetime_ms > EXPIRES_MAX_MS)
		return error_set(e, ERR_INVALID, "--expires wants a time from 1s to 3650d");
	if (!edit_make_token(args[1], o->name, clock_wall_ms() + lifetime_ms, token, &line, e))
		return false;
	if (o->file && !edit_add_line(o->file, sbuf_str(&line), e))
		return false;
	(void)puts(token);
	if (!o->file)
		(void)puts(sbuf_str(&line));
	explicit_bzero(token, sizeof token);
	if (!cli_flush(stdout, e))
		return false;
	cli_say("this is the only time the token is shown; %s, and florusd reads it on SIGHUP",
		o->file ? "its line is in the file" : "its line, the second, belongs into florus.auth.tokens-file");
	return true;
}

const struct cmd cmd_token = {
	.name = "token",
	.args = "new [OPTION]… OWNER",
	.help = "make a bearer token",
	.notes =
		"Whoever sends it as `Authorization: Bearer TOKEN` is OWNER, until it expires or its line is taken out of the file.\n",
	.options = options,
	.options_size = sizeof(struct token_options),
	.args_min = 2,
	.args_max = 2,
	.run = run,
};
