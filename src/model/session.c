#include "model/session.h"
#include "base/str.h"
#include <stddef.h>

static const char *const drivers[DRIVER_STATE_COUNT] = {
	[DRIVER_STARTING] = "starting",
	[DRIVER_IDLE] = "idle",
	[DRIVER_ERROR] = "error",
};

bool driver_state_parse(const char *name, enum driver_state *ret)
{
	for (int i = 0; i < DRIVER_STATE_COUNT; i++)
		if (str_eq(drivers[i], name)) {
			*ret = (enum driver_state)i;
			return true;
		}
	return false;
}

/* NULL: it is the driver who says. A session whose program ended by itself is dead, well or not. */
static const char *const by_job[STATE_COUNT] = {
	[STATE_QUEUED] = "starting",       [STATE_LAUNCHING] = "starting", [STATE_RUNNING] = NULL,
	[STATE_KILLING] = "shutting_down", [STATE_SUCCESS] = "dead",       [STATE_DEAD] = "dead",
	[STATE_KILLED] = "killed",
};

const char *session_state_name(enum state job, enum driver_state driver, bool busy)
{
	if (by_job[job])
		return by_job[job];
	return driver == DRIVER_IDLE && busy ? "busy" : drivers[driver];
}

bool session_takes_statements(enum state job, enum driver_state driver)
{
	return job == STATE_RUNNING && driver != DRIVER_STARTING;
}

static const struct {
	const char *name;
	bool over;
} statements[STATEMENT_STATE_COUNT] = {
	[STATEMENT_WAITING] = { "waiting", false },       [STATEMENT_RUNNING] = { "running", false },
	[STATEMENT_CANCELLING] = { "cancelling", false }, [STATEMENT_AVAILABLE] = { "available", true },
	[STATEMENT_CANCELLED] = { "cancelled", true },
};

const char *statement_state_name(enum statement_state s)
{
	return statements[s].name;
}

bool statement_state_parse(const char *name, enum statement_state *ret)
{
	for (int i = 0; i < STATEMENT_STATE_COUNT; i++)
		if (str_eq(statements[i].name, name)) {
			*ret = (enum statement_state)i;
			return true;
		}
	return false;
}

bool statement_is_over(enum statement_state s)
{
	return statements[s].over;
}

const char *session_kind(const char *name)
{
	static const char *const kinds[][2] = {
		{ "spark", "spark" },   { "scala", "spark" }, { "pyspark", "pyspark" }, { "python", "pyspark" },
		{ "sparkr", "sparkr" }, { "r", "sparkr" },    { "sql", "sql" },         { "shared", "shared" },
	};

	for (size_t i = 0; i < ARRAY_LEN(kinds); i++)
		if (str_eq(kinds[i][0], name))
			return kinds[i][1];
	return NULL;
}
