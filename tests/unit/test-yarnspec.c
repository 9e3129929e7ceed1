/* YARN: the files, the configuration and the context of a job. */
#include "base/json.h"
#include "base/str.h"
#include "cluster/yarn/confzip.h"
#include "cluster/yarn/spec.h"
#include "t.h"
#include <string.h>
#include <zip.h>

enum { ARENA = 4 << 20 };

static const struct yarn_site site = { .fs = "hdfs://nn:8020",
				       .version = "3.5.2",
				       .python_dir = "/opt/spark/python/lib",
				       .py4j = "py4j-0.10.9.7-src.zip",
				       .pyspark_kept = "1-2/pyspark.zip",
				       .py4j_kept = "3-4/py4j-0.10.9.7-src.zip",
				       .env = { { "PYTHONHASHSEED", "0" } } };

static struct submission job(struct spec_pair *conf, size_t count)
{
	return (struct submission){ .name = "a job",
				    .file = "hdfs:///apps/a.jar",
				    .class_name = "org.example.Main",
				    .conf = conf,
				    .conf_count = count };
}

/* One of nothing when there is none. */
static const struct yarn_file *file_of(const struct yarn_plan *p, const char *link)
{
	static const struct yarn_file none;

	for (size_t i = 0; i < p->count; i++)
		if (str_eq(p->files[i].link, link))
			return &p->files[i];
	return &none;
}

static void planned(struct arena *a, const struct submission *s, struct yarn_plan *p)
{
	struct error e;

	CHECK_OK(yarn_plan(a, s, &site, p, &e), e);
}

static void has(const char *text, const char *part)
{
	if (!strstr(text, part))
		CHECK_STR(text, part);
}

TEST(a_jar_has_its_libraries_and_files_under_their_links)
{
	_arena_ struct arena *a = arena_new(ARENA);
	struct spec_pair conf[] = { { "spark.archives", "hdfs://nn:8020/e/env.tgz#env" },
				    { "spark.files", "file:/data/a%20b.txt,local:/opt/c.txt" },
				    { "spark.jars",
				      "hdfs:///l/one.jar , /l/two.jar,hdfs:///other/one.jar,local:/opt/three.jar" },
				    { "spark.yarn.archive", "hdfs:///spark/libs.zip" } };
	struct submission s = job(conf, ARRAY_LEN(conf));
	struct yarn_plan p;

	planned(a, &s, &p);
	CHECK_INT(p.count, 6);
	CHECK_STR(file_of(&p, "__spark_libs__")->path, "/spark/libs.zip");
	CHECK(file_of(&p, "__spark_libs__")->archive);
	CHECK_STR(file_of(&p, "__app__.jar")->path, "/apps/a.jar");
	CHECK_STR(file_of(&p, "one.jar")->path, "/l/one.jar");
	CHECK_STR(file_of(&p, "two.jar")->local, "/l/two.jar");
	CHECK_STR(file_of(&p, "a%20b.txt")->local, "/data/a b.txt");
	CHECK_STR(file_of(&p, "env")->path, "/e/env.tgz");
	CHECK_STR(p.secondary, "one.jar,two.jar,one.jar,local:/opt/three.jar");
	CHECK_STR(p.jar, "hdfs:///apps/a.jar");
	CHECK(!p.python && !p.python_path && !p.app_jar);
}

TEST(a_python_program_has_spark_s_own_libraries_and_its_path)
{
	_arena_ struct arena *a = arena_new(ARENA);
	struct spec_pair conf[] = { { "spark.submit.pyFiles", "hdfs:///p/m.py,hdfs:///p/dep.zip" },
				    { "spark.yarn.jars", "local:/opt/spark/jars/*,hdfs:///l/x.jar" } };
	struct submission s = job(conf, ARRAY_LEN(conf));
	struct yarn_plan p;

	s.python = true;
	s.class_name = NULL;
	s.file = "file:/home/etl/run.py";
	planned(a, &s, &p);
	CHECK_STR(p.python, "run.py");
	CHECK(file_of(&p, "run.py")->am_only);
	CHECK_STR(file_of(&p, "__pyfiles__/m.py")->path, "/p/m.py");
	CHECK_STR(file_of(&p, "pyspark.zip")->local, "/opt/spark/python/lib/pyspark.zip");
	CHECK(file_of(&p, "pyspark.zip")->kept && file_of(&p, "py4j-0.10.9.7-src.zip")->kept);
	CHECK_STR(p.python_path,
		  "{{PWD}}/__pyfiles__<CPS>{{PWD}}/pyspark.zip<CPS>{{PWD}}/py4j-0.10.9.7-src.zip<CPS>{{PWD}}/dep.zip");
	CHECK_STR(p.class_path, "<CPS>/opt/spark/jars/*");
	CHECK_STR(p.own_jars, "local:/opt/spark/jars/*");
	CHECK_STR(file_of(&p, "__spark_libs__/x.jar")->path, "/l/x.jar");
}

