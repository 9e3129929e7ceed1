/* Hadoop's configuration files, nasty ones included, and where they say that things are. */
#include "base/fdio.h"
#include "base/sbuf.h"
#include "base/str.h"
#include "cluster/hadoop/conf.h"
#include "t.h"
#include <fcntl.h>
#include <string.h>

enum { ARENA = 64 * 1024 };

static void hadoop_conf_freep(struct hadoop_conf **c)
{
	(void)hadoop_conf_free(*c);
}
#define _conf_ _cleanup_(hadoop_conf_freep)

static void write_file(const char *name, const char *bytes, size_t n)
{
	struct error e;

	CHECK_OK(fdio_replace_file(AT_FDCWD, name, bytes, n, &e), e);
}

static void write_text(const char *name, const char *text)
{
	write_file(name, text, strlen(text));
}

static void write_site(const char *name, const char *inside)
{
	_sbuf_ struct sbuf text = SBUF_INIT(HADOOP_CONF_FILE_MAX);

	sbuf_addf(&text, "<?xml version=\"1.0\"?>\n<configuration>%s</configuration>\n", inside);
	write_text(name, sbuf_str(&text));
}

static struct hadoop_conf *load(void)
{
	struct hadoop_conf *c;
	struct error e;

	CHECK_OK(hadoop_conf_load(".", &c, &e), e);
	return c;
}

/* {"key","value", …, NULL} in one file. */
static struct hadoop_conf *load_pairs(const char *const *pairs)
{
	_sbuf_ struct sbuf text = SBUF_INIT(HADOOP_CONF_FILE_MAX);

	for (; *pairs; pairs += 2)
		sbuf_addf(&text, "<property><name>%s</name><value>%s</value></property>", pairs[0], pairs[1]);
	write_site("core-site.xml", sbuf_str(&text));
	return load();
}
#define LOAD(...) load_pairs((const char *const[]){ __VA_ARGS__, NULL })

static void check_refused(const char *words)
{
	struct hadoop_conf *c;
	struct error e;

	CHECK(!hadoop_conf_load(".", &c, &e));
	CHECK_INT(e.code, ERR_CONFIG);
	CHECK(strstr(e.msg, "core-site.xml"));
	if (!strstr(e.msg, words))
		CHECK_STR(e.msg, words);
}

static void refuse(const char *text, const char *words)
{
	write_text("core-site.xml", text);
	check_refused(words);
}

/* --- reading --- */

TEST(what_xml_allows_is_read)
{
	write_site(
		"core-site.xml",
		"<!-- <property><name>no</name><value>x</value></property> -->\n"
		"<property>\n <name> a </name>\n <value>\n 1 &lt; 2 &amp;&#65;\n</value><description><b>x</b></description></property>"
		"<property><value>late</value><name>b</name></property>"
		"<property><name>c</name><value><![CDATA[<value>&amp;</value>]]> and<!-- not --> more</value></property>"
		"<property><name>none</name></property><property><value>nobody</value></property>"
		"<property><name>empty</name><value></value></property><property><name>blank</name><value> </value></property>"
		"<property name=\"short\" value=\"v\"/>"
		"<property><name>umlaut</name><value>\xc3\xbc</value></property>");
	_conf_ struct hadoop_conf *c = load();

	CHECK_STR(hadoop_conf_get(c, "a"), "1 < 2 &A");
	CHECK_STR(hadoop_conf_get(c, "b"), "late");
	CHECK_STR(hadoop_conf_get(c, "c"), "<value>&amp;</value> and more");
	CHECK_STR(hadoop_conf_get(c, "short"), "v");
	CHECK_STR(hadoop_conf_get(c, "umlaut"), "\xc3\xbc");
	CHECK_STR(hadoop_conf_get(c, "blank"), "");
	CHECK(!hadoop_conf_get(c, "no"));
	CHECK(!hadoop_conf_get(c, "none"));
	CHECK(!hadoop_conf_get(c, "empty"));
}

