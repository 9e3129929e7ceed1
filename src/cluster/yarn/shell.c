#include "cluster/yarn/spec.h"
#include <string.h>

void yarn_shell_word(struct sbuf *out, const char *word)
{
	sbuf_addc(out, '\'');
	for (const char *p = word; *p; p++) {
		if (*p == '\'')
			sbuf_adds(out, "'\\''");
		else if (strchr("$\"`\\", *p))
			sbuf_addf(out, "\\%c", *p);
		else
			sbuf_addc(out, *p);
	}
	sbuf_addc(out, '\'');
}

void yarn_shell_argument(struct sbuf *out, const char *word)
{
	_sbuf_ struct sbuf quoted = SBUF_INIT(YARN_CONTEXT_MAX);

	yarn_shell_word(&quoted, word);
	for (const char *p = sbuf_str(&quoted); *p; p++) {
		sbuf_addc(out, *p);
		if (strchr("{}<", *p))
			sbuf_adds(out, "''");
	}
}

/*
 * Takes one word at *at into `word`. Blanks separate; single and double quotes hold together, in double ones a
 * backslash holds for '"' and '\'. False: there is none any more.
 */
static bool next_word(const char **at, struct sbuf *word)
{
	const char *p = *at + strspn(*at, " \t\r\n");
	char quote = '\0';

	sbuf_clear(word);
	if (!*p)
		return false;
	for (; *p && (quote || !strchr(" \t\r\n", *p)); p++) {
		if (quote == '\0' && (*p == '\'' || *p == '"'))
			quote = *p;
		else if (*p == quote)
			quote = '\0';
		else if (*p == '\\' && quote != '\'' && p[1] && (quote == '\0' || p[1] == '"' || p[1] == '\\'))
			sbuf_addc(word, *++p);
		else
			sbuf_addc(word, *p);
	}
	*at = p;
	return true;
}

void yarn_shell_options(struct sbuf *out, const char *options)
{
	_sbuf_ struct sbuf word = SBUF_INIT(YARN_ARGUMENT_MAX);

	while (next_word(&options, &word)) {
		sbuf_addc(out, ' ');
		yarn_shell_word(out, sbuf_str(&word));
	}
}
