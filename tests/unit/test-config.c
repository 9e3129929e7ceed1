#include "base/fdio.h"
#include "base/str.h"
#include "config/config.h"
#include "config/livykeys.h"
#include "config/option.h"
#include "config/properties.h"
#include "t.h"
#include <fcntl.h>
#include <string.h>

enum { TEXT_MAX = 1 << 20 };

/* --- properties --- */

static bool note_pair(void *arg, int line, const char *key, const char *value, struct error *e)
{
	(void)e;
	sbuf_addf(arg, "%d[%s][%s]", line, key, value);
	return true;
}

TEST(properties_are_read_as_java_reads_them)
{
	static const struct {
		const char *text, *want;
	} cases[] = {
		{ "", "" },
		{ "\n\r\n \t\f\n", "" },
		{ "# a = b\n! c = d\n  # e = f\n", "" },
		{ "a=b", "1[a][b]" },
		{ "a = b \n", "1[a][b]" },
		{ "a:b\na: b\na b\na\tb\n  a   b", "1[a][b]2[a][b]3[a][b]4[a][b]5[a][b]" },
		{ "a = = b", "1[a][= b]" },
		{ "a : = b", "1[a][= b]" },
		{ "a", "1[a][]" },
		{ "a=\nb=\n", "1[a][]2[b][]" },
		{ "= b", "1[][b]" },
		{ "a = b # c", "1[a][b # c]" },
		{ "a=1\r\nb=2\rc=3", "1[a][1]2[b][2]3[c][3]" },
		{ "a = b\\\n    c\nd=e", "1[a][bc]3[d][e]" },
		{ "a = b\\\r\n c\\\r d", "1[a][bcd]" },
		{ "a\\\n  b = c", "1[ab][c]" },
		{ "a \\\n = b", "1[a][b]" },
		{ "a = b\\\n\nc = d", "1[a][b]3[c][d]" },
		{ "a = b\\\n# no comment", "1[a][b# no comment]" },
		{ "a = b\\\\\nc = d", "1[a][b\\]2[c][d]" },
		{ "a = b\\", "1[a][b]" },
		{ "# comment \\\na = b", "2[a][b]" },
		{ "a\\ b\\=c\\:d = e", "1[a b=c:d][e]" },
		{ "a = \\tb\\nc\\rd\\fe\\\\f\\zg\\\"", "1[a][b\nc\rd\fe\\fzg\"]" },
		{ "a = x\\ty", "1[a][x\ty]" },
		{ "a = \\u0041\\u00e9\\u20AC\\ud83d\\uDE00", "1[a][A\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80]" },
		{ "\\u0061 = b", "1[a][b]" },
		{ "\xEF\xBB\xBF"
		  "a = b",
		  "1[a][b]" },
		{ "# not UTF-8: \xff\na = \xe2\x82\xac", "2[a][\xe2\x82\xac]" },
		{ "a=1\na=2", "1[a][1]2[a][2]" },
	};
	struct error e;

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		_sbuf_ struct sbuf got = SBUF_INIT(4096);

		CHECK_OK(properties_parse("f", cases[i].text, strlen(cases[i].text), note_pair, &got, &e), e);
		CHECK_STR(sbuf_str(&got), cases[i].want);
	}
}