TEST(other_encodings_are_read)
{
	static const char utf16[] =
		"\xff\xfe<\0p\0r\0o\0p\0e\0r\0t\0y\0 \0n\0a\0m\0e\0=\0'\0a\0'\0 \0v\0a\0l\0u\0e\0=\0'\0\xfc\0'\0/\0>\0";

	write_file("core-site.xml", utf16, sizeof utf16 - 1);
	write_text("yarn-site.xml",
		   "<?xml version='1.0' encoding='ISO-8859-1'?><property><name>b</name><value>\xfc</value></property>");
	_conf_ struct hadoop_conf *c = load();

	CHECK_STR(hadoop_conf_get(c, "a"), "\xc3\xbc");
	CHECK_STR(hadoop_conf_get(c, "b"), "\xc3\xbc");
}

TEST(later_files_count_unless_one_was_final)
{
	write_site("core-site.xml", "<property><name>a</name><value>1</value></property>"
				    "<property><name>a</name><value>2</value></property>"
				    "<property><name>b</name><value>1</value><final>true</final></property>"
				    "<property><name>c</name><value>1</value><final>false</final></property>"
				    "<property><name>e</name><final>true</final></property>");
	write_site("hdfs-site.xml", "<property><name>b</name><value>2</value></property>"
				    "<property><name>c</name><value>2</value></property>"
				    "<property><name>e</name><value>2</value></property>");
	write_site("yarn-site.xml", "<property><name>d</name><value>3</value></property>"
				    "<property><name>c</name><value/></property>");
	_conf_ struct hadoop_conf *c = load();

	CHECK_STR(hadoop_conf_get(c, "a"), "2");
	CHECK_STR(hadoop_conf_get(c, "b"), "1");
	CHECK_STR(hadoop_conf_get(c, "c"), "2");
	CHECK_STR(hadoop_conf_get(c, "d"), "3");
	CHECK(!hadoop_conf_get(c, "e"));
}

TEST(a_directory_without_files_is_not_found)
{
	struct hadoop_conf *c;
	struct error e;

	CHECK(!hadoop_conf_load("/nowhere", &c, &e));
	CHECK_INT(e.code, ERR_NOT_FOUND);
	CHECK(!hadoop_conf_load(".", &c, &e));
	CHECK_INT(e.code, ERR_NOT_FOUND);
}

TEST(what_is_no_xml_or_leads_elsewhere_is_refused)
{
	refuse("", "no element found");
	refuse("<configuration>\n<property>", "line 2");
	refuse("<configuration></configuration><x/>", "junk after");
	refuse("<a>&nbsp;</a>", "undefined entity");
	refuse("<a>\xff</a>", "not well-formed");
	refuse("<!DOCTYPE a [<!ENTITY x SYSTEM 'file:///etc/passwd'>]><a>&x;</a>", "DOCTYPE");
	refuse("<!DOCTYPE a SYSTEM 'http://127.0.0.1:1/a.dtd'><a/>", "DOCTYPE");
	refuse("<!DOCTYPE a [<!ENTITY x 'ha'><!ENTITY y '&x;&x;&x;&x;&x;&x;&x;&x;'><!ENTITY z '&y;&y;&y;&y;&y;&y;&y;&y;'>]><a>&z;</a>",
	       "DOCTYPE");
	refuse("<configuration xmlns:xi='http://www.w3.org/2001/XInclude'><xi:include href='/etc/passwd' parse='text'/></configuration>",
	       "XInclude");
}

TEST(a_directory_in_the_place_of_a_file_is_refused)
{
	int fd;
	struct error e;

	CHECK_OK(fdio_open_dir("core-site.xml", &fd, &e), e);
	close(fd);
	check_refused("not a plain file");
}

/* --- ceilings --- */

static void repeat(struct sbuf *to, const char *s, int times)
{
	for (int i = 0; i < times; i++)
		sbuf_adds(to, s);
}

