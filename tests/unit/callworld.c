#include "callworld.h"
#include "base/fdio.h"
#include <fcntl.h>
#include <signal.h>
#include <string.h>

void end_free(struct end *end)
{
	free(end->body);
	sbuf_done(&end->got);
}
static void on_done(void *arg, const struct http_call_answer *a)
{
	struct end *end = arg;
	const char *one = http_call_header(a->call, "x-one");

	end->times++;
	end->a = *a;
	end->call = NULL;
	(void)snprintf(end->type, sizeof end->type, "%s", a->content_type);
	(void)snprintf(end->location, sizeof end->location, "%s", a->location);
	(void)snprintf(end->one, sizeof end->one, "%s", one ? one : "");
	free(end->body);
	end->body = xmalloc(a->body_len + 1);
	memcpy(end->body, a->body, a->body_len + 1);
	CHECK(a->body[a->body_len] == '\0');
	if (--end->w->wanted <= 0)
		loop_stop(end->w->loop);
}

void open_world(struct world *w, const char *const *tls)
{
	const char *argv[PORTS_MAX + 3] = { "python3", SOURCE_ROOT "/tests/unit/liar.py" };
	int in[2], out[2], argc = 2;
	FILE *lines;

	*w = (struct world){ .loop = loop_new() };
	w->o = (struct http_calls_options){ .loop = w->loop, .user_agent = "test", .origins = w->origins };
	for (; tls && *tls; tls++)
		argv[argc++] = *tls;
	CHECK(pipe2(in, O_CLOEXEC) == 0 && pipe2(out, O_CLOEXEC) == 0);
	(void)signal(SIGPIPE, SIG_IGN);
	if (fork() == 0) {
		(void)dup2(in[0], 0);
		(void)dup2(out[1], 1);
		(void)execvp("python3", (char **)(uintptr_t)argv);
		_exit(127);
	}
	(void)close(in[0]);
	(void)close(out[1]);
	lines = fdopen(out[0], "r");
	while (w->port_count < PORTS_MAX && fgets(w->ports[w->port_count], 32, lines) &&
	       w->ports[w->port_count][0] != '.')
		w->port_count++;
	(void)fclose(lines);
	CHECK(w->port_count >= 2);
}

int port_of(const struct world *w, const char *name)
{
	size_t n = strlen(name);
	int64_t port = 0;

	for (int i = 0; i < w->port_count; i++)
		if (strncmp(w->ports[i], name, n) == 0 && w->ports[i][n] == ' ') {
			char digits[16];

			(void)snprintf(digits, sizeof digits, "%.*s", (int)strcspn(w->ports[i] + n + 1, "\n"),
				       w->ports[i] + n + 1);
			CHECK(str_to_i64(digits, &port));
		}
	CHECK(port > 0);
	return (int)port;
}

const char *at(const struct world *w, const char *server, const char *path)
{
	static char urls[8][512];
	static int next;
	char *url = urls[next = (next + 1) % 8];
	bool plain = str_eq(server, "http") || str_eq(server, "other");

	(void)snprintf(url, sizeof urls[0], "%s://127.0.0.1:%d%s", plain ? "http" : "https", port_of(w, server), path);
	return url;
}

void trust(struct world *w, const char *server)
{
	(void)snprintf(w->origin, sizeof w->origin, "%s", at(w, server, "/"));
	w->origins[0] = w->origin;
}

void start(struct world *w)
{
	struct error e;

	CHECK_OK(http_calls_new(&w->o, &w->calls, &e), e);
}

void close_world(struct world *w)
{
	w->calls = http_calls_free(w->calls);
	w->loop = loop_free(w->loop);
}

void begin(struct end *end, struct world *w, const struct http_call_request *r)
{
	int times = end->times;

	end->w = w;
	end->call = http_call(w->calls, r, on_done, end);
	CHECK(end->times == times); /* never inside */
}

void ask(struct end *end, struct world *w, const struct http_call_request *r)
{
	w->wanted = 1;
	end->times = 0;
	begin(end, w, r);
	loop_run(w->loop);
	CHECK_INT(end->times, 1);
}

void get(struct end *end, struct world *w, const char *url)
{
	ask(end, w, &(struct http_call_request){ .method = "GET", .url = url, .timeout_ms = SOON_MS });
}

static void on_time(void *arg)
{
	loop_stop(arg);
}

void run_for(struct world *w, int64_t ms)
{
	struct loop_timer *t = loop_timer_new(w->loop, on_time, w->loop);

	loop_timer_set(t, ms, 0);
	loop_run(w->loop);
	t = loop_timer_free(t);
}

void check_error(const struct end *end, enum error_code code, bool sent, const char *words)
{
	CHECK_STR(error_name(end->a.error.code), error_name(code));
	if (!strstr(end->a.error.msg, words))
		t_fail(__FILE__, __LINE__, "%s does not say %s", end->a.error.msg, words);
	CHECK_INT(end->a.sent, sent);
	CHECK_STR(end->body, "");
}

void check_ok(const struct end *end, int status, const char *body)
{
	CHECK_STR(end->a.error.msg, "");
	CHECK_INT(end->a.error.code, ERR_NONE);
	CHECK_INT(end->a.status, status);
	CHECK(end->a.sent);
	CHECK_STR(end->body, body);
}

void make_file(const char *name, size_t n)
{
	_sbuf_ struct sbuf bytes = SBUF_INIT(n);
	struct error e;

	for (size_t i = 0; i < n; i++)
		sbuf_addc(&bytes, (char)('a' + i % 26));
	CHECK_OK(fdio_replace_file(AT_FDCWD, name, bytes.data, n, &e), e);
}
