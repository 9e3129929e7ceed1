#include "t.h"
#include <fcntl.h>
#include <ftw.h>
#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum { TEST_TIME_MAX_S = 60 };

static struct t_case *first, **last = &first;

void t_register(struct t_case *c)
{
	*last = c;
	last = &c->next;
}

void t_fail(const char *file, int line, const char *fmt, ...)
{
	va_list ap;

	printf("# %s:%d: ", file, line);
	va_start(ap, fmt);
	vprintf(fmt, ap);
	va_end(ap);
	printf("\n");
	fflush(stdout);
	_exit(1);
}

void t_check_str(const char *file, int line, const char *expr, const char *got, const char *want)
{
	if (got == want || (got && want && strcmp(got, want) == 0))
		return;
	t_fail(file, line, "%s\n#   is    %s\n#   wants %s", expr, got ? got : "NULL", want ? want : "NULL");
}

void t_check_int(const char *file, int line, const char *expr, long long got, long long want)
{
	if (got != want)
		t_fail(file, line, "%s is %lld, wants %lld", expr, got, want);
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st, (void)type, (void)ftw;
	return remove(path);
}

static void run_here(const struct t_case *c)
{
	char dir[] = "/tmp/florus-test.XXXXXX";

	if (!mkdtemp(dir) || chdir(dir) < 0)
		t_fail(__FILE__, __LINE__, "cannot make a temporary directory");
	c->run();
}

static bool run_apart(const struct t_case *c)
{
	char dir[] = "/tmp/florus-test.XXXXXX";
	int status = 0;

	if (!mkdtemp(dir))
		t_fail(__FILE__, __LINE__, "cannot make a temporary directory");
	fflush(stdout);
	pid_t pid = fork();
	if (pid == 0) {
		if (chdir(dir) < 0)
			_exit(2);
		alarm(TEST_TIME_MAX_S);
		c->run();
		fflush(stdout);
		exit(0); /* not _exit: the leak checker reports at exit */
	}
	(void)waitpid(pid, &status, 0);
	(void)nftw(dir, remove_one, 16, FTW_DEPTH | FTW_PHYS);
	if (WIFSIGNALED(status))
		printf("# killed by %s\n", strsignal(WTERMSIG(status)));
	return status == 0;
}

static bool wanted(const struct t_case *c, int argc, char **argv)
{
	bool filtered = false;

	for (int i = 1; i < argc; i++) {
		if (argv[i][0] == '-')
			continue;
		filtered = true;
		if (strstr(c->name, argv[i]))
			return true;
	}
	return !filtered;
}

int main(int argc, char **argv)
{
	bool in_process = argc > 1 && strcmp(argv[1], "-n") == 0;
	int number = 0, failed = 0;

	for (const struct t_case *c = first; c; c = c->next) {
		if (!wanted(c, argc, argv))
			continue;
		if (in_process) {
			run_here(c);
			continue;
		}
		bool ok = run_apart(c);
		failed += !ok;
		printf("%s %d - %s\n", ok ? "ok" : "not ok", ++number, c->name);
	}
	printf("1..%d\n", number);
	return failed > 0;
}
