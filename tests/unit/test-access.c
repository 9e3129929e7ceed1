#include "model/access.h"
#include "base/str.h"
#include "t.h"
#include <string.h>

#define LISTS                                                                                       \
	.superusers = "root, airflow", .modify_users = "ops\tbob", .view_users = ",, audit   bob,", \
	.allowed_users = "alice bob,carol"

static const struct access_lists off = { LISTS }, on = { .control = true, LISTS };
static const struct access_object alices = { .owner = "alice", .proxy_user = "carol" }, nobodys = { 0 };

static const char *const users[] = { NULL,  "",     "mallory", "alice", "carol",  "bob", "audit",
				     "ops", "root", "Alice",   "alic",  "alicea", "*",   "airflow" };

/* The users who have the right, one after the other. */
static const char *who_may(const struct access_lists *lists, enum access_right right, const struct access_object *of)
{
	static char found[256];
	struct access *a = access_new(lists);
	size_t n = 0;

	found[0] = '\0';
	for (size_t i = 0; i < ARRAY_LEN(users); i++) {
		const struct access_caller who = access_caller(a, users[i]);

		if (access_decide(a, &who, right, of))
			n += (size_t)snprintf(found + n, sizeof found - n, "%s%s", n ? " " : "",
					      !users[i]   ? "NULL"
					      : *users[i] ? users[i]
							  : "EMPTY");
	}
	(void)access_free(a);
	return found;
}

#define ALL "NULL EMPTY mallory alice carol bob audit ops root Alice alic alicea * airflow"
#define ALL_NAMED "mallory alice carol bob audit ops root Alice alic alicea * airflow"
#define VIEWERS "alice carol bob audit ops root airflow"
#define MODIFIERS "alice carol bob ops root airflow"
#define LISTED "alice carol bob audit ops root airflow"

TEST(with_access_control_off_everybody_may_all_but_impersonate)
{
	CHECK_STR(who_may(&off, ACCESS_PROBE, NULL), ALL);
	CHECK_STR(who_may(&off, ACCESS_REACH, NULL), ALL);
	CHECK_STR(who_may(&off, ACCESS_VIEW, &alices), ALL);
	CHECK_STR(who_may(&off, ACCESS_CREATE, NULL), ALL);
	CHECK_STR(who_may(&off, ACCESS_VIEW_LOG, &alices), ALL);
	CHECK_STR(who_may(&off, ACCESS_MODIFY, &alices), ALL);
	CHECK_STR(who_may(&off, ACCESS_IMPERSONATE, &alices), "alice root airflow");
}

TEST(with_access_control_on_each_right_is_that_of_its_users)
{
	CHECK_STR(who_may(&on, ACCESS_PROBE, NULL), ALL);
	CHECK_STR(who_may(&on, ACCESS_REACH, NULL), LISTED);
	CHECK_STR(who_may(&on, ACCESS_VIEW, &alices), ALL_NAMED);
	CHECK_STR(who_may(&on, ACCESS_CREATE, NULL), ALL_NAMED);
	CHECK_STR(who_may(&on, ACCESS_VIEW_LOG, &alices), VIEWERS);
	CHECK_STR(who_may(&on, ACCESS_MODIFY, &alices), MODIFIERS);
	CHECK_STR(who_may(&on, ACCESS_IMPERSONATE, &alices), "alice root airflow");
}

TEST(what_nobody_owns_is_for_the_lists_alone)
{
	CHECK_STR(who_may(&on, ACCESS_VIEW_LOG, &nobodys), "bob audit ops root airflow");
	CHECK_STR(who_may(&on, ACCESS_MODIFY, &nobodys), "bob ops root airflow");
	CHECK_STR(who_may(&on, ACCESS_MODIFY, NULL), "bob ops root airflow");
	CHECK_STR(who_may(&on, ACCESS_IMPERSONATE, &nobodys), "root airflow");
}

TEST(a_right_that_was_never_given_is_nobodys)
{
	CHECK_STR(who_may(&off, ACCESS_NOBODY, &alices), "");
	CHECK_STR(who_may(&on, ACCESS_NOBODY, &alices), "");
	CHECK_STR(who_may(&off, ACCESS_RIGHT_COUNT, &alices), "");
	CHECK_STR(who_may(&on, (enum access_right)1000, &alices), "");
}

TEST(a_star_is_everybody_with_a_name)
{
	static const struct access_lists stars = {
		.control = true, .superusers = "*", .modify_users = "*", .view_users = "*", .allowed_users = "*"
	};
	static const struct access_lists allowed = { .control = true, .allowed_users = "x, *" };
	static const struct access_lists viewers = { .control = true, .view_users = "*" };
	static const struct access_lists empty = { .control = true, .allowed_users = " , " };

	CHECK_STR(who_may(&stars, ACCESS_REACH, NULL), ALL_NAMED);
	CHECK_STR(who_may(&stars, ACCESS_VIEW_LOG, &alices), ALL_NAMED);
	CHECK_STR(who_may(&stars, ACCESS_MODIFY, &nobodys), ALL_NAMED);
	CHECK_STR(who_may(&stars, ACCESS_IMPERSONATE, &nobodys), ALL_NAMED);
	CHECK_STR(who_may(&allowed, ACCESS_REACH, NULL), ALL_NAMED);
	CHECK_STR(who_may(&allowed, ACCESS_VIEW_LOG, &alices), "alice carol");
	CHECK_STR(who_may(&viewers, ACCESS_REACH, NULL), ALL_NAMED);
	CHECK_STR(who_may(&viewers, ACCESS_VIEW_LOG, &alices), ALL_NAMED);
	CHECK_STR(who_may(&viewers, ACCESS_MODIFY, &alices), "alice carol");
	CHECK_STR(who_may(&empty, ACCESS_REACH, NULL), "");
}

