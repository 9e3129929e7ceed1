/* Kubernetes: the objects of a job, what goes by spark-submit instead, pod templates. */
#include "base/str.h"
#include "cluster/kube/spec.h"
#include "cluster/kube/template.h"
#include "t.h"
#include <stdlib.h>
#include <string.h>

enum { ARENA = 1 << 20 };

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
		{ "spark.kubernetes.driver.volumes.hostPath.x.mount.path",
		  "a volume of the driver that lacks an option" },
		{ "spark.kubernetes.driver.volumes.csi.x.mount.path", "a kind of volume that only Spark knows" },
		{ "spark.driver.port", NULL },
		{ "spark.driver.resource.gpu.amount",
		  "a device of the driver without a vendor, or not a whole number of them" },
		{ "spark.local.dir", "local directories that are not paths, or very many" },
		{ "spark.kerberos.principal", "Kerberos" },
		{ "spark.executor.memory", NULL },
		{ "spark.kubernetes.driver.label.x", NULL },
	};

	_arena_ struct arena *a = arena_new(ARENA);

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct spec_pair pair = { rows[i].key, "1" };
		struct submission s = job(&pair, 1);

		CHECK_STR(kube_gate(a, &s), rows[i].reason);
	}
	struct submission s = job(NULL, 0);
	s.class_name = NULL;
	CHECK(kube_gate(a, &s));
	s.python = true;
	CHECK(!kube_gate(a, &s));
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

/* --- templates --- */

#define POD "apiVersion: v1\nkind: Pod\nspec:\n"

/* The template as JSON again, or why it is none. */
static void read_template(const char *text, struct sbuf *out)
{
	_arena_ struct arena *a = arena_new(16 * ARENA);
	const struct jr *pod, *nothing;
	struct error e;

	if (!kube_template_read(a, text, strlen(text), &pod, &e)) {
		sbuf_adds(out, e.msg);
		return;
	}
	CHECK_OK(jr_parse(a, "{}", 2, &nothing, &e), e);
	kube_template_merge(&(struct jw){ .out = out }, pod, NULL, nothing);
}

TEST(yaml_is_read_as_everybody_reads_it)
{
	static const struct {
		const char *spec, *json;
	} rows[] = {
		{ "  a: 1\n", "{\"a\":1}" },
		{ "  a: -1.50\n", "{\"a\":-1.50}" },
		{ "  a: '1'\n", "{\"a\":\"1\"}" },
		{ "  a: True\n", "{\"a\":true}" },
		{ "  a:\n", "{\"a\":null}" },
		{ "  a: 1Gi\n", "{\"a\":\"1Gi\"}" },
		{ "  a: 500m\n", "{\"a\":\"500m\"}" },
		{ "  a: 10.0.0.1\n", "{\"a\":\"10.0.0.1\"}" },
		{ "  a: 2026-11-25\n", "{\"a\":\"2026-11-25\"}" },
		{ "  a: -Xmx1g\n", "{\"a\":\"-Xmx1g\"}" },
		{ "  a: |\n    x\n    y\n", "{\"a\":\"x\\ny\\n\"}" },
		{ "  {\"a\": [1, {\"b\": \"ü\\n\"}]}\n", "{\"a\":[1,{\"b\":\"ü\\n\"}]}" },
		{ "  nodeSelector: {v: 3, t: true, \"q\\\"\": x}\n",
		  "{\"nodeSelector\":{\"v\":\"3\",\"t\":\"true\",\"q\\\"\":\"x\"}}" },
		{ "  args: [1, 2]\n", "{\"args\":[\"1\",\"2\"]}" },
		{ "  env: [{name: N, value: 5}]\n", "{\"env\":[{\"name\":\"N\",\"value\":\"5\"}]}" },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		_sbuf_ struct sbuf text = SBUF_INIT(4096), json = SBUF_INIT(4096), wanted = SBUF_INIT(4096);

		sbuf_addf(&text, POD "%s", rows[i].spec);
		sbuf_addf(&wanted, "{\"apiVersion\":\"v1\",\"kind\":\"Pod\",\"spec\":%s}", rows[i].json);
		read_template(sbuf_str(&text), &json);
		CHECK_STR(sbuf_str(&json), sbuf_str(&wanted));
	}
}

