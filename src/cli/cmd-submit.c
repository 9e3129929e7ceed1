/* florus submit - hands a program to the server, exactly once. */
#include "base/id.h"
#include "base/str.h"
#include "cli/interrupt.h"
#include "cli/logs.h"
#include <errno.h>
#include <limits.h>
#include <string.h>

enum {
	BODY_MAX_BYTES = 8 * 1024 * 1024, /* the server has a ceiling of its own, and says so */
	KEY_MAX = 200,
};

struct submit_options {
	const char *name, *class_name, *queue, *proxy_user, *driver_memory, *executor_memory, *key;
	struct opt_count driver_cores, executor_cores, executor_count;
	struct opt_list jars, py_files, files, archives, conf;
	struct opt_time retry_for;
	bool follow, json;
};
#define AT(member) offsetof(struct submit_options, member)

static const struct opt options[] = {
	{ "follow", 'f', OPT_FLAG, NULL, "print the log as it comes; exit 0 only on success", AT(follow) },
	{ "name", 'n', OPT_TEXT, "NAME", "a name that no unfinished batch has", AT(name) },
	{ "class", 0, OPT_TEXT, "CLASS", "main class of a jar", AT(class_name) },
	{ "conf", 'c', OPT_PAIR, "KEY=VALUE", "a Spark property (repeatable)", AT(conf) },
	{ "jars", 0, OPT_LIST, "FILE,…", "jars for the class path (repeatable)", AT(jars) },
	{ "py-files", 0, OPT_LIST, "FILE,…", ".py, .zip, .egg for PYTHONPATH (repeatable)", AT(py_files) },
	{ "files", 0, OPT_LIST, "FILE,…", "files for each executor's directory (repeatable)", AT(files) },
	{ "archives", 0, OPT_LIST, "FILE,…", "archives to unpack there (repeatable)", AT(archives) },
	{ "driver-memory", 0, OPT_TEXT, "SIZE", "such as 512m or 2g", AT(driver_memory) },
	{ "driver-cores", 0, OPT_COUNT, "N", "cores of the driver", AT(driver_cores) },
	{ "executor-memory", 0, OPT_TEXT, "SIZE", "such as 512m or 2g", AT(executor_memory) },
	{ "executor-cores", 0, OPT_COUNT, "N", "cores of each executor", AT(executor_cores) },
	{ "num-executors", 0, OPT_COUNT, "N", "how many executors", AT(executor_count) },
	{ "queue", 0, OPT_TEXT, "QUEUE", "YARN queue", AT(queue) },
	{ "proxy-user", 0, OPT_TEXT, "USER", "run as this user", AT(proxy_user) },
	{ "idempotency-key", 0, OPT_TEXT, "KEY", "the same key twice submits once (default: a new one)", AT(key) },
	{ "retry-for", 0, OPT_TIME, "TIME", "how long the server may be away (default 5m)", AT(retry_for) },
	{ "json", 0, OPT_FLAG, NULL, "print the batch as JSON; with --follow the log goes to stderr", AT(json) },
	{ 0 },
};

/* A path of this machine as the server reads it: absolute, a URI where a character needs it. */
static const char *absolute_path(struct arena *a, const char *path)
{
	_free_ char *real = realpath(path, NULL);
	_sbuf_ struct sbuf uri = SBUF_INIT(PATH_MAX * 3 + 16);

	if (!real)
		return NULL;
	if (!real[strcspn(real, " %#?\"<>\\^`{|}\t\r\n")])
		return arena_strdup(a, real);
	sbuf_adds(&uri, "file://");
	for (const char *s = real; *s; s++) {
		if (strchr(" %#?\"<>\\^`{|}\t\r\n", *s))
			sbuf_addf(&uri, "%%%02X", (unsigned char)*s);
		else
			sbuf_addc(&uri, *s);
	}
	return arena_strdup(a, sbuf_str(&uri));
}

