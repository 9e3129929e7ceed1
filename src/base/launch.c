#include "base/launch.h"
#include "base/fdio.h"
#include "base/sbuf.h"
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>

enum { SEALS = F_SEAL_WRITE | F_SEAL_SHRINK | F_SEAL_GROW, WORDS_BEFORE_ARGV = 5 };

static const char magic[8] = "florspec";

/* Then come the groups, and NUL-terminated: name, cwd, properties, defaults, hidden, argv …, envp …. */
struct spec_head {
	char magic[8];
	uint32_t version, total_bytes, argc, envc, groupc, unused;
	int64_t uid, gid;
	int64_t log_max_bytes, grace_ms, go_timeout_ms;
};

static void add_word(struct sbuf *to, const char *word)
{
	sbuf_add(to, word, strlen(word) + 1);
}

static uint32_t add_words(struct sbuf *to, char *const *words)
{
	uint32_t count = 0;

	for (; words[count]; count++)
		add_word(to, words[count]);
	return count;
}

bool launch_spec_write(const struct launch_spec *spec, int *ret_fd, struct error *e)
{
	_sbuf_ struct sbuf b = SBUF_INIT(LAUNCH_SPEC_BYTES_MAX);
	struct spec_head head = {
		.version = LAUNCH_VERSION,
		.groupc = (uint32_t)spec->group_count,
		.uid = spec->uid,
		.gid = spec->gid,
		.log_max_bytes = spec->log_max_bytes,
		.grace_ms = spec->grace_ms,
		.go_timeout_ms = spec->go_timeout_ms,
	};

	memcpy(head.magic, magic, sizeof magic);
	sbuf_add(&b, &head, sizeof head);
	sbuf_add(&b, spec->groups, spec->group_count * sizeof *spec->groups);
	add_word(&b, spec->name);
	add_word(&b, spec->cwd);
	add_word(&b, spec->properties);
	add_word(&b, spec->defaults);
	add_word(&b, spec->hidden);
	head.argc = add_words(&b, spec->argv);
	head.envc = add_words(&b, spec->envp);
	head.total_bytes = (uint32_t)b.len;
	if (!sbuf_ok(&b))
		return error_set(e, ERR_TOO_LARGE, "arguments and environment are larger than %d bytes",
				 LAUNCH_SPEC_BYTES_MAX);
	memcpy(b.data, &head, sizeof head);

	_close_ int fd = memfd_create("florus-spec", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	if (fd < 0)
		return error_errno(e, errno, "make the launch spec");
	if (!fdio_write_all(fd, b.data, b.len, e))
		return error_wrap(e, "launch spec");
	if (fcntl(fd, F_ADD_SEALS, SEALS) < 0)
		return error_errno(e, errno, "seal the launch spec");
	*ret_fd = take_fd(&fd);
	return true;
}

static bool name_ok(const char *name)
{
	size_t n = strlen(name);

	return n > 0 && n < LAUNCH_NAME_MAX && name[0] != '.' && !strchr(name, '/');
}

/* Cuts [p, end) into `count` words and a NULL after them; the place behind, NULL when there are too few. */
static char *cut_words(char *p, const char *end, char **words, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		size_t n = p < end ? strnlen(p, (size_t)(end - p)) : 0;

		if (p >= end || p + n == end)
			return NULL;
		words[i] = p;
		p += n + 1;
	}
	words[count] = NULL;
	return p;
}

static bool read_words(struct launch_spec *s, const struct spec_head *head)
{
	char *before[WORDS_BEFORE_ARGV + 1];
	char *end = s->bytes + s->size, *p = s->bytes + sizeof *head;
	size_t group_bytes = (size_t)head->groupc * sizeof *s->groups;

	if (head->argc == 0 || head->argc > s->size || head->envc > s->size || head->groupc > LAUNCH_GROUPS_MAX ||
	    group_bytes > s->size - sizeof *head)
		return false;
	s->groups = (const gid_t *)(const void *)p; /* the mapping and the head are aligned for it */
	s->group_count = head->groupc;
	s->words = xcalloc((size_t)head->argc + head->envc + 2, sizeof *s->words);
	s->argv = s->words;
	s->envp = s->words + head->argc + 1;
	p = cut_words(p + group_bytes, end, before, WORDS_BEFORE_ARGV);
	if (!p || !name_ok(before[0]))
		return false;
	s->name = before[0];
	s->cwd = before[1];
	s->properties = before[2];
	s->defaults = before[3];
	s->hidden = before[4];
	p = cut_words(p, end, s->words, head->argc);
	p = p ? cut_words(p, end, s->words + head->argc + 1, head->envc) : NULL;
	return p == end;
}

