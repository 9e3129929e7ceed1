#include "config/config.h"
#include "base/str.h"
#include "config/option.h"
#include "config/profiles.h"

void config_dump(const struct config *c, FILE *to)
{
	for (size_t i = 0; i < CONFIG_OPTION_COUNT; i++) {
		const struct config_option *o = &config_options[i];

		if (!c->text[i] || (!o->standard && str_empty(c->text[i]))) {
			(void)fprintf(to, "# not set\n# %s =\n", o->key);
			continue;
		}
		(void)fprintf(to, "# %s\n", c->origin[i]);
		if (o->flags & CONFIG_SECRET)
			(void)fprintf(to, "# %s = [hidden]\n", o->key);
		else
			option_show(to, "", o->key, c->text[i]);
	}
	profiles_dump(c, to);
}

void config_help(FILE *to)
{
	(void)fputs(
		"# florus.conf - every option with its default. Take away the # before a key to change it.\n"
		"# florus.conf(5) tells the syntax. florusd --check validates, florusd --dump-config shows what is in force.\n\n",
		to);
	for (size_t i = 0; i < CONFIG_OPTION_COUNT; i++) {
		const struct config_option *o = &config_options[i];
		_sbuf_ struct sbuf kind = SBUF_INIT(256);

		option_describe(o, &kind);
		(void)fprintf(to, "%s# %s\n", i ? "\n" : "", o->doc);
		if (o->type != CONFIG_STR)
			(void)fprintf(to, "# Takes %s.\n", sbuf_str(&kind));
		option_show(to, "#", o->key, o->standard ? o->standard : "");
	}
	profiles_help(to);
}