TEST(nesting_lengths_and_counts_have_ceilings)
{
	_sbuf_ struct sbuf text = SBUF_INIT(8 * HADOOP_CONF_FILE_MAX);

	repeat(&text, "<a>", HADOOP_CONF_NESTING_MAX + 1);
	refuse(sbuf_str(&text), "nested");

	sbuf_clear(&text);
	sbuf_adds(&text, "<property><name>");
	repeat(&text, "0123456789abcdef", HADOOP_CONF_VALUE_MAX / 16 + 1);
	sbuf_adds(&text, "</name></property>");
	refuse(sbuf_str(&text), "too long");

	sbuf_clear(&text);
	sbuf_adds(&text, "<c>");
	for (int i = 0; i <= HADOOP_CONF_COUNT_MAX; i++)
		sbuf_addf(&text, "<property name='p%d' value=''/>", i);
	sbuf_adds(&text, "</c>");
	refuse(sbuf_str(&text), "too many");

	repeat(&text, "                ", HADOOP_CONF_FILE_MAX / 16);
	refuse(sbuf_str(&text), "larger than");
}

/* --- ${…} --- */

TEST(variables_stand_for_other_properties_or_stay)
{
	_conf_ struct hadoop_conf *c = LOAD("host", " rm1 ", "port", "80", "a", "${host}:${port}${port}", "which",
					    "host", "b", "${${which}}", "c", "${a}/${user.name}/${port}", "d", "${open",
					    "e", "}${}$", "f", "${env.HOME:-/x}${port}", "late", "${z}", "z", "26");

	CHECK_STR(hadoop_conf_get(c, "a"), "rm1 :8080");
	CHECK_STR(hadoop_conf_get(c, "b"), "rm1");
	CHECK_STR(hadoop_conf_get(c, "c"), "rm1 :8080/${user.name}/80");
	CHECK_STR(hadoop_conf_get(c, "d"), "${open");
	CHECK_STR(hadoop_conf_get(c, "e"), "}${}$");
	CHECK_STR(hadoop_conf_get(c, "f"), "${env.HOME:-/x}80");
	CHECK_STR(hadoop_conf_get(c, "late"), "26");
}

TEST(circles_and_bombs_stay_as_they_are_written)
{
	_sbuf_ struct sbuf big = SBUF_INIT(HADOOP_CONF_VALUE_MAX);

	repeat(&big, "0123456789abcdef", HADOOP_CONF_VALUE_MAX / 32);
	_conf_ struct hadoop_conf *c =
		LOAD("self", "x${self}", "a", "${b}", "b", "${a}", "b0", " ", "b1", "${b0}${b0}", "b2", "${b1}${b1}",
		     "b3", "${b2}${b2}", "b4", "${b3}${b3}", "big", sbuf_str(&big), "bigger", "${big}${big}${big}");

	CHECK_STR(hadoop_conf_get(c, "self"), "x${self}");
	CHECK_STR(hadoop_conf_get(c, "a"), "${b}");
	CHECK_STR(hadoop_conf_get(c, "b3"), "");
	CHECK_STR(hadoop_conf_get(c, "b4"), "${b3}${b3}");
	CHECK_STR(hadoop_conf_get(c, "bigger"), "${big}${big}${big}");
}

static void collect(void *arg, const char *key, const char *value)
{
	sbuf_addf(arg, "%s=%s;", key, value);
}

TEST(each_property_is_given_once_as_it_is_written)
{
	_sbuf_ struct sbuf all = SBUF_INIT(1024);
	_conf_ struct hadoop_conf *c = LOAD("a", " 1 ", "b", "${a}", "a", "2");

	hadoop_conf_each(c, collect, &all);
	CHECK_INT(all.len, strlen("a=2;b=${a};"));
	CHECK(strstr(sbuf_str(&all), "a=2;"));
	CHECK(strstr(sbuf_str(&all), "b=${a};"));
}

/* --- where things are --- */

#define CHECK_WHERE(fn, c, want)                             \
	do {                                                 \
		_conf_ struct hadoop_conf *c_ = (c);         \
		_arena_ struct arena *a_ = arena_new(ARENA); \
		CHECK_STR(fn(c_, a_), (want));               \
	} while (0)
#define RM "yarn.resourcemanager."

