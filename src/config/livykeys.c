#include "config/livykeys.h"
#include "base/cleanup.h"
#include "base/str.h"
#include <string.h>

static const struct {
	const char *old, *now;
} renamed[] = {
	{ "livy.spark.deployMode", "livy.spark.deploy-mode" },
	{ "livy.spark.scalaVersion", "livy.spark.scala-version" },
	{ "livy.repl.enableHiveContext", "livy.repl.enable-hive-context" },
	{ "livy.server.csrf_protection.enabled", "livy.server.csrf-protection.enabled" },
	{ "livy.server.access_control.enabled", "livy.server.access-control.enabled" },
	{ "livy.server.auth.kerberos.name_rules", "livy.server.auth.kerberos.name-rules" },
	{ "livy.server.launch.kerberos.refresh_interval", "livy.server.launch.kerberos.refresh-interval" },
	{ "livy.server.launch.kerberos.kinit_fail_threshold", "livy.server.launch.kerberos.kinit-fail-threshold" },
	{ "livy.server.yarn.app-leakage.check_timeout", "livy.server.yarn.app-leakage.check-timeout" },
	{ "livy.server.yarn.app-leakage.check_interval", "livy.server.yarn.app-leakage.check-interval" },
};

#define NO_KINIT "this version gets no tickets for jobs"
#define OWN_TLS "TLS takes PEM files, see florus.tls.cert"
#define NO_SESSIONS "the driver of sessions is another one here, and has no use for it"
#define NO_YARN "this version does not watch YARN"
#define NO_KUBERNETES "this version does not watch Kubernetes"
#define OWN_STORE "jobs are always durable, in florus.state-dir"
#define OWN_LOOP "there are no threads per session here"

/* A key that ends in ".*" stands for all that begin so. */
static const struct {
	const char *key, *why;
} unused[] = {
	{ "livy.spark.scala-version", "jobs bring their own" },
	{ "livy.spark.version", "any Spark that livy.server.spark-home holds is used" },
	{ "livy.environment", "errors read the same everywhere" },
	{ "livy.server.response-header.size", "answers have short headers" },
	{ "livy.server.send-server-version", "no answer names the server" },
	{ "livy.cache-log.size", "every line of a log is kept, see florus.log.max" },
	{ "livy.server.request-log-retain.days", "the request log goes to stderr" },
	{ "livy.server.session.max-creation", "further jobs wait, see florus.launch.max-running and florus.queue.max" },

	{ "livy.ui.basePath", "see florus.http.base-path" },
	{ "livy.ui.history-server-url", NO_KUBERNETES },

	{ "livy.server.auth.*", "this version has no ways in by classes" },
	{ "livy.server.launch.kerberos.principal", NO_KINIT },
	{ "livy.server.launch.kerberos.keytab", NO_KINIT },
	{ "livy.server.launch.kerberos.refresh-interval", NO_KINIT },
	{ "livy.server.launch.kerberos.kinit-fail-threshold", NO_KINIT },
	{ "livy.server.access_control.users", "Livy gave it up, see livy.server.access-control.allowed-users" },
	{ "livy.keystore.type", OWN_TLS },
	{ "livy.hadoop.security.credential.provider.path", OWN_TLS },

	{ "livy.session.staging-dir", NO_SESSIONS },
	{ "livy.repl.jars", NO_SESSIONS },
	{ "livy.rsc.*", NO_SESSIONS },
	{ "livy.client.http.*", "it belongs to the client" },
	{ "livy.server.heartbeat-watchdog.interval", NO_SESSIONS },
	{ "livy.server.session.timeout-check.skip-busy", NO_SESSIONS },
	{ "livy.server.session.manage.threads", OWN_LOOP },
	{ "livy.server.session.manage.shutdown.timeout", OWN_LOOP },
	{ "livy.server.session.manage.wait.queue.size", OWN_LOOP },
	{ "livy.server.session.manage.keepalive.time", OWN_LOOP },
	{ "livy.server.thrift.*", "this version has no Thrift server" },

	{ "livy.server.recovery.mode", OWN_STORE },
	{ "livy.server.recovery.state-store", OWN_STORE },
	{ "livy.server.recovery.state-store.url", OWN_STORE },
	{ "livy.server.recovery.zk-state-store.retry-policy", OWN_STORE },
	{ "livy.server.recovery.zk-state-store.key-prefix", OWN_STORE },
	{ "livy.server.zookeeper.url", OWN_STORE },
	{ "livy.server.zk.retry-policy", OWN_STORE },
	{ "livy.server.zk.sasl.enabled", OWN_STORE },
	{ "livy.server.zk.sasl.login-context", OWN_STORE },
	{ "livy.server.hdfs.safe-mode.interval", OWN_STORE },
	{ "livy.server.hdfs.safe-mode.max.retry.attempts", OWN_STORE },

	{ "livy.server.yarn.app-lookup-timeout", NO_YARN },
	{ "livy.server.yarn.poll-interval", NO_YARN },
	{ "livy.server.yarn.app-leakage.check-timeout", NO_YARN },
	{ "livy.server.yarn.app-leakage.check-interval", NO_YARN },
	{ "livy.server.kubernetes.*", NO_KUBERNETES },
};

const char *livykeys_renamed(const char *key)
{
	for (size_t i = 0; i < ARRAY_LEN(renamed); i++)
		if (str_eq(renamed[i].old, key))
			return renamed[i].now;
	return NULL;
}

const char *livykeys_unused(const char *key)
{
	for (size_t i = 0; i < ARRAY_LEN(unused); i++) {
		const char *k = unused[i].key;
		size_t n = strlen(k);

		if (str_eq(k, key) || (k[n - 1] == '*' && strncmp(k, key, n - 1) == 0))
			return unused[i].why;
	}
	return NULL;
}

const char *livykeys_at(int i)
{
	return (size_t)i < ARRAY_LEN(unused) ? unused[i].key : NULL;
}