TEST(what_only_spark_submit_can_do_is_named)
{
	static const struct {
		struct spec_pair pair;
		const char *reason;
	} rows[] = {
		{ { "spark.jars.packages", "a:b:1" }, "packages" },
		{ { "spark.yarn.driver.resource.gpu.amount", "1" }, "GPUs" },
		{ { "spark.kerberos.keytab", "/k" }, "Kerberos" },
		{ { "spark.acls.enable", "true" }, "access lists" },
		{ { "spark.acls.enable", "false" }, NULL },
		{ { "spark.jars", "s3a://b/x.jar" }, "not in the cluster's file system" },
		{ { "spark.jars", "hdfs://other:8020/x.jar" }, "not in the cluster's file system" },
		{ { "spark.jars", "https://h/x.jar" }, "not in the cluster's file system" },
		{ { "spark.jars", "hdfs:///l/*.jar" }, "a pattern" },
		{ { "spark.jars", "file:/l/*.jar" }, "a pattern" },
		{ { "spark.files", "hdfs:///a/x,hdfs:///b/x" }, "two files called x" },
		{ { "spark.driver.memory", "much" }, "memory" },
		{ { "spark.files", "hdfs:///a/" }, "a file of that name" },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		_arena_ struct arena *a = arena_new(ARENA);
		struct spec_pair conf[] = { rows[i].pair, { "spark.yarn.archive", "hdfs:///spark.zip" } };
		struct submission s = job(conf, 2);
		struct yarn_plan p;
		struct error e = { .msg = "" };

		if (strcmp(conf[0].key, conf[1].key) > 0)
			conf[1] = rows[i].pair,
			conf[0] = (struct spec_pair){ "spark.yarn.archive", "hdfs:///spark.zip" };
		CHECK(yarn_plan(a, &s, &site, &p, &e) == !rows[i].reason);
		CHECK(!rows[i].reason || strstr(e.msg, rows[i].reason));
	}
}

TEST(without_a_place_for_spark_s_jars_they_are_brought_or_it_is_spark_submit_s)
{
	_arena_ struct arena *a = arena_new(ARENA);
	struct submission s = job(NULL, 0);
	struct yarn_plan p;
	struct error e;

	CHECK(!yarn_plan(a, &s, &site, &p, &e));
	CHECK(strstr(e.msg, "spark.yarn.archive"));
	struct yarn_site with_libs = site;
	with_libs.libs = "spark-3.5.2.zip";
	CHECK_OK(yarn_plan(a, &s, &with_libs, &p, &e), e);
	CHECK_STR(file_of(&p, "__spark_libs__")->kept, "spark-3.5.2.zip");
	CHECK(file_of(&p, "__spark_libs__")->archive);
}

TEST(words_of_the_command_survive_two_shells)
{
	static const struct {
		const char *word, *shown;
	} rows[] = { { "plain", "'plain'" },
		     { "a b", "'a b'" },
		     { "it's", "'it'\\''s'" },
		     { "$X", "'\\$X'" },
		     { "say \"a\"", "'say \\\"a\\\"'" },
		     { "", "''" } };

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		_sbuf_ struct sbuf out = SBUF_INIT(256);

		yarn_shell_word(&out, rows[i].word);
		CHECK_STR(sbuf_str(&out), rows[i].shown);
	}
	_sbuf_ struct sbuf out = SBUF_INIT(256);
	yarn_shell_argument(&out, "{{HOME}}<CPS>");
	CHECK_STR(sbuf_str(&out), "'{''{''HOME}''}''<''CPS>'");
	sbuf_clear(&out);
	yarn_shell_options(&out, " -Da=\"b c\"  -Dd='e f' -Dg=\\ h ");
	CHECK_STR(sbuf_str(&out), " '-Da=b c' '-Dd=e f' '-Dg= h'");
}

static struct yarn_job job_of(const struct submission *s, const struct yarn_plan *p)
{
	return (struct yarn_job){ .s = s,
				  .site = &site,
				  .plan = p,
				  .app_id = "application_1_0007",
				  .user = "etl",
				  .us = "florus",
				  .staging = "/user/etl/.sparkStaging/application_1_0007",
				  .tags = "florus-aa,florus-bb-1,</tag>",
				  .conf = { .path = "/user/etl/.sparkStaging/application_1_0007/__spark_conf__.zip",
					    .link = "__spark_conf__",
					    .archive = true,
					    .size = 12,
					    .mtime_ms = 1764000000123 } };
}

