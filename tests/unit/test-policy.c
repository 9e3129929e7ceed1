#include "base/str.h"
#include "model/policy.h"
#include "service/paths.h"
#include "t.h"
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/stat.h>

static struct policy *allowing(const char *groups)
{
	const struct policy_config how = { .allow = groups, .url_hosts = "github.com" };
	struct policy *p = NULL;
	struct error e;

	CHECK_OK(policy_new(&how, &p, &e), e);
	return p;
}

/* NULL: passes; else the refusal. */
static const char *refusal(const struct policy *p, const char *key, const char *value, bool cluster)
{
	static struct error e;
	struct spec_pair pair = { key, value };
	const struct spec spec = { .file = "/a", .conf = &pair, .conf_count = 1 };

	return policy_check(p, &spec, cluster, &e) ? NULL : e.msg;
}

static bool refused_with(const struct policy *p, const char *key, const char *value, const char *words)
{
	const char *why = refusal(p, key, value, false);

	return why && strstr(why, words);
}

static const struct {
	const char *group, *key, *value;
} refused[] = {
	{ "packages", "spark.jars.packages", "org.x:y:1" },
	{ "packages", "spark.jars.packages", "null" },
	{ "packages", "spark.jars.repositories", "https://repo1.maven.org/maven2" },
	{ "packages", "spark.jars.excludes", "a:b" },
	{ "packages", "spark.jars.ivySettings", "/ok/ivy.xml" },
	{ "packages", "spark.jars.ivy", "/ok" },
	{ "java-options", "spark.driver.extraJavaOptions", "-Da=b -XX:OnOutOfMemoryError=touch" },
	{ "java-options", "spark.driver.defaultJavaOptions", "-javaagent:/ok/x.jar" },
	{ "java-options", "spark.executor.extraJavaOptions", "-agentpath:/x.so" },
	{ "java-options", "spark.executor.defaultJavaOptions", "-agentlib:jdwp" },
	{ "java-options", "spark.yarn.am.extraJavaOptions", "-XX:OnError=x" },
	{ "java-options", "spark.driver.extraJavaOptions", "-Dlog4j.configurationFile=http://h/x" },
	{ "classpath", "spark.driver.extraClassPath", "/etc" },
	{ "classpath", "spark.driver.extraLibraryPath", "/etc" },
	{ "listeners", "spark.extraListeners", "a.B" },
	{ "listeners", "spark.plugins", "a.B" },
	{ "listeners", "spark.sql.queryExecutionListeners", "a.B" },
	{ "keytabs", "spark.kerberos.keytab", "/k" },
	{ "keytabs", "spark.kerberos.principal", "hdfs@R" },
	{ "keytabs", "spark.yarn.keytab", "/k" },
	{ "keytabs", "spark.yarn.principal", "p" },
	{ "keytabs", "spark.hadoop.hadoop.security.credential.provider.path", "jceks://file/x" },
	{ "keytabs", "spark.hadoop.fs.s3a.security.credential.provider.path", "jceks://file/x" },
	{ "keytabs", "spark.hadoop.dfs.namenode.keytab.file", "/k" },
	{ "keytabs", "spark.hadoop.hadoop.token.files", "/t" },
	{ "keytabs", "spark.hadoop.hadoop.security.kerberos.ticket.cache.path", "/t" },
	{ "kubernetes", "spark.kubernetes.driver.podTemplateFile", "/t" },
	{ "kubernetes", "spark.kubernetes.executor.podTemplateFile", "/t" },
	{ "kubernetes", "spark.kubernetes.authenticate.driver.serviceAccountName", "admin" },
	{ "kubernetes", "spark.kubernetes.authenticate.submission.oauthTokenFile", "/t" },
	{ "kubernetes", "spark.kubernetes.driver.volumes.hostPath.x.mount.path", "/" },
	{ "kubernetes", "spark.kubernetes.executor.volumes.hostPath.x.options.path", "/" },
	{ "kubernetes", "spark.kubernetes.driver.secrets.other", "/mnt" },
	{ "kubernetes", "spark.kubernetes.executor.secretKeyRef.X", "other:key" },
	{ "kubernetes", "spark.kubernetes.namespace", "kube-system" },
	{ "kubernetes", "spark.kubernetes.context", "prod" },
	{ "kubernetes", "spark.kubernetes.driver.pod.name", "x" },
	{ "kubernetes", "spark.kubernetes.driver.pod.featureSteps", "a.B" },
	{ "kubernetes", "spark.kubernetes.hadoop.configMapName", "x" },
	{ "filesystems", "spark.hadoop.fs.defaultFS", "file:///" },
	{ "filesystems", "spark.hadoop.fs.defaultFS", "" },
	{ "filesystems", "spark.hadoop.fs.default.name", "file:///" },
	{ "filesystems", "spark.hadoop.fs.viewfs.mounttable.x.linkFallback", "file:///etc" },
	{ "filesystems", "spark.hadoop.fs.s3a.impl", "org.apache.hadoop.fs.LocalFileSystem" },
	{ "filesystems", "spark.hadoop.fs.AbstractFileSystem.s3a.impl", "org.apache.hadoop.fs.local.LocalFs" },
	{ "filesystems", "spark.hadoop.fs.pfile.impl", "org.apache.hadoop.hive.ql.io.ProxyLocalFileSystem" },
	{ "commands", "spark.hadoop.fs.azure.shellkeyprovider.script", "sh -c x" },
	{ "commands", "spark.hadoop.net.topology.script.file.name", "/x" },
	{ "commands", "spark.hadoop.hadoop.kerberos.kinit.command", "/x" },
};

