/* Kubernetes: kubeconfig files, the objects of a job, what API servers answer. */
#include "base/str.h"
#include "cluster/kube-read.h"
#include "cluster/kube-spec.h"
#include "cluster/kubeconfig.h"
#include "t.h"
#include <stdlib.h>
#include <string.h>

enum { ARENA = 1 << 20 };

/* --- kubeconfig --- */

static const char config[] = "apiVersion: v1\n"
			     "kind: Config\n"
			     "current-context: one\n"
			     "clusters:\n"
			     "- name: c1\n"
			     "  cluster: {server: 'https://one:6443', certificate-authority-data: Q0E=}\n"
			     "- name: c2\n"
			     "  cluster:\n"
			     "    server: https://two\n"
			     "    certificate-authority: ca.crt\n"
			     "    insecure-skip-tls-verify: true\n"
			     "    tls-server-name: kube\n"
			     "users:\n"
			     "- name: u1\n"
			     "  user: {token: abc}\n"
			     "- name: u2\n"
			     "  user: {client-certificate: c.pem, client-key-data: S0VZ}\n"
			     "- name: u3\n"
			     "  user: {exec: {command: aws}}\n"
			     "contexts:\n"
			     "- context: {cluster: c1, user: u1, namespace: jobs}\n"
			     "  name: one\n"
			     "- {name: two, context: {cluster: c2, user: u2}}\n"
			     "- {name: three, context: {cluster: c2, user: u3}}\n"
			     "- {name: four, context: {cluster: none, user: u3}}\n";

TEST(a_kubeconfig_has_a_current_context)
{
	_arena_ struct arena *a = arena_new(ARENA);
	struct kube_access k;
	struct error e;

	CHECK_OK(kubeconfig_read(a, config, sizeof config - 1, "/etc/k", NULL, &k, &e), e);
	CHECK_STR(k.server, "https://one:6443");
	CHECK_STR(k.ca_pem, "CA");
	CHECK_STR(k.token, "abc");
	CHECK_STR(k.ns, "jobs");
	CHECK(!k.insecure && !k.ca_file);
}

TEST(another_context_may_be_named_and_paths_are_relative_to_the_file)
{
	_arena_ struct arena *a = arena_new(ARENA);
	struct kube_access k;
	struct error e;

	CHECK_OK(kubeconfig_read(a, config, sizeof config - 1, "/etc/k", "two", &k, &e), e);
	CHECK_STR(k.server, "https://two");
	CHECK_STR(k.ca_file, "/etc/k/ca.crt");
	CHECK_STR(k.cert_file, "/etc/k/c.pem");
	CHECK_STR(k.key_pem, "KEY");
	CHECK_STR(k.tls_server_name, "kube");
	CHECK(k.insecure && !k.ns && !k.token);
}

TEST(a_kubeconfig_that_does_not_do_says_why)
{
	static const struct {
		const char *text, *context, *words;
	} rows[] = {
		{ config, "three", "from a program" },
		{ config, "four", "the cluster of its context 'four'" },
		{ config, "five", "no context 'five'" },
		{ "a: [", NULL, "not YAML" },
		{ "", NULL, "no context ''" },
		{ "- 1\n- 2\n", NULL, "no context ''" },
		{ "current-context: x\ncontexts: {x: 1}\n", NULL, "no context 'x'" },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		_arena_ struct arena *a = arena_new(ARENA);
		struct kube_access k;
		struct error e;

		CHECK(!kubeconfig_read(a, rows[i].text, strlen(rows[i].text), ".", rows[i].context, &k, &e));
		CHECK_INT(e.code, ERR_CONFIG);
		CHECK(strstr(e.msg, rows[i].words));
	}
}

