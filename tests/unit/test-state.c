#include "base/cleanup.h"
#include "model/state.h"
#include "t.h"
#include <stdint.h>
#include <string.h>

/*
 * Every cell in short hand, a second time and in another form than the program's: target, then actions.
 * Q queued, L launching, R running, K killing; s success, d dead, k killed.
 * l launch, r requeue, t signal (terminate), f finish, v show (visible); "." stays and does nothing.
 */
static const char *const want[STATE_COUNT][EVENT_COUNT] = {
	/*	      slot    started never    gave-up exit-ok exit-bad exit-killed kill */
	/* queued    */ { "L:lv", ".", ".", ".", ".", ".", ".", "k:fv" },
	/* launching */ { ".", "R:v", "Q:rv", "d:fv", "s:fv", "d:fv", "k:fv", "K:tv" },
	/* running   */ { ".", ".", "d:fv", "d:fv", "s:fv", "d:fv", "k:fv", "K:tv" },
	/* killing   */ { ".", "K:t", "k:fv", "k:fv", "k:fv", "k:fv", "k:fv", "K:t" },
	/* success   */ { ".", ".", ".", ".", ".", ".", ".", "." },
	/* dead      */ { ".", ".", ".", ".", ".", ".", ".", "." },
	/* killed    */ { ".", ".", ".", ".", ".", ".", ".", "." },
};

static void check_cell(enum state from, enum event event, const char *cell)
{
	static const char states[] = "QLRKsdk", actions[] = "lrtfv";
	struct step step = state_step(from, event);
	enum state next = from;
	unsigned bits = 0;

	if (*cell != '.') {
		next = (enum state)(strchr(states, *cell) - states);
		for (const char *p = cell + 2; *p; p++)
			bits |= 1u << (strchr(actions, *p) - actions);
	}
	if (step.next != next || step.actions != bits)
		t_fail(__FILE__, __LINE__, "%s on %s gives %s with %#x, wants %s with %#x", state_name(from),
		       event_name(event), state_name(step.next), step.actions, state_name(next), bits);
}

TEST(every_cell_is_as_it_should_be)
{
	for (int s = 0; s < STATE_COUNT; s++)
		for (int e = 0; e < EVENT_COUNT; e++)
			check_cell((enum state)s, (enum event)e, want[s][e]);
}

TEST(what_clients_see_changes_exactly_when_the_state_does)
{
	for (int s = 0; s < STATE_COUNT; s++)
		for (int e = 0; e < EVENT_COUNT; e++) {
			struct step step = state_step((enum state)s, (enum event)e);

			CHECK_INT((step.actions & ACTION_SHOW) != 0, step.next != (enum state)s);
			CHECK_INT((step.actions & ACTION_FINISH) != 0,
				  state_is_final(step.next) && !state_is_final((enum state)s));
		}
}

TEST(states_have_names_that_are_read_back)
{
	static const char *const names[] = { "queued", "launching", "running", "killing", "success", "dead", "killed" };
	static const char *const livy[] = { "starting", "starting", "running", "running", "success", "dead", "killed" };
	enum state back = STATE_DEAD;

	CHECK_INT(ARRAY_LEN(names), STATE_COUNT);
	for (int s = 0; s < STATE_COUNT; s++) {
		CHECK_STR(state_name((enum state)s), names[s]);
		CHECK_STR(state_livy_name((enum state)s), livy[s]);
		CHECK(state_parse(names[s], &back));
		CHECK_INT(back, s);
	}
	CHECK(!state_parse("", &back));
	CHECK(!state_parse("starting", &back));
	CHECK_INT(back, STATE_KILLED); /* untouched */
}

TEST(events_have_names_of_their_own)
{
	for (int a = 0; a < EVENT_COUNT; a++)
		for (int b = a + 1; b < EVENT_COUNT; b++)
			CHECK(strcmp(event_name((enum event)a), event_name((enum event)b)) != 0);
}

TEST(slots_are_held_from_the_launch_to_the_end)
{
	CHECK(!state_has_slot(STATE_QUEUED));
	CHECK(state_has_slot(STATE_LAUNCHING));
	CHECK(state_has_slot(STATE_RUNNING));
	CHECK(state_has_slot(STATE_KILLING));
	CHECK(!state_has_slot(STATE_SUCCESS));
	CHECK(!state_has_slot(STATE_DEAD));
	CHECK(!state_has_slot(STATE_KILLED));
}

static uint64_t next_random(uint64_t *seed) /* splitmix64 */
{
	uint64_t z = *seed += 0x9E3779B97F4A7C15u;

	z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9u;
	z = (z ^ (z >> 27)) * 0x94D049BB133111EBu;
	return z ^ (z >> 31);
}

/* What an observer of one batch remembers who knows nothing of the table. */
struct history {
	enum state now;
	int finishes, slots, attempts_alive;
	bool exit_ok, ran, kill_asked, killed_there;
};

static void observe(struct history *h, enum event event)
{
	enum state was = h->now;
	struct step step = state_step(was, event);
	bool alive = h->attempts_alive > 0,
	     attempt_over = event != EVENT_SLOT && event != EVENT_STARTED && event != EVENT_KILL;

	CHECK(!state_is_final(was) || (step.next == was && step.actions == 0));
	h->exit_ok |= alive && event == EVENT_EXIT_OK;
	h->ran |= alive && event == EVENT_STARTED;
	h->killed_there |= alive && event == EVENT_EXIT_KILLED;
	h->kill_asked |= event == EVENT_KILL && !state_is_final(was);
	h->attempts_alive -= alive && attempt_over;

	if (step.actions & ACTION_LAUNCH) {
		CHECK(!h->ran && !h->kill_asked && h->attempts_alive == 0); /* P4 */
		h->attempts_alive++;
		h->slots++;
	}
	CHECK(!(step.actions & ACTION_SIGNAL) || (h->kill_asked && h->attempts_alive == 1));
	if (step.actions & ACTION_REQUEUE)
		h->slots--;
	if (step.actions & ACTION_FINISH) {
		h->finishes++;
		h->slots -= state_has_slot(was);
	}
	h->now = step.next;
	CHECK_INT(h->slots, state_has_slot(h->now));
	CHECK_INT(h->finishes, state_is_final(h->now));
	CHECK_INT(h->attempts_alive, state_has_slot(h->now)); /* no end is missed, none is waited for in vain */
	CHECK(h->now != STATE_SUCCESS || (h->exit_ok && !h->kill_asked));
	CHECK(h->now != STATE_KILLED || h->kill_asked || h->killed_there);
}

TEST(a_hundred_thousand_histories_keep_every_promise)
{
	enum { HISTORIES = 100000, EVENTS_AFTER_END = 8 };
	uint64_t seed = 20261124;
	int ends[STATE_COUNT] = { 0 };

	for (int i = 0; i < HISTORIES; i++) {
		struct history h = { .now = STATE_QUEUED };

		for (int after = 0; after < EVENTS_AFTER_END; after += state_is_final(h.now))
			observe(&h, (enum event)(next_random(&seed) % EVENT_COUNT));
		ends[h.now]++;
	}
	CHECK(ends[STATE_SUCCESS] > 1000 && ends[STATE_DEAD] > 1000 && ends[STATE_KILLED] > 1000);
	CHECK_INT(ends[STATE_SUCCESS] + ends[STATE_DEAD] + ends[STATE_KILLED], HISTORIES);
}
