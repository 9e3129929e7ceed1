/*
 * fuzz-address - any text as an address and as a list of networks.
 *
 * Must hold: an address is what inet_pton says; a list that is taken contains each of its own addresses, and 0 bits
 * everyone; a refusal names what is wrong.
 */
#include "auth/address.h"
#include "base/cleanup.h"
#include <arpa/inet.h>
#include <string.h>

enum { INPUT_MAX_BYTES = 16 * 1024 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static void must(bool holds)
{
	if (!holds)
		abort();
}

static void check_address(const char *text)
{
	struct address got, key, again;
	struct in6_addr v6;
	struct in_addr v4;
	char printed[INET6_ADDRSTRLEN];
	bool taken = address_parse(text, &got);

	address_budget_key(text, &key);
	if (!strchr(text, '%'))
		must(taken == (inet_pton(AF_INET6, text, &v6) == 1 || inet_pton(AF_INET, text, &v4) == 1));
	if (!taken)
		return;
	must(inet_ntop(AF_INET6, got.bytes, printed, sizeof printed) != NULL);
	must(address_parse(printed, &again) && memcmp(&got, &again, sizeof got) == 0);
	must(memcmp(got.bytes, key.bytes, ADDRESS_BYTES / 2) == 0);
}

static void check_nets(const char *text)
{
	struct nets n;
	struct error e = { 0 };
	const struct address nobody = { { 1, 2, 3 } };

	if (!nets_parse(text, &n, &e)) {
		must(e.msg[0] && e.code == ERR_CONFIG);
		return;
	}
	must(n.count <= ADDRESS_NETS_MAX);
	for (size_t i = 0; i < n.count; i++) {
		must(n.rows[i].prefix_bits <= 8 * ADDRESS_BYTES);
		must(nets_contain(&n, &n.rows[i].address));
		if (n.rows[i].prefix_bits == 0)
			must(nets_contain(&n, &nobody));
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	if (n > INPUT_MAX_BYTES)
		return 0;
	_free_ char *text = xmalloc(n + 1);
	if (n)
		memcpy(text, data, n);
	text[n] = '\0';
	check_address(text);
	check_nets(text);
	return 0;
}
