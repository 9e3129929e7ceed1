/* florus version - which program this is, and which server it reaches. */
#include "cli/server.h"
#include "http/client.h"

struct version_options {
	bool json;
};

static const struct opt options[] = {
	{ "json", 0, OPT_FLAG, NULL, "print one object", offsetof(struct version_options, json) },
	{ 0 },
};

static bool print_json(const struct jr *server, bool reached, struct error *e)
{
	_sbuf_ struct sbuf out = SBUF_INIT(HTTP_CLIENT_BODY_MAX);
	struct jw w = { .out = &out };

	jw_open(&w, NULL, '{');
	jw_str(&w, "client", FLORUS_VERSION);
	reply_copy(&w, "server", server);
	jw_close(&w, '}');
	if (!sbuf_ok(&out))
		return error_set(e, ERR_TOO_LARGE, "the server's version is too large to print");
	(void)puts(out.data);
	return reached && cli_flush(stdout, e);
}

static bool run(struct cli *c, const void *values, char **args, int count, int *ret_status, struct error *e)
{
	const struct version_options *o = values;
	_reply_ struct reply reply = { 0 };
	struct call call = { .method = "GET", .path = "/version" };
	const char *version;
	bool reached;

	(void)args, (void)count;
	*ret_status = 0;
	/* Our own version is known even when *e says why the server's is not. */
	reached = server_call(c, &call, &reply, e);
	if (o->json)
		return print_json(reached ? reply.json : &(const struct jr){ .type = JR_NULL }, reached, e);
	(void)puts("florus " FLORUS_VERSION);
	if (!reached)
		return false;
	if (!reply_need(reply.json, "version", &version, e))
		return false;
	(void)printf("server %s at %s\n", term_cell(c->arena, version), http_client_url(c->http));
	return cli_flush(stdout, e);
}

const struct cmd cmd_version = {
	.name = "version",
	.args = "[OPTION]…",
	.help = "print the versions of this program and of the server",
	.notes = "Without a server it prints its own and exits 6; `florus --version` asks none.\n",
	.options = options,
	.options_size = sizeof(struct version_options),
	.run = run,
};