TEST(broken_properties_are_refused_with_the_place)
{
	static const struct {
		const char *text;
		size_t n;
		const char *want;
	} cases[] = {
		{ "a=b\n\nc=\\u12", 0, "f:3: \\u needs four hexadecimal digits (a backslash itself is written \\\\)" },
		{ "c=\\u12g4", 0, "f:1: \\u needs four hexadecimal digits (a backslash itself is written \\\\)" },
		{ "c=C:\\users", 0, "f:1: \\u needs four hexadecimal digits (a backslash itself is written \\\\)" },
		{ "c=\\u0000", 0, "f:1: \\u0000 is not allowed" },
		{ "c=\\ud83d", 0, "f:1: half a surrogate pair" },
		{ "c=\\ud83d\\u0041", 0, "f:1: half a surrogate pair" },
		{ "c=\\ude00", 0, "f:1: half a surrogate pair" },
		{ "c=\xff", 0, "f:1: the text is not UTF-8" },
		{ "a=b\n\xc3=1\n", 0, "f:2: the text is not UTF-8" },
		{ "a=b\0c", 5, "f:1: a NUL byte" },
		{ "a=b\\\0c", 6, "f:1: a NUL byte" },
	};
	struct error e;

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		_sbuf_ struct sbuf got = SBUF_INIT(4096);
		size_t n = cases[i].n ? cases[i].n : strlen(cases[i].text);

		CHECK(!properties_parse("f", cases[i].text, n, note_pair, &got, &e));
		CHECK_STR(e.msg, cases[i].want);
		CHECK_INT(e.code, ERR_CONFIG);
	}
}

/* No text cut short or garbled makes the parser read past its end (run under ASan). */
TEST(properties_end_where_the_text_ends)
{
	static const char text[] = "\xEF\xBB\xBF"
				   "k\\u0041 \\\r\n : v\\ud83d\\ude00\\\n\t w\\\r\\t\\\\";
	struct error e;

	for (size_t n = 0; n < sizeof text; n++) {
		for (size_t at = 0; at < n; at++) {
			_sbuf_ struct sbuf got = SBUF_INIT(4096);
			_free_ char *exact = xmalloc(n);

			memcpy(exact, text, n);
			exact[at] = "\\\nu\r= 0"[at % 7];
			if (properties_parse("f", exact, n, note_pair, &got, &e))
				CHECK(sbuf_ok(&got));
			else
				CHECK(str_starts(e.msg, "f:"));
		}
	}
}

/* --- loading --- */

static void write_file(const char *name, const char *text)
{
	struct error e;

	CHECK_OK(fdio_replace_file(AT_FDCWD, name, text, strlen(text), &e), e);
}

static void note_warning(void *arg, const char *text)
{
	sbuf_addf(arg, "%s\n", text);
}

static const char *const plain_env[] = { "HOME=/home/u", "STATE_DIRECTORY=/state", "PATH=/bin", NULL };

struct given {
	const char *file_text; /* NULL: no file */
	const char *env[4];
	const char *overrides[4];
};

static bool load(const struct given *g, struct sbuf *warnings, struct config **ret, struct error *e)
{
	const char *env[8] = { "HOME=/home/u", "STATE_DIRECTORY=/state" };
	struct config_sources s = { .file = g->file_text ? "c.conf" : NULL, .env = env, .overrides = g->overrides };

	for (size_t i = 0; i < ARRAY_LEN(g->env) - 1; i++)
		env[2 + i] = g->env[i];
	if (g->file_text)
		write_file("c.conf", g->file_text);
	return config_load(&s, note_warning, warnings, ret, e);
}

static struct config *must_load(const struct given *g)
{
	_sbuf_ struct sbuf warnings = SBUF_INIT(TEXT_MAX);
	struct config *c;
	struct error e;

	CHECK_OK(load(g, &warnings, &c, &e), e);
	CHECK_STR(sbuf_str(&warnings), "");
	return c;
}

TEST(a_secret_on_the_command_line_is_warned_of)
{
	_sbuf_ struct sbuf warnings = SBUF_INIT(TEXT_MAX);
	_config_ struct config *c = NULL;
	struct error e;

	CHECK_OK(load(&(struct given){ .overrides = { "livy.key-password=florus-x" } }, &warnings, &c, &e), e);
	CHECK(strstr(sbuf_str(&warnings), "-o: livy.key-password is on the command line"));
	CHECK(!strstr(sbuf_str(&warnings), "florus-x"));
}

