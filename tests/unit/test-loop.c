/* Timers that are due at once, and what else the loop has to do. */
#include "base/cleanup.h"
#include "loop/loop.h"
#include "t.h"
#include <unistd.h>

enum { TURNS_MAX = 1000 };

struct turns {
	struct loop *loop;
	struct loop_timer *timer, *other;
	int count, others, seen_at;
};

static void again(void *arg)
{
	struct turns *t = arg;

	if (++t->count == TURNS_MAX)
		loop_stop(t->loop);
	else
		loop_timer_set(t->timer, 0, 0);
}

static void readable(void *arg)
{
	struct turns *t = arg;

	t->seen_at = t->count;
	loop_stop(t->loop);
}

TEST(a_timer_that_sets_itself_anew_does_not_starve_descriptors)
{
	struct turns t = { .loop = loop_new(), .seen_at = -1 };
	struct loop_watch *watch;
	struct error e;
	int ends[2];

	CHECK(pipe(ends) == 0 && write(ends[1], "x", 1) == 1);
	CHECK_OK(loop_watch_new(t.loop, ends[0], readable, &t, &watch, &e), e);
	t.timer = loop_timer_new(t.loop, again, &t);
	loop_timer_set(t.timer, 0, 0);
	loop_run(t.loop);
	CHECK(t.seen_at >= 0 && t.seen_at <= 2);
	t.timer = loop_timer_free(t.timer);
	(void)loop_watch_free(watch);
	(void)loop_free(t.loop);
	(void)close(ends[0]);
	(void)close(ends[1]);
}

static void other_is_not_wanted(void *arg)
{
	struct turns *t = arg;

	t->count++;
	if (t->count == 1)
		loop_timer_stop(t->other);
	else
		t->other = loop_timer_free(t->other);
	loop_timer_set(t->timer, t->count == 1 ? 0 : 1, 0);
	if (t->count == 1)
		loop_timer_set(t->other, 0, 0);
	else if (t->count == 3)
		loop_stop(t->loop);
}

static void count_other(void *arg)
{
	((struct turns *)arg)->others++;
}

TEST(one_that_is_stopped_or_freed_by_another_that_is_due_too_is_not_called)
{
	struct turns t = { .loop = loop_new() };

	t.timer = loop_timer_new(t.loop, other_is_not_wanted, &t);
	t.other = loop_timer_new(t.loop, count_other, &t);
	loop_timer_set(t.timer, 0, 0);
	loop_timer_set(t.other, 0, 0);
	loop_run(t.loop);
	CHECK_INT(t.count, 3);
	CHECK_INT(t.others, 0);
	t.timer = loop_timer_free(t.timer);
	(void)loop_free(t.loop);
}

static void stop_at_three(void *arg)
{
	struct turns *t = arg;

	if (++t->count == 3)
		loop_stop(t->loop);
}

TEST(one_that_begins_at_once_goes_on_at_its_interval)
{
	struct turns t = { .loop = loop_new() };

	t.timer = loop_timer_new(t.loop, stop_at_three, &t);
	loop_timer_set(t.timer, 0, 1);
	loop_run(t.loop);
	CHECK_INT(t.count, 3);
	t.other = loop_timer_new(t.loop, count_other, &t);
	loop_timer_set(t.other, 0, 0); /* left to loop_free() */
	(void)loop_free(t.loop);
	CHECK_INT(t.others, 0);
}
