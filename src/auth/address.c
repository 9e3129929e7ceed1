#include "auth/address.h"
#include "base/str.h"
#include <arpa/inet.h>
#include <string.h>

enum { V4_AT = 12, V4_PREFIX_BITS = 96, V6_BITS = 128, V6_KEY_BYTES = 8 };

static const uint8_t v4_mapped[V4_AT] = { 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xFF, 0xFF };

bool address_parse(const char *text, struct address *ret)
{
	char bare[INET6_ADDRSTRLEN];
	size_t n = strcspn(text, "%");

	if (n >= sizeof bare)
		return false;
	memcpy(bare, text, n);
	bare[n] = '\0';
	if (inet_pton(AF_INET6, bare, ret->bytes) == 1)
		return true;
	memcpy(ret->bytes, v4_mapped, sizeof v4_mapped);
	return text[n] == '\0' && inet_pton(AF_INET, bare, ret->bytes + V4_AT) == 1;
}

static bool is_v4(const struct address *a)
{
	return memcmp(a->bytes, v4_mapped, sizeof v4_mapped) == 0;
}

void address_budget_key(const char *text, struct address *ret)
{
	if (!text || !address_parse(text, ret))
		*ret = (struct address){ 0 };
	else if (!is_v4(ret))
		memset(ret->bytes + V6_KEY_BYTES, 0, ADDRESS_BYTES - V6_KEY_BYTES);
}

static bool parse_net(char *text, struct net *ret)
{
	char *slash = strchr(text, '/');
	int64_t bits = V6_BITS;

	if (slash)
		*slash++ = '\0';
	if (strchr(text, '%') || !address_parse(text, &ret->address))
		return false;
	if (slash) {
		bool as_v4 = !strchr(text, ':');

		if (!str_all_digits(slash) || !str_to_i64(slash, &bits) ||
		    bits > (as_v4 ? V6_BITS - V4_PREFIX_BITS : V6_BITS))
			return false;
		bits += as_v4 ? V4_PREFIX_BITS : 0;
	}
	ret->prefix_bits = (unsigned)bits;
	return true;
}

static bool prefix_equal(const struct net *net, const struct address *a)
{
	unsigned whole = net->prefix_bits / 8, rest = net->prefix_bits % 8;

	if (memcmp(net->address.bytes, a->bytes, whole) != 0)
		return false;
	return rest == 0 || (net->address.bytes[whole] ^ a->bytes[whole]) >> (8 - rest) == 0;
}

bool nets_parse(const char *text, struct nets *ret, struct error *e)
{
	char part[INET6_ADDRSTRLEN + sizeof "/128"];

	ret->count = 0;
	for (size_t n; *text; text += n) {
		text += strspn(text, ", \t");
		n = strcspn(text, ", \t");
		if (n == 0)
			break;
		if (ret->count == ADDRESS_NETS_MAX)
			return error_set(e, ERR_CONFIG, "more than %d networks", ADDRESS_NETS_MAX);
		(void)snprintf(part, sizeof part, "%.*s", (int)n, text);
		if (n >= sizeof part || !parse_net(part, &ret->rows[ret->count]))
			return error_set(e, ERR_CONFIG, "expected an address or a network such as 10.0.0.0/8, not %.*s",
					 (int)(n < 80 ? n : 80), text);
		ret->count++;
	}
	return true;
}

bool nets_contain(const struct nets *n, const struct address *a)
{
	for (size_t i = 0; i < n->count; i++)
		if (prefix_equal(&n->rows[i], a))
			return true;
	return false;
}