/* What comes of the wish: "alice", "NULL", or the refusal. */
static const char *acts_as(const struct access_lists *lists, const char *user, const char *as)
{
	static struct error e;
	static char name[512];
	struct access *a = access_new(lists);
	const struct access_caller who = access_caller(a, user);
	const char *got = "untouched";
	bool ok = access_impersonate(a, &who, as, &got, &e);

	(void)snprintf(name, sizeof name, "%s", got ? got : "NULL");
	(void)access_free(a);
	if (!ok && e.code != ERR_FORBIDDEN)
		CHECK(e.code == ERR_INVALID && strstr(e.msg, "cannot be the name of a user"));
	return ok ? name : e.code == ERR_INVALID ? "INVALID" : e.msg;
}

TEST(superusers_act_as_others_and_everybody_as_himself)
{
	static const struct access_lists yes = { .impersonation = true, LISTS };

	CHECK_STR(acts_as(&yes, "alice", NULL), "alice");
	CHECK_STR(acts_as(&yes, "alice", "alice"), "alice");
	CHECK_STR(acts_as(&yes, "airflow", "alice"), "alice");
	CHECK_STR(acts_as(&yes, "airflow", "some.one-else_9@EXAMPLE.ORG"), "some.one-else_9@EXAMPLE.ORG");
	CHECK_STR(acts_as(&yes, "alice", "bob"), "User 'alice' not allowed to impersonate 'Some(bob)'.");
	CHECK_STR(acts_as(&yes, "ops", "bob"), "User 'ops' not allowed to impersonate 'Some(bob)'.");
	CHECK_STR(acts_as(&yes, "alice", ""), "User 'alice' not allowed to impersonate 'Some()'.");
	CHECK_STR(acts_as(&yes, NULL, "bob"), "User 'null' not allowed to impersonate 'Some(bob)'.");
	CHECK_STR(acts_as(&yes, NULL, NULL), "NULL");
}

TEST(without_impersonation_a_wish_is_nothing)
{
	CHECK_STR(acts_as(&on, "alice", "root"), "NULL");
	CHECK_STR(acts_as(&on, "alice", NULL), "NULL");
	CHECK_STR(acts_as(&off, "airflow", "../x"), "NULL");
}

TEST(not_even_a_superuser_acts_as_what_is_no_user)
{
	static const struct access_lists yes = { .impersonation = true, .superusers = "root,*" };
	static const char *const wrong[] = { "",      "a b",  "../x", "a/b",   "--conf",    "-a", ".",        "..",
					     ".ssh",  "a\nb", "a\tb", "a\x7f", "a\xc2\x85", "ä",  "a,b",      "a:b",
					     "$(id)", "a;b",  "a'b",  "a\"b",  "a\\b",      "*",  "root\r\nx" };
	char longest[257];

	for (size_t i = 0; i < ARRAY_LEN(wrong); i++)
		CHECK_STR(acts_as(&yes, "root", wrong[i]), "INVALID");
	memset(longest, 'x', sizeof longest);
	longest[256] = '\0';
	CHECK_STR(acts_as(&yes, "root", longest), "INVALID");
	longest[255] = '\0';
	CHECK_STR(acts_as(&yes, "root", longest), longest);
	CHECK_STR(acts_as(&yes, "domain\\jane", "domain\\jane"), "INVALID"); /* himself, but no job can run as that */
	CHECK_STR(acts_as(&yes, "domain\\jane", NULL), "domain\\jane");
}

TEST(a_refusal_of_long_names_stays_whole)
{
	static const struct access_lists yes = { .impersonation = true };
	char name[1000];

	memset(name, 'x', sizeof name - 1);
	name[sizeof name - 1] = '\0';
	CHECK(str_ends(acts_as(&yes, "alice", name), ")'."));
}

TEST(many_names_in_any_order_are_all_found)
{
	enum { COUNT = 3000 };
	static char modify[COUNT * 8], view[COUNT * 8];
	struct access_lists lists = { .control = true, .modify_users = modify, .view_users = view };

	for (int i = 0; i < COUNT; i++) {
		(void)snprintf(modify + strlen(modify), 8, "u%d,", (i * 7919) % COUNT * 2);
		(void)snprintf(view + strlen(view), 8, "u%d ", i);
	}
	struct access *a = access_new(&lists);
	for (int i = 0; i < 2 * COUNT; i++) {
		char name[16];

		(void)snprintf(name, sizeof name, "u%d", i);
		const struct access_caller who = access_caller(a, name);
		CHECK_INT(access_decide(a, &who, ACCESS_MODIFY, &nobodys), i % 2 == 0);
		CHECK_INT(access_decide(a, &who, ACCESS_VIEW_LOG, &nobodys), i % 2 == 0 || i < COUNT);
	}
	(void)access_free(a);
}
