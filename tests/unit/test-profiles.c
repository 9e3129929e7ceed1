/* The clusters of the configuration: what is read, what is refused and how, what is shown. */
#include "base/fdio.h"
#include "base/str.h"
#include "config/config.h"
#include "config/sparkversion.h"
#include "t.h"
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

enum { TEXT_MAX = 1 << 20 };

struct given {
	const char *file_text; /* NULL: no file */
	const char *env;       /* one variable; NULL: none */
	const char *overrides[5];
};

static void note_warning(void *arg, const char *text)
{
	sbuf_addf(arg, "%s\n", text);
}

static void write_file(const char *name, const char *text)
{
	struct error e;

	CHECK_OK(fdio_replace_file(AT_FDCWD, name, text, strlen(text), &e), e);
}

static bool load(const struct given *g, struct sbuf *warnings, struct config **ret, struct error *e)
{
	const char *const env[] = { "HOME=/home/u", g->env, NULL };
	const struct config_sources s = { .file = g->file_text ? "p.conf" : NULL,
					  .env = env,
					  .overrides = g->overrides };

	if (g->file_text)
		write_file("p.conf", g->file_text);
	return config_load(&s, note_warning, warnings, ret, e);
}

static struct config *must_load(const struct given *g)
{
	_sbuf_ struct sbuf warnings = SBUF_INIT(TEXT_MAX);
	struct config *c = NULL;
	struct error e;

	CHECK_OK(load(g, &warnings, &c, &e), e);
	CHECK_STR(sbuf_str(&warnings), "");
	return c;
}

/* --- reading --- */

TEST(the_cluster_default_is_what_livy_says)
{
	_config_ struct config *c =
		must_load(&(struct given){ .overrides = { "livy.spark.master=yarn", "livy.spark.deploy-mode=cluster",
							  "livy.server.spark-home=/opt/spark" } });
	struct error e;

	CHECK_OK(config_check(c, &e), e);
	CHECK_INT(c->profiles_count, 1);
	CHECK_STR(c->profiles[0].name, "default");
	CHECK_STR(c->profiles[0].master, "yarn");
	CHECK_STR(c->profiles[0].deploy_mode, "cluster");
	CHECK_STR(c->profiles[0].spark_home, "/opt/spark");
	CHECK_INT(c->profiles[0].launcher, LAUNCHER_AUTO);
	CHECK_INT(c->profiles[0].poll_ms, 1000);
	CHECK_INT(c->profiles[0].submissions_max, 16);
	CHECK(!c->profiles[0].keep_pods);
	CHECK(!c->profiles[0].rest);
}

TEST(every_kind_of_value_is_read_and_the_last_source_wins)
{
	_config_ struct config *c = must_load(&(struct given){
		.file_text = "florus.cluster.night-2.master = spark://m:7077\n"
			     "florus.cluster.night-2.poll = 200ms\n"
			     "florus.cluster.default.deploy-mode = client\n"
			     "florus.cluster.night-2.conf.spark.a = 1\n"
			     "florus.cluster.night-2.conf.spark.kubernetes.driver.label.a.io/b = x\n"
			     "florus.cluster.default.master = yarn\n",
		.overrides = { "florus.cluster.night-2.poll=2s", "florus.cluster.night-2.keep-pods=TRUE",
			       "florus.cluster.night-2.launcher=native", "florus.cluster.night-2.conf.spark.a=2" } });
	const struct profile *p = &c->profiles[1];
	struct error e;

	CHECK_OK(config_check(c, &e), e);
	CHECK_INT(c->profiles_count, 2);
	CHECK_STR(c->profiles[0].master, "yarn");
	CHECK_STR(c->profiles[0].deploy_mode, "client");
	CHECK_STR(p->name, "night-2");
	CHECK_STR(p->master, "spark://m:7077");
	CHECK_STR(p->deploy_mode, "cluster");
	CHECK_INT(p->poll_ms, 2000);
	CHECK_INT(p->launcher, LAUNCHER_NATIVE);
	CHECK(p->keep_pods);
	CHECK_INT(p->conf_count, 2);
	CHECK_STR(p->conf[0].key, "spark.a");
	CHECK_STR(p->conf[0].value, "2");
	CHECK_STR(p->conf[1].key, "spark.kubernetes.driver.label.a.io/b");
}

