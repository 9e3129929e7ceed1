/* florus - the command line of the job server: finds the command, reads its options, runs it. */
#include "base/str.h"
#include "cli/cli.h"
#include "http/client.h"
#include <errno.h>
#include <locale.h>
#include <signal.h>
#include <stdarg.h>
#include <string.h>

enum { OPTIONS_ARENA_MAX = 64 * 1024 * 1024, MESSAGE_MAX = 2048 };

static const struct opt common_options[] = {
	{ "url", 0, OPT_TEXT, "URL", "the server (else $FLORUS_URL, else the state directory)",
	  offsetof(struct common_options, url) },
	{ "state-dir", 0, OPT_TEXT, "DIR", "the server's state directory, which holds its address",
	  offsetof(struct common_options, state_dir) },
	{ "cacert", 0, OPT_TEXT, "FILE",
	  "PEM file that vouches for an https server (else $FLORUS_CACERT, else the system)",
	  offsetof(struct common_options, cacert) },
	{ "cert", 0, OPT_TEXT, "FILE", "PEM file with certificate and key to show to it (else $FLORUS_CERT)",
	  offsetof(struct common_options, cert) },
	{ "do-as", 0, OPT_TEXT, "USER", "ask with the rights of this user, if the server lets you",
	  offsetof(struct common_options, do_as) },
	{ "help", 'h', OPT_FLAG, NULL, "explain the command", offsetof(struct common_options, help) },
	{ 0 },
};

/* Options before the command. */
struct front_options {
	bool version;
};
static const struct opt front_options[] = {
	{ "version", 'V', OPT_FLAG, NULL, "print this program's version", offsetof(struct front_options, version) },
	{ 0 },
};

const struct cmd *const *cli_commands(void)
{
	static const struct cmd *const commands[] = { &cmd_submit,  &cmd_list, &cmd_show,   &cmd_log,
						      &cmd_kill,    &cmd_wait, &cmd_passwd, &cmd_token,
						      &cmd_version, &cmd_help, NULL };

	return commands;
}

const struct cmd *cli_find_command(const char *name)
{
	for (const struct cmd *const *cmd = cli_commands(); *cmd; cmd++)
		if (str_eq((*cmd)->name, name))
			return *cmd;
	return NULL;
}

void cli_print_help(FILE *to)
{
	(void)fputs("usage: florus [--url URL | --state-dir DIR] COMMAND [OPTION]… [ARG]…\n\n", to);
	for (const struct cmd *const *cmd = cli_commands(); *cmd; cmd++)
		(void)fprintf(to, "  %-9s %s\n", (*cmd)->name, (*cmd)->help);
	(void)fputs("\noptions:\n", to);
	opt_print(common_options, to);
	opt_print(front_options, to);
	(void)fputs("\nA BATCH is an id or a name. `florus COMMAND --help` says more; so does florus(1).\n", to);
}

void cli_print_command_help(const struct cmd *cmd, FILE *to)
{
	(void)fprintf(to, "usage: florus %s %s\n\n%s\n", cmd->name, cmd->args, cmd->help);
	if (cmd->notes)
		(void)fprintf(to, "%s", cmd->notes);
	(void)fputs("\noptions:\n", to);
	opt_print(cmd->options, to);
	opt_print(common_options, to);
}

/* The lines of a message, the first after "florus: ". */
static void print_message(const char *msg)
{
	_sbuf_ struct sbuf out = SBUF_INIT(16 * MESSAGE_MAX);
	char line[MESSAGE_MAX];
	const char *before = "florus: ";

	for (size_t n; *msg; msg += n + (msg[n] == '\n')) {
		n = strcspn(msg, "\n");
		(void)snprintf(line, sizeof line, "%.*s", (int)n, msg);
		sbuf_adds(&out, before);
		term_visible(&out, line, false);
		sbuf_addc(&out, '\n');
		before = "  ";
	}
	(void)fputs(sbuf_str(&out), stderr);
}

void cli_complain(const struct error *e)
{
	print_message(e->msg);
}

void cli_say(const char *fmt, ...)
{
	char msg[MESSAGE_MAX];
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(msg, sizeof msg, fmt, ap);
	va_end(ap);
	print_message(msg);
}

