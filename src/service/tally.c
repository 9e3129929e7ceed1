#include "service/tally.h"
#include "service/registry.h"

void batches_tally(const struct batches *b, struct tally *ret)
{
	*ret = (struct tally){ .accepted = b->accepted, .slots = b->slots, .slots_max = b->kind.max_running };
	for (int state = 0; state < STATE_COUNT; state++)
		ret->ended[state] = b->ended[state];
	for (size_t i = 0; i < b->count; i++)
		ret->now[b->items[i]->shown.state]++;
}
