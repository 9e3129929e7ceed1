#include "http/gate.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/map.h"
#include <arpa/inet.h>
#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/resource.h>

/* Room for the address, or the /64 of an IPv6 address: whoever has one of its addresses has all. */
enum { PEER_KEY_MAX = GATE_ADDRESS_MAX, V6_KEY_BYTES = 8 };

static_assert((int)GATE_ADDRESS_MAX == INET6_ADDRSTRLEN, "the room of an address is the system's");

struct gate_peer {
	int count;
	char key[PEER_KEY_MAX];
};

struct gate {
	struct loop *loop;
	struct gate_config config;
	struct loop_watch *watch;
	struct loop_timer *pause;
	struct map *peers;
	int connections_max, guests_max, count, guests;
	int reserve_fd;
	int64_t turned_away, tell_at_ms;
};

static const char refusal[] =
	"HTTP/1.1 503 Service Unavailable\r\nRetry-After: 1\r\nContent-Type: application/json;charset=utf-8\r\n"
	"Content-Length: 43\r\nConnection: close\r\n\r\n"
	"{\"msg\":\"too many connections: try again\"}\r\n";

/* --- addresses --- */

const char *gate_address(const struct sockaddr *a, char *to, socklen_t size)
{
	if (a && a->sa_family == AF_INET)
		return inet_ntop(AF_INET, &((const struct sockaddr_in *)(const void *)a)->sin_addr, to, size);
	if (a && a->sa_family == AF_INET6)
		return inet_ntop(AF_INET6, &((const struct sockaddr_in6 *)(const void *)a)->sin6_addr, to, size);
	return NULL;
}

static void peer_key(const struct sockaddr *a, char key[PEER_KEY_MAX])
{
	struct sockaddr_in6 v6;

	if (a->sa_family == AF_INET6 &&
	    !IN6_IS_ADDR_V4MAPPED(&((const struct sockaddr_in6 *)(const void *)a)->sin6_addr)) {
		memcpy(&v6, a, sizeof v6);
		memset(v6.sin6_addr.s6_addr + V6_KEY_BYTES, 0, sizeof v6.sin6_addr.s6_addr - V6_KEY_BYTES);
		a = (const struct sockaddr *)&v6;
	}
	if (!gate_address(a, key, PEER_KEY_MAX))
		key[0] = '\0';
}

/* --- letting in --- */

static bool admit_peer(struct gate *g, const struct sockaddr *a, struct gate_peer **ret)
{
	char key[PEER_KEY_MAX], text[PEER_KEY_MAX];
	const char *peer = gate_address(a, text, sizeof text);
	struct gate_peer *p;

	*ret = NULL;
	if (g->config.connections_per_address == 0 || !peer ||
	    (g->config.exempt && g->config.exempt(g->config.exempt_arg, peer)))
		return true;
	peer_key(a, key);
	p = map_get(g->peers, key);
	if (p && p->count >= g->config.connections_per_address)
		return false;
	if (!p) {
		p = xcalloc(1, sizeof *p);
		memcpy(p->key, key, sizeof key);
		map_set(g->peers, p->key, p);
	}
	p->count++;
	*ret = p;
	return true;
}

void gate_leave(struct gate *g, struct gate_place place)
{
	if (place.guest)
		g->guests--;
	else
		g->count--;
	if (place.peer && --place.peer->count == 0) {
		map_del(g->peers, place.peer->key);
		free(place.peer);
	}
}

static void tell(struct gate *g, const char *why)
{
	int64_t now = clock_now_ms();

	g->turned_away++;
	if (now < g->tell_at_ms)
		return;
	log_warn("connections turned away", LOG_INT("count", g->turned_away), LOG_STR("why", why));
	g->turned_away = 0;
	g->tell_at_ms = now + GATE_TELL_EVERY_MS;
}

static void turn_away(struct gate *g, int fd, const char *why)
{
	tell(g, why);
	if (g->config.plain) {
		(void)send(fd, refusal, sizeof refusal - 1, MSG_DONTWAIT | MSG_NOSIGNAL);
		(void)shutdown(fd, SHUT_WR);
	}
	(void)close(fd);
}

static void judge(struct gate *g, int fd, const struct sockaddr *a, socklen_t len)
{
	struct gate_place place = { .guest = g->count >= g->connections_max };

	if (place.guest && g->guests >= g->guests_max) {
		turn_away(g, fd, "florus.http.connections-max");
	} else if (!admit_peer(g, a, &place.peer)) {
		turn_away(g, fd, "florus.http.connections-per-address");
	} else {
		*(place.guest ? &g->guests : &g->count) += 1;
		g->config.enter(g->config.enter_arg, fd, a, len, place);
	}
}

