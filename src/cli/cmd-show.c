/* florus show - all that is known of one batch. */
#include "cli/server.h"
#include "base/str.h"
#include <string.h>

enum { LABEL_WIDTH = 14, LINE_MAX_BYTES = 1024 * 1024 };

struct show_options {
	bool json;
};

static const struct opt options[] = {
	{ "json", 0, OPT_FLAG, NULL, "print the server's object", offsetof(struct show_options, json) },
	{ 0 },
};

/* Keys the server may add later are shown by their own names. */
static const struct {
	const char *key, *label;
} labels[] = {
	{ "proxyUser", "proxy user" },          { "appId", "application" },
	{ "sparkUiUrl", "Spark UI" },           { "driverLogUrl", "driver log" },
	{ "executorLogUrls", "executor logs" },
};

static const char *label_of(const char *key)
{
	for (size_t i = 0; i < ARRAY_LEN(labels); i++)
		if (str_eq(key, labels[i].key))
			return labels[i].label;
	return key;
}

static void print_member(struct cli *c, const char *key, const struct jr *value)
{
	const char *label = term_cell(c->arena, label_of(key));

	(void)printf("%-*s ", LABEL_WIDTH, label);
	if (str_eq(key, "state") && value->type == JR_STRING)
		term_print_state(&c->out, term_cell(c->arena, value->text), stdout);
	else
		(void)fputs(term_cell(c->arena, value->text), stdout);
	(void)fputc('\n', stdout);
}

/* What Livy's object has no room for. */
static void print_headers(struct cli *c)
{
	static const struct {
		const char *name, *label;
	} headers[] = { { "Florus-Cluster", "cluster" },
			{ "Florus-Launcher", "launcher" },
			{ "Florus-Launcher-Reason", "reason for it" } };

	for (size_t i = 0; i < ARRAY_LEN(headers); i++) {
		const char *value = server_header(c, headers[i].name);

		if (value)
			(void)printf("%-*s %s\n", LABEL_WIDTH, headers[i].label, term_cell(c->arena, value));
	}
}

/* The last lines without the headings of output; that of what a cluster says stays. */
static void print_log(const struct jr *log)
{
	for (size_t i = 0; i < log->count; i++) {
		_sbuf_ struct sbuf line = SBUF_INIT(LINE_MAX_BYTES);
		const char *text = log->items[i].text ? log->items[i].text : "";

		if ((i == 0 && strcmp(text, "stdout: ") == 0) || strcmp(text, "\nstderr: ") == 0)
			continue;
		text += *text == '\n';
		term_visible(&line, text, true);
		(void)printf("  %s\n", sbuf_str(&line));
	}
}

static void print_object(struct cli *c, const struct jr *object)
{
	for (size_t i = 0; i < object->count; i++) {
		const struct jr *value = &object->items[i];

		if (value->type == JR_OBJECT)
			print_object(c, value);
		else if (value->type != JR_ARRAY)
			print_member(c, object->keys[i], value);
	}
}

static bool run(struct cli *c, const void *values, char **args, int count, int *ret_status, struct error *e)
{
	const struct show_options *o = values;
	_reply_ struct reply reply = { 0 };
	const struct jr *log;

	(void)count;
	*ret_status = 0;
	if (!server_get_batch(c, args[0], "", &reply, e))
		return false;
	if (o->json)
		return reply_print(reply.json, e);
	print_object(c, reply.json);
	print_headers(c);
	log = jr_get(reply.json, "log");
	if (log && log->type == JR_ARRAY && log->count > 0) {
		(void)puts("last lines");
		print_log(log);
	}
	return cli_flush(stdout, e);
}

const struct cmd cmd_show = {
	.name = "show",
	.args = "[OPTION]… BATCH",
	.help = "show one batch",
	.options = options,
	.options_size = sizeof(struct show_options),
	.args_min = 1,
	.args_max = 1,
	.run = run,
};