TEST(yaml_that_readers_disagree_about_is_refused)
{
	static const struct {
		const char *text, *words;
	} rows[] = {
		{ POD "  a: 0644\n", "line 4: some readers" },
		{ POD "  a: 1_000\n", "some readers" },
		{ POD "  a: 0x1f\n", "some readers" },
		{ POD "  a: 1e3\n", "some readers" },
		{ POD "  a: .5\n", "some readers" },
		{ POD "  a: +1\n", "some readers" },
		{ POD "  a: 1:30\n", "some readers" },
		{ POD "  a: on\n", "some readers" },
		{ POD "  a: .inf\n", "some readers" },
		{ POD "  on: a\n", "take this key" },
		{ POD "  <<: {a: b}\n", "take this key" },
		{ POD "  a: &x 1\n  b: *x\n", "aliases" },
		{ POD "  a: !!str 1\n", "tags" },
		{ POD "  a: !x [1]\n", "tags" },
		{ POD "  ? [a]\n  : b\n", "plain text" },
		{ POD "  a: 1\n  a: 2\n", "a key twice" },
		{ POD "  a: [\n", "not YAML" },
		{ POD "  a: 1\n---\nb: 1\n", "one document" },
		{ "", "one document" },
		{ "--- 1\n", "not a v1 Pod" },
		{ POD "  a: \"\\0\"\n", "a NUL" },
		{ "kind: Pod\nspec: {}\n", "not a v1 Pod" },
		{ "apiVersion: v1\nkind: Pod\n", "not a v1 Pod" },
		{ POD "  containers: 1\n", "not a v1 Pod" },
		{ POD "  containers: [1]\n", "not a v1 Pod" },
		{ "root:x:0:0::/root:/bin/sh\n", "not a v1 Pod" },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		_sbuf_ struct sbuf json = SBUF_INIT(4096);

		read_template(rows[i].text, &json);
		if (!strstr(sbuf_str(&json), rows[i].words))
			CHECK_STR(sbuf_str(&json), rows[i].words);
	}
}

TEST(a_template_has_ceilings)
{
	_sbuf_ struct sbuf deep = SBUF_INIT(4096), large = SBUF_INIT(2 * KUBE_TEMPLATE_MAX), why = SBUF_INIT(4096);

	sbuf_adds(&deep, POD "  a: ");
	for (int i = 0; i < KUBE_TEMPLATE_DEPTH_MAX; i++)
		sbuf_addc(&deep, '[');
	read_template(sbuf_str(&deep), &why);
	CHECK(strstr(sbuf_str(&why), "nests too deep"));
	sbuf_adds(&large, POD);
	while (large.len <= KUBE_TEMPLATE_MAX)
		sbuf_adds(&large, "# and so on, and so on, and so on, and so on\n");
	sbuf_clear(&why);
	read_template(sbuf_str(&large), &why);
	CHECK_STR(sbuf_str(&why), "it is over 256 KiB");
}

static const char driver_template[] = POD "  tolerations: [{key: gpu, operator: Exists}]\n"
					  "  restartPolicy: Always\n"
					  "  nodeSelector: {disk: ssd, zone: a}\n"
					  "  volumes: [{name: data, emptyDir: {}}]\n"
					  "  containers:\n"
					  "  - {name: side, image: sidecar}\n"
					  "  - name: main\n"
					  "    image: overwritten\n"
					  "    args: [first]\n"
					  "    env: [{name: A, value: 1}]\n"
					  "    resources: {requests: {cpu: 7, x: 1}, limits: {z: 2}}\n"
					  "    volumeMounts: [{name: spark-local-dir-1, mountPath: /scratch}]\n"
					  "metadata: {name: overwritten, labels: {team: blue, spark-role: none}}\n";

static void build(struct arena *a, const struct submission *s, struct kube_objects *o, const struct jr **pod)
{
	struct error e;

	CHECK_OK(kube_objects_build(s, &target, o, &e), e);
	*pod = parsed(a, &o->pod, "");
}

static const struct jr *at(const struct jr *v, const char *a, const char *b)
{
	v = jr_get(v, a);
	return b ? jr_get(v, b) : v;
}