static bool has_scheme(const char *s)
{
	size_t n = strspn(s, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+.-");

	return n > 0 && s[n] == ':';
}

/* What exists here becomes absolute (an alias after # stays); all else is the server's to judge. */
static bool locate(struct arena *a, const char *path, const char **ret, struct error *e)
{
	const char *hash = strrchr(path, '#'), *found = NULL;

	*ret = path;
	if (has_scheme(path))
		return true;
	if ((found = absolute_path(a, path)) != NULL) {
		*ret = found;
		return true;
	}
	if (hash && (found = absolute_path(a, arena_strndup(a, path, (size_t)(hash - path)))) != NULL) {
		_sbuf_ struct sbuf both = SBUF_INIT(PATH_MAX * 4);

		sbuf_adds(&both, found);
		sbuf_adds(&both, hash);
		*ret = arena_strdup(a, sbuf_str(&both));
		return true;
	}
	return *path == '/' || error_set(e, ERR_INVALID, "%s: no such file here", path);
}

static bool check_text(const char *what, const char *text, struct error *e)
{
	return !text || str_utf8_ok(text, strlen(text)) ||
	       error_set(e, ERR_INVALID, "%s is not UTF-8, and JSON cannot carry it", what);
}

static bool write_texts(struct jw *w, const struct submit_options *o, struct error *e)
{
	const struct {
		const char *key, *value;
	} texts[] = {
		{ "className", o->class_name },           { "driverMemory", o->driver_memory },
		{ "executorMemory", o->executor_memory }, { "name", o->name },
		{ "proxyUser", o->proxy_user },           { "queue", o->queue },
	};
	const struct {
		const char *key;
		struct opt_count count;
	} counts[] = {
		{ "driverCores", o->driver_cores },
		{ "executorCores", o->executor_cores },
		{ "numExecutors", o->executor_count },
	};

	for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
		if (!check_text(texts[i].key, texts[i].value, e))
			return false;
		if (texts[i].value)
			jw_str(w, texts[i].key, texts[i].value);
	}
	for (size_t i = 0; i < ARRAY_LEN(counts); i++)
		if (counts[i].count.given)
			jw_int(w, counts[i].key, counts[i].count.value);
	return true;
}

static bool write_lists(struct jw *w, struct arena *a, const struct submit_options *o, struct error *e)
{
	const struct {
		const char *key;
		const struct opt_list *list;
	} lists[] = {
		{ "jars", &o->jars },
		{ "pyFiles", &o->py_files },
		{ "files", &o->files },
		{ "archives", &o->archives },
	};

	for (size_t i = 0; i < ARRAY_LEN(lists); i++) {
		if (lists[i].list->count == 0)
			continue;
		jw_open(w, lists[i].key, '[');
		for (size_t k = 0; k < lists[i].list->count; k++) {
			const char *path;

			if (!locate(a, lists[i].list->items[k], &path, e) || !check_text(lists[i].key, path, e))
				return false;
			jw_str(w, NULL, path);
		}
		jw_close(w, ']');
	}
	return true;
}

static bool given_again(const struct opt_list *conf, size_t at)
{
	size_t len = strcspn(conf->items[at], "=") + 1;

	for (size_t i = at + 1; i < conf->count; i++)
		if (strncmp(conf->items[i], conf->items[at], len) == 0)
			return true;
	return false;
}

/* The last of equal keys counts, as with spark-submit; the server refuses a key that is there twice. */
static bool write_conf(struct jw *w, const struct opt_list *conf, struct error *e)
{
	if (conf->count == 0)
		return true;
	jw_open(w, "conf", '{');
	for (size_t i = 0; i < conf->count; i++) {
		_sbuf_ struct sbuf key = SBUF_INIT(BODY_MAX_BYTES);
		const char *pair = conf->items[i];
		size_t len = strcspn(pair, "=");

		if (!check_text("a --conf", pair, e))
			return false;
		if (given_again(conf, i))
			continue;
		json_escape(&key, pair, len);
		jw_str(w, sbuf_str(&key), pair + len + 1);
	}
	jw_close(w, '}');
	return true;
}

static bool write_body(struct sbuf *out, struct arena *a, const struct submit_options *o, char **args, int count,
		       struct error *e)
{
	struct jw w = { .out = out };
	const char *file;

	if (!locate(a, args[0], &file, e) || !check_text("FILE", file, e))
		return false;
	jw_open(&w, NULL, '{');
	jw_str(&w, "file", file);
	if (count > 1)
		jw_open(&w, "args", '[');
	for (int i = 1; i < count; i++) {
		if (!check_text("an argument", args[i], e))
			return false;
		jw_str(&w, NULL, args[i]);
	}
	if (count > 1)
		jw_close(&w, ']');
	if (!write_texts(&w, o, e) || !write_lists(&w, a, o, e) || !write_conf(&w, &o->conf, e))
		return false;
	jw_close(&w, '}');
	return sbuf_ok(out) || error_set(e, ERR_TOO_LARGE, "the submission is larger than %d bytes", BODY_MAX_BYTES);
}