TEST(every_default_can_be_written)
{
	static const struct {
		const char *key, *standard;
	} rows[] = {
#define X(type, field, key, standard, ...) { "florus.cluster.default." key, standard },
		PROFILE_OPTIONS(X)
#undef X
	};
	_config_ struct config *plain = must_load(&(struct given){ 0 });

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		_sbuf_ struct sbuf pair = SBUF_INIT(256);

		sbuf_addf(&pair, "%s=%s", rows[i].key, rows[i].standard ? rows[i].standard : "");
		_config_ struct config *c = must_load(&(struct given){ .overrides = { sbuf_str(&pair) } });

#define X(type, field, ...) CHECK(c->profiles[0].field == plain->profiles[0].field || CONFIG_##type == CONFIG_STR);
		PROFILE_OPTIONS(X)
#undef X
	}
}

static void make_empty(const char *name)
{
	_close_ int fd = open(name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);

	CHECK(fd >= 0);
}

TEST(the_version_of_spark_is_that_of_its_jars)
{
	_arena_ struct arena *a = arena_new(4096);

	CHECK(mkdir("spark", 0700) == 0 && mkdir("spark/jars", 0700) == 0);
	CHECK(!sparkversion_find(a, "spark"));
	CHECK(!sparkversion_find(a, "absent"));
	make_empty("spark/jars/spark-sql_2.12-1.0.0.jar");
	make_empty("spark/jars/spark-core_2.12-9.jar.old");
	CHECK(!sparkversion_find(a, "spark"));
	make_empty("spark/jars/spark-core_2.13-4.1.0-preview2.jar");
	CHECK_STR(sparkversion_find(a, "spark"), "4.1.0-preview2");

	_config_ struct config *c = must_load(&(struct given){
		.overrides = { "florus.cluster.default.spark-home=spark", "florus.cluster.x.master=yarn",
			       "florus.cluster.x.spark-home=spark", "florus.cluster.x.spark-version=3.3.1" } });
	CHECK_STR(c->profiles[0].spark_version, "4.1.0-preview2");
	CHECK_STR(c->profiles[1].spark_version, "3.3.1");
}

/* --- refusals --- */

#define NAME_32 "abcdefghijklmnopqrstuvwxyz-01234"

TEST(bad_keys_and_values_are_refused_with_cause_and_place)
{
	static const struct {
		struct given given;
		const char *want;
	} cases[] = {
		{ { .file_text = "\nflorus.cluster.n.mastr = yarn" },
		  "p.conf:2: there is no key florus.cluster.n.mastr; did you mean florus.cluster.n.master?" },
		{ { .overrides = { "florus.cluster.n.nonsense=1" } },
		  "-o: there is no key florus.cluster.n.nonsense; florusd --help-config lists them" },
		{ { .overrides = { "florus.cluster.n.conf=1" } },
		  "-o: there is no key florus.cluster.n.conf; florusd --help-config lists them" },
		{ { .overrides = { "florus.cluster.master=yarn" } },
		  "-o: florus.cluster.master: expected florus.cluster.NAME.KEY, where NAME consists of at most 32 of a-z, "
		  "0-9 and -" },
		{ { .overrides = { "florus.cluster.Night.master=yarn" } },
		  "-o: florus.cluster.Night.master: expected florus.cluster.NAME.KEY, where NAME consists of at most 32 of "
		  "a-z, 0-9 and -" },
		{ { .overrides = { "florus.cluster..master=yarn" } },
		  "-o: florus.cluster..master: expected florus.cluster.NAME.KEY, where NAME consists of at most 32 of "
		  "a-z, 0-9 and -" },
		{ { .overrides = { "florus.cluster." NAME_32 "5.master=yarn" } },
		  "-o: florus.cluster." NAME_32 "5.master: expected florus.cluster.NAME.KEY, where NAME consists of at "
		  "most 32 of a-z, 0-9 and -" },
		{ { .overrides = { "florus.cluster.n.launcher=natve" } },
		  "-o: florus.cluster.n.launcher = natve: expected one of auto, native, submit" },
		{ { .overrides = { "florus.cluster.n.launcher=" } },
		  "-o: florus.cluster.n.launcher = (nothing): expected one of auto, native, submit" },
		{ { .overrides = { "florus.cluster.n.poll=1000" } },
		  "-o: florus.cluster.n.poll = 1000: expected a duration such as 500ms, 10s, 5m, 2h or 30d, from 100ms to 1h" },
		{ { .overrides = { "florus.cluster.n.submissions-max=0" } },
		  "-o: florus.cluster.n.submissions-max = 0: expected a whole number from 1 to 1024" },
		{ { .overrides = { "florus.cluster.n.conf.executor.memory=1g" } },
		  "-o: florus.cluster.n.conf.executor.memory: expected florus.cluster.n.conf.KEY, where KEY begins with "
		  "spark. and consists of letters, digits and ._-/" },
		{ { .file_text = "florus.cluster.n.conf.spark.a\\=b = 1" },
		  "p.conf:1: florus.cluster.n.conf.spark.a=b: expected florus.cluster.n.conf.KEY, where KEY begins with "
		  "spark. and consists of letters, digits and ._-/" },
		{ { .overrides = { "florus.cluster.n.conf.spark.master=yarn" } },
		  "-o: florus.cluster.n.conf.spark.master has no effect; set florus.cluster.n.master" },
		{ { .overrides = { "florus.cluster.n.conf.spark.submit.deployMode=client" } },
		  "-o: florus.cluster.n.conf.spark.submit.deployMode has no effect; set florus.cluster.n.deploy-mode" },
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		_sbuf_ struct sbuf warnings = SBUF_INIT(TEXT_MAX);
		struct config *c = NULL;
		struct error e;

		CHECK(!load(&cases[i].given, &warnings, &c, &e));
		CHECK_STR(e.msg, cases[i].want);
		CHECK_INT(e.code, ERR_CONFIG);
	}
}

