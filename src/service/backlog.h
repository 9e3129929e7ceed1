/*
 * backlog - how many batches wait, in all and of each user; in the queue or on their way into it.
 *
 * Whoever is nobody has no share of his own. Everything takes the same time however many wait. Loop thread only.
 */
#pragma once
#include <stdbool.h>
#include <stdint.h>

struct backlog;

struct backlog *backlog_new(void);
struct backlog *backlog_free(struct backlog *b); /* takes NULL; returns NULL */

void backlog_enter(struct backlog *b, const char *owner); /* NULL: nobody; copied */
void backlog_leave(struct backlog *b, const char *owner); /* who entered */

/* Is there no room for one more of this owner? max_per_user 0: no limit. */
bool backlog_full(const struct backlog *b, const char *owner, int64_t max, int64_t max_per_user);