TEST(what_a_group_names_is_refused_unless_the_group_is_allowed)
{
	for (size_t i = 0; i < ARRAY_LEN(refused); i++) {
		_policy_ struct policy *none = allowing(NULL), *all = allowing("*"), *it = allowing(refused[i].group);
		const char *key = refused[i].key, *value = refused[i].value, *said;

		said = refusal(none, key, value, false);
		if (!said || !str_starts(said, "Rejected, Reason: ") || !strstr(said, key) ||
		    !strstr(said, refused[i].group))
			t_fail(__FILE__, __LINE__, "%s = %s: %s", key, value, said ? said : "passes");
		/* the class path of a driver in a cluster is not this host's */
		CHECK_INT(refusal(none, key, value, true) != NULL, strcmp(refused[i].group, "classpath") != 0);
		CHECK(!refusal(all, key, value, false));
		CHECK(!refusal(it, key, value, false));
	}
}

static const char *const harmless[][2] = {
	{ "spark.jars.packages", "" }, /* sparklyr */
	{ "spark.jars.repositories", "" },
	{ "spark.driver.extraJavaOptions", "" },
	{ "spark.driver.extraJavaOptions", "-Dx=y -XX:+UseG1GC -Xss4m -Duser.timezone=UTC" },
	{ "spark.executor.extraJavaOptions", "-Dlog4j.configuration=file:///opt/log4j.properties -verbose:gc" },
	{ "spark.master", "local" },
	{ "spark.sql.extensions", "io.delta.sql.DeltaSparkSessionExtension" },
	{ "spark.hadoop.fs.s3a.impl", "org.apache.hadoop.fs.s3a.S3AFileSystem" },
	{ "spark.hadoop.fs.s3a.impl.disable.cache", "true" },
	{ "spark.hadoop.fs.s3a.access.key", "AKIA" },
	{ "spark.hadoop.fs.s3a.aws.credentials.provider", "x" },
	{ "spark.kubernetes.container.image", "spark:3.5" },
	{ "spark.kubernetes.driver.label.a", "b" },
	{ "spark.kubernetes.driver.volumes.persistentVolumeClaim.a.mount.path", "/x" },
	{ "spark.executor.extraClassPath", "/usr/lib/x/*" },
	{ "spark.jars.packagesX", "x" },
	{ "spark.yarn.tags", "mine" },
	{ "emr-serverless.session.executionRoleArn", "arn" },
};

TEST(keys_of_the_server_are_refused_whatever_is_allowed)
{
	_policy_ struct policy *p = allowing("*");

	CHECK(refused_with(p, "spark.florus.session.address", "x", "is reserved"));
	CHECK(!refusal(p, "spark.florusx", "x", false));
}

TEST(ordinary_keys_pass)
{
	_policy_ struct policy *p = allowing("");

	for (size_t i = 0; i < ARRAY_LEN(harmless); i++)
		for (int cluster = 0; cluster < 2; cluster++) {
			const char *said = refusal(p, harmless[i][0], harmless[i][1], cluster);
			if (said)
				t_fail(__FILE__, __LINE__, "%s: %s", harmless[i][0], said);
		}
}

