/* SPDX-License-Identifier: MIT */
/* The terminal of top; see top_screen.h. */
#include "ctl/top_screen.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/signalfd.h>
#include <unistd.h>

#define ENTER "\033[?1049h\033[?25l" /* the other screen, without a cursor */
#define LEAVE "\033[?25h\033[?1049l"

/* By nohup(1), as a rule. */
static bool is_ignored(int number)
{
	struct sigaction action;

	return sigaction(number, NULL, &action) == 0 && action.sa_handler == SIG_IGN;
}

static void signals_of(sigset_t *set)
{
	static const int numbers[] = {SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGTSTP, SIGWINCH};

	sigemptyset(set);
	for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++)
		if (!is_ignored(numbers[i]))
			sigaddset(set, numbers[i]);
}

static void shown_set(struct screen *s, bool shown)
{
	struct termios raw = s->before;

	if (s->shown == shown)
		return;
	s->shown = shown;
	raw.c_lflag &= ~(tcflag_t)(ICANON | ECHO);
	tcsetattr(STDIN_FILENO, TCSADRAIN, shown ? &raw : &s->before);
	fputs(shown ? ENTER : LEAVE, stdout);
	fflush(stdout);
}

int screen_open(struct screen *s)
{
	sigset_t set;

	if (tcgetattr(STDIN_FILENO, &s->before) < 0)
		return -errno;
	signals_of(&set);
	s->signals = signalfd(-1, &set, SFD_CLOEXEC);
	if (s->signals < 0)
		return -errno;
	sigprocmask(SIG_BLOCK, &set, NULL);
	s->shown = false;
	shown_set(s, true);
	return 0;
}

void screen_close(struct screen *s)
{
	sigset_t set;

	shown_set(s, false);
	close(s->signals);
	signals_of(&set);
	sigprocmask(SIG_UNBLOCK, &set, NULL);
}

void screen_picture_begin(FILE *out)
{
	fputs("\033[H\033[J", out);
}

void screen_picture_end(FILE *out)
{
	fflush(out);
}

int screen_lines(void)
{
	struct winsize size = {.ws_row = 0};

	return ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 ? size.ws_row : 0;
}

/* As if nobody had caught it, but with the terminal as it was. */
static void signal_obey(struct screen *s, int number)
{
	sigset_t one;

	shown_set(s, false);
	if (number == SIGTSTP) {
		raise(SIGSTOP);
		shown_set(s, true);
		return;
	}
	sigemptyset(&one);
	sigaddset(&one, number);
	raise(number);
	sigprocmask(SIG_UNBLOCK, &one, NULL);
}

int screen_key(struct screen *s, int timeout_ms)
{
	struct pollfd fds[] = {{STDIN_FILENO, POLLIN, 0}, {s->signals, POLLIN, 0}};
	struct signalfd_siginfo info;
	unsigned char key;

	if (poll(fds, 2, timeout_ms) <= 0)
		return 0;
	if (fds[1].revents != 0 && read(s->signals, &info, sizeof info) == (ssize_t)sizeof info) {
		if (info.ssi_signo != SIGWINCH)
			signal_obey(s, (int)info.ssi_signo);
		return 0;
	}
	if (fds[0].revents == 0)
		return 0;
	return read(STDIN_FILENO, &key, 1) == 1 ? key : -1;
}