const char *cli_same_server(struct cli *c)
{
	_sbuf_ struct sbuf text = SBUF_INIT(MESSAGE_MAX);

	if (c->common.url && c->http)
		sbuf_addf(&text, "--url %s ", http_client_url(c->http)); /* without the password */
	else if (c->common.state_dir)
		sbuf_addf(&text, "--state-dir %s ", c->common.state_dir);
	if (c->common.cacert)
		sbuf_addf(&text, "--cacert %s ", c->common.cacert);
	if (c->common.cert)
		sbuf_addf(&text, "--cert %s ", c->common.cert);
	if (c->common.do_as)
		sbuf_addf(&text, "--do-as %s ", c->common.do_as);
	const char *kept = arena_strdup(c->arena, sbuf_str(&text));
	return kept ? kept : "";
}

void cli_be_patient(struct cli *c, const struct opt_time *retry_for)
{
	c->retry_for_ms = retry_for->given ? retry_for->ms : RETRY_FOR_DEFAULT_MS;
	c->always_retry = retry_for->given;
}

bool cli_flush(FILE *to, struct error *e)
{
	if (fflush(to) == 0 && !ferror(to))
		return true;
	return error_errno(e, errno, "cannot write the output");
}

static int usage_error(const struct cmd *cmd, const struct error *e)
{
	if (cmd)
		cli_say("%s: %s\ntry `florus %s --help`", cmd->name, e->msg, cmd->name);
	else
		cli_say("%s\ntry `florus --help`", e->msg);
	return EXIT_USAGE;
}

static bool check_count(const struct cmd *cmd, int count, struct error *e)
{
	if (count < cmd->args_min)
		return error_set(e, ERR_INVALID, "something is missing: florus %s %s", cmd->name, cmd->args);
	if (count > cmd->args_max)
		return error_set(e, ERR_INVALID, "too many arguments: florus %s %s", cmd->name, cmd->args);
	return true;
}

static int run_command(struct cli *c, const struct cmd *cmd, char **args, int count)
{
	_free_ void *values = xcalloc(1, cmd->options_size + 1);
	const struct opt_set sets[] = { { cmd->options, values }, { common_options, &c->common } };
	struct error e = { 0 };
	int status = 0;

	if (!opt_parse(c->arena, sets, ARRAY_LEN(sets), cmd->args_verbatim, args, &count, &e))
		return usage_error(cmd, &e);
	if (c->common.help) {
		cli_print_command_help(cmd, stdout);
		return cli_flush(stdout, &e) ? 0 : 1;
	}
	if (!check_count(cmd, count, &e))
		return usage_error(cmd, &e);
	if (cmd->run(c, values, args, count, &status, &e))
		return status;
	cli_complain(&e);
	return error_exit_status(e.code);
}

static int run_main(struct cli *c, char **args, int count)
{
	struct front_options front = { 0 };
	const struct opt_set sets[] = { { front_options, &front }, { common_options, &c->common } };
	struct error e = { 0 };
	const struct cmd *cmd;

	if (!opt_parse(c->arena, sets, ARRAY_LEN(sets), true, args, &count, &e))
		return usage_error(NULL, &e);
	if (front.version) {
		(void)puts("florus " FLORUS_VERSION);
		return cli_flush(stdout, &e) ? 0 : 1;
	}
	if (c->common.help && count == 0) {
		cli_print_help(stdout);
		return cli_flush(stdout, &e) ? 0 : 1;
	}
	if (count == 0) {
		cli_print_help(stderr);
		return EXIT_USAGE;
	}
	cmd = cli_find_command(args[0]);
	if (!cmd) {
		(void)error_set(&e, ERR_INVALID, "there is no command '%s'", args[0]);
		return usage_error(NULL, &e);
	}
	return run_command(c, cmd, args + 1, count - 1);
}

int main(int argc, char **argv)
{
	struct cli c = { .arena = arena_new(OPTIONS_ARENA_MAX) };

	/* The width of characters, whatever the user's own locale. */
	(void)setlocale(LC_CTYPE, "C.UTF-8");
	c.out = term_of(stdout);
	c.err = term_of(stderr);
	int status = run_main(&c, argv + 1, argc > 0 ? argc - 1 : 0);

	c.http = http_client_free(c.http);
	c.arena = arena_free(c.arena);
	return status;
}
