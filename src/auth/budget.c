#include "auth/budget.h"
#include <string.h>

enum { WAYS = 8, SETS = BUDGET_TABLE_MAX / WAYS };

/*
 * What is missing from a bucket, as the time when it will be full again. So time refills it by itself, and
 * one that is full holds nothing: its place is free.
 */
struct bucket {
	struct digest key;
	int64_t full_at_ms;
};

struct table {
	struct bucket buckets[SETS][WAYS];
};

struct rule {
	int burst;
	int64_t refill_ms;
};

static const struct rule address_rule = { BUDGET_ADDRESS_BURST, BUDGET_ADDRESS_REFILL_MS };
static const struct rule account_rule = { BUDGET_ACCOUNT_BURST, BUDGET_ACCOUNT_REFILL_MS };

struct budget {
	struct table addresses, accounts;
};

struct budget *budget_new(void)
{
	return xcalloc(1, sizeof(struct budget));
}

struct budget *budget_free(struct budget *b)
{
	free(b);
	return NULL;
}

static size_t set_of(const struct digest *key)
{
	uint32_t n;

	memcpy(&n, key->bytes, sizeof n);
	return n % SETS;
}

static int64_t full_at(const struct table *t, const struct digest *key, int64_t now_ms)
{
	const struct bucket *set = t->buckets[set_of(key)];

	for (size_t k = 0; k < WAYS; k++)
		if (set[k].full_at_ms > now_ms && memcmp(&set[k].key, key, sizeof *key) == 0)
			return set[k].full_at_ms;
	return now_ms;
}

/* How long until one more failure fits. */
static int64_t wait_ms(const struct rule *rule, int64_t full_at_ms, int64_t now_ms)
{
	int64_t wait = full_at_ms + rule->refill_ms - now_ms - rule->burst * rule->refill_ms;

	return wait > 0 ? wait : 0;
}

static void draw(struct table *t, const struct rule *rule, const struct digest *key, int64_t now_ms)
{
	struct bucket *set = t->buckets[set_of(key)], *to = &set[0];
	int64_t full = full_at(t, key, now_ms);

	for (size_t k = 0; k < WAYS; k++) {
		if (memcmp(&set[k].key, key, sizeof *key) == 0) {
			to = &set[k];
			break;
		}
		if (set[k].full_at_ms < to->full_at_ms)
			to = &set[k];
	}
	/* Empty is as bad as it gets: an account that many addresses try must be whole again when they stop. */
	int64_t empty = now_ms + rule->burst * rule->refill_ms, next = full + rule->refill_ms;
	*to = (struct bucket){ *key, next < empty ? next : empty };
}

int64_t budget_wait_ms(const struct budget *b, const struct budget_keys *keys, int64_t now_ms)
{
	int64_t address_full = full_at(&b->addresses, &keys->address, now_ms);
	int64_t wait = wait_ms(&address_rule, address_full, now_ms);

	if (wait > 0 || address_full - now_ms <= BUDGET_GRACE * address_rule.refill_ms)
		return wait;
	return wait_ms(&account_rule, full_at(&b->accounts, &keys->account, now_ms), now_ms);
}

void budget_draw(struct budget *b, const struct budget_keys *keys, int64_t now_ms)
{
	draw(&b->addresses, &address_rule, &keys->address, now_ms);
	draw(&b->accounts, &account_rule, &keys->account, now_ms);
}