TEST(the_context_says_what_yarn_must_know)
{
	static const char *const parts[] = {
		"<application-id>application_1_0007</application-id><application-name>a &lt;job&gt; &amp; "
		"more</application-name><queue>etl</queue>",
		"<key>__app__.jar</key><value><resource>hdfs://nn:8020/apps/a.jar</resource><type>FILE</type>"
		"<visibility>PRIVATE</visibility><size>7</size><timestamp>1764000000001</timestamp>",
		"<key>__spark_conf__</key><value><resource>hdfs://nn:8020/user/etl/.sparkStaging/application_1_0007/"
		"__spark_conf__.zip</resource><type>ARCHIVE</type>",
		"<key>CLASSPATH</key><value>{{PWD}}&lt;CPS&gt;{{PWD}}/__spark_conf__&lt;CPS&gt;{{PWD}}/__spark_libs__/"
		"*&lt;CPS&gt;{{PWD}}/__spark_conf__/__hadoop_conf__</value>",
		"<key>SPARK_YARN_STAGING_DIR</key><value>hdfs://nn:8020/user/etl/.sparkStaging/application_1_0007</value>",
		"<key>SPARK_USER</key><value>etl</value>",
		"<key>MINE</key><value>1</value>",
		"<command>{{JAVA_HOME}}/bin/java -server -XX:+IgnoreUnrecognizedVMOptions ",
		" -Xmx512m -Djava.io.tmpdir={{PWD}}/tmp '-Dx=application_1_0007' ",
		"--class 'org.example.Main' --jar 'hdfs:///apps/a.jar' --arg 'it'\\''s' --properties-file",
		"<key>VIEW_APP</key><value>etl,florus</value>",
		"<resource><memory>896</memory><vCores>2</vCores></resource>",
		"<application-tags><tag>florus-aa</tag><tag>florus-bb-1</tag><tag>&lt;/tag&gt;</tag></application-tags>",
		"<max-app-attempts>1</max-app-attempts>",
		"<attempt-failures-validity-interval>60000</attempt-failures-validity-interval>",
	};
	_arena_ struct arena *a = arena_new(ARENA);
	_sbuf_ struct sbuf xml = SBUF_INIT(YARN_CONTEXT_MAX);
	struct spec_pair conf[] = {
		{ "spark.driver.cores", "2" },           { "spark.driver.extraJavaOptions", "-Dx={{APP_ID}}" },
		{ "spark.driver.memory", "512m" },       { "spark.yarn.am.attemptFailuresValidityInterval", "1m" },
		{ "spark.yarn.appMasterEnv.MINE", "1" }, { "spark.yarn.archive", "hdfs:///spark/libs.zip" },
		{ "spark.yarn.maxAppAttempts", "1" },    { "spark.yarn.queue", "etl" }
	};
	const char *args[] = { "it's" };
	struct submission s = job(conf, ARRAY_LEN(conf));
	struct yarn_plan p;

	s.name = "a <job> & more";
	s.queue = "etl";
	s.args = (struct spec_list){ .items = args, .count = 1 };
	planned(a, &s, &p);
	for (size_t i = 0; i < p.count; i++)
		p.files[i].size = 7, p.files[i].mtime_ms = 1764000000001;
	struct yarn_job j = job_of(&s, &p);
	CHECK(yarn_context(&j, &xml));
	for (size_t i = 0; i < ARRAY_LEN(parts); i++)
		has(sbuf_str(&xml), parts[i]);
}

TEST(a_token_goes_along_where_there_is_one)
{
	_arena_ struct arena *a = arena_new(ARENA);
	_sbuf_ struct sbuf with = SBUF_INIT(YARN_CONTEXT_MAX), without = SBUF_INIT(YARN_CONTEXT_MAX);
	struct spec_pair conf[] = { { "spark.yarn.archive", "hdfs:///s.zip" } };
	struct submission s = job(conf, ARRAY_LEN(conf));
	struct yarn_plan p;

	planned(a, &s, &p);
	struct yarn_job j = job_of(&s, &p);
	CHECK(yarn_context(&j, &without));
	CHECK(!strstr(sbuf_str(&without), "credentials"));
	j.token = "GwAF";
	j.token_service = "10.0.0.1:8020";
	CHECK(yarn_context(&j, &with));
	has(sbuf_str(&with),
	    "</commands><credentials><tokens><entry><key>10.0.0.1:8020</key><value>GwAF</value></entry></tokens>"
	    "</credentials><application-acls>");
}