TEST(a_pod_is_laid_over_its_template)
{
	struct spec_pair conf[] = { { "spark.kubernetes.container.image", "spark:1" },
				    { "spark.kubernetes.driver.node.selector.zone", "b" },
				    { KUBE_TEMPLATE_NAME_KEY, "main" },
				    { "spark.kubernetes.node.selector.zone", "c" } };
	_arena_ struct arena *a = arena_new(ARENA);
	struct submission s = job(conf, ARRAY_LEN(conf));
	struct kube_objects o;
	const struct jr *pod;

	s.driver_template = (struct submission_text){ driver_template, sizeof driver_template - 1, NULL };
	build(a, &s, &o, &pod);
	const struct jr *spec = jr_get(pod, "spec"), *containers = jr_get(spec, "containers");
	CHECK_STR(jr_text(jr_get(pod, "metadata"), "name", JR_STRING), o.pod_name);
	CHECK_STR(jr_text(at(pod, "metadata", "labels"), "team", JR_STRING), "blue");
	CHECK_STR(jr_text(at(pod, "metadata", "labels"), "spark-role", JR_STRING), "driver");
	CHECK_STR(jr_text(spec, "restartPolicy", JR_STRING), "Never");
	CHECK_INT(jr_get(spec, "tolerations")->count, 1);
	CHECK_STR(jr_text(jr_get(spec, "nodeSelector"), "disk", JR_STRING), "ssd");
	CHECK_STR(jr_text(jr_get(spec, "nodeSelector"), "zone", JR_STRING), "b");
	CHECK_INT(containers->count, 2);
	CHECK_STR(jr_text(&containers->items[0], "name", JR_STRING), "side");
	const struct jr *driver = &containers->items[1];
	CHECK_STR(jr_text(driver, "name", JR_STRING), "main");
	CHECK_STR(jr_text(driver, "image", JR_STRING), "spark:1");
	CHECK_STR(jr_get(driver, "args")->items[0].text, "first");
	CHECK_STR(jr_get(driver, "args")->items[1].text, "driver");
	CHECK_STR(jr_text(at(driver, "resources", "requests"), "cpu", JR_STRING), "1");
	CHECK_INT(jr_int(at(driver, "resources", "requests"), "x", 0), 1);
	CHECK_INT(jr_int(at(driver, "resources", "limits"), "z", 0), 2);
	/* what is mounted for Spark's data by the template stays, and no other is made */
	CHECK_INT(jr_get(driver, "volumeMounts")->count, 2);
	CHECK_INT(jr_get(spec, "volumes")->count, 2);
	CHECK(strstr(o.pod.json, "{\"name\":\"SPARK_LOCAL_DIRS\",\"value\":\"/scratch\"}"));
	kube_objects_done(&o);
}

TEST(the_first_container_of_a_template_is_the_driver_unless_one_is_named)
{
	static const struct {
		const char *containers, *name, *first, *last;
	} rows[] = {
		{ "[{name: a}, {name: b}]", NULL, "b", "a" },
		{ "[{name: a}, {name: b}]", "b", "a", "b" },
		{ "[{name: a}, {name: b}]", "c", "b", "a" },
		{ "[{name: b}, {name: b}]", "b", "b", "b" },
		{ "[{image: x}]", NULL, KUBE_CONTAINER, KUBE_CONTAINER },
		{ "[]", NULL, KUBE_CONTAINER, KUBE_CONTAINER },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		_arena_ struct arena *a = arena_new(ARENA);
		_sbuf_ struct sbuf text = SBUF_INIT(4096);
		struct spec_pair conf = { KUBE_TEMPLATE_NAME_KEY, rows[i].name };
		struct submission s = job(&conf, rows[i].name != NULL);
		struct kube_objects o;
		const struct jr *pod;

		sbuf_addf(&text, POD "  containers: %s\n", rows[i].containers);
		s.driver_template = (struct submission_text){ sbuf_str(&text), text.len, NULL };
		build(a, &s, &o, &pod);
		const struct jr *all = at(pod, "spec", "containers");
		CHECK_STR(jr_text(&all->items[0], "name", JR_STRING), rows[i].first);
		CHECK_STR(jr_text(&all->items[all->count - 1], "name", JR_STRING), rows[i].last);
		CHECK(jr_get(&all->items[all->count - 1], "args"));
		kube_objects_done(&o);
	}
}

TEST(executors_template_is_a_config_map_of_its_own)
{
	struct spec_pair conf = { "spark.kubernetes.executor.podTemplateFile", "/here/t.yaml" };
	_arena_ struct arena *a = arena_new(ARENA);
	struct submission s = job(&conf, 1);
	struct kube_objects o;
	const struct jr *pod;

	s.executor_template = (struct submission_text){ POD "  x: ü\n", strlen(POD "  x: ü\n"), NULL };
	build(a, &s, &o, &pod);
	const struct jr *map = parsed(a, &o.templates, "u-1");
	CHECK_STR(jr_text(jr_get(map, "data"), "podspec-configmap-key", JR_STRING), POD "  x: ü\n");
	CHECK_STR(jr_text(&at(map, "metadata", "ownerReferences")->items[0], "uid", JR_STRING), "u-1");
	CHECK(strstr(o.map.json, "podTemplateFile=/opt/spark/pod-template/pod-spec-template.yml\\n"));
	CHECK(!strstr(o.map.json, "/here/t.yaml"));
	CHECK(strstr(o.pod.json, "\"mountPath\":\"/opt/spark/pod-template\""));
	kube_objects_done(&o);
}