TEST(without_anything_the_defaults_hold)
{
	_config_ struct config *c = must_load(&(struct given){ 0 });

	CHECK_STR(c->livy_server_host, "127.0.0.1");
	CHECK_INT(c->livy_server_port, 8998);
	CHECK(!c->livy_server_spark_home && !c->livy_spark_deploy_mode && !c->livy_keystore);
	CHECK_STR(c->livy_spark_master, "local");
	CHECK_INT(c->livy_server_session_state_retain_ms, 600000);
	CHECK_INT(c->livy_server_request_header_size_bytes, 131072);
	CHECK(c->livy_server_security_headers_enabled);
	CHECK_STR(c->florus_state_dir, "/state");
	CHECK_INT(c->florus_launch_max_running, sysconf(_SC_NPROCESSORS_ONLN));
	CHECK(!c->florus_launch_hold);
	CHECK_STR(c->florus_launch_shim, "/usr/libexec/florus/florus-shim");
	CHECK_INT(c->florus_queue_max, 10000);
	CHECK_INT(c->florus_kill_grace_ms, 10000);
	CHECK_INT(c->florus_history_retain_ms, 30LL * 24 * 3600000);
	CHECK_INT(c->florus_log_max_bytes, 1LL << 30);
	CHECK_INT(c->florus_log_level, 2);
	CHECK_STR(c->florus_http_base_path, "");
	CHECK_INT(c->florus_http_body_max_bytes, 1 << 20);
	CHECK(str_starts(c->florus_job_env_pass, "PATH,HOME,"));
}

TEST(the_last_source_wins)
{
	struct given g = { .file_text = "livy.server.port = 1\n" };
	_config_ struct config *file = must_load(&g);

	CHECK_INT(file->livy_server_port, 1);
	g.env[0] = "LIVY_SERVER_PORT= 2 ";
	_config_ struct config *env = must_load(&g);
	CHECK_INT(env->livy_server_port, 2);
	g.overrides[0] = "livy.server.port=3";
	_config_ struct config *one = must_load(&g);
	CHECK_INT(one->livy_server_port, 3);
	g.overrides[1] = " livy.server.port = 4 ";
	_config_ struct config *two = must_load(&g);
	CHECK_INT(two->livy_server_port, 4);
}

TEST(every_kind_of_value_is_read)
{
	_config_ struct config *c = must_load(&(struct given){
		.file_text =
			"florus.launch.hold = TRUE\nflorus.log.max 2g\nflorus.kill.grace: 1500ms\n"
			"florus.log.level = Debug\nlivy.server.http.header.X-Frame-Options =\n"
			"livy.keystore =\nlivy.server.session.state-retain.sec = 90000\nflorus.history.retain = 0\n"
			"spark.anything = 1\nlivyx.y = 2\n",
		.env = { "FLORUS_HTTP_BODY_MAX=64k", "LIVY_SERVER_HTTP_HEADER_X_XSS_PROTECTION=0",
			 "FLORUS_STATE_DIR=/e" },
		.overrides = { "livy.spark.master=local[*]", "florus.launch.max-running=7",
			       "florus.launch.shim=/x/shim" } });

	CHECK(c->florus_launch_hold);
	CHECK_INT(c->florus_log_max_bytes, 2LL << 30);
	CHECK_INT(c->florus_kill_grace_ms, 1500);
	CHECK_INT(c->florus_log_level, 3);
	CHECK_STR(c->livy_server_http_header_x_frame_options, "");
	CHECK(!c->livy_keystore);
	CHECK_INT(c->livy_server_session_state_retain_ms, 90000);
	CHECK_INT(c->florus_history_retain_ms, 0);
	CHECK_INT(c->florus_http_body_max_bytes, 65536);
	CHECK_STR(c->livy_server_http_header_x_xss_protection, "0");
	CHECK_STR(c->florus_state_dir, "/e");
	CHECK_STR(c->livy_spark_master, "local[*]");
	CHECK_INT(c->florus_launch_max_running, 7);
	CHECK_STR(c->florus_launch_shim, "/x/shim");
}

