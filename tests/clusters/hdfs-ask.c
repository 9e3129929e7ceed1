/*
 * hdfs-ask URLS USER AS OPERATION ARGUMENT… [, OPERATION ARGUMENT…]… - asks HDFS by cluster/hadoop/hdfs.h, one after
 * the other, and prints a JSON object a line for what each came to. USER and AS may be empty. For test_hdfs.py.
 */
#include "base/json.h"
#include "base/str.h"
#include "cluster/hadoop/hdfs.h"
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>

struct asking {
	struct loop *loop;
	struct hdfs *hdfs;
	const char *as;
	char **argv; /* what is left */
	int failures;
};

static void go_on(struct asking *me);

static void print(const struct hdfs_answer *a)
{
	_sbuf_ struct sbuf text = SBUF_INIT(1 << 20);
	struct jw w = { .out = &text };
	struct rusage used;

	(void)getrusage(RUSAGE_SELF, &used);
	jw_open(&w, NULL, '{');
	jw_str(&w, "error", error_name(a->error.code));
	jw_str(&w, "msg", a->error.code ? a->error.msg : NULL);
	jw_bool(&w, "yes", a->yes);
	jw_str(&w, "home", a->home);
	jw_int(&w, "rss_kib", used.ru_maxrss);
	if (a->status.owner) {
		jw_int(&w, "length", a->status.length);
		jw_int(&w, "modified_ms", a->status.modified_ms);
		jw_bool(&w, "dir", a->status.dir);
		jw_int(&w, "mode", a->status.mode);
		jw_str(&w, "owner", a->status.owner);
		jw_str(&w, "group", a->status.group);
	}
	jw_close(&w, '}');
	(void)puts(sbuf_str(&text));
}

static void on_answer(void *arg, const struct hdfs_answer *a)
{
	print(a);
	go_on(arg);
}

static const char *next(struct asking *me)
{
	return *me->argv ? *me->argv++ : "";
}

static int next_mode(struct asking *me)
{
	int mode = 0;

	for (const char *s = next(me); *s; s++)
		mode = mode * 8 + (*s - '0');
	return mode;
}

static void ask_mkdirs(struct asking *me)
{
	const char *path = next(me);

	(void)hdfs_mkdirs(me->hdfs, path, next_mode(me), me->as, on_answer, me);
}

static void ask_stat(struct asking *me)
{
	(void)hdfs_stat(me->hdfs, next(me), me->as, on_answer, me);
}

static void ask_remove(struct asking *me)
{
	const char *path = next(me);

	(void)hdfs_remove(me->hdfs, path, str_eq(next(me), "all"), me->as, on_answer, me);
}

static void ask_home(struct asking *me)
{
	(void)hdfs_home(me->hdfs, me->as, on_answer, me);
}

static void ask_rename(struct asking *me)
{
	const char *path = next(me);

	(void)hdfs_rename(me->hdfs, path, next(me), me->as, on_answer, me);
}

static void ask_put(struct asking *me)
{
	struct hdfs_put put = { .path = next(me), .mode = next_mode(me) };

	put.bytes = next(me);
	put.len = strlen(put.bytes);
	(void)hdfs_put(me->hdfs, &put, me->as, on_answer, me);
}

static void ask_put_file(struct asking *me)
{
	struct hdfs_put put = { .path = next(me), .mode = next_mode(me) };
	struct stat st = { 0 };

	put.fd = open(next(me), O_RDONLY | O_CLOEXEC);
	put.fd_len = fstat(put.fd, &st) == 0 ? st.st_size : 0;
	(void)hdfs_put(me->hdfs, &put, me->as, on_answer, me);
	(void)close(put.fd); /* it has its own */
}

static const struct {
	const char *name;
	void (*ask)(struct asking *me);
} operations[] = { { "mkdirs", ask_mkdirs }, { "stat", ask_stat }, { "remove", ask_remove },   { "home", ask_home },
		   { "rename", ask_rename }, { "put", ask_put },   { "putfile", ask_put_file } };

static void go_on(struct asking *me)
{
	const char *name = next(me);

	if (str_eq(name, ","))
		name = next(me);
	for (size_t i = 0; i < ARRAY_LEN(operations); i++)
		if (str_eq(operations[i].name, name)) {
			operations[i].ask(me);
			return;
		}
	me->failures = *name != '\0';
	loop_stop(me->loop);
}

int main(int argc, char **argv)
{
	struct asking me = { .loop = loop_new(), .argv = argv + 4 };
	struct http_calls_options http = { .loop = me.loop, .user_agent = "hdfs-ask" };
	struct error e;

	if (argc < 5)
		return 2;
	(void)signal(SIGPIPE, SIG_IGN);
	me.as = *argv[3] ? argv[3] : NULL;
	if (!hdfs_new(&(struct hdfs_options){ .urls = argv[1], .user = *argv[2] ? argv[2] : NULL, .http = &http },
		      &me.hdfs, &e)) {
		(void)fprintf(stderr, "%s\n", e.msg);
		return 1;
	}
	go_on(&me);
	if (*me.argv || !me.failures)
		loop_run(me.loop);
	me.hdfs = hdfs_free(me.hdfs);
	me.loop = loop_free(me.loop);
	return me.failures;
}