TEST(credential_files_are_paths_of_this_host_or_those_of_a_driver_elsewhere)
{
	static const char *const keys[] = {
		"spark.hadoop.google.cloud.auth.service.account.json.keyfile",
		"spark.hadoop.ssl.client.truststore.location",
		"spark.hadoop.hadoop.security.group.mapping.ldap.ssl.keystore",
		"spark.hadoop.hadoop.security.group.mapping.ldap.bind.password.file",
		"spark.hadoop.hadoop.security.credstore.java-keystore-provider.password-file",
		"spark.kafka.clusters.x.ssl.keystore.location",
	};
	_policy_ struct policy *none = allowing(NULL), *keytabs = allowing("keytabs");

	for (size_t i = 0; i < ARRAY_LEN(keys); i++) {
		CHECK(!refusal(none, keys[i], "/etc/secrets/x", false));
		CHECK_INT(policy_path(none, keys[i], false), POLICY_PATH);
		const char *why = refusal(none, keys[i], "/etc/secrets/x", true);
		CHECK(why && strstr(why, "florus.job.allow = keytabs"));
		CHECK(!refusal(none, keys[i], "", true));
		CHECK(!refusal(keytabs, keys[i], "/etc/secrets/x", true));
		CHECK_INT(policy_path(keytabs, keys[i], true), POLICY_NO_PATH);
	}
}

TEST(a_key_that_fits_two_groups_needs_both)
{
	static const char key[] = "spark.hadoop.fs.viewfs.mounttable.keytab.linkFallback";
	_policy_ struct policy *keytabs = allowing("keytabs"), *both = allowing("keytabs,filesystems");

	CHECK(refused_with(keytabs, key, "file:///etc", "florus.job.allow = filesystems"));
	CHECK(!refusal(both, key, "file:///etc", false));
}

TEST(one_refused_key_among_many_is_found)
{
	_policy_ struct policy *p = allowing("listeners kubernetes");
	struct spec_pair conf[] = { { "spark.a", "1" }, { "spark.plugins", "x" }, { "spark.yarn.keytab", "/k" } };
	const struct spec spec = { .file = "/a", .conf = conf, .conf_count = ARRAY_LEN(conf) };
	struct error e;

	CHECK(!policy_check(p, &spec, false, &e));
	CHECK_INT(e.code, ERR_INVALID);
	CHECK_STR(e.msg, "Rejected, Reason: spark.yarn.keytab is refused: it uses a credential of this host. The "
			 "administrator permits it with florus.job.allow = keytabs.");
}

TEST(an_unknown_group_is_an_error_that_names_the_known_ones)
{
	const struct policy_config how = { .allow = "packages, agents" };
	struct policy *p = NULL;
	struct error e;

	CHECK(!policy_new(&how, &p, &e) && !p);
	CHECK_INT(e.code, ERR_CONFIG);
	CHECK_STR(e.msg, "florus.job.allow: there is no group agents; there are: *, packages, java-options, "
			 "classpath, listeners, keytabs, kubernetes, filesystems, commands");
}

TEST(ivy_coordinates_go_with_the_packages)
{
	_policy_ struct policy *none = allowing(NULL), *some = allowing("packages");
	struct error e;

	CHECK(!policy_check_uri(none, "ivy://g:m:1", &e));
	CHECK(strstr(e.msg, "florus.job.allow = packages"));
	CHECK(!policy_check_uri(none, "IVY://g:m:1", &e));
	CHECK(policy_check_uri(some, "ivy://g:m:1", &e));
}

/* --- every path key with every nasty path (S47) --- */

