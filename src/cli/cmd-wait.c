/* florus wait - until batches are over. */
#include "base/str.h"
#include "cli/interrupt.h"
#include "cli/server.h"

enum { POLL_FIRST_MS = 50, POLL_MAX_MS = 2000 };

struct wait_options {
	struct opt_time retry_for;
};

static const struct opt options[] = {
	{ "retry-for", 0, OPT_TIME, "TIME", "how long the server may be away (default 5m)",
	  offsetof(struct wait_options, retry_for) },
	{ 0 },
};

/* Asks once. *ret_over stays false while the batch runs. */
static bool ask(struct cli *c, const char *batch, bool *ret_over, int *ret_status, struct error *e)
{
	_reply_ struct reply reply = { 0 };
	const char *state, *id;

	if (!server_get_batch(c, batch, "/state", &reply, e) || !reply_need(reply.json, "id", &id, e) ||
	    !reply_need(reply.json, "state", &state, e))
		return false;
	if (!batch_is_over(state))
		return true;
	*ret_over = true;
	if (!str_eq(state, "success") && *ret_status == 0)
		*ret_status = EXIT_NOT_SUCCESS;
	(void)printf("batch %s ", id);
	term_print_state(&c->out, state, stdout);
	(void)fputc('\n', stdout);
	return cli_flush(stdout, e);
}

/* One round over those that are not over. An unknown batch is complained of once; the others go on. */
static bool round_trip(struct cli *c, char **args, int count, int *ret_left, int *ret_status, struct error *e)
{
	*ret_left = 0;
	for (int i = 0; i < count; i++) {
		bool over = false;

		if (!args[i])
			continue;
		if (!ask(c, args[i], &over, ret_status, e)) {
			if (e->code != ERR_NOT_FOUND)
				return false;
			cli_complain(e);
			*ret_status = error_exit_status(e->code);
			over = true;
		}
		if (over)
			args[i] = NULL;
		*ret_left += !over;
	}
	return true;
}

static bool run(struct cli *c, const void *values, char **args, int count, int *ret_status, struct error *e)
{
	const struct wait_options *o = values;
	int64_t wait_ms = POLL_FIRST_MS;
	int left;

	*ret_status = 0;
	cli_be_patient(c, &o->retry_for);
	for (;;) {
		if (!round_trip(c, args, count, &left, ret_status, e))
			return false;
		if (left == 0)
			return true;
		interrupt_sleep(wait_ms);
		wait_ms = wait_ms * 2 < POLL_MAX_MS ? wait_ms * 2 : POLL_MAX_MS;
	}
}

const struct cmd cmd_wait = {
	.name = "wait",
	.args = "[OPTION]… BATCH…",
	.help = "wait until batches are over; exit 0 only if all succeed",
	.options = options,
	.options_size = sizeof(struct wait_options),
	.args_min = 1,
	.args_max = ARGS_ANY,
	.run = run,
};