TEST(the_state_directory_and_spark_come_from_the_environment)
{
	static const char *const several[] = { "STATE_DIRECTORY=/a:/b", "SPARK_HOME=/spark", NULL };
	static const char *const xdg[] = { "XDG_STATE_HOME=/x", "HOME=/home/u", "STATE_DIRECTORY=", NULL };
	static const char *const home[] = { "HOME=/home/u", NULL };
	bool root = geteuid() == 0;
	struct config *c;
	struct error e;

	CHECK_OK(config_load(&(struct config_sources){ .env = several }, NULL, NULL, &c, &e), e);
	CHECK_STR(c->florus_state_dir, "/a");
	CHECK_STR(c->livy_server_spark_home, "/spark");
	(void)config_free(c);
	CHECK_OK(config_load(&(struct config_sources){ .env = xdg }, NULL, NULL, &c, &e), e);
	CHECK_STR(c->florus_state_dir, root ? "/var/lib/florus" : "/x/florus");
	(void)config_free(c);
	CHECK_OK(config_load(&(struct config_sources){ .env = home }, NULL, NULL, &c, &e), e);
	CHECK_STR(c->florus_state_dir, root ? "/var/lib/florus" : "/home/u/.local/state/florus");
	(void)config_free(c);
}

TEST(bad_configuration_is_refused_with_cause_and_place)
{
	static const struct {
		struct given given;
		const char *want;
	} cases[] = {
		{ { .file_text = "\nflorus.kil.grace = 1s" },
		  "c.conf:2: there is no key florus.kil.grace; did you mean florus.kill.grace?" },
		{ { .file_text = "florus.nonsense = 1" },
		  "c.conf:1: there is no key florus.nonsense; florusd --help-config lists them" },
		{ { .overrides = { "florus.queue.mx=1" } },
		  "-o: there is no key florus.queue.mx; did you mean florus.queue.max?" },
		{ { .overrides = { "livi.server.port=1" } },
		  "-o: there is no key livi.server.port; did you mean livy.server.port?" },
		{ { .overrides = { "spark.master=x" } },
		  "-o: there is no key spark.master; florusd --help-config lists them" },
		{ { .overrides = { "florus.queue.max" } }, "-o florus.queue.max: expected KEY=VALUE" },
		{ { .file_text = "livy.server.port = 65536" },
		  "c.conf:1: livy.server.port = 65536: expected a whole number from 0 to 65535" },
		{ { .file_text = "livy.server.port =" },
		  "c.conf:1: livy.server.port = (nothing): expected a whole number from 0 to 65535" },
		{ { .env = { "LIVY_SERVER_PORT=http" } },
		  "LIVY_SERVER_PORT: livy.server.port = http: expected a whole number from 0 to 65535" },
		{ { .overrides = { "florus.launch.hold=yes" } },
		  "-o: florus.launch.hold = yes: expected true or false" },
		{ { .overrides = { "florus.log.max=-1" } },
		  "-o: florus.log.max = -1: expected a size such as 512k, 10m or 1g, from 0 to 1024t" },
		{ { .overrides = { "florus.http.body-max=1" } },
		  "-o: florus.http.body-max = 1: expected a size such as 512k, 10m or 1g, from 1k to 16m" },
		{ { .overrides = { "florus.kill.grace=10" } },
		  "-o: florus.kill.grace = 10: expected a duration such as 500ms, 10s, 5m, 2h or 30d, from 0 to 1h" },
		{ { .overrides = { "florus.kill.grace=2h" } },
		  "-o: florus.kill.grace = 2h: expected a duration such as 500ms, 10s, 5m, 2h or 30d, from 0 to 1h" },
		{ { .overrides = { "florus.log.level=inf" } },
		  "-o: florus.log.level = inf: expected one of error, warn, info, debug" },
		{ { .overrides = { "florus.log.level=" } },
		  "-o: florus.log.level = (nothing): expected one of error, warn, info, debug" },
		{ { .file_text = "a = \\u1" },
		  "c.conf:1: \\u needs four hexadecimal digits (a backslash itself is written \\\\)" },
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		_sbuf_ struct sbuf warnings = SBUF_INIT(TEXT_MAX);
		struct config *c = NULL;
		struct error e;

		CHECK(!load(&cases[i].given, &warnings, &c, &e));
		CHECK(!c);
		CHECK_STR(e.msg, cases[i].want);
		CHECK_INT(error_exit_status(e.code), 78);
	}
}

