/* Passwords asked of a real slapd. Without one (tools/setup test gets it; or $SLAPD) those tests say so and pass. */
#include "auth/auth.h"
#include "auth/ldap.h"
#include "base/clock.h"
#include "base/fdio.h"
#include "loop/loop.h"
#include "t.h"
#include <arpa/inet.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>

enum { SLAPD_START_MS = 8000, SLAPD_POLL_MS = 10, PORT_TRIES = 3, MINUTE_MS = 60000 };

/* Of attributes that slapd knows without any schema file. */
#define BASE_DN "cn=people"

/* --- what needs no directory --- */

static const char *bind_name(const char *base_dn, const char *domain, const char *name)
{
	static char to[512];
	struct ldap_settings s = { .base_dn = base_dn, .domain = domain };

	CHECK(ldap_bind_name(&s, name, to, sizeof to));
	return to;
}

TEST(names_are_bound_as_livy_binds_them)
{
	CHECK_STR(bind_name(BASE_DN, NULL, "alice"), "uid=alice," BASE_DN);
	CHECK_STR(bind_name(BASE_DN, "example.org", "alice"), "uid=alice@example.org," BASE_DN);
	CHECK_STR(bind_name(NULL, "example.org", "alice"), "alice@example.org");
	CHECK_STR(bind_name("", "example.org", "alice@other.org"), "alice@other.org");
	CHECK_STR(bind_name("", "", "alice"), "alice");
}

TEST(a_name_cannot_leave_its_place_in_the_dn)
{
	CHECK_STR(bind_name(BASE_DN, NULL, "a,ou=x"), "uid=a\\2cou\\3dx," BASE_DN);
	CHECK_STR(bind_name(BASE_DN, NULL, "#a+b\"<c>;\\"), "uid=\\23a\\2bb\\22\\3cc\\3e\\3b\\5c," BASE_DN);
}

/* --- a directory --- */

struct directory {
	pid_t pid;
	char url[64];
};

static const char *find_slapd(void)
{
	static const char *const places[] = { SOURCE_ROOT "/.deps/slapd/slapd", "/usr/sbin/slapd",
					      "/usr/local/sbin/slapd", "/usr/libexec/slapd" };
	const char *given = getenv("SLAPD");

	for (size_t i = 0; !given && i < ARRAY_LEN(places); i++)
		if (access(places[i], X_OK) == 0)
			given = places[i];
	return given;
}

static void write_file(const char *name, const char *text)
{
	struct error e;

	CHECK_OK(fdio_replace_file(AT_FDCWD, name, text, strlen(text), &e), e);
}

/* A port that nobody has at the moment; *ret_fd holds it until it is closed. */
static int take_port(int *ret_fd)
{
	struct sockaddr_in a = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t n = sizeof a;

	*ret_fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	CHECK(*ret_fd >= 0 && bind(*ret_fd, (struct sockaddr *)&a, n) == 0);
	CHECK(getsockname(*ret_fd, (struct sockaddr *)&a, &n) == 0);
	return ntohs(a.sin_port);
}

/* The one account is the database's own: it needs no tool to put it there. */
static void write_config(void)
{
	write_file("slapd.conf", "pidfile ./pid\nargsfile ./args\ndatabase ldif\ndirectory ./db\n"
				 "suffix \"" BASE_DN "\"\nrootdn \"uid=alice," BASE_DN "\"\nrootpw right\n");
	CHECK(mkdir("db", 0700) == 0);
}

