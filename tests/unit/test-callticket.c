/* Calls that show a Kerberos ticket. Without a KDC (tools/setup test gets one) these tests say so and pass. */
#include "auth/kerberos.h"
#include "base/base64.h"
#include "base/clock.h"
#include "callworld.h"
#include <arpa/inet.h>
#include <limits.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>

enum { KDC_START_MS = 30000, KDC_POLL_MS = 20, PORT_TRIES = 3 };

static struct sockaddr_in local(int port)
{
	return (struct sockaddr_in){ .sin_family = AF_INET,
				     .sin_port = htons((uint16_t)port),
				     .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
}

/* A port that nobody has at the moment. */
static int free_port(void)
{
	struct sockaddr_in a = local(0);
	socklen_t n = sizeof a;
	_close_ int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	CHECK(fd >= 0 && bind(fd, (struct sockaddr *)&a, n) == 0 && getsockname(fd, (struct sockaddr *)&a, &n) == 0);
	return ntohs(a.sin_port);
}

static bool answers(int port, pid_t pid)
{
	struct sockaddr_in a = local(port);
	int64_t until_ms = clock_now_ms() + KDC_START_MS;

	while (clock_now_ms() < until_ms && waitpid(pid, NULL, WNOHANG) == 0) {
		_close_ int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

		if (access("realm/ready", F_OK) == 0 && connect(fd, (struct sockaddr *)&a, sizeof a) == 0)
			return true;
		(void)poll(NULL, 0, KDC_POLL_MS);
	}
	return false;
}

static bool start_once(void)
{
	char dir[PATH_MAX], conf[PATH_MAX + 16], port_text[16];
	int port = free_port();
	pid_t pid;

	CHECK(system("rm -rf realm; mkdir realm") == 0); /* NOLINT(cert-env33-c): of a test, and constant */
	CHECK(realpath("realm", dir) != NULL);
	(void)snprintf(conf, sizeof conf, "%s/krb5.conf", dir);
	(void)snprintf(port_text, sizeof port_text, "%d", port);
	CHECK(setenv("KRB5_CONFIG", conf, 1) == 0 && setenv("KRB5RCACHENAME", "dfl:", 1) == 0);
	CHECK(setenv("KRB5RCACHEDIR", dir, 1) == 0);
	if ((pid = fork()) == 0) {
		(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
		if (!freopen("kdc.log", "w", stdout) || dup2(1, 2) < 0)
			_exit(127);
		(void)execl(SOURCE_ROOT "/tests/kdc", "kdc", dir, port_text, (char *)NULL);
		_exit(127);
	}
	return answers(port, pid);
}

/* False: there is no KDC here. */
static bool start_kdc(void)
{
	if (access(SOURCE_ROOT "/.deps/krb5/usr/sbin/krb5kdc", X_OK) != 0) {
		(void)puts("# no KDC here: not tried");
		return false;
	}
	for (int i = 0; i < PORT_TRIES; i++)
		if (start_once())
			return true;
	t_fail(__FILE__, __LINE__, "the KDC does not start");
}

/* Kerberos knows localhost, not 127.0.0.1. */
static const char *named(char *to, size_t size, const struct world *w, const char *server, const char *path)
{
	(void)snprintf(to, size, "http://localhost:%d%s", port_of(w, server), path);
	return to;
}

static void check_token(const char *request)
{
	static const char header[] = "\r\nAuthorization: Negotiate ";
	const char *token = strstr(request, header);
	struct kerberos_guest guest = { 0 };
	char raw[KERBEROS_TOKEN_MAX];
	struct kerberos *k;
	struct error e;
	size_t n;

	CHECK(token != NULL);
	token += strlen(header);
	CHECK(base64_decode(token, strcspn(token, "\r"), raw, sizeof raw, &n));
	CHECK_OK(kerberos_new(NULL, "realm/http.keytab", "DEFAULT", &k, &e), e);
	CHECK_OK(kerberos_accept(k, raw, n, &guest, &e) == KERBEROS_RIGHT, e);
	CHECK_STR(guest.principal, "alice@FLORUS.TEST");
	free(guest.reply);
	k = kerberos_free(k);
}

TEST(a_ticket_is_shown_once_and_then_the_cookie_to_the_origin_only)
{
	_end_ struct end end = END_INIT;
	char url[128], origin[128];
	struct http_call_request r = { .method = "POST", .body = "payload", .body_len = 7, .timeout_ms = SOON_MS };
	struct world w;

	if (!start_kdc())
		return;
	open_world(&w, NULL);
	w.origins[0] = named(origin, sizeof origin, &w, "http", "");
	w.o.negotiate = true;
	w.o.keytab = "FILE:realm/users.keytab";
	w.o.ccache = "FILE:realm/cc";
	start(&w);

	r.url = named(url, sizeof url, &w, "http", "/ticket");
	ask(&end, &w, &r);
	check_ok(&end, 200, end.body);
	check_token(end.body);
	CHECK(str_starts(end.body, "POST ") && str_ends(end.body, "payload"));
	get(&end, &w, url);
	CHECK(end.a.status == 200 && strstr(end.body, "hadoop.auth=good") && !strstr(end.body, "Authorization"));
	get(&end, &w, named(url, sizeof url, &w, "other", "/ticket"));
	CHECK(end.a.status == 401 && !strstr(end.body, "Cookie") && !strstr(end.body, "Authorization"));
	r = (struct http_call_request){ .method = "GET", .url = url, .timeout_ms = SOON_MS, .ticket = true };
	ask(&end, &w, &r);
	check_ok(&end, 200, end.body);
	CHECK(!strstr(end.body, "Cookie"));
	check_token(end.body);
	close_world(&w);
}
