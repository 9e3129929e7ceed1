/* florus log - a batch's whole log, or its end, or what is still to come. */
#include "cli/logs.h"

struct log_options {
	bool follow;
	struct opt_count lines;
	struct opt_time retry_for;
};
#define AT(member) offsetof(struct log_options, member)

static const struct opt options[] = {
	{ "follow", 'f', OPT_FLAG, NULL, "go on until the batch is over", AT(follow) },
	{ "lines", 'n', OPT_COUNT, "N", "begin with the last N lines, not the first", AT(lines) },
	{ "retry-for", 0, OPT_TIME, "TIME", "how long the server may be away (default 5m)", AT(retry_for) },
	{ 0 },
};

static bool run(struct cli *c, const void *values, char **args, int count, int *ret_status, struct error *e)
{
	const struct log_options *o = values;
	char state[LOGS_STATE_MAX] = "";
	struct logs l = {
		.id = args[0],
		.last_lines = o->lines.given ? o->lines.value : LOGS_WHOLE,
		.to = stdout,
		.visible = c->out.tty,
	};

	(void)count;
	*ret_status = 0;
	cli_be_patient(c, &o->retry_for);
	return o->follow ? logs_follow(c, &l, state, e) : logs_print(c, &l, e);
}

const struct cmd cmd_log = {
	.name = "log",
	.args = "[OPTION]… BATCH",
	.help = "print a batch's log",
	.options = options,
	.options_size = sizeof(struct log_options),
	.args_min = 1,
	.args_max = 1,
	.run = run,
};
