/* Kubernetes: kubeconfig files, what API servers answer. */
#include "base/str.h"
#include "cluster/kube/read.h"
#include "cluster/kube/kubeconfig.h"
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

TEST(a_pods_token_is_for_its_own_server_alone)
{
	static const struct {
		const char *server, *url;
		bool own;
	} rows[] = {
		{ "https://10.0.0.1:443", "https://10.0.0.1:443", true },
		{ "https://10.0.0.1:443", "https://10.0.0.1", true },
		{ "https://10.0.0.1:443", "https://10.0.0.1/", true },
		{ "https://10.0.0.1:443", "https://10.0.0.1:6443", false },
		{ "https://10.0.0.1:443", "https://10.0.0.11", false },
		{ "https://10.0.0.1:443", "https://10.0.0.1.evil.org", false },
		{ "https://10.0.0.1:443", "http://10.0.0.1:443", false },
		{ "https://10.0.0.1:443", "https://kubernetes.default.svc", true },
		{ "https://10.0.0.1:443", "https://kubernetes.default", true },
		{ "https://10.0.0.1:443", "https://kubernetes:443/", true },
		{ "https://10.0.0.1:443", "https://kubernetes.default.svc.cluster.local:443", true },
		{ "https://10.0.0.1:443", "https://kubernetes.default.svc:6443", false },
		{ "https://10.0.0.1:443", "https://kubernetes.default.svc@evil.org", false },
		{ "https://10.0.0.1:443", "https://kubernetes.default.svc.x@evil.org", false },
		{ "https://10.0.0.1:443", "https://kubernetes.example.org", false },
		{ "https://10.0.0.1:443", "https://kube.example.org:443", false },
		{ "https://10.0.0.1:6443", "https://kubernetes.default.svc:6443", true },
		{ "https://10.0.0.1:6443", "https://kubernetes.default.svc", false },
		{ "https://[fd00::1]:443", "https://[fd00::1]", true },
		{ "https://[fd00::1]:443", "https://[fd00::2]", false },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct kube_access in_pod = { .server = rows[i].server };

		CHECK_INT(kubeconfig_is_pods_own(&in_pod, rows[i].url), rows[i].own);
	}
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

TEST(the_driver_may_be_called_otherwise)
{
	static const char text[] =
		"{\"metadata\":{\"namespace\":\"n\",\"name\":\"p\",\"uid\":\"u\"},\"spec\":{\"containers\":["
		"{\"name\":\"side\"},{\"name\":\"main\",\"volumeMounts\":[{\"name\":\"spark-conf-volume-driver\"}]}]},"
		"\"status\":{\"phase\":\"Running\",\"containerStatuses\":[{\"name\":\"side\",\"state\":{\"running\":{}}},"
		"{\"name\":\"main\",\"state\":{\"terminated\":{\"exitCode\":3}}}]}}";
	_arena_ struct arena *a = arena_new(ARENA);
	const struct jr *top;
	struct kube_pod pod;
	struct error e;

	CHECK_OK(jr_parse(a, text, sizeof text - 1, &top, &e), e);
	CHECK(kube_read_pod(top, &pod));
	CHECK_STR(pod.container, "main");
	CHECK_INT(pod.status.state, APP_FAILED);
	CHECK_INT(pod.status.exit_code, 3);
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
	const int64_t first = kube_time_ns(log, 30);
	struct kube_log_place at = { 0 };

	kube_read_log(log, sizeof log - 1, false, &at, &out);
	CHECK_STR(sbuf_str(&out), "one\ntwo\n");
	CHECK_INT(at.ns, first + 1);
	sbuf_clear(&out);
	at = (struct kube_log_place){ first, 1 };
	kube_read_log(log, sizeof log - 1, true, &at, &out);
	CHECK_STR(sbuf_str(&out), "two\nthree");
	sbuf_clear(&out);
	kube_read_log(log, sizeof log - 1, true, &at, &out);
	CHECK_STR(sbuf_str(&out), "");
}

TEST(lines_of_one_time_are_lost_at_no_cut)
{
	static const char log[] = "2026-11-25T08:00:00.5Z one\n"
				  "2026-11-25T08:00:00.7Z two\n"
				  "2026-11-25T08:00:00.7Z three\n"
				  "2026-11-25T08:00:00.7Z four\n"
				  "2026-11-25T08:00:00.7Z five\n"
				  "2026-11-25T08:00:00.9Z six\n";

	for (size_t cut = 0; cut < sizeof log; cut++)
		for (size_t again = cut; again < sizeof log; again++) {
			_sbuf_ struct sbuf out = SBUF_INIT(1024);
			struct kube_log_place at = { 0 };

			kube_read_log(log, cut, false, &at, &out);
			kube_read_log(log, again, false, &at, &out);
			kube_read_log(log, sizeof log - 1, true, &at, &out);
			CHECK_STR(sbuf_str(&out), "one\ntwo\nthree\nfour\nfive\nsix\n");
		}
}

TEST(a_refusal_is_told_in_the_servers_words)
{
	_arena_ struct arena *a = arena_new(ARENA);
	static const char body[] = "{\"kind\":\"Status\",\"message\":\"pods \\\"x\\\" is forbidden\"}";

	CHECK_STR(kube_read_refusal(a, body, sizeof body - 1, 403), "pods \"x\" is forbidden");
	CHECK_STR(kube_read_refusal(a, "<html>", 6, 502), "status 502");
}
