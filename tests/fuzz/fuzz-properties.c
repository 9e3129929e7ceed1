/*
 * fuzz-properties - any bytes as a configuration file.
 *
 * Must hold: a refusal names the file, the line and a reason; what is read is UTF-8 and trimmed; every value, written
 * by properties_escape(), is read as itself again; lines come in order.
 */
#include "base/str.h"
#include "config/properties.h"
#include <stdint.h>
#include <stdio.h>
#include <string.h>

enum { INPUT_MAX_BYTES = 64 * 1024, WRITTEN_MAX_BYTES = 8 * 1024 * 1024 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static void must(bool holds)
{
	if (!holds)
		abort();
}

/* What is read: written again as k1=…, k2=…, and all values one after the other. */
struct seen {
	struct sbuf written, values;
	int count, line;
};

static bool take_first(void *arg, int line, const char *key, const char *value, struct error *e)
{
	struct seen *s = arg;
	size_t n = strlen(value);

	(void)e;
	must(line >= 1 && line >= s->line);
	must(str_utf8_ok(key, strlen(key)) && str_utf8_ok(value, n));
	must(n == 0 || ((unsigned char)value[0] > ' ' && (unsigned char)value[n - 1] > ' '));
	s->line = line;
	sbuf_addf(&s->written, "k%d=", ++s->count);
	properties_escape(&s->written, value);
	sbuf_addc(&s->written, '\n');
	sbuf_add(&s->values, value, n + 1);
	return true;
}

static bool take_again(void *arg, int line, const char *key, const char *value, struct error *e)
{
	struct seen *s = arg;
	char want[16];

	(void)e;
	(void)snprintf(want, sizeof want, "k%d", ++s->count);
	must(strcmp(key, want) == 0 && line == s->count);
	sbuf_add(&s->values, value, strlen(value) + 1);
	return true;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct seen first = { .written = SBUF_INIT(WRITTEN_MAX_BYTES), .values = SBUF_INIT(WRITTEN_MAX_BYTES) };
	struct seen again = { .values = SBUF_INIT(WRITTEN_MAX_BYTES) };
	struct error e = { 0 };

	if (n > INPUT_MAX_BYTES)
		return 0;
	if (properties_parse("f", n ? (const char *)data : "", n, take_first, &first, &e)) {
		must(sbuf_ok(&first.written) && sbuf_ok(&first.values));
		must(properties_parse("f", sbuf_str(&first.written), first.written.len, take_again, &again, &e));
		must(again.count == first.count && again.values.len == first.values.len);
		must(again.values.len == 0 || memcmp(again.values.data, first.values.data, again.values.len) == 0);
	} else {
		must(e.code == ERR_CONFIG && strncmp(e.msg, "f:", 2) == 0 && e.msg[2] >= '1' && e.msg[2] <= '9');
	}
	sbuf_done(&first.written);
	sbuf_done(&first.values);
	sbuf_done(&again.values);
	return 0;
}
