#include "base/cleanup.h"
#include "model/javaoptions.h"
#include "t.h"

TEST(java_options_that_load_or_run_are_found_however_they_are_written)
{
	static const char *const bad[] = {
		"-javaagent:x",
		"  -javaagent:x",
		"-Da=b\t-javaagent:x",
		"-Da=b\n-agentlib:jdwp=transport=dt_socket",
		"\"-javaagent:x\"",
		"'-java'agent:x",
		"-java\\agent:x",
		"\"-D\"\"a=b\" -agentpath:/x.so",
		"-Da=b\xE2\x80\x83-javaagent:x", /* an em space is a blank to Java */
		"-Da=b\x0B-javaagent:x",
		"-XX:OnError=gdb",
		"-XX:OnOutOfMemoryError=\"touch /tmp/x\"",
		"-XX:Flags=/etc/passwd",
		"-XX:VMOptionsFile=x",
		"@/etc/passwd",
		"-Da=b @/etc/passwd",
		"-Xrunjdwp:x",
		"-Xbootclasspath/a:x",
		"-cp /x",
		"-classpath /x",
		"--class-path=/x",
		"-jar /x.jar",
		"--patch-module=java.base=/x",
		"-Dspark.yarn.dist.files=/etc/passwd",
		"-Djava.system.class.loader=X",
		"-Dcom.sun.management.jmxremote.port=1",
		"${spark.a}",
		"-Dlog4j.configurationFile=http://h/x",
		"-Dlog4j.configurationFile=HTTP://h/x",
		"-Dlog4j2.configurationFile=file:/a,https://h/x",
		"-Dlogback.configurationFile=ftp://h/x",
		"-Dlog4j.configuration=jar:http://h/x!/y",
		"-Dlog4j.configuration=file://host/x",
		"-Djava.security.auth.login.config=http://h/x",
	};

	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		if (javaoptions_harmless(bad[i]))
			t_fail(__FILE__, __LINE__, "passes: %s", bad[i]);
}

TEST(java_options_that_only_set_things_pass)
{
	static const char *const good[] = {
		"",
		" ",
		"-Da=b",
		"-Da=\"b c\"",
		"-Durl=http://h/x",
		"-Dfile=my-jar.txt -Dx=a@b",
		"-Dlog4j.configuration=log4j.properties",
		"-Dlog4j.configurationFile=file:/a,file:///b,classpath:c,/d",
		"-Dlog4j2.formatMsgNoLookups=true",
		"-XX:+UseG1GC -XX:MaxGCPauseMillis=20 -XX:+HeapDumpOnOutOfMemoryError -XX:HeapDumpPath=/tmp",
		"-Djavax.net.ssl.trustStore=/etc/ssl/x",
		"--add-opens=java.base/java.lang=ALL-UNNAMED",
		"-verbose:gc",
		"-D\xC3\xA4=\xC3\xB6",
	};

	for (size_t i = 0; i < ARRAY_LEN(good); i++)
		if (!javaoptions_harmless(good[i]))
			t_fail(__FILE__, __LINE__, "refused: %s", good[i]);
}
