#include "cluster/sparkjvm.h"
#include "base/str.h"
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

bool sparkjvm_mib(const char *text, int64_t *ret)
{
	char lower[32];
	int64_t bytes;
	size_t n = strlen(text);

	if (n == 0 || n >= sizeof lower)
		return false;
	if (str_all_digits(text))
		return str_to_i64(text, ret);
	for (size_t i = 0; i <= n; i++)
		lower[i] = (char)tolower((unsigned char)text[i]);
	if (!str_to_bytes(lower, &bytes))
		return false;
	*ret = bytes / (1024 * 1024);
	return true;
}

static bool mib_of(const struct submission *s, const char *key, const char *otherwise, int64_t *ret)
{
	const char *value = submission_conf(s, key);

	return sparkjvm_mib(str_empty(value) ? otherwise : value, ret);
}

bool sparkjvm_heap_mib(const struct submission *s, int64_t *ret)
{
	return mib_of(s, "spark.driver.memory", "1g", ret) && *ret > 0 && *ret <= INT32_MAX;
}

/* A share of the heap, but not less than a least. */
static bool overhead_of(const struct submission *s, const char *factor, int64_t heap, int64_t *ret)
{
	const char *own = submission_conf(s, "spark.driver.memoryOverheadFactor");
	int64_t least;
	char *end;

	if (!mib_of(s, "spark.driver.minMemoryOverhead", "384m", &least))
		return false;
	double share = strtod(str_empty(own) ? factor : own, &end);
	if (*end || !(share >= 0 && share <= 100))
		return false;
	*ret = (int64_t)(share * (double)heap);
	if (*ret < least)
		*ret = least;
	return true;
}

bool sparkjvm_driver_mib(const struct submission *s, const char *factor, int64_t *ret)
{
	const char *given = submission_conf(s, "spark.driver.memoryOverhead");
	int64_t heap, overhead;

	if (!sparkjvm_heap_mib(s, &heap) ||
	    !(given ? sparkjvm_mib(given, &overhead) : overhead_of(s, factor, heap, &overhead)))
		return false;
	*ret = heap + overhead;
	return *ret > 0 && *ret <= INT32_MAX;
}