static const char *const path_keys[] = {
	"spark.jars",
	"spark.files",
	"spark.archives",
	"spark.submit.pyFiles",
	"spark.yarn.dist.archives",
	"spark.yarn.dist.files",
	"spark.yarn.dist.jars",
	"spark.yarn.dist.pyFiles",
	"spark.yarn.archive",
	"spark.yarn.jar",
	"spark.yarn.jars",
	"spark.app.initial.jar.urls",
	"spark.kubernetes.file.upload.path",
	"spark.jars.ivySettings",
	"spark.kerberos.keytab",
	"spark.yarn.keytab",
	"spark.kubernetes.kerberos.krb5.path",
	"spark.kubernetes.authenticate.caCertFile",
	"spark.kubernetes.authenticate.submission.clientKeyFile",
	"spark.kubernetes.authenticate.driver.oauthTokenFile",
	"spark.kubernetes.driver.podTemplateFile",
	"spark.kubernetes.executor.podTemplateFile",
	"spark.kubernetes.scheduler.volcano.podGroupTemplateFile",
	"spark.metrics.conf",
	"spark.scheduler.allocation.file",
	"spark.authenticate.secret.file",
	"spark.authenticate.secret.driver.file",
	"spark.ssl.keyStore",
	"spark.ssl.ui.trustStore",
	"spark.ssl.rpc.privateKey",
	"spark.ssl.rpc.certChain",
	"spark.hadoop.google.cloud.auth.service.account.json.keyfile",
	"spark.hadoop.ssl.server.keystore.location",
	"spark.hadoop.hadoop.security.group.mapping.ldap.ssl.truststore",
	"spark.hadoop.hadoop.security.credstore.java-keystore-provider.password-file",
	"spark.hadoop.hadoop.http.authentication.signature.secret.file",
	"spark.hadoop.hadoop.security.random.device.file.path",
	"spark.hadoop.dfs.ha.fencing.ssh.private-key-files",
	"spark.kafka.clusters.x.ssl.truststore.location",
	"spark.hadoop.fs.azure.account.oauth2.token.file",
	"spark.hadoop.hadoop.token.files",
	"spark.hadoop.net.topology.script.file.name",
	"my.own.list",
};

static const char *const nasty[] = {
	"/etc/passwd",
	"file:///etc/passwd",
	"file:/etc/passwd",
	"FILE:/etc/passwd",
	"File:///etc/passwd",
	"local:/etc/passwd",
	"LOCAL:///etc/passwd",
	"file://localhost/etc/passwd",
	"file://host/%T/ok/x",
	"//host/%T/ok/x",
	"file:%T/ok/../secret",
	"file://%T/ok/%2e%2e/secret",
	"file://%T/ok/%2E./secret",
	"%T/ok/../secret",
	"%T/ok-evil/x",
	"%T/ok/../ok-evil/x",
	"%T/ok/link",
	"%T/ok/x#../../y",
	"%T/ok/x#%2e%2e%2fy",
	"%T/ok/*",
	"relative",
	"../up",
	"file:relative",
	"~/x",
	"${spark.x}",
	"%T/ok/${spark.x}",
	"hdfs:/${spark.x}",
	"http://127.0.0.1:8998/x",
	"http://github.com/x",
	"ftp://github.com/x",
	"jar:file:///etc/passwd!/x",
	"data:text/plain,x",
};

static char *in_world(const char *text, const char *top)
{
	_sbuf_ struct sbuf b = SBUF_INIT(8192);
	const char *here;

	while ((here = strstr(text, "%T")) != NULL) {
		sbuf_addf(&b, "%.*s%s", (int)(here - text), text, top);
		text = here + 2;
	}
	sbuf_adds(&b, text);
	return sbuf_take(&b);
}

TEST(no_path_key_takes_a_nasty_path)
{
	static const struct policy_config how = { .allow = "*", .url_hosts = "github.com", .path_keys = "my.own.list" };
	_policy_ struct policy *policy = NULL;
	char top[PATH_MAX];
	struct error e;

	CHECK_OK(policy_new(&how, &policy, &e), e);
	CHECK(getcwd(top, sizeof top) && mkdir("ok", 0700) == 0 && mkdir("ok-evil", 0700) == 0);
	CHECK(symlink("/etc/passwd", "ok/link") == 0);
	struct paths *paths = paths_new("ok", NULL);
	_free_ char *ok = in_world("%T/ok", top);
	(void)paths_free(paths);
	paths = paths_new(ok, NULL);

	for (size_t i = 0; i < ARRAY_LEN(path_keys); i++)
		for (size_t j = 0; j < ARRAY_LEN(nasty); j++)
			for (int in_list = 0; in_list < 2; in_list++) {
				_arena_ struct arena *a = arena_new(SPEC_ARENA_MAX);
				_free_ char *path = in_world(nasty[j], top);
				_sbuf_ struct sbuf value = SBUF_INIT(8192);
				sbuf_addf(&value, "%s%s", in_list ? "hdfs:/x," : "", path);
				struct spec_pair pair = { path_keys[i], sbuf_str(&value) };
				struct spec spec = { .file = "hdfs:/x", .conf = &pair, .conf_count = 1 };

				if (in_list && policy_path(policy, pair.key, false) == POLICY_PATH)
					continue; /* one path, of HDFS */
				if (paths_resolve(paths, policy, false, a, &spec, &e))
					t_fail(__FILE__, __LINE__, "%s takes %s", pair.key, path);
				CHECK(str_starts(e.msg, "Rejected, Reason: "));
			}
	(void)paths_free(paths);
}