TEST(a_file_that_cannot_be_read_is_refused)
{
	static char big[PROPERTIES_FILE_MAX + 2];
	struct config_sources s = { .file = "absent.conf", .env = plain_env };
	struct config *c;
	struct error e;

	CHECK(!config_load(&s, NULL, NULL, &c, &e));
	CHECK_STR(e.msg, "reading the configuration: absent.conf does not exist");
	CHECK_INT(e.code, ERR_CONFIG);
	s.file = ".";
	CHECK(!config_load(&s, NULL, NULL, &c, &e));
	CHECK_STR(e.msg, "reading the configuration: read .: Is a directory");
	memset(big, '#', sizeof big - 1);
	write_file("big.conf", big);
	s.file = "big.conf";
	CHECK(!config_load(&s, NULL, NULL, &c, &e));
	CHECK_STR(e.msg, "reading the configuration: big.conf is larger than 1048576 bytes");
}

TEST(what_has_no_effect_is_a_warning)
{
	static const struct {
		struct given given;
		const char *want;
	} cases[] = {
		{ { .file_text = "livy.server.prt = 1" },
		  "c.conf:1: livy.server.prt is unknown and has no effect; did you mean livy.server.port?\n" },
		{ { .overrides = { "livy.no.such.thing=1" } },
		  "-o: livy.no.such.thing is unknown and has no effect\n" },
		{ { .file_text = "livy.server.session.max-creation = 5" },
		  "c.conf:1: livy.server.session.max-creation has no effect: further jobs wait, see florus.launch.max-running and "
		  "florus.queue.max\n" },
		{ { .file_text = "livy.rsc.client.connect.timeout = 5s" },
		  "c.conf:1: livy.rsc.client.connect.timeout has no effect: the driver of sessions is another "
		  "one here, and has no use for it\n" },
		{ { .file_text = "livy.spark.scalaVersion = 2.12" },
		  "c.conf:1: livy.spark.scalaVersion is an old name of livy.spark.scala-version\n"
		  "c.conf:1: livy.spark.scala-version has no effect: jobs bring their own\n" },
		{ { .env = { "FLORUS_QUEUE_MAKS=1", "FLORUS_URL=http://x", "LIVY_HOME=/opt/livy" } },
		  "the environment variable FLORUS_QUEUE_MAKS is not the name of an option and has no effect\n" },
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		_sbuf_ struct sbuf warnings = SBUF_INIT(TEXT_MAX);
		_config_ struct config *c = NULL;
		struct error e;

		CHECK_OK(load(&cases[i].given, &warnings, &c, &e), e);
		CHECK_STR(sbuf_str(&warnings), cases[i].want);
	}
}

TEST(an_old_name_works_but_comes_second)
{
	_sbuf_ struct sbuf warnings = SBUF_INIT(TEXT_MAX);
	struct config *c;
	struct error e;

	CHECK_OK(load(&(struct given){ .file_text = "livy.spark.deployMode = cluster" }, &warnings, &c, &e), e);
	CHECK_STR(c->livy_spark_deploy_mode, "cluster");
	CHECK_STR(sbuf_str(&warnings), "c.conf:1: livy.spark.deployMode is an old name of livy.spark.deploy-mode\n");
	(void)config_free(c);
	CHECK_OK(load(&(struct given){ .file_text =
					       "livy.spark.deploy-mode = client\nlivy.spark.deployMode = cluster" },
		      &warnings, &c, &e),
		 e);
	CHECK_STR(c->livy_spark_deploy_mode, "client");
	(void)config_free(c);
}