TEST(the_longest_name_is_taken)
{
	_config_ struct config *c =
		must_load(&(struct given){ .overrides = { "florus.cluster." NAME_32 ".master=yarn" } });

	CHECK_STR(c->profiles[1].name, NAME_32);
}

TEST(what_can_never_work_is_refused_with_a_cure)
{
	static const struct {
		const char *overrides[4], *want; /* want: NULL: accepted */
	} cases[] = {
		{ { "florus.cluster.n.users=ann" }, "cluster n has no master; set florus.cluster.n.master" },
		{ { "florus.cluster.n.master=yarn", "florus.cluster.n.master=" },
		  "cluster n has no master; set florus.cluster.n.master" },
		{ { "florus.cluster.default.deploy-mode=Cluster" },
		  "-o: florus.cluster.default.deploy-mode = Cluster: expected client or cluster" },
		{ { "florus.cluster.default.launcher=native" },
		  "-o: florus.cluster.default.launcher is native, which needs a master that is spark://…, yarn or k8s://…, and "
		  "deploy-mode = cluster; set these, or launcher = auto" },
		{ { "florus.cluster.n.master=spark://m:1", "florus.cluster.n.deploy-mode=client",
		    "florus.cluster.n.launcher=native" },
		  "-o: florus.cluster.n.launcher is native, which needs a master that is spark://…, yarn or k8s://…, and "
		  "deploy-mode = cluster; set these, or launcher = auto" },
		{ { "florus.cluster.n.master=spark://m:1", "florus.cluster.n.launcher=native" }, NULL },
		{ { "florus.cluster.n.master=k8s://m:1", "florus.cluster.n.launcher=native" }, NULL },
		{ { "florus.cluster.default.auth=jws" },
		  "-o: florus.cluster.default.auth = jws needs more; set florus.cluster.default.secret-file" },
		{ { "florus.cluster.default.auth=basic", "florus.cluster.default.secret-file=/s" },
		  "-o: florus.cluster.default.auth = basic needs more; set florus.cluster.default.user" },
		{ { "florus.cluster.default.auth=basic", "florus.cluster.default.secret-file=/s",
		    "florus.cluster.default.user=u" },
		  NULL },
		{ { "florus.cluster.default.auth=negotiate" }, NULL },
		{ { "florus.cluster.default.rest=http://a:6066, https://b:6066/" }, NULL },
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct given g = { 0 };
		struct error e = { 0 };

		memcpy(g.overrides, cases[i].overrides, sizeof cases[i].overrides);
		_config_ struct config *c = must_load(&g);
		CHECK_INT(config_check(c, &e), cases[i].want == NULL);
		CHECK_STR(cases[i].want ? e.msg : NULL, cases[i].want);
	}
}

TEST(addresses_are_urls_without_passwords)
{
	static const char *const keys[] = { "rest", "web", "webhdfs" };
	static const char *const bad[] = {
		"m:6066", "ftp://m", "http://", "http:///x", "http://a,m:1", "http://u:hunter2@m", "https://hunter2@m/x"
	};

	for (size_t i = 0; i < ARRAY_LEN(keys) * ARRAY_LEN(bad); i++) {
		const char *key = keys[i % ARRAY_LEN(keys)], *url = bad[i / ARRAY_LEN(keys)];
		_sbuf_ struct sbuf pair = SBUF_INIT(256), want = SBUF_INIT(256);
		struct error e = { 0 };

		sbuf_addf(&pair, "florus.cluster.default.%s=%s", key, url);
		sbuf_addf(&want, "-o: florus.cluster.default.%s: expected URLs such as http://host:8088", key);
		_config_ struct config *c = must_load(&(struct given){ .overrides = { sbuf_str(&pair) } });
		CHECK(!config_check(c, &e));
		CHECK(str_starts(e.msg, sbuf_str(&want)));
		CHECK(!strstr(e.msg, "hunter2"));
	}
}