/* --- accepting --- */

static void close_once(int *fd)
{
	closep(fd);
	*fd = -1;
}

static int take_reserve(void)
{
	return open("/dev/null", O_RDONLY | O_CLOEXEC);
}

/* False: even with the reserve there is nobody to be had. */
static bool turn_away_with_reserve(struct gate *g)
{
	int fd;

	close_once(&g->reserve_fd);
	fd = accept4(g->config.listen_fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
	if (fd >= 0)
		turn_away(g, fd, "no descriptor is free: raise the limit of open files");
	g->reserve_fd = take_reserve();
	return fd >= 0;
}

static void accept_some(void *arg);

static void resume(void *arg)
{
	struct gate *g = arg;
	struct error e = { 0 };

	if (g->reserve_fd < 0)
		g->reserve_fd = take_reserve();
	if (!loop_watch_new(g->loop, g->config.listen_fd, accept_some, g, &g->watch, &e))
		loop_timer_set(g->pause, GATE_PAUSE_MS, 0);
}

static void pause_accepting(struct gate *g)
{
	tell(g, "nothing can be accepted");
	g->watch = loop_watch_free(g->watch);
	loop_timer_set(g->pause, GATE_PAUSE_MS, 0);
}

static bool is_short(int err)
{
	return err == EMFILE || err == ENFILE || err == ENOBUFS || err == ENOMEM;
}

/* False: that is all for now. */
static bool accept_one(struct gate *g)
{
	struct sockaddr_storage address = { 0 };
	socklen_t len = sizeof address;
	int fd = accept4(g->config.listen_fd, (struct sockaddr *)&address, &len, SOCK_NONBLOCK | SOCK_CLOEXEC);

	if (fd >= 0) {
		judge(g, fd, (const struct sockaddr *)&address, len);
		return true;
	}
	if (!is_short(errno))
		return errno != EAGAIN; /* that one has gone: the next */
	if (turn_away_with_reserve(g))
		return true;
	pause_accepting(g);
	return false;
}

static void accept_some(void *arg)
{
	for (int i = 0; i < GATE_ACCEPTS_MAX && accept_one(arg); i++)
		;
}

/* --- the whole --- */

static int clamp(rlim_t n, int low, int high)
{
	return n < (rlim_t)low ? low : n > (rlim_t)high ? high : (int)n;
}

/* How many connections the limit of open files leaves. */
static void plan(struct gate *g)
{
	struct rlimit files = { .rlim_cur = RLIM_INFINITY };

	(void)getrlimit(RLIMIT_NOFILE, &files);
	int kept = clamp(files.rlim_cur / 4, GATE_FDS_KEPT_MIN, GATE_FDS_KEPT_MAX);
	int left = clamp(files.rlim_cur, kept + 1, INT_MAX) - kept;

	g->guests_max = kept / 4 < GATE_GUESTS_MAX ? kept / 4 : GATE_GUESTS_MAX;
	g->connections_max = g->config.connections_max < left ? g->config.connections_max : left;
	if (g->connections_max < g->config.connections_max)
		log_info("fewer connections than florus.http.connections-max: jobs need descriptors, too",
			 LOG_INT("connections", left), LOG_INT("limit_of_open_files", (int64_t)files.rlim_cur));
}

bool gate_new(struct loop *l, const struct gate_config *config, struct gate **ret, struct error *e)
{
	struct gate *g = xcalloc(1, sizeof *g);

	g->loop = l;
	g->config = *config;
	plan(g);
	g->peers = map_new();
	g->pause = loop_timer_new(l, resume, g);
	g->reserve_fd = take_reserve();
	if (!loop_watch_new(l, config->listen_fd, accept_some, g, &g->watch, e)) {
		(void)gate_free(g);
		return false;
	}
	*ret = g;
	return true;
}

void gate_close(struct gate *g)
{
	loop_timer_stop(g->pause);
	g->watch = loop_watch_free(g->watch);
	close_once(&g->config.listen_fd);
}

struct gate *gate_free(struct gate *g)
{
	if (!g)
		return NULL;
	gate_close(g);
	close_once(&g->reserve_fd);
	g->pause = loop_timer_free(g->pause);
	g->peers = map_free(g->peers);
	free(g);
	return NULL;
}

int gate_capacity(const struct gate *g)
{
	return g->connections_max + g->guests_max;
}
