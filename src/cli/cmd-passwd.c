/* florus passwd - gives a user of the users file a password. */
#include "auth/edit.h"
#include "cli/cli.h"
#include "cli/password.h"
#include <string.h>

struct passwd_options {
	bool from_stdin;
};

static const struct opt options[] = {
	{ "stdin", 0, OPT_FLAG, NULL, "read the password from a line of standard input",
	  offsetof(struct passwd_options, from_stdin) },
	{ 0 },
};

static bool run(struct cli *c, const void *values, char **args, int count, int *ret_status, struct error *e)
{
	const struct passwd_options *o = values;
	char password[PASSWORD_BYTES];
	bool is_new = false;

	(void)c, (void)count;
	*ret_status = 0;
	bool ok = o->from_stdin ? password_read_stdin(password, e) : password_ask(password, e);
	ok = ok && edit_set_password(args[0], args[1], password, &is_new, e);
	explicit_bzero(password, sizeof password);
	if (ok)
		cli_say("%s %s in %s; florusd reads it on SIGHUP", args[1], is_new ? "is new" : "has a new password",
			args[0]);
	return ok;
}

const struct cmd cmd_passwd = {
	.name = "passwd",
	.args = "[OPTION]… FILE USER",
	.help = "set a user's password in a users file",
	.notes = "FILE is what florus.auth.users-file names; it is made, closed to others, when there is none.\n",
	.options = options,
	.options_size = sizeof(struct passwd_options),
	.args_min = 2,
	.args_max = 2,
	.run = run,
};
