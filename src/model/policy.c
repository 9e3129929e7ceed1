#include "model/policy.h"
#include "base/str.h"
#include "model/javaoptions.h"
#include "model/pathkeys.h"
#include "model/urlhosts.h"
#include <string.h>
#include <strings.h>

enum group { PACKAGES, JAVA_OPTIONS, CLASSPATH, LISTENERS, KEYTABS, KUBERNETES, FILESYSTEMS, COMMANDS, GROUP_COUNT };

static const struct {
	const char *name, *why; /* "KEY is refused: it WHY" */
} groups[GROUP_COUNT] = {
	[PACKAGES] = { "packages", "makes spark-submit fetch code from the network" },
	[JAVA_OPTIONS] = { "java-options", "makes Java load code or run commands" },
	[CLASSPATH] = { "classpath", "makes this host load code from its own files" },
	[LISTENERS] = { "listeners", "puts code into Spark itself" },
	[KEYTABS] = { "keytabs", "uses a credential of this host" },
	[KUBERNETES] = { "kubernetes", "reaches past the pods of this job" },
	[FILESYSTEMS] = { "filesystems", "changes which files a path means" },
	[COMMANDS] = { "commands", "makes this host run a command" },
};

/* --- what values are harmless --- */

static bool is_empty(const char *value)
{
	return !*value; /* as sparklyr sends it for what its user did not set */
}

static bool is_never(const char *value)
{
	(void)value;
	return false;
}

/* Hadoop's file systems that reach this host's disk are not among them. */
static bool is_remote_filesystem(const char *value)
{
	static const char *const classes[] = {
		"org.apache.hadoop.hdfs.",
		"org.apache.hadoop.fs.Hdfs",
		"org.apache.hadoop.fs.s3a.",
		"org.apache.hadoop.fs.azurebfs.",
		"org.apache.hadoop.fs.azure.",
		"org.apache.hadoop.fs.adl.",
		"org.apache.hadoop.fs.gs.",
		"org.apache.hadoop.fs.ozone.",
		"org.apache.hadoop.fs.aliyun.",
		"org.apache.hadoop.fs.cosn.",
		"org.apache.hadoop.fs.obs.",
		"org.apache.hadoop.fs.swift.",
		"com.google.cloud.hadoop.fs.gcs.",
		"com.amazon.ws.emr.hadoop.fs.",
		"com.oracle.bmc.hdfs.",
		"com.ibm.stocator.fs.",
		"alluxio.hadoop.",
		"io.juicefs.",
		"io.lakefs.",
	};

	for (size_t i = 0; i < ARRAY_LEN(classes); i++)
		if (str_starts(value, classes[i]))
			return true;
	return false;
}

/* --- the rules --- */

