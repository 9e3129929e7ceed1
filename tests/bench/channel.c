#include "channel.h"
#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

static bool shake_hands(struct channel *c, struct error *e)
{
	static gnutls_certificate_credentials_t nobody;
	int rc = nobody ? 0 : gnutls_certificate_allocate_credentials(&nobody);

	if (rc == 0)
		rc = gnutls_init(&c->session, GNUTLS_CLIENT | GNUTLS_NO_SIGNAL);
	if (rc == 0)
		rc = gnutls_set_default_priority(c->session);
	if (rc == 0)
		rc = gnutls_credentials_set(c->session, GNUTLS_CRD_CERTIFICATE, nobody);
	if (rc == 0) {
		gnutls_transport_set_int(c->session, c->fd);
		rc = gnutls_handshake(c->session);
	}
	if (rc < 0)
		return error_set(e, ERR_UNAVAILABLE, "TLS: %s", gnutls_strerror(rc));
	return fcntl(c->fd, F_SETFL, O_NONBLOCK) == 0 || error_errno(e, errno, "fcntl");
}

bool channel_open(struct channel *c, const struct sockaddr_in *server, bool tls, struct error *e)
{
	int one = 1;

	channel_close(c);
	c->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (c->fd < 0)
		return error_errno(e, errno, "socket");
	if (connect(c->fd, (const struct sockaddr *)server, sizeof *server) < 0)
		return error_errno(e, errno, "connect");
	(void)setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
	return !tls || shake_hands(c, e);
}

void channel_close(struct channel *c)
{
	if (c->session)
		gnutls_deinit(c->session);
	if (c->fd >= 0)
		(void)close(c->fd);
	*c = (struct channel){ .fd = -1 };
}

bool channel_send(struct channel *c, const char *bytes, size_t n)
{
	if (c->session)
		return gnutls_record_send(c->session, bytes, n) == (ssize_t)n;
	return send(c->fd, bytes, n, MSG_NOSIGNAL) == (ssize_t)n;
}

ssize_t channel_receive(struct channel *c, char *to, size_t n)
{
	if (!c->session)
		return recv(c->fd, to, n, MSG_DONTWAIT);
	ssize_t got = gnutls_record_recv(c->session, to, n);
	if (got >= 0)
		return got;
	errno = gnutls_error_is_fatal((int)got) ? EPROTO : EAGAIN;
	return -1;
}
