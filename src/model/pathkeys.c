#include "model/pathkeys.h"
#include "base/str.h"

/* In a key, * stands for anything. The first row that matches a key decides. */
static const struct {
	const char *key;
	enum pathkey_kind kind;
	enum key_where where;
} keys[] = {
	/* what is uploaded with the job: Livy's ten, then Spark's own names for the same */
	{ "spark.jars", PATHKEY_LIST, ANYWHERE },
	{ "spark.files", PATHKEY_LIST, ANYWHERE },
	{ "spark.archives", PATHKEY_LIST, ANYWHERE },
	{ "spark.submit.pyFiles", PATHKEY_LIST, ANYWHERE },
	{ "spark.yarn.dist.archives", PATHKEY_LIST, ANYWHERE },
	{ "spark.yarn.dist.files", PATHKEY_LIST, ANYWHERE },
	{ "spark.yarn.dist.jars", PATHKEY_LIST, ANYWHERE },
	{ "spark.yarn.archive", PATHKEY_LIST, ANYWHERE },
	{ "spark.yarn.jar", PATHKEY_LIST, ANYWHERE },
	{ "spark.yarn.jars", PATHKEY_LIST, ANYWHERE },
	{ "spark.yarn.dist.pyFiles", PATHKEY_LIST, ANYWHERE },
	{ "spark.yarn.secondary.jars", PATHKEY_LIST, ANYWHERE },
	{ "spark.yarn.user.jar", PATHKEY_LIST, ANYWHERE },
	{ "spark.repl.local.jars", PATHKEY_LIST, ANYWHERE },
	{ "spark.app.initial.*.urls", PATHKEY_LIST, ANYWHERE },
	{ "spark.kubernetes.file.upload.path", PATHKEY_ONE, ANYWHERE },

	/* settings, templates and credentials that spark-submit reads */
	{ "spark.jars.ivySettings", PATHKEY_ONE, ANYWHERE },
	{ "spark.jars.ivy", PATHKEY_ONE, ANYWHERE },
	{ "spark.kerberos.keytab", PATHKEY_ONE, ANYWHERE },
	{ "spark.yarn.keytab", PATHKEY_ONE, ANYWHERE },
	{ "spark.kubernetes.kerberos.krb5.path", PATHKEY_ONE, ANYWHERE },
	{ "spark.kubernetes.authenticate.*.mounted.*", PATHKEY_NONE, ANYWHERE }, /* inside the pod */
	{ "spark.kubernetes.authenticate.*File", PATHKEY_ONE, ANYWHERE },
	{ "spark.kubernetes.*TemplateFile", PATHKEY_ONE, ANYWHERE },
	/*
	 * the same of Hadoop and Kafka; with a driver elsewhere a matter of policy.c, since they may be its own files
	 */
	{ "spark.hadoop.*keytab", PATHKEY_ONE, DRIVER_HERE },
	{ "spark.hadoop.*keyfile", PATHKEY_ONE, DRIVER_HERE },
	{ "spark.hadoop.*.file", PATHKEY_ONE, DRIVER_HERE },
	{ "spark.hadoop.*-file", PATHKEY_ONE, DRIVER_HERE },
	{ "spark.hadoop.*-files", PATHKEY_LIST, DRIVER_HERE },
	{ "spark.hadoop.*token.files", PATHKEY_LIST, DRIVER_HERE },
	{ "spark.hadoop.*.file.name", PATHKEY_ONE, DRIVER_HERE },
	{ "spark.hadoop.*.file.path", PATHKEY_ONE, DRIVER_HERE },
	{ "spark.hadoop.*.cache.path", PATHKEY_ONE, DRIVER_HERE },
	{ "spark.hadoop.*credentials.binary", PATHKEY_ONE, DRIVER_HERE },
	{ "spark.hadoop.*.keystore", PATHKEY_ONE, DRIVER_HERE },
	{ "spark.hadoop.*.truststore", PATHKEY_ONE, DRIVER_HERE },
	{ "spark.hadoop.*store.location", PATHKEY_ONE, DRIVER_HERE },
	{ "spark.kafka.clusters.*store.location", PATHKEY_ONE, DRIVER_HERE },

	/* what the driver reads before the program begins */
	{ "spark.metrics.conf", PATHKEY_ONE, DRIVER_HERE },
	{ "spark.scheduler.allocation.file", PATHKEY_ONE, DRIVER_HERE },
	{ "spark.storage.replication.topologyFile", PATHKEY_ONE, DRIVER_HERE },
	{ "spark.driver.resourcesFile", PATHKEY_ONE, DRIVER_HERE },
	{ "spark.authenticate.secret.file", PATHKEY_ONE, DRIVER_HERE },
	{ "spark.authenticate.secret.*.file", PATHKEY_ONE, DRIVER_HERE },
	{ "spark.ssl.*keyStore", PATHKEY_ONE, DRIVER_HERE },
	{ "spark.ssl.*trustStore", PATHKEY_ONE, DRIVER_HERE },
	{ "spark.ssl.*privateKey", PATHKEY_ONE, DRIVER_HERE },
	{ "spark.ssl.*certChain", PATHKEY_ONE, DRIVER_HERE },
};

enum pathkey_kind pathkeys_kind(const char *key, bool cluster)
{
	for (size_t i = 0; i < ARRAY_LEN(keys); i++)
		if (key_where_holds(keys[i].where, cluster) && str_glob(keys[i].key, key))
			return keys[i].kind;
	return PATHKEY_NONE;
}