TEST(the_pod_that_we_run_in_says_where_the_server_is)
{
	_arena_ struct arena *a = arena_new(ARENA);
	struct kube_access k;

	CHECK(unsetenv("KUBERNETES_SERVICE_HOST") == 0 && !kubeconfig_in_pod(a, &k));
	CHECK(setenv("KUBERNETES_SERVICE_HOST", "fd00::1", 1) == 0 && setenv("KUBERNETES_SERVICE_PORT", "443", 1) == 0);
	CHECK(kubeconfig_in_pod(a, &k));
	CHECK_STR(k.server, "https://[fd00::1]:443");
	CHECK(str_ends(k.token_file, "/token"));
}

/* --- objects --- */

static const struct kube_target target = { "jobs", "florus-abc-1", "inst", "3.5.2" };

static struct submission job(struct spec_pair *conf, size_t count)
{
	return (struct submission){ .name = "My Job!",
				    .file = "local:///a.jar",
				    .class_name = "Main",
				    .user = "ann",
				    .conf = conf,
				    .conf_count = count };
}

TEST(memory_has_its_overhead)
{
	static const struct {
		struct spec_pair pair;
		bool python;
		int64_t mib; /* -1: not understood */
	} rows[] = {
		{ { "spark.driver.memory", "1g" }, false, 1408 },
		{ { "spark.driver.memory", "10G" }, false, 11264 },
		{ { "spark.driver.memory", "10240" }, true, 14336 },
		{ { "spark.driver.memoryOverhead", "100" }, false, 1124 },
		{ { "spark.driver.memoryOverheadFactor", "0.5" }, false, 1536 },
		{ { "spark.driver.minMemoryOverhead", "1g" }, false, 2048 },
		{ { "spark.kubernetes.memoryOverheadFactor", "1" }, true, 2048 },
		{ { "spark.driver.memory", "much" }, false, -1 },
		{ { "spark.driver.memory", "0" }, false, -1 },
		{ { "spark.driver.memoryOverheadFactor", "-1" }, false, -1 },
		{ { "spark.driver.memoryOverheadFactor", "nan" }, false, -1 },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct spec_pair pair = rows[i].pair;
		struct submission s = job(&pair, 1);
		int64_t mib = -1;

		s.python = rows[i].python;
		CHECK(kube_memory_mib(&s, &mib) == (rows[i].mib >= 0));
		CHECK_INT(mib, rows[i].mib);
	}
}

TEST(what_only_spark_submit_can_do_is_named)
{
	static const struct {
		const char *key, *reason;
	} rows[] = {
		{ "spark.kubernetes.driver.podTemplateFile", "a pod template" },
		{ "spark.kubernetes.driver.volumes.hostPath.x.mount.path", "volumes of the driver" },
		{ "spark.kerberos.principal", "Kerberos" },
		{ "spark.executor.memory", NULL },
		{ "spark.kubernetes.driver.label.x", NULL },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct spec_pair pair = { rows[i].key, "1" };
		struct submission s = job(&pair, 1);

		CHECK_STR(kube_gate(&s), rows[i].reason);
	}
	struct submission s = job(NULL, 0);
	s.class_name = NULL;
	CHECK(kube_gate(&s));
	s.python = true;
	CHECK(!kube_gate(&s));
}

static const struct jr *parsed(struct arena *a, const struct kube_object *o, const char *uid)
{
	_sbuf_ struct sbuf all = SBUF_INIT(KUBE_OBJECT_MAX);
	const struct jr *top;
	struct error e;

	sbuf_add(&all, o->json, o->uid_at);
	sbuf_adds(&all, o->uid_at ? uid : "");
	sbuf_add(&all, o->json + o->uid_at, o->len - o->uid_at);
	CHECK_OK(jr_parse(a, sbuf_str(&all), all.len, &top, &e), e);
	return top;
}

