/*
 * address - a peer's address as 16 bytes (IPv4 mapped into IPv6), and lists of networks. Pure.
 */
#pragma once
#include "base/error.h"
#include <stdint.h>

enum { ADDRESS_NETS_MAX = 256, ADDRESS_BYTES = 16 };

struct address {
	uint8_t bytes[ADDRESS_BYTES];
};

/* "192.0.2.7", "::ffff:192.0.2.7", "2001:db8::1", "fe80::1%eth0". */
MUST_CHECK bool address_parse(const char *text, struct address *ret);

/*
 * Whom a budget means: an IPv4 address, or the /64 of an IPv6 address, since whoever has one of its addresses has
 * all. What is no address at all is one peer.
 */
void address_budget_key(const char *text, struct address *ret);

struct nets {
	size_t count;
	struct net {
		struct address address;
		unsigned prefix_bits; /* of the 128 */
	} rows[ADDRESS_NETS_MAX];
};

/* "127.0.0.1, 10.0.0.0/8, ::1, 2001:db8::/32", by commas or blanks. ERR_CONFIG names the part that is wrong. */
MUST_CHECK bool nets_parse(const char *text, struct nets *ret, struct error *e);
bool nets_contain(const struct nets *n, const struct address *a);
