#include "cluster/list.h"
#include "base/json.h"
#include <string.h>

/* FNV-1a, of 64 bits. */
static const uint64_t HASH_PRIME = 0x100000001b3, HASH_BASIS = 0xcbf29ce484222325;

static uint64_t hash(uint64_t h, const char *bytes, size_t n)
{
	for (size_t i = 0; i < n; i++)
		h = (h ^ (unsigned char)bytes[i]) * HASH_PRIME;
	return h;
}

static int place_of(const char *const *members, struct jslice key)
{
	for (int i = 0; members[i]; i++)
		if (members[i][0] == key.text[0] && jscan_is(key, members[i]))
			return i;
	return -1;
}

/* A handle as it stands between its quotes. One with escapes is left out, so that its app is parsed each time. */
static void copy_handle(struct jslice value, char to[CLUSTER_HANDLE_MAX])
{
	if (value.len < 3 || value.len >= CLUSTER_HANDLE_MAX || *value.text != '"' ||
	    memchr(value.text, '\\', value.len))
		return;
	memcpy(to, value.text + 1, value.len - 2);
	to[value.len - 2] = '\0';
}

/* What it looks like, and its handle ("": not known). False: it is not JSON. */
static bool look_at(const struct list_kind *kind, uint64_t salt, struct jslice app, char handle[CLUSTER_HANDLE_MAX],
		    uint64_t *ret)
{
	struct jslice key, value;
	struct jscan s = jscan_in(app.text, app.len);
	uint64_t h = HASH_BASIS ^ salt;

	handle[0] = '\0';
	while (jscan_next(&s, &key, &value)) {
		int place = key.len ? place_of(kind->members, key) : -1;

		if (place < 0)
			continue;
		if (place == 0)
			copy_handle(value, handle);
		h = hash(hash(h, key.text, key.len), value.text, value.len);
	}
	*ret = h ? h : 1;
	return !s.bad;
}

static bool see_one(struct cluster *c, const struct list_kind *kind, uint64_t salt, struct jslice app)
{
	_arena_ struct arena *a = NULL;
	char handle[CLUSTER_HANDLE_MAX];
	const struct jr *parsed;
	struct error e;
	uint64_t look;

	if (!look_at(kind, salt, app, handle, &look))
		return false;
	if (handle[0] &&
	    (cluster_saw_same(c, handle, look) || (kind->ours_by_handle && !map_get(c->by_handle, handle))))
		return true;
	a = arena_new(LIST_APP_MAX);
	if (!kind->parse(a, app.text, app.len, &parsed, &e))
		return false;
	if (kind->see(c, a, parsed) && handle[0])
		cluster_looks(c, handle, look);
	return true;
}

bool list_see_all(struct cluster *c, const struct list_kind *kind, uint64_t salt, struct jslice apps)
{
	struct jslice key, value;
	struct jscan s = jscan_in(apps.text, apps.len);

	if (apps.len && *apps.text == '{')
		return see_one(c, kind, salt, apps);
	while (jscan_next(&s, &key, &value))
		if (*value.text == '{' && !see_one(c, kind, salt, value))
			return false;
	return !s.bad;
}
