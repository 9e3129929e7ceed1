/* florus kill - ends batches, and says what really became of each. */
#include "cli/server.h"

enum { STATE_MAX = 32 };

static const struct opt options[] = { { 0 } };

static bool state_of(struct cli *c, const char *batch, int64_t *ret_id, char ret_state[STATE_MAX], struct error *e)
{
	_reply_ struct reply reply = { 0 };
	const char *state;

	if (!server_get_batch(c, batch, "/state", &reply, e) || !reply_int(reply.json, "id", ret_id, e) ||
	    !reply_need(reply.json, "state", &state, e))
		return false;
	(void)snprintf(ret_state, STATE_MAX, "%s", state);
	return true;
}

static bool delete_batch(struct cli *c, int64_t id, struct error *e)
{
	_reply_ struct reply reply = { 0 };
	char path[64];
	struct call call = { .method = "DELETE", .path = path, .timeout_ms = CALL_KILL_TIMEOUT_MS };

	(void)snprintf(path, sizeof path, "/batches/%lld", (long long)id);
	return server_call(c, &call, &reply, e);
}

/*
 * A batch that is over is left alone: deleting it would only take its record out of the list.
 * One that ended by itself while the kill was on its way was not killed.
 */
static bool kill_batch(struct cli *c, const char *batch, struct error *e)
{
	char state[STATE_MAX];
	int64_t id;

	if (!state_of(c, batch, &id, state, e))
		return false;
	if (batch_is_over(state)) {
		(void)printf("batch %lld was over already: %s\n", (long long)id, state);
		return cli_flush(stdout, e);
	}
	if (!delete_batch(c, id, e))
		return error_wrap(e, "batch %lld", (long long)id);
	if (!state_of(c, batch, &id, state, e) && e->code != ERR_NOT_FOUND)
		return error_wrap(e, "batch %lld was sent the kill, but its state is unknown", (long long)id);
	if (batch_is_over(state))
		(void)printf("batch %lld %s\n", (long long)id, state);
	else
		(void)printf("batch %lld killed\n", (long long)id); /* Livy forgets what it has deleted */
	return cli_flush(stdout, e);
}

static bool run(struct cli *c, const void *values, char **args, int count, int *ret_status, struct error *e)
{
	(void)values;
	*ret_status = 0;
	for (int i = 0; i < count; i++) {
		if (kill_batch(c, args[i], e))
			continue;
		if (i + 1 == count && *ret_status == 0)
			return false;
		cli_complain(e);
		*ret_status = *ret_status ? *ret_status : error_exit_status(e->code);
	}
	return true;
}

const struct cmd cmd_kill = {
	.name = "kill",
	.args = "BATCH…",
	.help = "kill batches",
	.options = options,
	.args_min = 1,
	.args_max = ARGS_ANY,
	.run = run,
};
