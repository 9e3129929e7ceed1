#include "base/str.h"
#include "service/registry.h"
#include "t.h"
#include <string.h>

static struct batches *make_batches(void)
{
	struct batches *b = xcalloc(1, sizeof *b);

	b->by_name = map_new();
	b->live = backlog_new();
	return b;
}

static void free_batches(struct batches *b)
{
	while (b->count)
		registry_remove(b->items[b->count - 1]);
	free(b->items);
	b->by_name = map_free(b->by_name);
	b->live = backlog_free(b->live);
	free(b);
}

static struct entry *add(struct batches *b, int64_t id, const char *name, const char *state)
{
	struct store_row row = { .id = id, .name = name, .state = state, .nonce = "" };

	return registry_add(b, &row);
}

TEST(batches_are_found_by_id_while_they_are_listed)
{
	struct batches *b = make_batches();

	for (int64_t id = 0; id < 3000; id += 3)
		(void)add(b, id, NULL, "running");
	for (int64_t id = 0; id < 3000; id += 6)
		registry_remove(registry_by_id(b, id));
	for (int64_t id = -1; id <= 3000; id++) {
		struct entry *en = registry_by_id(b, id);

		CHECK((en != NULL) == (id >= 0 && id < 3000 && id % 6 == 3));
		CHECK(!en || en->shown.id == id);
	}
	CHECK_INT(b->count, 500);
	free_batches(b);
}

TEST(a_load_in_any_order_is_sorted)
{
	struct batches *b = make_batches();

	for (int64_t i = 0; i < 1000; i++)
		(void)add(b, i * 7919 % 1000, i % 2 ? "same" : NULL, "success");
	registry_sort(b);
	for (size_t i = 0; i < 1000; i++)
		CHECK_INT(b->items[i]->shown.id, i);
	/* 7919 is odd: the odd ids have the name, and the newest of them is found by it. */
	CHECK_INT(registry_by_name(b, "same")->shown.id, 999);
	free_batches(b);
}

TEST(a_name_is_the_newest_batchs)
{
	struct batches *b = make_batches();
	struct entry *old = add(b, 1, "job", "dead"), *new = add(b, 2, "job", "running");

	CHECK(registry_by_name(b, "job") == new);
	CHECK(!registry_by_name(b, "jo"));
	registry_remove(old);
	CHECK(registry_by_name(b, "job") == new);
	registry_remove(new);
	CHECK(!registry_by_name(b, "job"));
	free_batches(b);
}

TEST(finished_ones_are_counted)
{
	static const struct {
		const char *state;
		bool finished;
	} states[] = { { "running", false }, { "success", true },       { "dead", true },
		       { "killed", true },   { "no such state", true }, { NULL, true } };
	struct batches *b = make_batches();
	size_t finished = 0;

	for (size_t i = 0; i < ARRAY_LEN(states); i++) {
		(void)add(b, (int64_t)i, NULL, states[i].state);
		finished += states[i].finished;
		CHECK_INT(b->finished, finished);
	}
	while (b->count) {
		struct entry *en = b->items[0];

		finished -= states[en->shown.id].finished;
		registry_remove(en);
		CHECK_INT(b->finished, finished);
	}
	free_batches(b);
}

TEST(who_holds_a_batch_has_it_until_he_lets_go)
{
	struct batches *b = make_batches();
	struct entry *en = add(b, 5, "job", "running");

	registry_hold(en);
	registry_remove(en);
	registry_remove(en); /* a second time changes nothing */
	CHECK(!registry_by_id(b, 5));
	CHECK_INT(b->count, 0);
	CHECK_STR(en->shown.name, "job");
	registry_release(en);
	free_batches(b);
}

TEST(digits_are_an_id_and_the_rest_is_a_name)
{
	static const struct {
		const char *ref;
		int64_t id;
	} ids[] = { { "0", 0 }, { "7", 7 }, { "007", 7 }, { "2147483647", INT32_MAX } };
	static const char *const names[] = { "a", "-1", "+1", "1e3", "0x1", "1 ", "", "\xEF\xBC\x91" };
	static const char *const bad[] = { "2147483648", "99999999999", "99999999999999999999999" };
	const char *name;
	struct error e;
	int64_t id;

	for (size_t i = 0; i < ARRAY_LEN(ids); i++) {
		CHECK_OK(registry_parse_ref(ids[i].ref, &id, &name, &e), e);
		CHECK(!name);
		CHECK_INT(id, ids[i].id);
	}
	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		CHECK_OK(registry_parse_ref(names[i], &id, &name, &e), e);
		CHECK_STR(name, names[i]);
	}
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		CHECK(!registry_parse_ref(bad[i], &id, &name, &e));
		CHECK_INT(e.code, ERR_INVALID);
		CHECK(str_starts(e.msg, "For input string: \"") && strstr(e.msg, bad[i]));
	}
}