/* All that a livy.conf may hold loads with warnings only, and nothing of Livy is called unknown. */
TEST(every_key_of_livy_is_known)
{
	_sbuf_ struct sbuf text = SBUF_INIT(TEXT_MAX), warnings = SBUF_INIT(TEXT_MAX);
	_config_ struct config *c = NULL;
	struct error e;
	int count = 0;

	for (; livykeys_at(count); count++) {
		const char *key = livykeys_at(count);

		CHECK(!option_find(key)); /* not both an option and unused */
		sbuf_addf(&text, "%.*s%s = 1\n", (int)strcspn(key, "*"), key, str_ends(key, "*") ? "x" : "");
	}
	CHECK(count > 40);
	for (size_t i = 0; i < CONFIG_OPTION_COUNT; i++) {
		const struct config_option *o = &config_options[i];

		CHECK(str_starts(o->key, "livy.") || str_starts(o->key, "florus."));
		CHECK(!livykeys_unused(o->key) || str_starts(o->key, "livy.server.auth.") ||
		      str_starts(o->key, "livy.rsc."));
		if (o->standard)
			sbuf_addf(&text, "%s = %s\n", o->key, o->standard);
	}
	CHECK_OK(load(&(struct given){ .file_text = sbuf_str(&text) }, &warnings, &c, &e), e);
	CHECK(!strstr(sbuf_str(&warnings), "unknown"));
	int lines = 0;
	for (const char *p = warnings.data; (p = strchr(p, '\n')) != NULL; p++)
		lines++;
	CHECK_INT(lines, count);
}

/* --- the cross rules --- */

TEST(what_would_be_unsafe_is_refused_with_a_cure)
{
	static const struct {
		const char *one, *two, *want; /* want: a part of the refusal; NULL: accepted */
	} cases[] = {
		{ "livy.server.host=127.0.0.1", NULL, NULL },
		{ "livy.server.host=127.3.2.1", NULL, NULL },
		{ "livy.server.host=localhost", NULL, NULL },
		{ "livy.server.host=::1", NULL, NULL },
		{ "livy.server.host=[::1]", NULL, NULL },
		{ "livy.server.host=::ffff:127.0.0.1", NULL, NULL },
		{ "livy.server.host=0.0.0.0", NULL, "livy.server.host = 127.0.0.1, or florus.auth.allow-none = true" },
		{ "livy.server.host=::", NULL, "florus.auth.allow-none" },
		{ "livy.server.host=10.0.0.1", NULL, "florus.auth.allow-none" },
		{ "livy.server.host=127.0.0.1.example.org", NULL, "florus.auth.allow-none" },
		{ "livy.server.host=0.0.0.0", "florus.auth.allow-none=true", NULL },
		{ "livy.server.host=", NULL, "livy.server.host is empty" },
		{ "livy.spark.master=", NULL, "livy.spark.master is empty" },
		{ "livy.server.host=0.0.0.0", "livy.server.auth.type=basic", NULL },
		{ "livy.keystore=/etc/k.jks", NULL, "keytool -importkeystore -srckeystore /etc/k.jks" },
		{ "livy.keystore=/etc/k.jks", "florus.tls.cert=/etc/tls.pem", NULL },
		{ "florus.tls.key=/etc/tls.key", NULL, "without florus.tls.cert there is no TLS" },
		{ "florus.tls.client-ca=/etc/ca.pem", NULL, "florus.tls.client-ca is set" },
		{ "florus.tls.client-ca=/etc/ca.pem", "florus.tls.cert=/etc/tls.pem", NULL },
		{ "livy.server.csrf-protection.enabled=true", NULL, NULL },
		{ "livy.impersonation.enabled=true", "florus.auth.allow-none=true",
		  "livy.impersonation.enabled is true, and there is no authentication" },
		{ "livy.server.access-control.enabled=true", "florus.auth.allow-none=true",
		  "livy.server.access-control.enabled is true, and there is no authentication" },
		{ "livy.impersonation.enabled=true", "livy.server.auth.type=basic", NULL },
		{ "livy.server.access-control.enabled=true", "livy.server.auth.type=basic", NULL },
		{ "livy.superusers=root", "livy.server.access-control.view-users=audit", NULL },
		{ "florus.http.base-path=/spark/jobs", NULL, NULL },
		{ "florus.http.base-path=spark", NULL, "florus.http.base-path = spark: expected" },
		{ "florus.http.base-path=/spark/", NULL, "expected nothing, or a path such as /spark" },
		{ "florus.http.base-path=/", NULL, "expected nothing, or a path such as /spark" },
		{ "florus.http.base-path=/a//b", NULL, "expected nothing, or a path such as /spark" },
		{ "florus.http.base-path=/a?b", NULL, "expected nothing, or a path such as /spark" },
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		_config_ struct config *c = must_load(&(struct given){ .overrides = { cases[i].one, cases[i].two } });
		struct error e = { 0 };
		bool ok = config_check(c, &e);

		CHECK_STR(ok                                                    ? NULL
			  : strstr(e.msg, cases[i].want ? cases[i].want : "\n") ? cases[i].want
										: e.msg,
			  cases[i].want);
		CHECK_INT(e.code, ok ? ERR_NONE : ERR_CONFIG);
	}
}

