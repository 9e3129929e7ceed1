#include "run/socket.h"
#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>

enum {
	BACKLOG = 256,
	IDLE_S = 30, /* without a byte until the first probe */
	PROBE_EVERY_S = 10,
	PROBES = 3,
	UNANSWERED_MS = 60000, /* bytes of ours that nobody has acknowledged */
};

bool socket_listen_abstract(const char *name, int *ret_fd, struct error *e)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	size_t n = strlen(name);

	if (n == 0 || n >= sizeof address.sun_path)
		return error_set(e, ERR_CONFIG, "the name of the sessions' socket is too long");
	memcpy(address.sun_path + 1, name, n); /* behind a NUL: an abstract name */
	_close_ int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0 ||
	    bind(fd, (struct sockaddr *)&address, (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 + n)) < 0 ||
	    listen(fd, BACKLOG) < 0) {
		error_errno(e, errno, "listen for session drivers on @%s", name);
		e->code = ERR_CONFIG;
		return false;
	}
	*ret_fd = take_fd(&fd);
	return true;
}

static bool refused(const char *host, int port, int err, struct error *e)
{
	const char *cure = err == EADDRINUSE
				   ? ": something listens there; choose another port of florus.session.address"
			   : err == EADDRNOTAVAIL
				   ? ": this host has no such address; set florus.session.listen to the one that it has"
				   : "";

	return error_set(e, ERR_CONFIG, "cannot listen for session drivers on %s port %d: %s%s", host, port,
			 strerror(err), cure);
}

bool socket_listen_tcp(const char *host, int port, int *ret_fd, struct error *e)
{
	struct addrinfo hints = { .ai_flags = AI_PASSIVE | AI_NUMERICSERV, .ai_socktype = SOCK_STREAM }, *found;
	char service[16];
	int one = 1;

	(void)snprintf(service, sizeof service, "%d", port);
	int rc = getaddrinfo(host, service, &hints, &found);
	if (rc != 0)
		return error_set(e, ERR_CONFIG, "cannot listen for session drivers on %s: %s", host, gai_strerror(rc));
	_close_ int fd = socket(found->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	bool ok = fd >= 0 && setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one) == 0 &&
		  bind(fd, found->ai_addr, found->ai_addrlen) == 0 && listen(fd, BACKLOG) == 0;
	int err = errno;

	freeaddrinfo(found);
	if (!ok)
		return refused(host, port, err, e);
	*ret_fd = take_fd(&fd);
	return true;
}

void socket_keep_alive(int fd)
{
	static const struct {
		int level, option, value;
	} wanted[] = {
		{ SOL_SOCKET, SO_KEEPALIVE, 1 },
		{ IPPROTO_TCP, TCP_KEEPIDLE, IDLE_S },
		{ IPPROTO_TCP, TCP_KEEPINTVL, PROBE_EVERY_S },
		{ IPPROTO_TCP, TCP_KEEPCNT, PROBES },
		{ IPPROTO_TCP, TCP_USER_TIMEOUT, UNANSWERED_MS },
		{ IPPROTO_TCP, TCP_NODELAY, 1 },
	};

	for (size_t i = 0; i < ARRAY_LEN(wanted); i++) /* without one of them it only takes longer */
		(void)setsockopt(fd, wanted[i].level, wanted[i].option, &wanted[i].value, sizeof wanted[i].value);
}
