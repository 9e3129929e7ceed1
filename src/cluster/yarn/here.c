#include "cluster/yarn/here.h"
#include "base/fdio.h"
#include "base/str.h"
#include "cluster/hadoop/conf.h"
#include <dirent.h>
#include <fcntl.h>
#include <limits.h>
#include <pwd.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { HERE_MAX = 64 * 1024 * 1024 };

/* --- who --- */

/*
 * As Hadoop's clients find it out: what was configured, $HADOOP_USER_NAME, the user of the process. With tickets it is
 * the cluster that makes a name of our principal, by rules of its own: then only what was configured can be that.
 */
const char *yarn_user(const struct profile *p)
{
	const char *named = getenv("HADOOP_USER_NAME");
	const struct passwd *own;

	if (p->user || p->auth == PROFILE_AUTH_NEGOTIATE)
		return p->user;
	if (!str_empty(named))
		return named;
	own = getpwuid(geteuid());
	return own ? own->pw_name : NULL;
}

/* --- files of the configuration --- */

static void keep(struct yarn_here *h, const char *name, const struct sbuf *text)
{
	char *bytes = arena_alloc(h->arena, text->len + 1);

	for (size_t i = 0; i < h->count; i++)
		if (str_eq(h->files[i].name, name))
			return;
	if (h->count == YARN_CONF_FILES_MAX || !bytes)
		return;
	memcpy(bytes, sbuf_str(text), text->len);
	h->files[h->count++] = (struct yarn_conf_file){ arena_strdup(h->arena, name), bytes, text->len };
}

/* Passes over what is no plain file, or cannot be read: it may be another user's key. */
static void keep_file(struct yarn_here *h, int dirfd, const char *file, const char *as)
{
	_sbuf_ struct sbuf text = SBUF_INIT(YARN_CONF_FILE_MAX);
	struct error e;

	if (fdio_read_plain_file(dirfd, file, &text, &e))
		keep(h, as, &text);
}

/* A file's name says what Spark's client would get tokens for, too. */
static void note_other(struct yarn_here *h, const char *file)
{
	static const struct {
		const char *file, *service;
	} known[ARRAY_LEN(h->site.others)] = { { "hive-site.xml", "hive" }, { "hbase-site.xml", "hbase" } };

	for (size_t i = 0; i < ARRAY_LEN(known); i++)
		if (str_eq(file, known[i].file))
			h->site.others[i] = known[i].service;
}

static void keep_hadoop_files(struct yarn_here *h, const char *dir)
{
	_sbuf_ struct sbuf name = SBUF_INIT(NAME_MAX + 64);
	const struct dirent *entry;
	DIR *d = dir ? opendir(dir) : NULL;

	while (d && (entry = readdir(d)) != NULL) {
		if (entry->d_name[0] == '.')
			continue;
		note_other(h, entry->d_name);
		sbuf_clear(&name);
		sbuf_addf(&name, "__hadoop_conf__/%s", entry->d_name);
		keep_file(h, dirfd(d), entry->d_name, sbuf_str(&name));
	}
	if (d)
		(void)closedir(d);
}

