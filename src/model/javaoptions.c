#include "model/javaoptions.h"
#include "base/cleanup.h"
#include "base/str.h"
#include <string.h>

/* How options begin that do more than set something. */
static const char *const dangerous[] = {
	"@", /* a file with further options */
	"-javaagent",
	"-agentpath",
	"-agentlib",
	"-Xrun",
	"-XX:On", /* OnError, OnOutOfMemoryError: a command */
	"-XX:Flags",
	"-XX:VMOptionsFile",
	"-XX:SharedArchiveFile",
	"-XX:AOT",
	"-XX:CompileCommandFile",
	"-Xbootclasspath",
	"-cp",
	"-classpath",
	"--class-path",
	"-jar",
	"-p",
	"--module-path",
	"--upgrade-module-path",
	"--patch-module",
	"-Dspark.", /* conf that nobody looked at */
	"-Djava.system.class.loader",
	"-Djava.rmi.server.codebase",
	"-Dcom.sun.management",
	"-Dcom.sun.jndi",
};

/* These name a file of settings: a local one will do, or one on the class path. */
static const char *const settings_files[] = {
	"-Dlog4j.configuration",
	"-Dlog4j2.configuration",
	"-Dlogback.configurationFile",
	"-Djava.util.logging.config",
	"-Djava.security.policy",
	"-Djava.security.properties",
	"-Djava.security.auth.login.config",
};

/* Is what the file is called, maybe a list, anything but a path, file:/… or classpath:…? */
static bool names_remote(const char *option, size_t n)
{
	const char *end = option + n, *item = memchr(option, '=', n);

	while (item && ++item < end) {
		const char *comma = memchr(item, ',', (size_t)(end - item)), *stop = comma ? comma : end;
		bool file = str_starts(item, "file:") && !(str_starts(item, "file://") && item[7] != '/');

		if (memchr(item, ':', (size_t)(stop - item)) && !file && !str_starts(item, "classpath:"))
			return true;
		item = comma;
	}
	return false;
}

static bool option_harmless(const char *option, size_t n)
{
	for (size_t i = 0; i < ARRAY_LEN(dangerous); i++)
		if (str_starts(option, dangerous[i]))
			return false;
	for (size_t i = 0; i < ARRAY_LEN(settings_files); i++)
		if (str_starts(option, settings_files[i]) && names_remote(option, n))
			return false;
	return true;
}

/* Beyond ASCII there are further blanks, which Java knows. */
static bool separates(unsigned char c)
{
	return c <= ' ' || c >= 0x7f;
}

static char *without_quotes(const char *options)
{
	char *plain = xstrdup(options), *to = plain;

	for (const char *from = options; *from; from++)
		if (!strchr("\"'\\", *from))
			*to++ = *from;
	*to = '\0';
	return plain;
}

bool javaoptions_harmless(const char *options)
{
	_free_ char *plain = without_quotes(options);

	if (strstr(plain, "${")) /* Spark would put in what is written elsewhere */
		return false;
	for (const char *p = plain; *p;) {
		size_t n = 0;

		while (p[n] && !separates((unsigned char)p[n]))
			n++;
		if (n > 0 && !option_harmless(p, n))
			return false;
		p += n ? n : 1;
	}
	return true;
}