TEST(three_objects_belong_together)
{
	struct spec_pair conf[] = {
		{ "spark.kubernetes.driver.label." KUBE_TAG_LABEL, "stolen" }, /* would be a duplicate key */
		{ "spark.kubernetes.driver.secretKeyRef.PASSWORD", "vault:pw" },
		{ "spark.kubernetes.driver.secrets.certs", "/certs" },
		{ "spark.kubernetes.namespace", "jobs" },
		{ "spark.word", "a\nb" },
	};
	_arena_ struct arena *a = arena_new(ARENA);
	struct submission s = job(conf, ARRAY_LEN(conf));
	struct kube_objects o;

	CHECK(kube_objects_build(&s, &target, &o));
	CHECK_STR(o.pod_name, "florus-abc-1-driver");
	const struct jr *pod = parsed(a, &o.pod, ""), *map = parsed(a, &o.map, "u-1"),
			*service = parsed(a, &o.service, "u-1");
	CHECK_STR(jr_text(jr_get(jr_get(pod, "metadata"), "labels"), KUBE_TAG_LABEL, JR_STRING), "florus-abc-1");
	CHECK_STR(jr_text(jr_get(jr_get(pod, "metadata"), "labels"), "spark-app-name", JR_STRING), "my-job");
	CHECK_STR(jr_text(&jr_get(jr_get(map, "metadata"), "ownerReferences")->items[0], "uid", JR_STRING), "u-1");
	CHECK_STR(jr_text(&jr_get(jr_get(service, "metadata"), "ownerReferences")->items[0], "name", JR_STRING),
		  o.pod_name);
	const char *properties = jr_text(jr_get(map, "data"), "spark.properties", JR_STRING);
	CHECK(strstr(properties, "spark.word=a\\u000ab\n"));
	CHECK(strstr(properties, "spark.app.id=spark-abc-1\n"));
	CHECK(strstr(properties, "spark.driver.host=florus-abc-1-svc.jobs.svc\n"));
	kube_objects_done(&o);
}

TEST(a_submission_over_the_ceiling_is_not_built)
{
	_free_ char *long_value = malloc(KUBE_OBJECT_MAX + 1);
	struct spec_pair pair = { "spark.word", long_value };
	struct submission s = job(&pair, 1);
	struct kube_objects o;

	memset(long_value, 'x', KUBE_OBJECT_MAX);
	long_value[KUBE_OBJECT_MAX] = '\0';
	CHECK(!kube_objects_build(&s, &target, &o));
}

/* --- answers --- */

static struct kube_pod pod_of(struct arena *a, const char *status)
{
	_sbuf_ struct sbuf text = SBUF_INIT(8192);
	const struct jr *top;
	struct kube_pod pod;
	struct error e;

	sbuf_addf(
		&text,
		"{\"metadata\":{\"namespace\":\"n\",\"name\":\"p\",\"uid\":\"u\",\"labels\":{\"florus-tag\":\"t\"}},\"status\":%s}",
		status);
	CHECK_OK(jr_parse(a, sbuf_str(&text), text.len, &top, &e), e);
	CHECK(kube_read_pod(top, &pod));
	CHECK_STR(pod.tag, "t");
	return pod;
}

#define CONTAINER(state) "\"containerStatuses\":[{\"name\":\"spark-kubernetes-driver\",\"state\":" state "}]"

