#include "base/listen.h"
#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

static bool refused(const struct listen_on *on, int err, struct error *e)
{
	const char *cure = err == EADDRINUSE      ? on->in_use
			   : err == EACCES        ? on->denied
			   : err == EADDRNOTAVAIL ? on->no_such_address
						  : NULL;

	return error_set(e, ERR_CONFIG, "cannot listen%s on %s port %d: %s%s", on->whom, on->host, on->port,
			 strerror(err), cure ? cure : "");
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

bool listen_tcp(const struct listen_on *on, int *ret_fd, int *ret_port, struct error *e)
{
	struct addrinfo hints = { .ai_flags = AI_PASSIVE | AI_NUMERICSERV, .ai_socktype = SOCK_STREAM }, *found;
	char service[16];
	int one = 1;

	(void)snprintf(service, sizeof service, "%d", on->port);
	int rc = getaddrinfo(on->host, service, &hints, &found);
	if (rc != 0)
		return error_set(e, ERR_CONFIG, "cannot listen%s on %s: %s%s", on->whom, on->host, gai_strerror(rc),
				 on->no_such_host ? on->no_such_host : "");
	_close_ int fd = socket(found->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	bool ok = fd >= 0 && setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one) == 0 &&
		  bind(fd, found->ai_addr, found->ai_addrlen) == 0 && listen(fd, on->backlog) == 0;
	int err = errno;

	freeaddrinfo(found);
	if (!ok)
		return refused(on, err, e);
	*ret_port = port_of(fd);
	*ret_fd = take_fd(&fd);
	return true;
}
