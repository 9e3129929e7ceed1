/* Where the services of a Hadoop configuration are: conf.h's last part. */
#include "base/sbuf.h"
#include "base/str.h"
#include "cluster/hadoop/conf.h"
#include <string.h>
#include <strings.h>

enum { LIST_MAX = 8192, KEY_MAX = 1024 };

/* Of a kind of service: its addresses by http and by https, and which of them the policy says. */
struct service {
	const char *policy, *key[2];
	int port[2];
};

static const struct service resource_manager = {
	"yarn.http.policy",
	{ "yarn.resourcemanager.webapp.address", "yarn.resourcemanager.webapp.https.address" },
	{ 8088, 8090 },
};
static const struct service name_node = {
	"dfs.http.policy",
	{ "dfs.namenode.http-address", "dfs.namenode.https-address" },
	{ 9870, 9871 },
};
static const struct service history_server = {
	"mapreduce.jobhistory.http.policy",
	{ "mapreduce.jobhistory.webapp.address", "mapreduce.jobhistory.webapp.https.address" },
	{ 19888, 19890 },
};

/* KEY, KEY.id or KEY.ns.id. NULL: not said, or in terms of what only Java knows. */
static const char *get(const struct hadoop_conf *c, const char *key, const char *ns, const char *id)
{
	_sbuf_ struct sbuf name = SBUF_INIT(KEY_MAX);

	sbuf_adds(&name, key);
	if (ns)
		sbuf_addf(&name, ".%s", ns);
	if (id)
		sbuf_addf(&name, ".%s", id);
	const char *value = sbuf_ok(&name) ? hadoop_conf_get(c, sbuf_str(&name)) : NULL;
	return str_empty(value) || strchr(value, '$') ? NULL : value;
}

/* Where the host of "host:port", "host" or "[::1]:port" ends. */
static size_t host_len(const char *address)
{
	const char *bracket = *address == '[' ? strchr(address, ']') : NULL;

	return bracket ? (size_t)(bracket - address) + 1 : strcspn(address, ":/");
}

static bool is_everywhere(const char *host, size_t n)
{
	return n == 0 || (n == strlen("0.0.0.0") && memcmp(host, "0.0.0.0", n) == 0) ||
	       (n == strlen("[::]") && memcmp(host, "[::]", n) == 0);
}

/*
 * Appends the URL of an address, of which either part may be missing: `host` (an address whose host counts; may be
 * NULL, too) and the service's own port stand in for them.
 */
static void add_url(struct sbuf *all, const struct service *s, bool https, const char *address, const char *host)
{
	const char *port = address ? address + host_len(address) : "";

	if (address && !is_everywhere(address, host_len(address)))
		host = address;
	if (!host || is_everywhere(host, host_len(host)) || str_eq(port, ":0"))
		return;
	sbuf_addf(all, "%s%s://%.*s", all->len ? "," : "", https ? "https" : "http", (int)host_len(host), host);
	if (*port == ':')
		sbuf_addf(all, "%.*s", (int)strcspn(port, "/"), port);
	else
		sbuf_addf(all, ":%d", s->port[https]);
}

static bool is_https(const struct hadoop_conf *c, const struct service *s)
{
	return str_eq(get(c, s->policy, NULL, NULL), "HTTPS_ONLY");
}

static const char *taken(struct arena *a, const struct sbuf *all)
{
	return all->len && sbuf_ok(all) ? arena_strdup(a, sbuf_str(all)) : NULL;
}

/* The next word of a list; NULL: it is over. */
static const char *next_id(const char **list, struct arena *a)
{
	const char *s = *list ? *list + strspn(*list, ", ") : "";
	size_t n = strcspn(s, ", ");

	*list = s + n;
	return n ? arena_strndup(a, s, n) : NULL;
}

