#include "service/backlog.h"
#include "base/map.h"
#include "base/str.h"

struct share {
	struct share *prev, *next;
	char *owner;
	int64_t count;
};

struct backlog {
	int64_t count;
	struct map *shares;
	struct share all; /* list head */
};

struct backlog *backlog_new(void)
{
	struct backlog *b = xcalloc(1, sizeof *b);

	b->shares = map_new();
	b->all.prev = b->all.next = &b->all;
	return b;
}

static void drop(struct backlog *b, struct share *s)
{
	map_del(b->shares, s->owner);
	s->prev->next = s->next;
	s->next->prev = s->prev;
	free(s->owner);
	free(s);
}

struct backlog *backlog_free(struct backlog *b)
{
	if (!b)
		return NULL;
	for (struct share *s = b->all.next, *next; s != &b->all; s = next) {
		next = s->next;
		drop(b, s);
	}
	b->shares = map_free(b->shares);
	free(b);
	return NULL;
}

static struct share *add_share(struct backlog *b, const char *owner)
{
	struct share *s = xcalloc(1, sizeof *s);

	s->owner = xstrdup(owner);
	s->prev = &b->all;
	s->next = b->all.next;
	s->prev->next = s->next->prev = s;
	map_set(b->shares, s->owner, s);
	return s;
}

void backlog_enter(struct backlog *b, const char *owner)
{
	struct share *s = owner ? map_get(b->shares, owner) : NULL;

	b->count++;
	if (owner && !s)
		s = add_share(b, owner);
	if (s)
		s->count++;
}

void backlog_leave(struct backlog *b, const char *owner)
{
	struct share *s = owner ? map_get(b->shares, owner) : NULL;

	b->count--;
	if (s && --s->count == 0)
		drop(b, s);
}

bool backlog_full(const struct backlog *b, const char *owner, int64_t max, int64_t max_per_user)
{
	const struct share *s = owner && max_per_user ? map_get(b->shares, owner) : NULL;

	return b->count >= max || (s && s->count >= max_per_user);
}
