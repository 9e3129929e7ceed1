/* Principals become users by Hadoop's rules. */
#include "auth/namerules.h"
#include "base/cleanup.h"
#include "t.h"
#include <string.h>

#define REALM "EXAMPLE.COM"

/* The user, or the first words of why there is none. */
static const char *user_of(const char *rules, const char *principal)
{
	static char user[64];
	static struct error e;
	struct namerules *r;

	CHECK_OK(namerules_parse(rules, &r, &e), e);
	bool ok = namerules_apply(r, principal, REALM, user, sizeof user, &e);
	r = namerules_free(r);
	return ok ? user : e.msg;
}

static void check_nobody(const char *rules, const char *principal, const char *part)
{
	const char *got = user_of(rules, principal);

	if (!strstr(got, part))
		t_fail(__FILE__, __LINE__, "%s by %s: \"%s\" does not say \"%s\"", principal, rules, got, part);
}

TEST(default_is_for_the_default_realm_only)
{
	CHECK_STR(user_of("DEFAULT", "alice@EXAMPLE.COM"), "alice");
	CHECK_STR(user_of("DEFAULT", "hdfs/node1@EXAMPLE.COM"), "hdfs");
	CHECK_STR(user_of(NULL, "alice@EXAMPLE.COM"), "alice");
	CHECK_STR(user_of(" \n ", "alice@EXAMPLE.COM"), "alice");
	check_nobody("DEFAULT", "alice@OTHER.COM", "no rule");
	check_nobody("DEFAULT", "alice@example.com", "no rule");
	check_nobody("DEFAULT", "alice@EXAMPLE.COM.EVIL", "no rule");
}

TEST(a_rule_is_for_its_number_of_components)
{
	static const char rules[] = "RULE:[1:$1.one] RULE:[2:$1.$2]";

	CHECK_STR(user_of(rules, "alice@X"), "alice.one");
	CHECK_STR(user_of(rules, "alice/admin@X"), "alice.admin");
	check_nobody(rules, "a/b/c@X", "no rule");
}

TEST(the_regex_must_match_all_of_the_format)
{
	static const char rules[] = "RULE:[1:$1@$0](.*@EXAMPLE\\.COM)s/@.*//";

	CHECK_STR(user_of(rules, "alice@EXAMPLE.COM"), "alice");
	check_nobody(rules, "alice@EXAMPLE.COM.EVIL", "no rule");
	check_nobody(rules, "alice@EXAMPLExCOM", "no rule");
	check_nobody("RULE:[1:$1](root|admin)", "administrator@EXAMPLE.COM", "no rule");
	check_nobody("RULE:[1:$1](a|b)", "xa@X", "no rule");
}

TEST(the_first_rule_that_applies_decides)
{
	static const char rules[] = "RULE:[2:$1@$0](nn@.*)s/.*/hdfs/\nRULE:[2:$1@$0](rm@.*)s/.*/yarn/\r\n\tDEFAULT";

	CHECK_STR(user_of(rules, "nn/host@EXAMPLE.COM"), "hdfs");
	CHECK_STR(user_of(rules, "rm/host@OTHER.COM"), "yarn");
	CHECK_STR(user_of(rules, "dn/host@EXAMPLE.COM"), "dn");
	/* Hadoop's own grammar needs no blanks between them */
	CHECK_STR(user_of("RULE:[1:$1](x)RULE:[1:$1]s/l/L/gDEFAULT", "alill@X"), "aLiLL");
}

TEST(substitution_is_like_sed)
{
	CHECK_STR(user_of("RULE:[1:$1]s/a/b/", "banana@X"), "bbnana");
	CHECK_STR(user_of("RULE:[1:$1]s/a/b/g", "banana@X"), "bbnbnb");
	CHECK_STR(user_of("RULE:[1:$1]s/z/b/g", "banana@X"), "banana");
	CHECK_STR(user_of("RULE:[1:$1]s/x*/./g", "abc@X"), ".a.b.c.");
	CHECK_STR(user_of("RULE:[1:$1]s/a*/./g", "aab@X"), "..b.");
	CHECK_STR(user_of("RULE:[1:$1]s/x*/./", "abc@X"), ".abc");
	CHECK_STR(user_of("RULE:[1:$1]s/$/.end/", "abc@X"), "abc.end");
	CHECK_STR(user_of("RULE:[1:$1]s/^a/x/g", "aab@X"), "xab");
	CHECK_STR(user_of("RULE:[2:$1;$2](^.*;admin$)s/;admin$//", "alice/admin@X"), "alice");
	CHECK_STR(user_of("RULE:[2:$1;$2](.*)s/([a-z]+);([a-z]+)/$2.$1\\$/", "alice/admin@X"), "admin.alice$");
	CHECK_STR(user_of("RULE:[1:$1]s/(x)|(l)/[$1$2]/g", "alix@X"), "a[l]i[x]");
	CHECK_STR(user_of("RULE:[1:$1]s/\\./_/g", "a.b.c@X"), "a_b_c");
	CHECK_STR(user_of("RULE:[1:$1]s/\\W/_/g", "a.b-c@X"), "a_b_c");
}

TEST(l_makes_lower_case)
{
	CHECK_STR(user_of("RULE:[1:$1]/L", "ALICE@X"), "alice");
	CHECK_STR(user_of("RULE:[1:$1@$0](.*@X)s/@.*///L", "Alice@X"), "alice");
	CHECK_STR(user_of("RULE:[1:$1]s/A/B/g/L", "AA@X"), "bb");
	CHECK_STR(user_of("RULE:[1:$1]s/A/B/gL", "AA@X"), "bb");
}

