/*
 * t - the unit test harness.
 *
 *     TEST(a_builder_stops_at_its_limit) { … CHECK(sbuf_ok(&b)); CHECK_STR(b.data, "1234567"); }
 *
 * Each TEST runs in a process of its own, inside an empty temporary directory (its cwd) that is
 * removed afterwards; a crash or a hang (60 s) fails that test only. Output is TAP.
 * One executable per module: test-<module>.c, linked with t.c, which has main().
 * `test-x NAME…` runs only the tests whose names contain NAME; `-n` runs in this process, for gdb.
 */
#pragma once
#include <stdbool.h>
#include <stdio.h>

struct t_case {
	const char *name;
	void (*run)(void);
	struct t_case *next;
};
void t_register(struct t_case *c);
void t_fail(const char *file, int line, const char *fmt, ...) __attribute__((format(printf, 3, 4), noreturn));
void t_check_str(const char *file, int line, const char *expr, const char *got, const char *want);
void t_check_int(const char *file, int line, const char *expr, long long got, long long want);

#define TEST(name)                                                     \
	static void test_##name(void);                                 \
	__attribute__((constructor)) static void register_##name(void) \
	{                                                              \
		static struct t_case c = { #name, test_##name, NULL }; \
		t_register(&c);                                        \
	}                                                              \
	static void test_##name(void)

#define CHECK(x) ((x) ? (void)0 : t_fail(__FILE__, __LINE__, "%s", #x))
#define CHECK_STR(got, want) t_check_str(__FILE__, __LINE__, #got, (got), (want))
#define CHECK_INT(got, want) t_check_int(__FILE__, __LINE__, #got, (long long)(got), (long long)(want))
/* f(…, &e) must succeed; its message is shown when it does not. */
#define CHECK_OK(call, e) ((call) ? (void)0 : t_fail(__FILE__, __LINE__, "%s: %s", #call, (e).msg))