TEST(secrets_in_clear_are_noticed)
{
	static const struct {
		const char *one, *two, *three;
		bool want;
	} cases[] = {
		{ "livy.server.host=0.0.0.0", "livy.server.auth.type=basic", NULL, true },
		{ "livy.server.host=10.0.0.1", "livy.server.auth.type=proxy,token", NULL, true },
		{ "livy.server.host=0.0.0.0", "livy.server.auth.type=ldap", "florus.tls.cert=/etc/tls.pem", false },
		{ "livy.server.host=127.0.0.1", "livy.server.auth.type=basic", NULL, false },
		{ "livy.server.host=0.0.0.0", "livy.server.auth.type=proxy", NULL, false },
		{ "livy.server.host=0.0.0.0", "livy.server.auth.type=kerberos", NULL, false },
		{ "livy.server.host=0.0.0.0", "florus.auth.allow-none=true", NULL, false },
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		_config_ struct config *c =
			must_load(&(struct given){ .overrides = { cases[i].one, cases[i].two, cases[i].three } });

		CHECK(config_secrets_in_clear(c) == cases[i].want);
	}
}

/* --- showing --- */

static void shown(const struct config *c, struct sbuf *to)
{
	char *text = NULL;
	size_t n = 0;
	FILE *f = open_memstream(&text, &n);

	CHECK(f);
	if (c)
		config_dump(c, f);
	else
		config_help(f);
	CHECK(fclose(f) == 0);
	sbuf_add(to, text, n);
	free(text);
}

TEST(a_dump_reads_back_as_the_same_and_hides_secrets)
{
	_sbuf_ struct sbuf first = SBUF_INIT(TEXT_MAX), second = SBUF_INIT(TEXT_MAX);
	_config_ struct config *c = must_load(&(struct given){
		.file_text =
			"livy.keystore.password = hunter2\nlivy.file.local-dir-whitelist = /a\\\\b\\n\\tc\\u0001 \xe2\x82\xac\n",
		.env = { "FLORUS_QUEUE_MAX=12" },
		.overrides = { "florus.log.max=5m" } });

	shown(c, &first);
	CHECK(!strstr(first.data, "hunter2"));
	CHECK(strstr(first.data, "# c.conf:1\n# livy.keystore.password = [hidden]\n"));
	CHECK(strstr(first.data, "# FLORUS_QUEUE_MAX\nflorus.queue.max = 12\n"));
	CHECK(strstr(first.data, "# -o\nflorus.log.max = 5m\n"));
	CHECK(strstr(first.data, "# default\nlivy.server.port = 8998\n"));
	CHECK(strstr(first.data, "# not set\n# livy.keystore =\n"));
	CHECK(strstr(first.data, "# number of cores\nflorus.launch.max-running = "));

	_config_ struct config *again = must_load(&(struct given){ .file_text = first.data });
	CHECK_STR(again->livy_file_local_dir_whitelist, "/a\\b\n\tc\x01 \xe2\x82\xac");
	shown(again, &second);
	for (size_t i = 0; i < CONFIG_OPTION_COUNT; i++)
		if (!(config_options[i].flags & CONFIG_SECRET))
			CHECK_STR(again->text[i] ? again->text[i] : "", c->text[i] ? c->text[i] : "");
}

