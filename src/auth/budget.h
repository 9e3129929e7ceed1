/*
 * budget - how many wrong passwords are worth a hash: a bucket per address and one per account.
 *
 * Only failures draw. What must not happen is that somebody is locked out by others' failures:
 *  - an address without tokens is refused, whomever it asks for; other addresses are not touched;
 *  - an account without tokens is refused only to addresses with more than BUDGET_GRACE failures of late; whoever comes
 *    from elsewhere with the right password gets in, however long others have been guessing;
 *  - credentials that were right before are not judged at all (auth/cache.h).
 * Fixed tables; a full set drops the bucket that lacks least. Pure but for its tables. One thread.
 */
#pragma once
#include "auth/address.h"
#include "auth/secret.h"

enum {
	BUDGET_TABLE_MAX = 8192,         /* buckets of each kind */
	BUDGET_ADDRESS_BURST = 10,       /* failures of one address at once … */
	BUDGET_ADDRESS_REFILL_MS = 6000, /* … and one more each … */
	BUDGET_ACCOUNT_BURST = 20,
	BUDGET_ACCOUNT_REFILL_MS = 3000,
	BUDGET_GRACE = 3,
};

struct budget;
struct budget *budget_new(void);
struct budget *budget_free(struct budget *b); /* takes NULL; returns NULL */

struct budget_keys {
	struct digest address, account; /* keyed digests */
};

/* 0: go on; else after how many ms it is worth asking again. */
int64_t budget_wait_ms(const struct budget *b, const struct budget_keys *keys, int64_t now_ms);
void budget_draw(struct budget *b, const struct budget_keys *keys, int64_t now_ms);
