#include "api/host.h"
#include "base/cleanup.h"
#include "t.h"
#include <string.h>

TEST(only_our_own_names_are_ours)
{
	static const struct {
		const char *host, *allowed;
		bool ours;
	} cases[] = {
		{ NULL, NULL, true },
		{ "127.0.0.1", NULL, true },
		{ "127.0.0.1:8998", NULL, true },
		{ "10.1.2.3:8998", NULL, true },
		{ "[::1]", NULL, true },
		{ "[::1]:8998", NULL, true },
		{ "[::ffff:127.0.0.1]:1", NULL, true },
		{ "localhost", NULL, true },
		{ "LocalHost:8998", NULL, true },
		{ "localhost.:8998", NULL, true },
		{ "batch1", NULL, true },
		{ "Batch1:8998", NULL, true },
		{ "evil.example", NULL, false },
		{ "evil.example:8998", NULL, false },
		{ "", NULL, false },
		{ ":8998", NULL, false },
		{ ".", NULL, false },
		{ "localhost.evil.example", NULL, false },
		{ "evil.localhost", NULL, false },
		{ "127.0.0.1.evil.example", NULL, false },
		{ "127.0.0.1@evil.example", NULL, false },
		{ "127.1", NULL, false },
		{ "0x7f.0.0.1", NULL, false },
		{ "2130706433", NULL, false },
		{ "[evil.example]", NULL, false },
		{ "[::1", NULL, false },
		{ "[::1].evil.example", NULL, false },
		{ "[]", NULL, false },
		{ "[1111:2222:3333:4444:5555:6666:7777:8888:9999:aaaa:bbbb:cccc]", NULL, false },
		{ "spark.example.org:443", "a, spark.example.org", true },
		{ "SPARK.example.org.", "spark.EXAMPLE.org", true },
		{ "spark.example.org.evil", "spark.example.org", false },
		{ "example.org", "spark.example.org", false },
		{ "anything", "*", true },
		{ "anything", "a *", true },
		{ "[anything]", "*", true },
		{ "anything", "*.example.org", false },
		{ "anything", "", false },
		{ "", "a,,b", false },
	};
	char longest[300];

	for (size_t i = 0; i < ARRAY_LEN(cases); i++)
		if (host_is_ours(cases[i].host, "batch1", cases[i].allowed) != cases[i].ours)
			t_fail(__FILE__, __LINE__, "%s with %s", cases[i].host, cases[i].allowed);
	memset(longest, 'a', sizeof longest);
	longest[sizeof longest - 1] = '\0';
	CHECK(!host_is_ours(longest, "batch1", longest));
}
