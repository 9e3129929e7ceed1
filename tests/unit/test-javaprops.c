#include "model/javaprops.h"
#include "t.h"
#include <string.h>

static void check(const char *key, const char *value, const char *line)
{
	_sbuf_ struct sbuf text = SBUF_INIT(4096);

	javaprops_add(&text, key, value);
	CHECK(sbuf_ok(&text));
	CHECK_STR(sbuf_str(&text), line);
}

TEST(plain_text_stays_as_it_is)
{
	check("spark.a-b_c.D9", "x", "spark.a-b_c.D9=x\n");
	check("k", "", "k=\n");
	check("k", "a b  c", "k=a b  c\n");
	check("k", "#=:!$`'\"%;,", "k=#=:!$`'\"%;,\n");
}

TEST(what_the_format_means_something_by_is_escaped)
{
	check("a b:c=d#e!f\\g", "v", "a\\u0020b\\u003ac\\u003dd\\u0023e\\u0021f\\u005cg=v\n");
	check("k", " two", "k=\\u0020two\n");
	check("k", "  two", "k=\\u0020 two\n");
	check("k", "\tx", "k=\\u0009x\n");
	check("k", "C:\\dir\\", "k=C:\\u005cdir\\u005c\n");
	check("k", "\\u0041", "k=\\u005cu0041\n");
	check("k", "line\nnext\r\nlast\n", "k=line\\u000anext\\u000d\\u000alast\\u000a\n");
	check("k", "\x01\x1f\x7f\f", "k=\\u0001\\u001f\\u007f\\u000c\n");
}

TEST(other_scripts_become_utf_16)
{
	check("k", "é", "k=\\u00e9\n");
	check("k", "€", "k=\\u20ac\n");
	check("k", "a😀b", "k=a\\ud83d\\ude00b\n");
	check("k", "\U0010ffff", "k=\\udbff\\udfff\n");
	check("k", "\xff", "k=\\u00ff\n"); /* not UTF-8: never from JSON, and nothing worse than a wrong letter */
}
