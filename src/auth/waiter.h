/* waiter - what stands behind an auth_waiter: whoever queues requests puts this first in its own structure. */
#pragma once

struct auth_waiter {
	void (*cancel)(struct auth_waiter *w);
};