TEST(configuration_of_directories_is_mounted)
{
	static const struct submission_file spark[] = { { "log4j2.properties", "level = \"warn\"\n" } },
					    hadoop[] = { { "core-site.xml", "<a/>" }, { "hdfs-site.xml", "<b/>" } };
	struct spec_pair conf = { "spark.kubernetes.hadoop.configMapName", "theirs" };
	_arena_ struct arena *a = arena_new(ARENA);
	struct submission s = job(&conf, 0);
	struct kube_objects o;
	const struct jr *pod;

	s.spark_files = (struct submission_files){ spark, ARRAY_LEN(spark) };
	s.hadoop_files = (struct submission_files){ hadoop, ARRAY_LEN(hadoop) };
	build(a, &s, &o, &pod);
	CHECK_STR(jr_text(jr_get(parsed(a, &o.map, "u"), "data"), "log4j2.properties", JR_STRING), spark[0].text);
	CHECK_STR(jr_text(jr_get(parsed(a, &o.hadoop, "u"), "data"), "hdfs-site.xml", JR_STRING), "<b/>");
	CHECK(strstr(o.pod.json, "{\"key\":\"log4j2.properties\",\"mode\":420,\"path\":\"log4j2.properties\"}"));
	CHECK(strstr(o.pod.json, "{\"name\":\"HADOOP_CONF_DIR\",\"value\":\"/opt/hadoop/conf\"}"));
	CHECK(strstr(o.map.json, "spark.kubernetes.executor.hadoopConfigMapName=florus-abc-1-hadoop\\n"));
	kube_objects_done(&o);
	s.conf_count = 1;
	CHECK(strstr(kube_gate(a, &s), "which Spark refuses"));
	s.hadoop_files.count = 0;
	build(a, &s, &o, &pod);
	CHECK(!o.hadoop.json);
	CHECK(strstr(o.pod.json, "\"configMap\":{\"name\":\"theirs\",\"items\":[]}"));
	kube_objects_done(&o);
}

TEST(a_template_that_does_not_do_is_named)
{
	static const struct submission_text rows[] = {
		{ NULL, 0, "it is not a file of this host" },
		{ "root:x:0:0:\n", 12, NULL },
	};

	for (size_t i = 0; i < 2 * ARRAY_LEN(rows); i++) {
		_arena_ struct arena *a = arena_new(ARENA);
		struct submission s = job(NULL, 0);
		struct kube_objects o;
		struct error e;

		*(i % 2 ? &s.driver_template : &s.executor_template) = rows[i / 2];
		CHECK(strstr(kube_gate(a, &s), i % 2 ? "a pod template of the driver: it is not"
						     : "a pod template of executors: it is not"));
		CHECK(!kube_objects_build(&s, &target, &o, &e));
		CHECK_INT(e.code, ERR_INVALID);
	}
}

/* --- the rest of a pod --- */

TEST(volumes_and_devices_are_the_drivers)
{
#define V "spark.kubernetes.driver.volumes."
	struct spec_pair conf[] = {
		{ "spark.driver.resource.gpu.amount", "2" },
		{ "spark.driver.resource.gpu.vendor", "nvidia.com" },
		{ "spark.kubernetes.driver.annotation.who", "{{APP_ID}}/{{EXECUTOR_ID}}." },
		{ V "emptyDir.spark-local-dir-7.mount.path", "/fast" },
		{ V "emptyDir.spark-local-dir-7.options.medium", "Memory" },
		{ V "hostPath.h.mount.path", "/h" },
		{ V "hostPath.h.mount.readOnly", "true" },
		{ V "hostPath.h.options.path", "/on/host" },
		{ V "nfs.n.mount.path", "/n" },
		{ V "nfs.n.mount.subPath", "sub" },
		{ V "nfs.n.options.path", "/export" },
		{ V "nfs.n.options.server", "filer" },
		{ V "persistentVolumeClaim.c.mount.path", "/c" },
		{ V "persistentVolumeClaim.c.options.claimName", "claim" },
	};
	static const char *const parts[] = {
		"{\"name\":\"h\",\"mountPath\":\"/h\",\"readOnly\":true}",
		"{\"name\":\"h\",\"hostPath\":{\"path\":\"/on/host\"}}",
		"{\"name\":\"n\",\"mountPath\":\"/n\",\"subPath\":\"sub\"}",
		"{\"name\":\"n\",\"nfs\":{\"path\":\"/export\",\"server\":\"filer\"}}",
		"{\"name\":\"c\",\"persistentVolumeClaim\":{\"claimName\":\"claim\"}}",
		"{\"name\":\"spark-local-dir-7\",\"emptyDir\":{\"medium\":\"Memory\"}}",
		"{\"name\":\"SPARK_LOCAL_DIRS\",\"value\":\"/fast\"}",
		"\"nvidia.com/gpu\":\"2\"",
		"{\"who\":\"spark-abc-1/.\"}",
	};
	_arena_ struct arena *a = arena_new(ARENA);
	struct submission s = job(conf, ARRAY_LEN(conf));
	struct kube_objects o;
	const struct jr *pod;

	build(a, &s, &o, &pod);
	for (size_t i = 0; i < ARRAY_LEN(parts); i++)
		if (!strstr(o.pod.json, parts[i]))
			CHECK_STR(o.pod.json, parts[i]);
	CHECK(!strstr(o.pod.json, "spark-local-dir-1\""));
	kube_objects_done(&o);
}