TEST(resource_managers_are_found)
{
	CHECK_WHERE(hadoop_rm_urls, LOAD("x", "y"), NULL);
	CHECK_WHERE(hadoop_rm_urls, LOAD(RM "hostname", "rm1"), "http://rm1:8088");
	CHECK_WHERE(hadoop_rm_urls, LOAD(RM "hostname", "rm1", RM "webapp.address", "${" RM "hostname}:80"),
		    "http://rm1:80");
	CHECK_WHERE(hadoop_rm_urls, LOAD(RM "hostname", "rm1", RM "webapp.address", "0.0.0.0:80"), "http://rm1:80");
	CHECK_WHERE(hadoop_rm_urls, LOAD(RM "webapp.address", "[::1]"), "http://[::1]:8088");
	CHECK_WHERE(hadoop_rm_urls, LOAD(RM "webapp.address", "0.0.0.0:8088"), NULL);
	CHECK_WHERE(hadoop_rm_urls, LOAD(RM "webapp.address", "${env.RM}:8088"), NULL);
	CHECK_WHERE(hadoop_rm_urls,
		    LOAD("yarn.http.policy", "HTTPS_ONLY", RM "webapp.address", "rm1:1", RM "hostname", "rm2"),
		    "https://rm2:8090");
	CHECK_WHERE(hadoop_rm_urls,
		    LOAD("yarn.http.policy", "HTTPS_ONLY", "yarn.resourcemanager.webapp.https.address", "rm1:1"),
		    "https://rm1:1");
}

TEST(resource_managers_that_stand_by_are_found)
{
	CHECK_WHERE(hadoop_rm_urls,
		    LOAD(RM "ha.rm-ids", " a, b,,c", RM "webapp.address.a", "rm1:1", RM "hostname.b", "rm2",
			 RM "hostname", "no"),
		    "http://rm1:1,http://rm2:8088");
	CHECK_WHERE(hadoop_rm_urls, LOAD(RM "ha.rm-ids", "a", RM "hostname", "rm1"), "http://rm1:8088");
}

TEST(the_name_node_is_found)
{
	CHECK_WHERE(hadoop_webhdfs_urls, LOAD("x", "y"), NULL);
	CHECK_WHERE(hadoop_webhdfs_urls, LOAD("fs.defaultFS", "file:///"), NULL);
	CHECK_WHERE(hadoop_webhdfs_urls, LOAD("fs.defaultFS", "s3a://bucket"), NULL);
	CHECK_WHERE(hadoop_webhdfs_urls, LOAD("fs.defaultFS", "hdfs://nn:8020/"), "http://nn:9870");
	CHECK_WHERE(hadoop_webhdfs_urls, LOAD("fs.default.name", "hdfs://me@nn"), "http://nn:9870");
	CHECK_WHERE(hadoop_webhdfs_urls, LOAD("fs.defaultFS", "hdfs://[::1]:8020"), "http://[::1]:9870");
	CHECK_WHERE(hadoop_webhdfs_urls,
		    LOAD("fs.defaultFS", "hdfs://nn:8020", "dfs.namenode.http-address", "0.0.0.0:50070"),
		    "http://nn:50070");
	CHECK_WHERE(hadoop_webhdfs_urls, LOAD("fs.defaultFS", "hdfs://nn:8020", "dfs.namenode.http-address", "web:1"),
		    "http://web:1");
	CHECK_WHERE(hadoop_webhdfs_urls,
		    LOAD("fs.defaultFS", "hdfs://nn", "dfs.http.policy", "HTTPS_ONLY", "dfs.namenode.http-address",
			 "no:1"),
		    "https://nn:9871");
	CHECK_WHERE(hadoop_webhdfs_urls,
		    LOAD("fs.defaultFS", "hdfs://ns", "dfs.namenode.http-address.ns", "nn1:1",
			 "dfs.namenode.http-address", "no:1"),
		    "http://nn1:1");
}

