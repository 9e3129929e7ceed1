/*
 * fuzz-template - any text as a pod template, and a pod laid over it.
 *
 * Must hold: a refusal says why; what is taken is a pod, and a pod laid over it is JSON again, with a last container
 * that is ours.
 */
#include "base/str.h"
#include "cluster/kube/spec.h"
#include "cluster/kube/template.h"
#include <stdint.h>
#include <string.h>

enum { INPUT_MAX_BYTES = 64 * 1024, ARENA_MAX_BYTES = 32 * 1024 * 1024 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static void must(bool holds)
{
	if (!holds)
		abort();
}

static void lay_over(struct arena *a, const struct jr *pod)
{
	static const char ours[] =
		"{\"metadata\":{\"name\":\"ours\"},\"spec\":{\"volumes\":[],\"containers\":[{\"name\":"
		"\"driver\",\"args\":[\"driver\"]}]}}";
	_sbuf_ struct sbuf json = SBUF_INIT(8 * KUBE_OBJECT_MAX);
	const struct jr *top, *whole;
	struct error e;

	must(jr_parse(a, ours, sizeof ours - 1, &top, &e));
	kube_template_merge(&(struct jw){ .out = &json }, pod, kube_template_container(pod, "main"), top);
	must(sbuf_ok(&json));
	if (!jr_parse(a, sbuf_str(&json), json.len, &whole, &e)) {
		must(e.code == ERR_TOO_LARGE);
		return;
	}
	must(str_eq(jr_text(jr_get(whole, "metadata"), "name", JR_STRING), "ours"));
	const struct jr *containers = jr_get(jr_get(whole, "spec"), "containers");
	const struct jr *args = jr_get(&containers->items[containers->count - 1], "args");
	must(str_eq(args->items[args->count - 1].text, "driver"));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	_arena_ struct arena *a = arena_new(ARENA_MAX_BYTES);
	const struct jr *pod;
	struct error e = { 0 };

	if (n > INPUT_MAX_BYTES)
		return 0;
	if (kube_template_read(a, n ? (const char *)data : "", n, &pod, &e))
		lay_over(a, pod);
	else
		must(e.msg[0] && (e.code == ERR_MALFORMED || e.code == ERR_TOO_LARGE));
	return 0;
}
