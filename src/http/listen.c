#include "http/listen.h"
#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

enum { LISTEN_BACKLOG = 1024 };

static bool bind_failed(const char *host, int port, int err, struct error *e)
{
	const char *cure = err == EADDRINUSE ? ": stop what listens there or set livy.server.port (0 = any free port)"
			   : err == EACCES   ? ": ports below 1024 need a privilege; set livy.server.port"
			   : err == EADDRNOTAVAIL ? ": this host has no such address; set livy.server.host"
						  : "";

	return error_set(e, ERR_CONFIG, "cannot listen on %s port %d: %s%s", host, port, strerror(err), cure);
}

static int port_of(int fd)
{
	struct sockaddr_storage a;
	socklen_t len = sizeof a;

	if (getsockname(fd, (struct sockaddr *)&a, &len) < 0)
		return 0;
	return ntohs(a.ss_family == AF_INET6 ? ((struct sockaddr_in6 *)&a)->sin6_port
					     : ((struct sockaddr_in *)&a)->sin_port);
}

bool listen_tcp(const char *host, int port, int *ret_fd, int *ret_port, struct error *e)
{
	struct addrinfo hints = { .ai_flags = AI_PASSIVE | AI_NUMERICSERV, .ai_socktype = SOCK_STREAM }, *found;
	char service[16];
	int one = 1;

	(void)snprintf(service, sizeof service, "%d", port);
	int rc = getaddrinfo(host, service, &hints, &found);
	if (rc != 0)
		return error_set(e, ERR_CONFIG, "livy.server.host: %s: %s", host, gai_strerror(rc));

	_close_ int fd = socket(found->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	bool ok = fd >= 0 && setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one) == 0 &&
		  bind(fd, found->ai_addr, found->ai_addrlen) == 0 && listen(fd, LISTEN_BACKLOG) == 0;
	int err = errno;

	freeaddrinfo(found);
	if (!ok)
		return bind_failed(host, port, err, e);
	*ret_port = port_of(fd);
	*ret_fd = take_fd(&fd);
	return true;
}
