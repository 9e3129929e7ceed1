/* Addresses as people write them. */
#include "model/hostport.h"
#include "base/cleanup.h"
#include "t.h"

TEST(a_host_and_a_port_are_taken_apart)
{
	static const struct {
		const char *text, *host;
		int port;
	} good[] = {
		{ "gateway.example.org:8999", "gateway.example.org", 8999 },
		{ "10.1.2.3:1", "10.1.2.3", 1 },
		{ "[::1]:65535", "::1", 65535 },
		{ "h:080", "h", 80 },
	};

	for (size_t i = 0; i < ARRAY_LEN(good); i++) {
		char host[HOSTPORT_HOST_MAX] = "";
		int port = 0;

		CHECK(hostport_parse(good[i].text, host, &port));
		CHECK_STR(host, good[i].host);
		CHECK_INT(port, good[i].port);
	}
}

TEST(what_is_no_such_address_is_refused)
{
	static const char *const bad[] = {
		"",       "h",     "h:",    ":1",     "h:0",   "h:65536",    "h:-1",
		"h:x",    "h:1 ",  "h :1",  "::1:80", "[::1]", "[]:1",       "[::1:80",
		"::1]:1", "[h]:1", "a/b:1", "h,i:1",  "h:1:2", "http://h:1", "h:99999999999"
	};

	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		char host[HOSTPORT_HOST_MAX];
		int port;

		CHECK(!hostport_parse(bad[i], host, &port));
	}
}

TEST(a_host_has_a_longest)
{
	char text[HOSTPORT_HOST_MAX + 8], host[HOSTPORT_HOST_MAX];
	int port;

	for (int n = HOSTPORT_HOST_MAX - 1; n <= HOSTPORT_HOST_MAX; n++) {
		(void)memset(text, 'h', (size_t)n);
		(void)snprintf(text + n, sizeof text - (size_t)n, ":1");
		CHECK_INT(hostport_parse(text, host, &port), n < HOSTPORT_HOST_MAX);
	}
}