TEST(every_path_key_takes_a_path_that_is_allowed_and_one_elsewhere)
{
	static const struct policy_config how = { .path_keys = "my.own.list" };
	_policy_ struct policy *policy = NULL;
	char top[PATH_MAX];
	struct error e;

	CHECK_OK(policy_new(&how, &policy, &e), e);
	CHECK(getcwd(top, sizeof top));
	struct paths *paths = paths_new(top, NULL);
	_free_ char *inside = in_world("%T/x", top), *uri = in_world("file://%T/x", top);

	for (size_t i = 0; i < ARRAY_LEN(path_keys); i++) {
		bool list = policy_path(policy, path_keys[i], false) == POLICY_PATH_LIST;
		const char *values[][2] = {
			{ inside, list ? uri : inside }, { uri, uri }, { "hdfs:///x", "hdfs:///x" }, { "", "" }
		};

		for (size_t j = 0; j < ARRAY_LEN(values); j++) {
			_arena_ struct arena *a = arena_new(SPEC_ARENA_MAX);
			struct spec_pair pair = { path_keys[i], values[j][0] };
			struct spec spec = { .file = "hdfs:/x", .conf = &pair, .conf_count = 1 };

			CHECK_OK(paths_resolve(paths, policy, false, a, &spec, &e), e);
			CHECK_STR(pair.value, values[j][1]);
		}
	}
	(void)paths_free(paths);
}

TEST(what_is_read_in_a_cluster_is_no_path_here)
{
	_policy_ struct policy *p = allowing(NULL);

	CHECK_INT(policy_path(p, "spark.metrics.conf", false), POLICY_PATH);
	CHECK_INT(policy_path(p, "spark.metrics.conf", true), POLICY_NO_PATH);
	CHECK_INT(policy_path(p, "spark.files", true), POLICY_PATH_LIST);
	CHECK_INT(policy_path(p, "spark.kubernetes.authenticate.driver.mounted.caCertFile", false), POLICY_NO_PATH);
	CHECK_INT(policy_path(p, "spark.jars.packages", false), POLICY_NO_PATH);
	CHECK_INT(policy_path(p, "spark.jar", false), POLICY_NO_PATH);
	CHECK_INT(policy_path(p, "", false), POLICY_NO_PATH);
}

/* --- the deny list --- */

TEST(the_deny_list_begins_with_livys_two_unless_the_class_path_may_be_customised)
{
	const struct policy_config custom = { .custom_classpath = true };
	_policy_ struct policy *p = allowing(NULL), *q = NULL;
	struct error e;

	CHECK_INT(map_count(policy_denied(p)), 2);
	CHECK(map_get(policy_denied(p), "spark.submit.deployMode"));
	CHECK(map_get(policy_denied(p), "spark.submit.proxyUser.allowCustomClasspathInClusterMode"));
	CHECK(policy_new(&custom, &q, &e));
	CHECK_INT(map_count(policy_denied(q)), 0);
	CHECK_OK(policy_deny(q, "spark.x", &e), e);
	CHECK_OK(policy_deny(q, "spark.x", &e), e); /* two files may name it */
	CHECK(map_get(policy_denied(q), "spark.x") && !map_get(policy_denied(q), "spark.xy"));
}

TEST(the_deny_list_has_a_ceiling)
{
	const struct policy_config custom = { .custom_classpath = true };
	_policy_ struct policy *p = NULL;
	struct error e;

	CHECK(policy_new(&custom, &p, &e));
	for (int i = 0; i < POLICY_DENIED_MAX; i++) {
		char key[16];

		(void)snprintf(key, sizeof key, "k%d", i);
		CHECK_OK(policy_deny(p, key, &e), e);
	}
	CHECK(!policy_deny(p, "k", &e));
	CHECK_INT(e.code, ERR_CONFIG);
}
