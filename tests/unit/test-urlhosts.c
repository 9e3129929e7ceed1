#include "base/sbuf.h"
#include "base/str.h"
#include "model/urlhosts.h"
#include "t.h"
#include <string.h>

static struct urlhosts *hosts(const char *list)
{
	struct urlhosts *h = NULL;
	struct error e;

	CHECK_OK(urlhosts_new(list, &h, &e), e);
	return h;
}

static const struct {
	const char *list, *uri;
	bool passes;
} urls[] = {
	{ "github.com", "https://github.com/a/b.jar?raw=true", true },
	{ "github.com", "https://GitHub.COM/a", true },
	{ "github.com", "https://github.com", true },
	{ "github.com", "https://github.com:443/a", true },
	{ "github.com", "https://github.com#x", true },
	{ "github.com", "https://github.com:8443/a", false },
	{ "github.com", "http://github.com/a", false },
	{ "github.com", "HTTPS://github.com/a", false },
	{ "github.com", "https:/github.com/a", false },
	{ "github.com", "https:github.com/a", false },
	{ "github.com", "https:///github.com/a", false },
	{ "github.com", "https://github.com./a", false },
	{ "github.com", "https://github.com@127.0.0.1/", false },
	{ "github.com", "https://github.com:x@127.0.0.1/", false },
	{ "github.com", "https://127.0.0.1@github.com/", false },
	{ "github.com", "https://127.0.0.1\\@github.com/", false },
	{ "github.com", "https://127.0.0.1#@github.com/", false },
	{ "github.com", "https://127.0.0.1?@github.com/", false },
	{ "github.com", "https://github%2ecom/", false },
	{ "github.com", "https://github.com%2f@127.0.0.1/", false },
	{ "github.com", "https://github.com:/a", false },
	{ "github.com", "https://github.com:443x/a", false },
	{ "github.com", "https://github.com.evil.org/a", false },
	{ "github.com", "https://evilgithub.com/a", false },
	{ "github.com", "https://x.github.com/a", false },
	{ "github.com", "https://g\xC3\xADthub.com/a", false },
	{ "", "https://github.com/a", false },
	{ NULL, "https://github.com/a", false },
	{ "*.example.org", "https://a.example.org/x", true },
	{ "*.example.org", "https://a.b.example.org/x", true },
	{ "*.example.org", "https://example.org/x", false },
	{ "*.example.org", "https://.example.org/x", false },
	{ "*.example.org", "https://aexample.org/x", false },
	{ "x.org:8443", "https://x.org:8443/x", true },
	{ "x.org:8443", "https://x.org/x", false },
	{ "http://x.org", "http://x.org/x", true },
	{ "http://x.org", "https://x.org/x", false },
	{ "http://x.org:81,x.org", "http://x.org:81/x", true },
	{ "*", "https://any.org/x", true },
	{ "*", "http://any.org/x", false },
	{ "*,http://*", "http://any.org/x", true },
	{ "*,http://*", "http://169.254.169.254/latest", false },
	{ "*,http://*", "http://127.0.0.1:8998/", false },
	{ "*,http://*", "http://0x7f.1/", false },
	{ "*,http://*", "http://127.0.0.0x1/", false },
	{ "*,http://*", "http://0177.0.0.01/", false },
	{ "*,http://*", "http://2130706433/", false },
	{ "*,http://*", "http://0x7f000001/", false },
	{ "*,http://*", "http://[::1]/", false },
	{ "*,http://*", "http://[::ffff:127.0.0.1]/", false },
	{ "*,http://*", "http://[::1%25lo]/", false },
	{ "*,http://*", "http://localhost/", false },
	{ "*,http://*", "http://a.localhost/", false },
	{ "*,http://*", "http://nas/", false },
	{ "*,http://*", "ftp://any.org/", false },
	{ "http://10.1.2.3", "http://10.1.2.3/x", true },
	{ "http://10.1.2.3", "http://10.1.2.03/x", false },
	{ "http://[::1]:80", "http://[::1]/x", true },
	{ "nas:8443", "https://nas:8443/x", true },
	{ "*", "jar:https://any.org/x!/y", false },
	{ "*", "JAR:file:///etc/x!/y", false },
	{ "*", "FTP://x", false },
	{ "*", "data:text/plain,x", false },
	{ "*", "javascript:x", false },
	{ "*", "har:///x", false },
	{ NULL, "hdfs://nn:8020/x", true },
	{ NULL, "s3a://b/x", true },
	{ NULL, "abfss://fs@acct.dfs.core.windows.net/x", true },
	{ NULL, "gs://b/x", true },
	{ NULL, "wasbs://c@a/x", true },
	{ NULL, "viewfs:///x", true },
	{ NULL, "o3fs://b.v/x", true },
	{ NULL, "my-fs+1.0:/x", true },
};

TEST(every_url_has_its_answer)
{
	for (size_t i = 0; i < ARRAY_LEN(urls); i++) {
		struct urlhosts *h = hosts(urls[i].list);
		struct error e = { 0 };
		bool passes = urlhosts_check(h, urls[i].uri, &e);

		if (passes != urls[i].passes)
			t_fail(__FILE__, __LINE__, "%s with %s: %s", urls[i].uri, urls[i].list, e.msg);
		CHECK(passes || (e.code == ERR_INVALID && str_starts(e.msg, "Rejected, Reason: ")));
		(void)urlhosts_free(h);
	}
}

TEST(a_bad_entry_is_an_error_that_repeats_it)
{
	static const char *const bad[] = { "ftp://x", "https://x/y", "x:y",     "a*.org", "*x.org",
					   "x:",      "http://",     "u@x.org", "[::1",   "*.*.org" };

	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		struct urlhosts *h = NULL;
		struct error e = { 0 };

		if (urlhosts_new(bad[i], &h, &e))
			t_fail(__FILE__, __LINE__, "accepted: %s", bad[i]);
		CHECK_INT(e.code, ERR_CONFIG);
		CHECK(strstr(e.msg, "florus.job.url-hosts: "));
	}
}

TEST(entries_have_a_ceiling)
{
	_sbuf_ struct sbuf list = SBUF_INIT(64 * 1024);
	struct urlhosts *h = NULL;
	struct error e = { 0 };

	for (int i = 0; i < 1001; i++)
		sbuf_addf(&list, "h%d.org,", i);
	CHECK(!urlhosts_new(sbuf_str(&list), &h, &e));
	CHECK(strstr(e.msg, "one too many"));
}
