#include "cli/interrupt.h"
#include <errno.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

static volatile sig_atomic_t seen;
static volatile sig_atomic_t wake_fd = -1; /* readable once the flag is set; -1: signals are not caught */

static void on_signal(int number)
{
	int saved = errno;
	ssize_t written = write((int)wake_fd, &(const uint64_t){ 1 }, sizeof(uint64_t));

	(void)written; /* the flag alone is enough: the sleep has an end */
	(void)number;
	seen = 1;
	errno = saved;
}

bool interrupt_catch(struct error *e)
{
	struct sigaction action = { .sa_handler = on_signal };
	int fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);

	if (fd < 0)
		return error_errno(e, errno, "eventfd");
	wake_fd = fd;
	if (sigaction(SIGINT, &action, NULL) < 0 || sigaction(SIGTERM, &action, NULL) < 0)
		return error_errno(e, errno, "sigaction");
	return true;
}

bool interrupt_seen(void)
{
	return seen;
}

const volatile sig_atomic_t *interrupt_flag(void)
{
	return &seen;
}

void interrupt_sleep(int64_t ms)
{
	struct pollfd wake = { .fd = (int)wake_fd, .events = POLLIN }; /* poll() ignores -1 */

	(void)poll(&wake, 1, (int)ms);
}