static void keep_spark_files(struct yarn_here *h, const struct profile *p)
{
	static const char *const names[] = { "log4j2.properties", "log4j2.xml", "log4j.properties",
					     "metrics.properties" };
	const char *conf = getenv("SPARK_CONF_DIR");
	_sbuf_ struct sbuf dir = SBUF_INIT(PATH_MAX);

	if (str_empty(conf))
		sbuf_addf(&dir, "%s/conf", p->spark_home ? p->spark_home : "");
	else
		sbuf_adds(&dir, conf);
	_close_ int fd = open(sbuf_str(&dir), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	for (size_t i = 0; fd >= 0 && i < ARRAY_LEN(names); i++)
		keep_file(h, fd, names[i], names[i]);
	if (fd >= 0 && faccessat(fd, "hive-site.xml", F_OK, 0) == 0)
		note_other(h, "hive-site.xml");
}

/* --- Python --- */

/* By what it is, so that another Spark's does not take its place: size and time. NULL: it is not there. */
static const char *kept_name(struct yarn_here *h, const char *file)
{
	_sbuf_ struct sbuf path = SBUF_INIT(PATH_MAX), name = SBUF_INIT(PATH_MAX);
	struct stat st;

	sbuf_addf(&path, "%s/%s", h->site.python_dir, file);
	if (stat(sbuf_str(&path), &st) < 0)
		return NULL;
	sbuf_addf(&name, "%llx-%llx/%s", (long long)st.st_size,
		  (long long)st.st_mtim.tv_sec * 1000000000 + st.st_mtim.tv_nsec, file);
	return arena_strdup(h->arena, sbuf_str(&name));
}

static void find_python(struct yarn_here *h, const struct profile *p)
{
	_sbuf_ struct sbuf dir = SBUF_INIT(PATH_MAX);
	const struct dirent *entry;

	sbuf_addf(&dir, "%s/python/lib", p->spark_home ? p->spark_home : "");
	DIR *d = opendir(sbuf_str(&dir));
	while (d && (entry = readdir(d)) != NULL)
		if (str_starts(entry->d_name, "py4j-") && str_ends(entry->d_name, "-src.zip"))
			h->site.py4j = arena_strdup(h->arena, entry->d_name);
	if (d)
		(void)closedir(d);
	h->site.python_dir = arena_strdup(h->arena, sbuf_str(&dir));
	h->site.pyspark_kept = kept_name(h, "pyspark.zip");
	h->site.py4j_kept = h->site.py4j ? kept_name(h, h->site.py4j) : NULL;
}

static void find_libs(struct yarn_here *h, const struct cluster *c)
{
	const struct profile *p = c->profile;
	_sbuf_ struct sbuf dir = SBUF_INIT(PATH_MAX);

	sbuf_addf(&dir, "%s/jars", p->spark_home ? p->spark_home : "");
	h->libs = (struct yarn_libs){ .loop = cluster_loop(c),
				      .run_dirfd = c->of->setup.run_dirfd,
				      .dir = arena_strdup(h->arena, sbuf_str(&dir)) };
	h->site.libs = yarn_libs_name(h->arena, sbuf_str(&dir), p->spark_version);
}

/* spark-submit passes these on from its environment, which would be ours. */
static void find_env(struct yarn_here *h)
{
	static const struct spec_pair passed[] = { { "PYSPARK_PYTHON", NULL },
						   { "PYSPARK_DRIVER_PYTHON", NULL },
						   { "PYTHONHASHSEED", "0" } };
	size_t n = 0;

	for (size_t i = 0; i < ARRAY_LEN(passed); i++) {
		const char *value = getenv(passed[i].key);

		if (str_empty(value))
			value = passed[i].value;
		if (value)
			h->site.env[n++] = (struct spec_pair){ passed[i].key, arena_strdup(h->arena, value) };
	}
}

/* --- life --- */

/* "hdfs://host/a", "/a", without a slash at the end; NULL: it is elsewhere. */
static const char *staging_root(struct yarn_here *h, const char *dir)
{
	size_t n = strlen(h->site.fs);

	if (strncmp(dir, h->site.fs, n) == 0)
		dir += n;
	else if (str_starts(dir, "hdfs:///"))
		dir += strlen("hdfs://");
	n = strlen(dir);
	return dir[0] == '/' ? arena_strndup(h->arena, dir, dir[n - 1] == '/' ? n - 1 : n) : NULL;
}

static const char *open_hdfs(struct yarn_here *h, struct cluster *c)
{
	const struct profile *p = c->profile;
	const struct yarn *w = c->wire;
	const struct http_calls_options http = { .loop = cluster_loop(c),
						 .user_agent = "florus",
						 .ca_file = p->ca_file,
						 .negotiate = p->auth == PROFILE_AUTH_NEGOTIATE };
	const char *urls = p->webhdfs ? p->webhdfs : w->conf ? hadoop_webhdfs_urls(w->conf, h->arena) : NULL;
	const struct hdfs_options o = { .urls = urls, .user = h->user, .http = &http };
	struct error e;

	if (!w->conf || !(h->site.fs = hadoop_default_fs(w->conf, h->arena)))
		return "no fs.defaultFS in florus.cluster.*.hadoop-conf-dir";
	if (!str_starts(h->site.fs, "hdfs://"))
		return "fs.defaultFS is not HDFS";
	if (!urls)
		return "nothing says where WebHDFS is (florus.cluster.*.webhdfs)";
	if (p->staging_dir && !(h->staging_root = staging_root(h, p->staging_dir)))
		return "florus.cluster.*.staging-dir is not in HDFS";
	return hdfs_new(&o, &h->hdfs, &e) ? NULL : "florus.cluster.*.webhdfs is not understood";
}

static const char *open_tokens(struct yarn_here *h, struct cluster *c)
{
	const struct yarn *w = c->wire;

	h->site.secure = hadoop_is_secure(w->conf);
	if (!h->site.secure)
		return NULL;
	if (c->profile->auth != PROFILE_AUTH_NEGOTIATE)
		return "Kerberos (florus.cluster.*.auth = negotiate)";
	/* Its _HOST may stay: the name node makes a short name of it, by rules that look at the first part. */
	h->renewer = hadoop_conf_get(w->conf, "yarn.resourcemanager.principal");
	h->token_service = hadoop_token_service(w->conf, h->arena);
	return h->renewer ? NULL : "nothing says who renews tokens (yarn.resourcemanager.principal)";
}

struct yarn_here *yarn_here_open(struct cluster *c, const char **ret_why)
{
	const struct profile *p = c->profile;
	struct yarn_here *h = xcalloc(1, sizeof *h);

	h->arena = arena_new(HERE_MAX);
	h->user = arena_strdup(h->arena, yarn_user(p));
	if (p->auth != PROFILE_AUTH_NONE && p->auth != PROFILE_AUTH_NEGOTIATE)
		*ret_why = "proof of who we are that name nodes do not take (florus.cluster.*.auth)";
	else if (!h->user)
		*ret_why = "nobody says who we are there (florus.cluster.*.user)";
	else
		*ret_why = open_hdfs(h, c);
	if (!*ret_why)
		*ret_why = open_tokens(h, c);
	if (*ret_why)
		return yarn_here_close(h);
	h->site.version = p->spark_version;
	keep_hadoop_files(h, hadoop_conf_dir(p->hadoop_conf_dir));
	keep_spark_files(h, p);
	find_python(h, p);
	find_libs(h, c);
	find_env(h);
	return h;
}

struct yarn_here *yarn_here_close(struct yarn_here *h)
{
	if (!h)
		return NULL;
	yarn_libs_close(&h->libs);
	(void)hdfs_free(h->hdfs);
	(void)arena_free(h->arena);
	free(h);
	return NULL;
}
