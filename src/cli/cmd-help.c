/* florus help - what there is. */
#include "cli/cli.h"

static const struct opt options[] = { { 0 } };

static bool run(struct cli *c, const void *values, char **args, int count, int *ret_status, struct error *e)
{
	const struct cmd *cmd = count > 0 ? cli_find_command(args[0]) : NULL;

	(void)c, (void)values;
	*ret_status = 0;
	if (count > 0 && !cmd)
		return error_set(e, ERR_INVALID, "there is no command '%s'; `florus help` lists them", args[0]);
	if (cmd)
		cli_print_command_help(cmd, stdout);
	else
		cli_print_help(stdout);
	return cli_flush(stdout, e);
}

const struct cmd cmd_help = {
	.name = "help",
	.args = "[COMMAND]",
	.help = "explain a command",
	.options = options,
	.args_max = 1,
	.run = run,
};