/* The text of a file with `count` lines. */
static void add_lines(struct sbuf *to, int count, const char *before, const char *after)
{
	for (int i = 0; i < count; i++)
		sbuf_addf(to, "%s%d%s\n", before, i, after);
}

TEST(there_are_ceilings)
{
	static const struct {
		int count;
		const char *before, *after, *want;
	} cases[] = {
		{ 63, "florus.cluster.c", ".master = yarn", NULL },
		{ 64, "florus.cluster.c", ".master = yarn", "p.conf:64: more than 64 clusters" },
		{ 512, "florus.cluster.default.conf.spark.k", " = 1", NULL },
		{ 513, "florus.cluster.default.conf.spark.k", " = 1",
		  "p.conf:513: cluster default has more than 512 entries of conf" },
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		_sbuf_ struct sbuf text = SBUF_INIT(TEXT_MAX), warnings = SBUF_INIT(TEXT_MAX);
		_config_ struct config *c = NULL;
		struct error e;

		add_lines(&text, cases[i].count, cases[i].before, cases[i].after);
		CHECK_INT(load(&(struct given){ .file_text = sbuf_str(&text) }, &warnings, &c, &e),
			  cases[i].want == NULL);
		CHECK_STR(cases[i].want ? e.msg : NULL, cases[i].want);
	}
}

TEST(what_has_no_effect_or_shows_a_secret_is_warned_of)
{
	static const struct {
		struct given given;
		const char *want;
	} cases[] = {
		{ { .env = "FLORUS_CLUSTER_N_MASTER=yarn" },
		  "the environment variable FLORUS_CLUSTER_N_MASTER is not the name of an option and has no effect: the file and "
		  "-o describe clusters\n" },
		{ { .overrides = { "florus.cluster.default.conf.spark.hadoop.fs.s3a.secret.key=hunter2" } },
		  "-o: florus.cluster.default.conf.spark.hadoop.fs.s3a.secret.key is on the command line, which everybody "
		  "on this host can read: put it into the file\n" },
		{ { .overrides = { "florus.cluster.default.secret-file=/s" } }, "" },
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		_sbuf_ struct sbuf warnings = SBUF_INIT(TEXT_MAX);
		_config_ struct config *c = NULL;
		struct error e;

		CHECK_OK(load(&cases[i].given, &warnings, &c, &e), e);
		CHECK_STR(sbuf_str(&warnings), cases[i].want);
		CHECK_INT(c->profiles_count, 1);
	}
}

/* --- showing --- */

static void dump(const struct config *c, struct sbuf *to)
{
	char *text = NULL;
	size_t n = 0;
	FILE *f = open_memstream(&text, &n);

	CHECK(f);
	config_dump(c, f);
	CHECK(fclose(f) == 0);
	sbuf_add(to, text, n);
	free(text);
}

TEST(a_dump_shows_clusters_with_origins_and_hides_secrets)
{
	_config_ struct config *c = must_load(
		&(struct given){ .file_text = "florus.cluster.n.master = yarn\n"
					      "florus.cluster.n.conf.spark.a = b\\nc\n"
					      "florus.cluster.n.conf.spark.ssl.keyPassword = hunter2\n",
				 .overrides = { "florus.cluster.n.poll=5s", "livy.spark.master=spark://m:7077" } });
	_sbuf_ struct sbuf text = SBUF_INIT(TEXT_MAX);

	dump(c, &text);
	CHECK(strstr(text.data, "\n# worked out\n# florus.cluster.default.master = spark://m:7077\n"));
	CHECK(strstr(text.data, "\n# p.conf:1\nflorus.cluster.n.master = yarn\n"));
	CHECK(strstr(text.data, "\n# worked out\n# florus.cluster.n.deploy-mode = cluster\n"));
	CHECK(strstr(text.data, "\n# -o\nflorus.cluster.n.poll = 5s\n"));
	CHECK(strstr(text.data, "\n# p.conf:2\nflorus.cluster.n.conf.spark.a = b\\nc\n"));
	CHECK(strstr(text.data, "\n# p.conf:3\n# florus.cluster.n.conf.spark.ssl.keyPassword = [hidden]\n"));
	CHECK(!strstr(text.data, "hunter2"));

	_config_ struct config *again = must_load(&(struct given){ .file_text = text.data });
	CHECK_INT(again->profiles_count, 2);
	CHECK_STR(again->profiles[0].master, "spark://m:7077");
	CHECK_STR(again->profiles[1].master, "yarn");
	CHECK_INT(again->profiles[1].poll_ms, 5000);
	CHECK_INT(again->profiles[1].conf_count, 1);
	CHECK_STR(again->profiles[1].conf[0].value, "b\nc");
}
