#include "service/backlog.h"
#include "t.h"
#include <stddef.h>

TEST(nobody_has_only_the_limit_of_all)
{
	struct backlog *b = backlog_new();

	for (int i = 0; i < 3; i++)
		backlog_enter(b, NULL);
	CHECK(!backlog_full(b, NULL, 4, 1));
	CHECK(backlog_full(b, NULL, 3, 0));
	backlog_leave(b, NULL);
	CHECK(!backlog_full(b, NULL, 3, 0));
	b = backlog_free(b);
}

TEST(each_user_has_a_share)
{
	struct backlog *b = backlog_new();

	backlog_enter(b, "alice");
	backlog_enter(b, "alice");
	CHECK(backlog_full(b, "alice", 10, 2));
	CHECK(!backlog_full(b, "bob", 10, 2));
	CHECK(!backlog_full(b, "alice", 10, 3));
	CHECK(!backlog_full(b, "alice", 10, 0));
	backlog_enter(b, "bob");
	CHECK(backlog_full(b, "carol", 3, 2));
	backlog_leave(b, "alice");
	CHECK(!backlog_full(b, "alice", 10, 2));
	b = backlog_free(b);
}

TEST(who_has_none_waiting_is_forgotten)
{
	struct backlog *b = backlog_new();
	char name[] = "user-0";

	for (int round = 0; round < 3; round++)
		for (int i = 0; i < 10; i++) {
			name[sizeof name - 2] = "0123456789"[i];
			backlog_enter(b, name);
			CHECK(backlog_full(b, name, 100, 1));
			backlog_leave(b, name);
			CHECK(!backlog_full(b, name, 100, 1));
		}
	CHECK(backlog_full(b, "user-0", 0, 0));
	b = backlog_free(b);
}