TEST(volumes_that_spark_refuses_or_makes_are_named)
{
	static const struct {
		struct spec_pair pairs[3];
		const char *words;
	} rows[] = {
		{ { { V "hostPath.h.options.path", "/p" } }, "without a mount.path" },
		{ { { V "nfs.n.mount.path", "/n" }, { V "nfs.n.options.path", "/p" } }, "lacks an option" },
		{ { { V "persistentVolumeClaim.c.mount.path", "/c" },
		    { V "persistentVolumeClaim.c.options.claimName", "OnDemand" } },
		  "claim is made" },
		{ { { V "persistentVolumeClaim.c.mount.path", "/c" },
		    { V "persistentVolumeClaim.c.options.claimName", "c" },
		    { V "persistentVolumeClaim.c.options.storageClass", "gold" } },
		  "claim is made" },
		{ { { V "emptyDir.a.mount.path", "/a" }, { V "emptyDir.b.mount.path", "/a" } }, "in one place" },
		{ { { V "emptyDir.a.mount.path", "/a" }, { V "emptyDir.a.mount.readOnly", "yes" } }, "Spark refuses" },
		{ { { V "emptyDir.a.mount.path", "/a" }, { V "emptyDir.a.options.sizeLimit", "500" } },
		  "without a unit" },
		{ { { V "emptyDir.a.mount.path", "/a,/b" } }, "with several" },
		{ { { "spark.local.dir", "/a,b" } }, "local directories" },
		{ { { "spark.ui.port", "0" } }, "a port" },
		{ { { "spark.driver.resource.fpga.amount", "1" } }, "a device" },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		_arena_ struct arena *a = arena_new(ARENA);
		struct spec_pair pairs[3];
		struct submission s = job(pairs, 0);

		memcpy(pairs, rows[i].pairs, sizeof pairs);
		while (s.conf_count < ARRAY_LEN(pairs) && pairs[s.conf_count].key)
			s.conf_count++;
		const char *why = kube_gate(a, &s);
		if (!why || !strstr(why, rows[i].words))
			CHECK_STR(why, rows[i].words);
	}
}

TEST(what_a_pod_has_depends_on_the_version_of_spark)
{
	static const struct {
		const char *version;
		bool connect, no_escalation;
	} rows[] = { { NULL, false, false },   { "3.5.9", false, false }, { "4.0.1", false, false },
		     { "4.1.1", true, false }, { "4.3.0", true, true },   { "5.0.0-rc1", true, true },
		     { "here", false, false } };

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct kube_target to = target;
		struct submission s = job(NULL, 0);
		struct kube_objects o;
		struct error e;

		to.version = rows[i].version;
		CHECK_OK(kube_objects_build(&s, &to, &o, &e), e);
		CHECK_INT(strstr(o.pod.json, "spark-connect") != NULL, rows[i].connect);
		CHECK_INT(strstr(o.service.json, "\"appProtocol\":\"grpc\"") != NULL, rows[i].connect);
		CHECK_INT(strstr(o.pod.json, "\"allowPrivilegeEscalation\":false") != NULL, rows[i].no_escalation);
		kube_objects_done(&o);
	}
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
	struct error e;

	CHECK_OK(kube_objects_build(&s, &target, &o, &e), e);
	CHECK_STR(o.pod_name, "florus-abc-1-driver");
	CHECK(!o.templates.json);
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
	struct error e;

	memset(long_value, 'x', KUBE_OBJECT_MAX);
	long_value[KUBE_OBJECT_MAX] = '\0';
	CHECK(!kube_objects_build(&s, &target, &o, &e));
	CHECK_INT(e.code, ERR_TOO_LARGE);
}
