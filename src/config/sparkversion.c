#include "config/sparkversion.h"
#include "base/sbuf.h"
#include "base/str.h"
#include <dirent.h>
#include <limits.h>
#include <string.h>

static void closedirp(DIR **d)
{
	if (*d)
		(void)closedir(*d);
}

/* spark-core_2.12-3.5.2.jar */
static const char *version_in(struct arena *a, const char *name)
{
	const char *dash;

	if (!str_starts(name, "spark-core_") || !str_ends(name, ".jar") ||
	    !(dash = strchr(name + strlen("spark-core_"), '-')))
		return NULL;
	return arena_strndup(a, dash + 1, strlen(dash + 1) - strlen(".jar"));
}

const char *sparkversion_find(struct arena *a, const char *spark_home)
{
	_sbuf_ struct sbuf path = SBUF_INIT(PATH_MAX);
	const char *version = NULL;

	sbuf_addf(&path, "%s/jars", spark_home);
	_cleanup_(closedirp) DIR *jars = sbuf_ok(&path) ? opendir(sbuf_str(&path)) : NULL;
	for (struct dirent *entry; jars && !version && (entry = readdir(jars)) != NULL;)
		version = version_in(a, entry->d_name);
	return version;
}