TEST(what_rules_make_must_be_a_users_name)
{
	check_nobody("RULE:[1:$1@$0]", "alice@X", "no user's name");
	check_nobody("RULE:[2:$1/$2]", "alice/admin@X", "no user's name");
	check_nobody("RULE:[1:$1]s/.*/*/ DEFAULT", "alice@EXAMPLE.COM", "no user's name");
	check_nobody("RULE:[1:$1]s/.*//", "alice@X", "no user's name");
	check_nobody("RULE:[1:$1]", "-rf@X", "no user's name");
	check_nobody("RULE:[1:$1]", "a:b@X", "no user's name");
	check_nobody("RULE:[1:$1$1$1$1]", "abcdefghijklmnopqrst@X", "no user's name"); /* longer than the room for it */
	check_nobody("RULE:[1:$1]s/a/aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa/g",
		     "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa@X",
		     "no user's name");
}

TEST(names_of_a_strange_form_are_nobody)
{
	static const char *const principals[] = { "",
						  "alice",
						  "@X",
						  "alice@",
						  "/admin@EXAMPLE.COM",
						  "a/@X",
						  "a//b@X",
						  "a@b@X",
						  "a\\@b@X",
						  "a\\/b@EXAMPLE.COM",
						  "a@X/y",
						  "a/b/c/d/e@EXAMPLE.COM" };
	char longest[PRINCIPAL_MAX + 16];

	for (size_t i = 0; i < ARRAY_LEN(principals); i++)
		check_nobody("DEFAULT RULE:[1:$1] RULE:[2:$1]", principals[i], "not of a form");
	memset(longest, 'a', sizeof longest);
	(void)snprintf(longest + PRINCIPAL_MAX - 5, 16, "@X");
	CHECK_STR(user_of("RULE:[1:$1]s/a+/b/", longest), "b");
	(void)snprintf(longest + PRINCIPAL_MAX - 5, 16, "aaaaa@X");
	check_nobody("RULE:[1:$1]s/a+/b/", longest, "not of a form");
}

static void check_bad(const char *rules, const char *part)
{
	struct namerules *r;
	struct error e = { 0 };

	if (namerules_parse(rules, &r, &e))
		t_fail(__FILE__, __LINE__, "%s was taken", rules);
	CHECK_INT(e.code, ERR_CONFIG);
	if (!strstr(e.msg, part))
		t_fail(__FILE__, __LINE__, "%s: \"%s\" does not say \"%s\"", rules, e.msg, part);
}

TEST(what_is_no_rule_is_refused_with_its_place)
{
	check_bad("nonsense", "\"nonsense\": expected DEFAULT or RULE:");
	check_bad("DEFAULT\nRULE:[1:$1", "\"RULE:[1:$1\": the ] after the format");
	check_bad("RULE:[:$1]", "number of components");
	check_bad("RULE:[0:$0]", "number of components");
	check_bad("RULE:[5:$0]", "number of components");
	check_bad("RULE:[12:$1]", "number of components");
	check_bad("RULE:[1]", "number of components");
	check_bad("RULE:[1:$2]", "$0 (the realm) and $1 to $1");
	check_bad("RULE:[1:$]", "$0 (the realm)");
	check_bad("RULE:[1:$x]", "$0 (the realm)");
	check_bad("RULE:[2:$12]", "$0 (the realm)");
	check_bad("RULE:[1:$1](x", "the ) after the regex");
	check_bad("RULE:[1:$1](x))", "expected DEFAULT or RULE");
	check_bad("RULE:[1:$1]s/a", "expected s/from/to/");
	check_bad("RULE:[1:$1]s/a/b", "expected s/from/to/");
	check_bad("RULE:[1:$1]s/(/b/", "the regex (");
	check_bad("RULE:[1:$1]s/a/$1/", "number of groups, 0");
	check_bad("RULE:[1:$1]s/(a)/$2/", "number of groups, 1");
	check_bad("RULE:[1:$1]s/a/$/", "number of groups");
	check_bad("DEFAULT,DEFAULT", "expected DEFAULT");
}

TEST(what_only_java_knows_is_refused)
{
	check_bad("RULE:[1:$1](\\d+)", "an escaped letter or digit");
	check_bad("RULE:[1:$1]s/(a)\\1/b/", "an escaped letter or digit");
	check_bad("RULE:[1:$1]s/a+?/b/", "lazy");
	check_bad("RULE:[1:$1]s/a{2}+/b/", "lazy");
	check_bad("RULE:[1:$1]s/(?i)a/b/", "(?");
	check_bad("RULE:[1:$1]([a-z&&[^b]]*)", "inside [...]");
	check_bad("RULE:[1:$1]([\\w.]*)", "inside [...]");
	CHECK_STR(user_of("RULE:[1:$1]s/\\*?x\\(?/b/", "axc@X"), "abc");
	CHECK_STR(user_of("RULE:[1:$1]([^.+?*]+)", "abc@X"), "abc");
}

TEST(there_are_at_most_so_many_rules)
{
	char text[(NAMERULES_MAX + 1) * 8 + 1] = "";

	for (int i = 0; i < NAMERULES_MAX; i++)
		memcpy(text + 8 * i, "DEFAULT ", 9);
	CHECK_STR(user_of(text, "alice@EXAMPLE.COM"), "alice");
	memcpy(text + 8 * NAMERULES_MAX, "DEFAULT ", 9);
	check_bad(text, "more than 256 rules");
}