/* In a key, * stands for anything. */
static const struct rule {
	enum group group;
	enum key_where where;
	const char *key;
	bool (*harmless)(const char *value);
} rules[] = {
	{ PACKAGES, ANYWHERE, "spark.jars.packages", is_empty },
	{ PACKAGES, ANYWHERE, "spark.jars.repositories", is_empty },
	{ PACKAGES, ANYWHERE, "spark.jars.excludes", is_empty },
	{ PACKAGES, ANYWHERE, "spark.jars.ivySettings", is_empty },
	{ PACKAGES, ANYWHERE, "spark.jars.ivy", is_empty },

	{ JAVA_OPTIONS, ANYWHERE, "spark.*.extraJavaOptions", javaoptions_harmless },
	{ JAVA_OPTIONS, ANYWHERE, "spark.*.defaultJavaOptions", javaoptions_harmless },

	{ CLASSPATH, DRIVER_HERE, "spark.driver.extraClassPath", is_empty },
	{ CLASSPATH, DRIVER_HERE, "spark.driver.defaultExtraClassPath", is_empty },
	{ CLASSPATH, DRIVER_HERE, "spark.driver.extraLibraryPath", is_empty },
	{ CLASSPATH, DRIVER_HERE, "spark.driver.libraryPath", is_empty },
	{ CLASSPATH, DRIVER_HERE, "spark.repl.local.jars", is_empty },

	{ LISTENERS, ANYWHERE, "spark.extraListeners", is_empty },
	{ LISTENERS, ANYWHERE, "spark.streaming.extraListeners", is_empty },
	{ LISTENERS, ANYWHERE, "spark.plugins", is_empty },
	{ LISTENERS, ANYWHERE, "spark.plugins.defaultList", is_empty },
	{ LISTENERS, ANYWHERE, "spark.executor.plugins", is_empty },
	{ LISTENERS, ANYWHERE, "spark.sql.queryExecutionListeners", is_empty },
	{ LISTENERS, ANYWHERE, "spark.sql.streaming.streamingQueryListeners", is_empty },

	{ KEYTABS, ANYWHERE, "spark.kerberos.keytab", is_empty },
	{ KEYTABS, ANYWHERE, "spark.kerberos.principal", is_empty },
	{ KEYTABS, ANYWHERE, "spark.yarn.keytab", is_empty },
	{ KEYTABS, ANYWHERE, "spark.yarn.principal", is_empty },
	{ KEYTABS, ANYWHERE, "spark.hadoop.*keytab*", is_empty },
	{ KEYTABS, ANYWHERE, "spark.hadoop.*credential.provider.path", is_empty },
	{ KEYTABS, ANYWHERE, "spark.hadoop.*key.provider.path", is_empty },
	{ KEYTABS, ANYWHERE, "spark.hadoop.*ticket.cache.path", is_empty },
	{ KEYTABS, ANYWHERE, "spark.hadoop.*token.files", is_empty },
	{ KEYTABS, ANYWHERE, "spark.hadoop.*credentials.binary", is_empty },
	{ KEYTABS, DRIVER_ELSEWHERE, "spark.hadoop.*keyfile", is_empty },
	{ KEYTABS, DRIVER_ELSEWHERE, "spark.hadoop.*.file", is_empty },
	{ KEYTABS, DRIVER_ELSEWHERE, "spark.hadoop.*-file", is_empty },
	{ KEYTABS, DRIVER_ELSEWHERE, "spark.hadoop.*-files", is_empty },
	{ KEYTABS, DRIVER_ELSEWHERE, "spark.hadoop.*.file.path", is_empty },
	{ KEYTABS, DRIVER_ELSEWHERE, "spark.hadoop.*.keystore", is_empty },
	{ KEYTABS, DRIVER_ELSEWHERE, "spark.hadoop.*.truststore", is_empty },
	{ KEYTABS, DRIVER_ELSEWHERE, "spark.hadoop.*store.location", is_empty },
	{ KEYTABS, DRIVER_ELSEWHERE, "spark.kafka.clusters.*store.location", is_empty },

	{ KUBERNETES, ANYWHERE, "spark.kubernetes.authenticate.*", is_empty },
	{ KUBERNETES, ANYWHERE, "spark.kubernetes.namespace", is_empty },
	{ KUBERNETES, ANYWHERE, "spark.kubernetes.context", is_empty },
	{ KUBERNETES, ANYWHERE, "spark.kubernetes.driver.master", is_empty },
	{ KUBERNETES, ANYWHERE, "spark.kubernetes.driver.pod.name", is_empty },
	{ KUBERNETES, ANYWHERE, "spark.kubernetes.*TemplateFile", is_empty },
	/* featureSteps and excludedFeatureSteps; configMapName and hadoopConfigMapName */
	{ KUBERNETES, ANYWHERE, "spark.kubernetes.*eatureSteps", is_empty },
	{ KUBERNETES, ANYWHERE, "spark.kubernetes.*onfigMapName", is_empty },
	{ KUBERNETES, ANYWHERE, "spark.kubernetes.*.volumes.hostPath.*", is_empty },
	{ KUBERNETES, ANYWHERE, "spark.kubernetes.*.secrets.*", is_empty },
	{ KUBERNETES, ANYWHERE, "spark.kubernetes.*.secretKeyRef.*", is_empty },
	{ KUBERNETES, ANYWHERE, "spark.kubernetes.kerberos.*", is_empty },

	{ FILESYSTEMS, ANYWHERE, "spark.hadoop.fs.defaultFS", is_never },
	{ FILESYSTEMS, ANYWHERE, "spark.hadoop.fs.default.name", is_never },
	{ FILESYSTEMS, ANYWHERE, "spark.hadoop.fs.viewfs.*", is_never },
	{ FILESYSTEMS, ANYWHERE, "spark.hadoop.fs.*.impl", is_remote_filesystem },

	{ COMMANDS, ANYWHERE, "spark.hadoop.*shellkeyprovider.script", is_empty },
	{ COMMANDS, ANYWHERE, "spark.hadoop.*script.file.name", is_empty },
	{ COMMANDS, ANYWHERE, "spark.hadoop.hadoop.kerberos.kinit.command", is_empty },
};

/* Not for users to set unless livy.server.session.allow-custom-classpath (livy.md 4.4). */
static const char *const denied_always[] = {
	"spark.submit.deployMode",
	"spark.submit.proxyUser.allowCustomClasspathInClusterMode",
};

struct policy {
	struct arena *arena;
	bool allowed[GROUP_COUNT];
	struct urlhosts *hosts;
	struct map *denied;
	const char **path_keys; /* NULL-terminated */
};

/* --- building --- */

static bool allow_group(struct policy *p, const char *name, struct error *e)
{
	_sbuf_ struct sbuf known = SBUF_INIT(256);
	bool found = false;

	for (size_t i = 0; i < GROUP_COUNT; i++) {
		if (str_eq(name, "*") || str_eq(name, groups[i].name))
			p->allowed[i] = found = true;
		sbuf_addf(&known, ", %s", groups[i].name);
	}
	return found || error_set(e, ERR_CONFIG, "florus.job.allow: there is no group %.40s; there are: *%s", name,
				  sbuf_str(&known));
}