const char *hadoop_rm_urls(const struct hadoop_conf *c, struct arena *a)
{
	static const char host[] = "yarn.resourcemanager.hostname";
	_sbuf_ struct sbuf all = SBUF_INIT(LIST_MAX);
	const struct service *s = &resource_manager;
	bool https = is_https(c, s);
	const char *ids = get(c, "yarn.resourcemanager.ha.rm-ids", NULL, NULL);

	for (const char *id; (id = next_id(&ids, a));)
		add_url(&all, s, https, get(c, s->key[https], NULL, id), get(c, host, NULL, id));
	if (!all.len)
		add_url(&all, s, https, get(c, s->key[https], NULL, NULL), get(c, host, NULL, NULL));
	return taken(a, &all);
}

/* "ns", "nn1:8020" of "hdfs://nn1:8020/": who keeps the default file system, if that is HDFS. */
static const char *authority(const struct hadoop_conf *c, struct arena *a)
{
	const char *fs = get(c, "fs.defaultFS", NULL, NULL);

	fs = fs ? fs : get(c, "fs.default.name", NULL, NULL);
	if (!fs || !str_starts(fs, "hdfs://"))
		return NULL;
	fs += strlen("hdfs://");
	size_t n = strcspn(fs, "/");
	const char *at = memchr(fs, '@', n);
	if (at) {
		n -= (size_t)(at + 1 - fs);
		fs = at + 1;
	}
	return n ? arena_strndup(a, fs, n) : NULL;
}

const char *hadoop_default_fs(const struct hadoop_conf *c, struct arena *a)
{
	_sbuf_ struct sbuf fs = SBUF_INIT(LIST_MAX);
	const char *who = authority(c, a);

	if (who)
		sbuf_addf(&fs, "hdfs://%s", who);
	return taken(a, &fs);
}

bool hadoop_is_secure(const struct hadoop_conf *c)
{
	const char *how = get(c, "hadoop.security.authentication", NULL, NULL);

	return how && strcasecmp(how, "kerberos") == 0;
}

const char *hadoop_token_service(const struct hadoop_conf *c, struct arena *a)
{
	_sbuf_ struct sbuf service = SBUF_INIT(LIST_MAX);
	const char *ns = authority(c, a);

	if (ns && get(c, "dfs.ha.namenodes", ns, NULL))
		sbuf_addf(&service, "ha-hdfs:%s", ns);
	return taken(a, &service);
}

const char *hadoop_webhdfs_urls(const struct hadoop_conf *c, struct arena *a)
{
	static const char rpc[] = "dfs.namenode.rpc-address";
	_sbuf_ struct sbuf all = SBUF_INIT(LIST_MAX);
	const struct service *s = &name_node;
	bool https = is_https(c, s);
	const char *ns = authority(c, a);

	if (!ns)
		return NULL;
	const char *ids = get(c, "dfs.ha.namenodes", ns, NULL);
	if (ids) {
		for (const char *id; (id = next_id(&ids, a));)
			add_url(&all, s, https, get(c, s->key[https], ns, id), get(c, rpc, ns, id));
		return taken(a, &all);
	}
	const char *address = get(c, s->key[https], ns, NULL), *host = get(c, rpc, ns, NULL);
	bool is_service = address || host; /* one of several that each have one name node */
	add_url(&all, s, https, is_service ? address : get(c, s->key[https], NULL, NULL), host ? host : ns);
	return taken(a, &all);
}

const char *hadoop_history_url(const struct hadoop_conf *c, struct arena *a)
{
	_sbuf_ struct sbuf url = SBUF_INIT(LIST_MAX);
	const struct service *s = &history_server;
	const char *logs = get(c, "yarn.log.server.url", NULL, NULL);
	bool https = is_https(c, s);

	if (logs && (str_starts(logs, "http://") || str_starts(logs, "https://"))) {
		sbuf_adds(&url, logs);
		while (str_ends(sbuf_str(&url), "/"))
			url.data[--url.len] = '\0';
		return taken(a, &url);
	}
	const char *address = get(c, s->key[https], NULL, NULL);
	if (address)
		add_url(&url, s, https, address, NULL);
	if (url.len)
		sbuf_adds(&url, "/jobhistory/logs");
	return taken(a, &url);
}