bool launch_spec_open(int fd, struct launch_spec *ret, struct error *e)
{
	struct launch_spec s = { 0 };
	struct spec_head head;
	struct stat st;

	if (fcntl(fd, F_GET_SEALS) != SEALS || fstat(fd, &st) < 0)
		return error_set(e, ERR_INVALID, "the launch spec is not sealed");
	if (st.st_size < (off_t)sizeof head || st.st_size > LAUNCH_SPEC_BYTES_MAX)
		return error_set(e, ERR_INVALID, "the launch spec has a strange size");
	s.size = (size_t)st.st_size;
	s.bytes = mmap(NULL, s.size, PROT_READ, MAP_PRIVATE, fd, 0);
	if (s.bytes == MAP_FAILED)
		return error_errno(e, errno, "map the launch spec");
	memcpy(&head, s.bytes, sizeof head);
	if (memcmp(head.magic, magic, sizeof magic) != 0 || head.version != LAUNCH_VERSION ||
	    head.total_bytes != s.size || !read_words(&s, &head)) {
		launch_spec_done(&s);
		return error_set(e, ERR_INVALID, "the launch spec is not one of version %d", LAUNCH_VERSION);
	}
	s.uid = head.uid;
	s.gid = head.gid;
	s.log_max_bytes = head.log_max_bytes;
	s.grace_ms = head.grace_ms;
	s.go_timeout_ms = head.go_timeout_ms;
	*ret = s;
	return true;
}

void launch_spec_done(struct launch_spec *s)
{
	if (s->bytes)
		(void)munmap(s->bytes, s->size);
	free(s->words);
	*s = (struct launch_spec){ 0 };
}

bool launch_send(int fd, struct launch_msg *m)
{
	m->version = LAUNCH_VERSION;
	return send(fd, m, sizeof *m, MSG_NOSIGNAL) == (ssize_t)sizeof *m;
}

enum launch_got launch_recv(int fd, struct launch_msg *ret)
{
	struct launch_msg m;
	ssize_t n;

	do
		n = recv(fd, &m, sizeof m, 0);
	while (n < 0 && errno == EINTR);
	if (n < 0 && errno == EAGAIN)
		return LAUNCH_NOTHING;
	if (n != (ssize_t)sizeof m || m.version != LAUNCH_VERSION)
		return LAUNCH_EOF;
	m.text[sizeof m.text - 1] = '\0';
	*ret = m;
	return LAUNCH_GOT;
}

union fd_space {
	struct cmsghdr align;
	char bytes[CMSG_SPACE(2 * sizeof(int))];
};

bool launch_send_fds(int fd, int spec_fd, int control_fd, bool *ret_full, struct error *e)
{
	int fds[2] = { spec_fd, control_fd };
	char byte = LAUNCH_VERSION;
	struct iovec iov = { &byte, 1 };
	union fd_space space = { 0 };
	struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1, .msg_control = &space, .msg_controllen = sizeof space };
	struct cmsghdr *c = CMSG_FIRSTHDR(&msg);

	c->cmsg_level = SOL_SOCKET;
	c->cmsg_type = SCM_RIGHTS;
	c->cmsg_len = CMSG_LEN(sizeof fds);
	memcpy(CMSG_DATA(c), fds, sizeof fds);
	*ret_full = false;
	if (sendmsg(fd, &msg, MSG_NOSIGNAL | MSG_DONTWAIT) == 1)
		return true;
	*ret_full = errno == EAGAIN || errno == ETOOMANYREFS || errno == ENOBUFS;
	return error_errno(e, errno, "reach the launcher");
}

enum launch_got launch_recv_fds(int fd, int *ret_spec_fd, int *ret_control_fd)
{
	int fds[2] = { -1, -1 };
	char byte = 0;
	struct iovec iov = { &byte, 1 };
	union fd_space space = { 0 };
	struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1, .msg_control = &space, .msg_controllen = sizeof space };
	ssize_t n = recvmsg(fd, &msg, MSG_CMSG_CLOEXEC | MSG_DONTWAIT);

	if (n < 0)
		return errno == EAGAIN || errno == EINTR ? LAUNCH_NOTHING : LAUNCH_EOF;
	const struct cmsghdr *c = CMSG_FIRSTHDR(&msg);
	size_t got = c && c->cmsg_level == SOL_SOCKET && c->cmsg_type == SCM_RIGHTS ? c->cmsg_len - CMSG_LEN(0) : 0;
	if (got)
		memcpy(fds, CMSG_DATA(c), got < sizeof fds ? got : sizeof fds);
	if (n == 1 && byte == LAUNCH_VERSION && fds[1] >= 0 && !(msg.msg_flags & (MSG_CTRUNC | MSG_TRUNC))) {
		*ret_spec_fd = fds[0];
		*ret_control_fd = fds[1];
		return LAUNCH_GOT;
	}
	closep(&fds[0]);
	closep(&fds[1]);
	return n == 0 && got == 0 ? LAUNCH_EOF : LAUNCH_NOTHING;
}