TEST(name_nodes_that_stand_by_are_found)
{
	CHECK_WHERE(hadoop_webhdfs_urls,
		    LOAD("fs.defaultFS", "hdfs://ns", "dfs.ha.namenodes.ns", "a,b", "dfs.ha.namenodes.other", "c",
			 "dfs.namenode.http-address.ns.a", "nn1:1", "dfs.namenode.rpc-address.ns.b", "nn2:8020"),
		    "http://nn1:1,http://nn2:9870");
	CHECK_WHERE(hadoop_webhdfs_urls,
		    LOAD("fs.defaultFS", "hdfs://ns", "dfs.ha.namenodes.ns", "a", "dfs.http.policy", "HTTPS_ONLY",
			 "dfs.namenode.https-address.ns.a", "nn1:2"),
		    "https://nn1:2");
	CHECK_WHERE(hadoop_webhdfs_urls, LOAD("fs.defaultFS", "hdfs://ns", "dfs.ha.namenodes.ns", "a"), NULL);
}

TEST(whom_a_token_is_shown_to_is_said_of_several_name_nodes_only)
{
	CHECK_WHERE(hadoop_token_service, LOAD("fs.defaultFS", "hdfs://nn:8020"), NULL);
	CHECK_WHERE(hadoop_token_service, LOAD("fs.defaultFS", "hdfs://ns/", "dfs.ha.namenodes.ns", "a,b"),
		    "ha-hdfs:ns");
}

TEST(a_cluster_that_wants_kerberos_says_so)
{
	static const struct {
		const char *said;
		bool secure;
	} rows[] = { { "kerberos", true }, { " KERBEROS ", true }, { "simple", false }, { "", false } };

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		_conf_ struct hadoop_conf *c = LOAD("hadoop.security.authentication", rows[i].said);

		CHECK(hadoop_is_secure(c) == rows[i].secure);
	}
}

TEST(the_default_file_system_is_found)
{
	CHECK_WHERE(hadoop_default_fs, LOAD("x", "y"), NULL);
	CHECK_WHERE(hadoop_default_fs, LOAD("fs.defaultFS", "s3a://b"), NULL);
	CHECK_WHERE(hadoop_default_fs, LOAD("fs.defaultFS", "hdfs:///"), NULL);
	CHECK_WHERE(hadoop_default_fs, LOAD("fs.defaultFS", " hdfs://nn:8020/ "), "hdfs://nn:8020");
	CHECK_WHERE(hadoop_default_fs, LOAD("fs.defaultFS", "hdfs://${ns}", "ns", "night"), "hdfs://night");
}

TEST(the_history_server_is_found)
{
	CHECK_WHERE(hadoop_history_url, LOAD("x", "y"), NULL);
	CHECK_WHERE(hadoop_history_url, LOAD("yarn.log.server.url", "https://jh/jobhistory/logs/"),
		    "https://jh/jobhistory/logs");
	CHECK_WHERE(hadoop_history_url, LOAD("mapreduce.jobhistory.webapp.address", "jh:1"),
		    "http://jh:1/jobhistory/logs");
	CHECK_WHERE(hadoop_history_url, LOAD("mapreduce.jobhistory.webapp.address", "0.0.0.0:1"), NULL);
	CHECK_WHERE(hadoop_history_url,
		    LOAD("mapreduce.jobhistory.http.policy", "HTTPS_ONLY", "mapreduce.jobhistory.webapp.https.address",
			 "jh"),
		    "https://jh:19890/jobhistory/logs");
}

TEST(the_directory_is_configured_or_the_environments)
{
	CHECK(!unsetenv("HADOOP_CONF_DIR") && !unsetenv("YARN_CONF_DIR"));
	CHECK(!hadoop_conf_dir(NULL));
	CHECK(!setenv("YARN_CONF_DIR", "/y", 1));
	CHECK_STR(hadoop_conf_dir(NULL), "/y");
	CHECK(!setenv("HADOOP_CONF_DIR", "/h", 1));
	CHECK_STR(hadoop_conf_dir(NULL), "/h");
	CHECK_STR(hadoop_conf_dir("/c"), "/c");
}