static bool allow_groups(struct policy *p, const char *list, struct error *e)
{
	char *rest = arena_strdup(p->arena, list), *name;

	while ((name = strsep(&rest, ", \t")) != NULL)
		if (*name && !allow_group(p, name, e))
			return false;
	return true;
}

static bool read_path_keys(struct policy *p, const char *list, struct error *e)
{
	size_t room = strlen(list ? list : "") / 2 + 2, n = 0;
	char *rest = arena_strdup(p->arena, list), *key;

	p->path_keys = arena_alloc(p->arena, room * sizeof *p->path_keys);
	while (p->path_keys && (key = strsep(&rest, ", \t")) != NULL)
		if (*key)
			p->path_keys[n++] = key;
	return arena_ok(p->arena) ||
	       error_set(e, ERR_CONFIG, "livy.spark.file-list-configs: the list is longer than can be kept");
}

bool policy_deny(struct policy *p, const char *key, struct error *e)
{
	char *kept = arena_strdup(p->arena, key);

	if (map_count(p->denied) == POLICY_DENIED_MAX)
		return error_set(e, ERR_CONFIG, "more than %d keys are denied", POLICY_DENIED_MAX);
	if (!kept)
		return error_set(e, ERR_CONFIG, "the denied keys are longer than %d bytes together", POLICY_ARENA_MAX);
	map_set(p->denied, kept, kept);
	return true;
}

bool policy_new(const struct policy_config *c, struct policy **ret, struct error *e)
{
	_policy_ struct policy *p = xcalloc(1, sizeof *p);

	p->arena = arena_new(POLICY_ARENA_MAX);
	p->denied = map_new();
	for (size_t i = 0; !c->custom_classpath && i < ARRAY_LEN(denied_always); i++)
		if (!policy_deny(p, denied_always[i], e))
			return false;
	if (!allow_groups(p, c->allow, e) || !read_path_keys(p, c->path_keys, e) ||
	    !urlhosts_new(c->url_hosts, &p->hosts, e))
		return false;
	*ret = TAKE(p);
	return true;
}

struct policy *policy_free(struct policy *p)
{
	if (!p)
		return NULL;
	p->hosts = urlhosts_free(p->hosts);
	p->denied = map_free(p->denied);
	(void)arena_free(p->arena);
	free(p);
	return NULL;
}

const struct map *policy_denied(const struct policy *p)
{
	return p->denied;
}

/* --- asking --- */

static bool refuse_group(enum group g, const char *what, struct error *e)
{
	return error_set(e, ERR_INVALID,
			 "Rejected, Reason: %.200s is refused: it %s. The administrator permits it with "
			 "florus.job.allow = %s.",
			 what, groups[g].why, groups[g].name);
}

/* Every rule that names a key must let it pass: part of a key is the user's to choose, so it may fit several. */
static bool check_pair(const struct policy *p, const struct spec_pair *pair, bool cluster, struct error *e)
{
	for (size_t i = 0; i < ARRAY_LEN(rules); i++) {
		const struct rule *r = &rules[i];

		if (!p->allowed[r->group] && key_where_holds(r->where, cluster) && str_glob(r->key, pair->key) &&
		    !r->harmless(pair->value))
			return refuse_group(r->group, pair->key, e);
	}
	return true;
}

/* What a job's own program is told by the server (docs/session-protocol.md): nobody else may say it. */
#define RESERVED "spark.florus."

static bool check_reserved(const char *key, struct error *e)
{
	return !str_starts(key, RESERVED) ||
	       error_set(e, ERR_INVALID,
			 "Rejected, Reason: %.200s is reserved: keys that begin with " RESERVED
			 " are set by the server alone; leave it out.",
			 key);
}

bool policy_check(const struct policy *p, const struct spec *spec, bool cluster, struct error *e)
{
	for (size_t i = 0; i < spec->conf_count; i++)
		if (!check_reserved(spec->conf[i].key, e) || !check_pair(p, &spec->conf[i], cluster, e))
			return false;
	return true;
}

bool policy_check_uri(const struct policy *p, const char *uri, struct error *e)
{
	if (strncasecmp(uri, "ivy:", 4) == 0)
		return p->allowed[PACKAGES] || refuse_group(PACKAGES, uri, e);
	return urlhosts_check(p->hosts, uri, e);
}

enum policy_path policy_path(const struct policy *p, const char *key, bool cluster)
{
	for (const char **more = p->path_keys; *more; more++)
		if (str_eq(*more, key))
			return POLICY_PATH_LIST;
	switch (pathkeys_kind(key, cluster)) {
	case PATHKEY_LIST:
		return POLICY_PATH_LIST;
	case PATHKEY_ONE:
		return POLICY_PATH;
	case PATHKEY_NONE:
		break;
	}
	return POLICY_NO_PATH;
}