TEST(phases_of_pods_are_states_of_apps)
{
	static const struct {
		const char *status;
		enum app_state state;
		int exit_code;
		const char *words; /* in what is said of it; NULL: nothing */
		bool stuck, unknown;
	} rows[] = {
		{ "{\"phase\":\"Pending\"}", APP_PENDING, -1, NULL, false, false },
		{ "{\"phase\":\"Pending\"," CONTAINER("{\"waiting\":{\"reason\":\"ContainerCreating\"}}") "}",
		  APP_PENDING, -1, NULL, false, false },
		{ "{\"phase\":\"Pending\"," CONTAINER(
			  "{\"waiting\":{\"reason\":\"ErrImagePull\",\"message\":\"no such\"}}") "}",
		  APP_PENDING, -1, "ErrImagePull: no such", true, false },
		{ "{\"phase\":\"Pending\",\"conditions\":[{\"type\":\"PodScheduled\",\"status\":\"False\",\"reason\":"
		  "\"Unschedulable\",\"message\":\"0/1 nodes\"}]}",
		  APP_PENDING, -1, "Unschedulable: 0/1 nodes", true, false },
		{ "{\"phase\":\"Running\"}", APP_RUNNING, -1, NULL, false, false },
		{ "{\"phase\":\"Running\"," CONTAINER("{\"terminated\":{\"exitCode\":0}}") "}", APP_SUCCEEDED, 0, NULL,
		  false, false },
		{ "{\"phase\":\"Succeeded\"," CONTAINER("{\"terminated\":{\"exitCode\":0}}") "}", APP_SUCCEEDED, 0,
		  NULL, false, false },
		{ "{\"phase\":\"Failed\"," CONTAINER(
			  "{\"terminated\":{\"exitCode\":137,\"reason\":\"OOMKilled\"}}") "}",
		  APP_FAILED, 137, "OOMKilled", false, false },
		{ "{\"phase\":\"Failed\",\"reason\":\"Evicted\",\"message\":\"low on memory\"}", APP_FAILED, -1,
		  "Evicted: low on memory", false, false },
		{ "{\"phase\":\"Unknown\"}", APP_PENDING, -1, NULL, false, true },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		_arena_ struct arena *a = arena_new(ARENA);
		struct kube_pod pod = pod_of(a, rows[i].status);

		CHECK_INT(pod.unknown, rows[i].unknown);
		CHECK_INT(pod.status.state, rows[i].state);
		CHECK_INT(pod.status.exit_code, rows[i].exit_code);
		CHECK_INT(pod.stuck != NULL, rows[i].stuck);
		CHECK(rows[i].words ? strstr(pod.why_text, rows[i].words) != NULL : pod.why_text[0] == '\0');
	}
}

TEST(times_have_fractions_and_zones)
{
	CHECK_INT(kube_time_ms("1970-01-02T00:00:00Z"), 86400000);
	CHECK_INT(kube_time_ms("1970-01-02T00:00:00.25Z"), 86400250);
	CHECK_INT(kube_time_ms("1970-01-02T01:00:00+01:00"), 86400000);
	CHECK_INT(kube_time_ms("yesterday"), 0);
	CHECK_INT(kube_time_ms(NULL), 0);
	CHECK_INT(kube_time_ns("1970-01-01T00:00:01.000000007Z", 30), 1000000007);
}

TEST(a_log_is_read_from_a_time_on)
{
	static const char log[] = "2026-11-25T08:00:00.000000001Z one\n"
				  "2026-11-25T08:00:00.000000002Z two\n"
				  "not a line of the container\n"
				  "2026-11-25T08:00:01Z three";
	_sbuf_ struct sbuf out = SBUF_INIT(1024);
	int64_t first = kube_time_ns(log, 30), at = kube_read_log(log, sizeof log - 1, 0, false, &out);

	CHECK_STR(sbuf_str(&out), "one\ntwo\n");
	CHECK_INT(at, first + 1);
	sbuf_clear(&out);
	at = kube_read_log(log, sizeof log - 1, first, true, &out);
	CHECK_STR(sbuf_str(&out), "two\nthree");
	sbuf_clear(&out);
	CHECK_INT(kube_read_log(log, sizeof log - 1, at, true, &out), at);
	CHECK_STR(sbuf_str(&out), "");
}

TEST(a_refusal_is_told_in_the_servers_words)
{
	_arena_ struct arena *a = arena_new(ARENA);
	static const char body[] = "{\"kind\":\"Status\",\"message\":\"pods \\\"x\\\" is forbidden\"}";

	CHECK_STR(kube_read_refusal(a, body, sizeof body - 1, 403), "pods \"x\" is forbidden");
	CHECK_STR(kube_read_refusal(a, "<html>", 6, 502), "status 502");
}