TEST(the_example_file_is_what_help_prints)
{
	_sbuf_ struct sbuf help = SBUF_INIT(TEXT_MAX), file = SBUF_INIT(TEXT_MAX), bare = SBUF_INIT(TEXT_MAX);
	struct error e;

	shown(NULL, &help);
	CHECK_OK(fdio_read_file(AT_FDCWD, SOURCE_ROOT "/data/florus.conf", &file, &e), e);
	CHECK_STR(file.data, help.data);

	/* With the # of every key taken away it changes nothing. */
	for (const char *p = file.data; *p; p++)
		if (!(*p == '#' && p[1] != ' ' && (p == file.data || p[-1] == '\n')))
			sbuf_addc(&bare, *p);
	_config_ struct config *plain = must_load(&(struct given){ 0 });
	_config_ struct config *c = must_load(&(struct given){ .file_text = sbuf_str(&bare) });
	for (size_t i = 0; i < CONFIG_OPTION_COUNT; i++) {
		const char *origin = c->origin[i], *was = plain->text[i];

		CHECK(strstr(bare.data, config_options[i].key));
		CHECK_STR(c->text[i] ? c->text[i] : "", was ? was : "");
		if (config_options[i].standard && c->text[i] && str_eq(c->text[i], config_options[i].standard))
			CHECK(str_starts(origin, "c.conf:"));
	}
}

static void check_manual(const char *text, const char *key, const char *standard)
{
	_sbuf_ struct sbuf item = SBUF_INIT(4096);

	sbuf_addf(&item, "\n.It Ic %s", key);
	if (!str_empty(standard))
		sbuf_addf(&item, " Pq Li \"%s\"", standard);
	sbuf_addc(&item, '\n');
	if (!strstr(text, item.data))
		t_fail(__FILE__, __LINE__, "the manual lacks:%s", item.data);
}

TEST(the_manual_names_every_key_and_its_default)
{
	_sbuf_ struct sbuf file = SBUF_INIT(TEXT_MAX), text = SBUF_INIT(TEXT_MAX);
	struct error e;

	CHECK_OK(fdio_read_file(AT_FDCWD, SOURCE_ROOT "/man/florus.conf.5", &file, &e), e);
	for (const char *p = file.data; *p; p++) { /* \- is -, \: is nothing, \(aq is ' */
		if (str_starts(p, "\\(aq"))
			sbuf_addc(&text, '\''), p += 3;
		else if (str_starts(p, "\\:"))
			p++;
		else if (*p != '\\')
			sbuf_addc(&text, *p);
	}
	for (size_t i = 0; i < CONFIG_OPTION_COUNT; i++)
		check_manual(sbuf_str(&text), config_options[i].key, config_options[i].standard);
#define X(type, field, key, standard, ...) check_manual(sbuf_str(&text), key, standard);
	PROFILE_OPTIONS(X)
#undef X
}

TEST(the_table_is_sound)
{
	for (size_t i = 0; i < CONFIG_OPTION_COUNT; i++) {
		const struct config_option *o = &config_options[i];
		struct config c = { 0 };

		CHECK(option_find(o->key) == o);
		CHECK(strlen(o->key) < OPTION_KEY_MAX);
		CHECK(o->standard ? option_parse(o, o->standard, &c) : o->type == CONFIG_STR);
		CHECK((o->type == CONFIG_WORD) == (o->words != NULL));
		CHECK(o->min <= o->max);
		CHECK(str_ends(o->doc, "."));
	}
}

TEST(slips_of_the_pen_are_recognised)
{
	CHECK(option_is_near("florus.log.max", "florus.log.max"));
	CHECK(option_is_near("florus.log.mxa", "florus.log.max"));
	CHECK(option_is_near("florus.logs.max", "florus.log.max"));
	CHECK(option_is_near("forus.lg.max", "florus.log.max"));
	CHECK(!option_is_near("forus.lg.mx", "florus.log.max"));
	CHECK(!option_is_near("", "abc"));
}
