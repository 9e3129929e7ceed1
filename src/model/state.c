#include "model/state.h"
#include "base/str.h"

#define STAY(s)      \
	{            \
		s, 0 \
	}
#define GO(s, actions)                             \
	{                                          \
		STATE_##s, (actions) | ACTION_SHOW \
	}
#define END(s) GO(s, ACTION_FINISH)

/*
 * Every cell is written out. Rows: where a batch is. Columns: what happened.
 *
 * A report of the end may come without STARTED: the driver was over before we looked. RUNNING
 * with NEVER_STARTED or GAVE_UP contradicts what was seen; as it is the attempt's last report, the
 * batch ends as dead rather than waiting for ever, and is not tried again (P4).
 */
static const struct step table[STATE_COUNT][EVENT_COUNT] = {
	[STATE_QUEUED] = {
		[EVENT_SLOT] = GO(LAUNCHING, ACTION_LAUNCH),
		[EVENT_STARTED] = STAY(STATE_QUEUED),
		[EVENT_NEVER_STARTED] = STAY(STATE_QUEUED),
		[EVENT_GAVE_UP] = STAY(STATE_QUEUED),
		[EVENT_EXIT_OK] = STAY(STATE_QUEUED),
		[EVENT_EXIT_BAD] = STAY(STATE_QUEUED),
		[EVENT_EXIT_KILLED] = STAY(STATE_QUEUED),
		[EVENT_KILL] = END(KILLED),
	},
	[STATE_LAUNCHING] = {
		[EVENT_SLOT] = STAY(STATE_LAUNCHING),
		[EVENT_STARTED] = GO(RUNNING, 0),
		[EVENT_NEVER_STARTED] = GO(QUEUED, ACTION_REQUEUE),
		[EVENT_GAVE_UP] = END(DEAD),
		[EVENT_EXIT_OK] = END(SUCCESS),
		[EVENT_EXIT_BAD] = END(DEAD),
		[EVENT_EXIT_KILLED] = END(KILLED),
		[EVENT_KILL] = GO(KILLING, ACTION_SIGNAL),
	},
	[STATE_RUNNING] = {
		[EVENT_SLOT] = STAY(STATE_RUNNING),
		[EVENT_STARTED] = STAY(STATE_RUNNING),
		[EVENT_NEVER_STARTED] = END(DEAD),
		[EVENT_GAVE_UP] = END(DEAD),
		[EVENT_EXIT_OK] = END(SUCCESS),
		[EVENT_EXIT_BAD] = END(DEAD),
		[EVENT_EXIT_KILLED] = END(KILLED),
		[EVENT_KILL] = GO(KILLING, ACTION_SIGNAL),
	},
	[STATE_KILLING] = {
		[EVENT_SLOT] = STAY(STATE_KILLING),
		[EVENT_STARTED] = { STATE_KILLING, ACTION_SIGNAL },
		[EVENT_NEVER_STARTED] = END(KILLED),
		[EVENT_GAVE_UP] = END(KILLED),
		[EVENT_EXIT_OK] = END(KILLED),
		[EVENT_EXIT_BAD] = END(KILLED),
		[EVENT_EXIT_KILLED] = END(KILLED),
		[EVENT_KILL] = { STATE_KILLING, ACTION_SIGNAL },
	},
	[STATE_SUCCESS] = {
		[EVENT_SLOT] = STAY(STATE_SUCCESS),
		[EVENT_STARTED] = STAY(STATE_SUCCESS),
		[EVENT_NEVER_STARTED] = STAY(STATE_SUCCESS),
		[EVENT_GAVE_UP] = STAY(STATE_SUCCESS),
		[EVENT_EXIT_OK] = STAY(STATE_SUCCESS),
		[EVENT_EXIT_BAD] = STAY(STATE_SUCCESS),
		[EVENT_EXIT_KILLED] = STAY(STATE_SUCCESS),
		[EVENT_KILL] = STAY(STATE_SUCCESS),
	},
	[STATE_DEAD] = {
		[EVENT_SLOT] = STAY(STATE_DEAD),
		[EVENT_STARTED] = STAY(STATE_DEAD),
		[EVENT_NEVER_STARTED] = STAY(STATE_DEAD),
		[EVENT_GAVE_UP] = STAY(STATE_DEAD),
		[EVENT_EXIT_OK] = STAY(STATE_DEAD),
		[EVENT_EXIT_BAD] = STAY(STATE_DEAD),
		[EVENT_EXIT_KILLED] = STAY(STATE_DEAD),
		[EVENT_KILL] = STAY(STATE_DEAD),
	},
	[STATE_KILLED] = {
		[EVENT_SLOT] = STAY(STATE_KILLED),
		[EVENT_STARTED] = STAY(STATE_KILLED),
		[EVENT_NEVER_STARTED] = STAY(STATE_KILLED),
		[EVENT_GAVE_UP] = STAY(STATE_KILLED),
		[EVENT_EXIT_OK] = STAY(STATE_KILLED),
		[EVENT_EXIT_BAD] = STAY(STATE_KILLED),
		[EVENT_EXIT_KILLED] = STAY(STATE_KILLED),
		[EVENT_KILL] = STAY(STATE_KILLED),
	},
};

/* A killing batch still reads "running" in Livy, up to its end. */
static const struct {
	const char *name, *livy_name;
	bool final, has_slot;
} states[STATE_COUNT] = {
	[STATE_QUEUED] = { "queued", "starting", false, false },
	[STATE_LAUNCHING] = { "launching", "starting", false, true },
	[STATE_RUNNING] = { "running", "running", false, true },
	[STATE_KILLING] = { "killing", "running", false, true },
	[STATE_SUCCESS] = { "success", "success", true, false },
	[STATE_DEAD] = { "dead", "dead", true, false },
	[STATE_KILLED] = { "killed", "killed", true, false },
};

static const char *const events[EVENT_COUNT] = {
	[EVENT_SLOT] = "slot",
	[EVENT_STARTED] = "started",
	[EVENT_NEVER_STARTED] = "never_started",
	[EVENT_GAVE_UP] = "gave_up",
	[EVENT_EXIT_OK] = "exit_ok",
	[EVENT_EXIT_BAD] = "exit_bad",
	[EVENT_EXIT_KILLED] = "exit_killed",
	[EVENT_KILL] = "kill",
};

struct step state_step(enum state from, enum event event)
{
	return table[from][event];
}

bool state_is_final(enum state s)
{
	return states[s].final;
}

bool state_has_slot(enum state s)
{
	return states[s].has_slot;
}

const char *state_name(enum state s)
{
	return states[s].name;
}

bool state_parse(const char *name, enum state *ret)
{
	for (int i = 0; i < STATE_COUNT; i++)
		if (str_eq(states[i].name, name)) {
			*ret = (enum state)i;
			return true;
		}
	return false;
}

const char *state_livy_name(enum state s)
{
	return states[s].livy_name;
}

const char *event_name(enum event e)
{
	return events[e];
}