TEST(tokens_that_only_java_gets_are_for_spark_submit)
{
	static const struct {
		struct spec_pair pair;
		const char *reason;
	} rows[] = {
		{ { "spark.a", "b" }, "hive-site.xml" },
		{ { "spark.security.credentials.hive.enabled", "true" }, "hive-site.xml" },
		{ { "spark.security.credentials.hive.enabled", "false" }, NULL },
	};
	static const char *const keys[] = { "spark.yarn.access.hadoopFileSystems",
					    "spark.kafka.clusters.a.auth.bootstrap.servers",
					    "spark.hadoop.hive.metastore.uris" };
	_arena_ struct arena *a = arena_new(ARENA);
	struct yarn_site secure = site;
	struct yarn_plan p;
	struct error e;

	secure.secure = true;
	for (size_t i = 0; i < ARRAY_LEN(keys); i++) {
		struct spec_pair conf[] = { { keys[i], "x" }, { "spark.yarn.archive", "hdfs:///s.zip" } };
		struct submission s = job(conf, 2);

		if (strcmp(conf[0].key, conf[1].key) > 0)
			conf[1] = conf[0], conf[0] = (struct spec_pair){ "spark.yarn.archive", "hdfs:///s.zip" };
		CHECK_OK(yarn_plan(a, &s, &site, &p, &e), e);
		CHECK(!yarn_plan(a, &s, &secure, &p, &e) && strstr(e.msg, "token"));
	}
	secure.others[1] = "hive";
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct spec_pair conf[] = { rows[i].pair, { "spark.yarn.archive", "hdfs:///s.zip" } };
		struct submission s = job(conf, 2);

		CHECK(yarn_plan(a, &s, &secure, &p, &e) == !rows[i].reason);
		CHECK(!rows[i].reason || strstr(e.msg, rows[i].reason));
	}
}

TEST(executors_find_their_files_by_the_cache_s_properties)
{
	_arena_ struct arena *a = arena_new(ARENA);
	_sbuf_ struct sbuf cache = SBUF_INIT(YARN_CONF_MAX), text = SBUF_INIT(YARN_CONF_MAX);
	struct spec_pair conf[] = { { "spark.executorEnv.PYTHONPATH", "/mine" },
				    { "spark.jars", "hdfs:///l/x.jar" },
				    { "spark.secret.password", "k:1=2" },
				    { "spark.yarn.archive", "hdfs:///s.zip" } };
	struct submission s = job(conf, ARRAY_LEN(conf));
	struct yarn_plan p;

	s.python = true;
	s.file = "hdfs:///run.py";
	planned(a, &s, &p);
	struct yarn_job j = job_of(&s, &p);
	yarn_dist_cache(&j, &cache);
	has(sbuf_str(&cache), "hdfs://nn:8020/s.zip#__spark_libs__,");
	CHECK(!strstr(sbuf_str(&cache), "run.py"));
	has(sbuf_str(&cache), "spark.yarn.cache.types=ARCHIVE,FILE,FILE,FILE");
	has(sbuf_str(&cache), "spark.yarn.cache.confArchive=");
	yarn_properties(a, &j, &text);
	has(sbuf_str(&text), "spark.executorEnv.PYTHONPATH=/mine<CPS>{{PWD}}/pyspark.zip<CPS>");
	has(sbuf_str(&text), "spark.yarn.isPython=true");
	has(sbuf_str(&text), "spark.yarn.secondary.jars=x.jar");
	CHECK(!strstr(sbuf_str(&text), "spark.jars="));
}

TEST(an_archive_is_a_zip_whose_first_file_of_a_name_counts)
{
	_sbuf_ struct sbuf out = SBUF_INIT(1 << 20);
	_confzip_ struct confzip *z = confzip_new();
	struct error e;
	char text[16];

	confzip_add(z, "a/one", "first", 5);
	confzip_add(z, "a/one", "second", 6);
	confzip_add(z, "empty", "", 0);
	CHECK_OK(confzip_write(z, &out, &e), e);
	zip_error_t ze;
	zip_error_init(&ze);
	zip_source_t *source = zip_source_buffer_create(sbuf_str(&out), out.len, 0, &ze);
	zip_t *zip = zip_open_from_source(source, ZIP_RDONLY, &ze);
	CHECK(zip);
	CHECK_INT(zip_get_num_entries(zip, 0), 2);
	zip_file_t *f = zip_fopen(zip, "a/one", 0);
	CHECK_INT(zip_fread(f, text, sizeof text), 5);
	CHECK(memcmp(text, "first", 5) == 0);
	(void)zip_fclose(f);
	zip_discard(zip);
}

TEST(an_archive_over_the_limit_is_refused)
{
	static const char big[4096];
	_sbuf_ struct sbuf out = SBUF_INIT(1024);
	_confzip_ struct confzip *z = confzip_new();
	struct error e;

	confzip_add(z, "big", big, sizeof big);
	CHECK(!confzip_write(z, &out, &e));
	CHECK_INT(e.code, ERR_TOO_LARGE);
}
