#include "service/rules.h"
#include "base/sbuf.h"
#include "base/str.h"
#include "config/properties.h"
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <unistd.h>

static bool on_denied(void *arg, int line, const char *key, const char *value, struct error *e)
{
	(void)line;
	(void)value;
	return policy_deny(arg, key, e);
}

/* `dir` need not be terminated; its length is n. */
static bool load_black_list(const char *dir, size_t n, struct policy *p, struct error *e)
{
	_sbuf_ struct sbuf path = SBUF_INIT(PATH_MAX);

	sbuf_addf(&path, "%.*s/spark-blacklist.conf", (int)n, dir);
	if (!sbuf_ok(&path))
		return error_set(e, ERR_CONFIG, "the path of spark-blacklist.conf is longer than %d bytes", PATH_MAX);
	if (faccessat(AT_FDCWD, sbuf_str(&path), F_OK, AT_SYMLINK_NOFOLLOW) < 0 && errno == ENOENT)
		return true;
	return properties_load(sbuf_str(&path), on_denied, p, e);
}

bool rules_load(const struct config *c, struct policy **ret, struct error *e)
{
	const struct policy_config how = {
		.allow = c->florus_job_allow,
		.url_hosts = c->florus_job_url_hosts,
		.path_keys = c->livy_spark_file_list_configs,
		.custom_classpath = c->livy_server_session_allow_custom_classpath,
	};
	const char *slash = c->file ? strrchr(c->file, '/') : NULL;
	_policy_ struct policy *p = NULL;

	if (!policy_new(&how, &p, e))
		return false;
	if (slash ? !load_black_list(c->file, (size_t)(slash - c->file), p, e)
		  : (c->file && !load_black_list(".", 1, p, e)))
		return false;
	if (c->livy_conf_dir && !load_black_list(c->livy_conf_dir, strlen(c->livy_conf_dir), p, e))
		return false;
	*ret = TAKE(p);
	return true;
}