static bool choose_key(const struct submit_options *o, char *to, size_t size, struct error *e)
{
	if (!o->key) {
		id_random_hex(to, ID_NONCE_LEN);
		return true;
	}
	size_t len = strlen(o->key);
	for (size_t i = 0; i < len; i++)
		if (o->key[i] <= ' ' || o->key[i] > '~')
			len = 0;
	if (len == 0 || len > KEY_MAX)
		return error_set(e, ERR_INVALID, "an idempotency key has 1 to %d printable characters and no blanks",
				 KEY_MAX);
	(void)snprintf(to, size, "%s", o->key);
	return true;
}

/* Posts it. Where it stays unknown whether the server took it, says how to find out. */
static bool submit(struct cli *c, const struct submit_options *o, const struct sbuf *body, struct reply *ret,
		   struct error *e)
{
	char key[KEY_MAX + 1];
	struct call call = {
		.method = "POST",
		.path = "/batches",
		.body = body,
		.idempotency_key = key,
	};

	if (!choose_key(o, key, sizeof key, e))
		return false;
	if (server_call(c, &call, ret, e))
		return true;
	if (ret->maybe_sent && (e->code == ERR_UNAVAILABLE || e->code == ERR_CONFLICT))
		cli_say("the server may have taken the batch; to find out without submitting it twice,\n"
			"run the same command with --idempotency-key %s",
			key);
	return false;
}

static bool follow(struct cli *c, const struct submit_options *o, const char *id, int *ret_status, struct error *e)
{
	struct logs l = {
		.id = id,
		.last_lines = LOGS_WHOLE,
		.to = o->json ? stderr : stdout,
		.visible = o->json ? c->err.tty : c->out.tty,
	};
	_reply_ struct reply reply = { 0 };
	char state[LOGS_STATE_MAX] = "";

	if (!logs_follow(c, &l, state, e)) {
		if (e->code == ERR_NOT_FOUND && !o->json) {
			cli_say("batch %s was deleted meanwhile", id); /* a kill takes the record with it */
			*ret_status = EXIT_NOT_SUCCESS;
			return true;
		}
		if (!interrupt_seen())
			return error_wrap(e, "following batch %s", id);
		cli_say("detached; batch %s goes on\nfollow it again: florus %slog -f %s\nkill it: florus %skill %s",
			id, cli_same_server(c), id, cli_same_server(c), id);
		*ret_status = EXIT_INTERRUPTED;
		return true;
	}
	(void)fprintf(stderr, "batch %s ", id);
	term_print_state(&c->err, state, stderr);
	(void)fputc('\n', stderr);
	*ret_status = str_eq(state, "success") ? 0 : EXIT_NOT_SUCCESS;
	if (!o->json)
		return true;
	return server_get_batch(c, id, "", &reply, e) && reply_print(reply.json, e);
}

static bool run(struct cli *c, const void *values, char **args, int count, int *ret_status, struct error *e)
{
	const struct submit_options *o = values;
	_sbuf_ struct sbuf body = SBUF_INIT(BODY_MAX_BYTES);
	_reply_ struct reply reply = { 0 };
	const char *id, *state;

	if (!write_body(&body, c->arena, o, args, count, e) || !interrupt_catch(e))
		return false;
	cli_be_patient(c, &o->retry_for);
	if (!submit(c, o, &body, &reply, e)) {
		*ret_status = EXIT_INTERRUPTED;
		return interrupt_seen();
	}
	if (!reply_need(reply.json, "id", &id, e) || !reply_need(reply.json, "state", &state, e))
		return false;
	if (!o->follow && o->json)
		return reply_print(reply.json, e);
	(void)fprintf(o->follow ? stderr : stdout, "batch %s %s\n", id, state);
	if (!o->follow)
		return cli_flush(stdout, e);
	return follow(c, o, id, ret_status, e);
}

const struct cmd cmd_submit = {
	.name = "submit",
	.args = "[OPTION]… FILE [ARG]…",
	.help = "hand a program to the server",
	.notes = "Options end at FILE; what follows it goes to the program as it is. A FILE that exists here is\n"
		 "named to the server by its absolute path; anything else must be a URI or an absolute path.\n",
	.options = options,
	.options_size = sizeof(struct submit_options),
	.args_min = 1,
	.args_max = ARGS_ANY,
	.args_verbatim = true,
	.run = run,
};
