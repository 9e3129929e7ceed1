#include "run/socket.h"
#include "base/listen.h"
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stddef.h>
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

bool socket_listen_tcp(const char *host, int port, int *ret_fd, struct error *e)
{
	const struct listen_on on = {
		.host = host,
		.port = port,
		.backlog = BACKLOG,
		.whom = " for session drivers",
		.no_such_address = ": this host has no such address; set florus.session.listen to the one that it has",
		.in_use = ": something listens there; choose another port of florus.session.address",
	};

	return listen_tcp(&on, ret_fd, &port, e);
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
