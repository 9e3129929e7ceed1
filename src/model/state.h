/*
 * state - a batch's life as a table.
 *
 * state_step() is a pure function (state, event) -> (state, actions); every cell of the table is
 * filled, an event that makes no sense in a state is an explicit "ignore". A final state is never
 * left (P11). The caller carries the actions out; nothing else decides what happens to a batch.
 */
#pragma once
#include <stdbool.h>

enum state {
	STATE_QUEUED,    /* committed, waiting for a slot */
	STATE_LAUNCHING, /* intent committed or about to be; the driver has not been seen */
	STATE_RUNNING,   /* the driver runs */
	STATE_KILLING,   /* a kill is committed or about to be; the driver has not been seen to end */
	STATE_SUCCESS,
	STATE_DEAD,
	STATE_KILLED,
	STATE_COUNT
};

enum event {
	EVENT_SLOT,          /* the queue gives it a place to run */
	EVENT_STARTED,       /* the driver runs */
	EVENT_NEVER_STARTED, /* nothing ran: it may be tried again */
	EVENT_GAVE_UP,       /* nothing ran, and trying again is of no use (too many tries) */
	EVENT_EXIT_OK,       /* exit status 0, observed */
	EVENT_EXIT_BAD,      /* any other end: other status, signal, exec failure, or unknown */
	EVENT_EXIT_KILLED,   /* a cluster says that somebody ended it there */
	EVENT_KILL,          /* a user's DELETE, committed */
	EVENT_COUNT
};

/* What the caller must do, in this order, after a step. */
enum action {
	ACTION_LAUNCH = 1 << 0,  /* commit the intent of a new attempt, then launch it */
	ACTION_REQUEUE = 1 << 1, /* to the head of the queue, with back-off */
	ACTION_SIGNAL = 1 << 2,  /* kill the attempt's tree */
	ACTION_FINISH = 1 << 3,  /* commit the final state, free the slot, wake those who wait */
	ACTION_SHOW = 1 << 4,    /* what clients see has changed */
};

struct step {
	enum state next;
	unsigned actions;
};

struct step state_step(enum state from, enum event event);

bool state_is_final(enum state s);
bool state_has_slot(enum state s);    /* counts against florus.launch.max-running */
const char *state_name(enum state s); /* as stored: "queued", "launching", … */
bool state_parse(const char *name, enum state *ret);
const char *state_livy_name(enum state s); /* on /batches: starting, running, success, dead, killed (differences.md) */
const char *event_name(enum event e);