static bool answers(int port, pid_t pid)
{
	struct sockaddr_in a = { .sin_family = AF_INET,
				 .sin_port = htons((uint16_t)port),
				 .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	int64_t until_ms = clock_now_ms() + SLAPD_START_MS;

	while (clock_now_ms() < until_ms && waitpid(pid, NULL, WNOHANG) == 0) {
		_close_ int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

		if (connect(fd, (struct sockaddr *)&a, sizeof a) == 0)
			return true;
		(void)poll(NULL, 0, SLAPD_POLL_MS);
	}
	return false;
}

static bool start_once(struct directory *d, const char *slapd)
{
	int fd, port = take_port(&fd);

	(void)snprintf(d->url, sizeof d->url, "ldap://127.0.0.1:%d", port);
	(void)close(fd);
	d->pid = fork();
	if (d->pid == 0) {
		(void)execl(slapd, slapd, "-d", "0", "-h", d->url, "-f", "slapd.conf", (char *)NULL);
		_exit(127);
	}
	return answers(port, d->pid);
}

/* False: there is no slapd here. */
static bool start_directory(struct directory *d)
{
	const char *slapd = find_slapd();

	if (!slapd) {
		(void)puts("# no slapd here: not tried");
		return false;
	}
	write_config();
	for (int i = 0; i < PORT_TRIES; i++)
		if (start_once(d, slapd))
			return true;
	t_fail(__FILE__, __LINE__, "%s does not start", slapd);
}

static void stop_directory(struct directory *d)
{
	(void)kill(d->pid, SIGKILL);
	(void)waitpid(d->pid, NULL, 0);
}

/* --- asking it --- */

struct answer {
	struct loop *loop;
	int status, retry_after_s;
	char user[64], method[16];
};

static void on_answer(void *arg, const struct auth_result *r)
{
	struct answer *a = arg;

	a->status = r->status;
	a->retry_after_s = r->retry_after_s;
	(void)snprintf(a->user, sizeof a->user, "%s", r->user ? r->user : "");
	(void)snprintf(a->method, sizeof a->method, "%s", r->method ? r->method : "");
	loop_stop(a->loop);
}

static struct answer ask(struct loop *l, struct auth *auth, const char *authorization)
{
	struct auth_request r = { .peer = "192.0.2.1", .authorization = authorization, .authorization_count = 1 };
	struct answer a = { .loop = l };

	(void)auth_check(auth, &r, on_answer, &a);
	while (a.status == 0) /* a stop before the run is kept for it */
		loop_run(l);
	return a;
}

static struct auth *new_auth(struct loop *l, const char *url, bool start_tls)
{
	struct auth_config c = { .type = "ldap",
				 .ldap_url = url,
				 .ldap_base_dn = BASE_DN,
				 .ldap_start_tls = start_tls,
				 .cache_ms = MINUTE_MS };
	struct auth *auth = NULL;
	struct error e;

	CHECK_OK(auth_new(l, &c, &auth, &e), e);
	return auth;
}

TEST(the_directory_decides)
{
	struct directory d = { 0 };
	struct answer a;

	if (!start_directory(&d))
		return;
	struct loop *l = loop_new();
	struct auth *auth = new_auth(l, d.url, false);

	a = ask(l, auth, "Basic YWxpY2U6cmlnaHQ="); /* alice:right */
	CHECK_INT(a.status, 200);
	CHECK_STR(a.user, "alice");
	CHECK_STR(a.method, "ldap");
	CHECK_INT(ask(l, auth, "Basic YWxpY2U6d3Jvbmc=").status, 401); /* alice:wrong */
	CHECK_INT(ask(l, auth, "Basic bm9ib2R5OnJpZ2h0").status, 401); /* nobody:right */
	CHECK_INT(ask(l, auth, "Basic YWxpY2U6").status, 401);         /* alice: */

	stop_directory(&d);
	CHECK_INT(ask(l, auth, "Basic YWxpY2U6cmlnaHQ=").status, 200); /* remembered */
	CHECK_INT(ask(l, auth, "Basic YWxpY2U6d3Jvbmc=").status, 503); /* it could be right now */
	auth = auth_free(auth);
	l = loop_free(l);
}

TEST(no_password_goes_in_the_clear_where_tls_was_asked_for)
{
	struct directory d = { 0 };
	struct answer a;

	if (!start_directory(&d)) /* one that has no certificate */
		return;
	struct loop *l = loop_new();
	struct auth *auth = new_auth(l, d.url, true);

	a = ask(l, auth, "Basic YWxpY2U6cmlnaHQ=");
	CHECK_INT(a.status, 503);
	CHECK(a.retry_after_s >= 1);
	stop_directory(&d);
	auth = auth_free(auth);
	l = loop_free(l);
}

TEST(a_directory_that_is_away_is_no_wrong_password)
{
	char url[64];
	int fd, port = take_port(&fd); /* bound, not listening: connections are refused */
	struct loop *l = loop_new();

	(void)snprintf(url, sizeof url, "ldap://127.0.0.1:%d", port);
	struct auth *auth = new_auth(l, url, false);
	for (int i = 0; i < 20; i++) { /* and no failure of the caller's */
		struct answer a = ask(l, auth, "Basic YWxpY2U6cmlnaHQ=");

		CHECK_INT(a.status, 503);
		CHECK(a.retry_after_s >= 1);
	}
	(void)close(fd);
	auth = auth_free(auth);
	l = loop_free(l);
}
