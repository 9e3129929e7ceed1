#include "cli/password.h"
#include "base/fdio.h"
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <termios.h>

enum { ASK_TRIES_MAX = 3, CTRL_C = 3, CTRL_BACKSLASH = 28 };

/* One line, a byte at a time, so that nothing behind it is taken from whoever reads next. */
static bool read_line(int fd, char to[PASSWORD_BYTES], struct error *e)
{
	size_t n = 0;

	for (;;) {
		char c = '\0';
		ssize_t got = read(fd, &c, 1);

		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return error_errno(e, errno, "read the password");
		if (got == 0 || c == '\n')
			break;
		if (c == CTRL_C || c == CTRL_BACKSLASH)
			return error_set(e, ERR_INVALID, "given up; nothing was changed");
		if (n == PASSWORD_BYTES - 1)
			return error_set(e, ERR_INVALID, "a password has at most %d bytes", PASSWORD_BYTES - 1);
		to[n++] = c;
	}
	to[n] = '\0';
	return true;
}

bool password_read_stdin(char to[PASSWORD_BYTES], struct error *e)
{
	if (!read_line(STDIN_FILENO, to, e))
		return false;
	size_t n = strlen(to);
	if (n && to[n - 1] == '\r')
		to[n - 1] = '\0';
	return true;
}

static bool say(int tty, const char *text, struct error *e)
{
	return fdio_write_all(tty, text, strlen(text), e) || error_wrap(e, "the terminal");
}

static bool ask_once(int tty, const char *prompt, char to[PASSWORD_BYTES], struct error *e)
{
	bool ok = say(tty, prompt, e) && read_line(tty, to, e);
	/* The end of the line that was typed was not shown either. */
	ssize_t shown = write(tty, "\n", 1);

	(void)shown;
	return ok;
}

static bool ask_mute(int tty, char to[PASSWORD_BYTES], struct error *e)
{
	char again[PASSWORD_BYTES];
	bool ok = true, same = false;

	for (int i = 0; i < ASK_TRIES_MAX && ok && !same; i++) {
		ok = ask_once(tty, "New password: ", to, e) && ask_once(tty, "Once more: ", again, e);
		same = ok && strcmp(to, again) == 0;
		if (ok && !same)
			ok = say(tty, "They are not the same.\n", e);
	}
	explicit_bzero(again, sizeof again);
	return ok && (same || error_set(e, ERR_INVALID, "given up; nothing was changed"));
}

bool password_ask(char to[PASSWORD_BYTES], struct error *e)
{
	_close_ int tty = open("/dev/tty", O_RDWR | O_CLOEXEC | O_NOCTTY);
	struct termios shown, mute;
	sigset_t held, before;

	if (tty < 0 || tcgetattr(tty, &shown) < 0)
		return error_set(e, ERR_INVALID,
				 "there is no terminal to ask for the password; --stdin reads it from a line of "
				 "standard input");
	mute = shown;
	mute.c_lflag &= ~(tcflag_t)(ECHO | ECHONL | ISIG);
	mute.c_cc[VEOL] = CTRL_C; /* a line ends there too, or it would wait for Enter */
	mute.c_cc[VEOL2] = CTRL_BACKSLASH;
	(void)sigemptyset(&held);
	for (size_t i = 0; i < 4; i++)
		(void)sigaddset(&held, (const int[]){ SIGINT, SIGTERM, SIGTSTP, SIGQUIT }[i]);
	(void)sigprocmask(SIG_BLOCK, &held, &before);
	bool ok = tcsetattr(tty, TCSAFLUSH, &mute) == 0 || error_errno(e, errno, "silence the terminal");
	ok = ok && ask_mute(tty, to, e);
	(void)tcsetattr(tty, TCSAFLUSH, &shown);
	(void)sigprocmask(SIG_SETMASK, &before, NULL);
	return ok;
}
