/* SPDX-License-Identifier: MIT */
/* See program.h. */
#include "program.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/due.h"

#define TAIL_SIZE 400 /* of its stderr: the end says why */
#define LOOK_MS   200

struct program {
	pid_t pid;
	int out, err;
	char *text;
	size_t len, size;
	char tail[TAIL_SIZE];
	size_t tail_len;
};

static _Noreturn void program_main(const char *const *argv, const int out[2], const int err[2])
{
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	signal(SIGPIPE, SIG_DFL);
	signal(SIGXFSZ, SIG_DFL);
	dup2(open("/dev/null", O_RDONLY | O_CLOEXEC), STDIN_FILENO);
	dup2(out[1], STDOUT_FILENO);
	dup2(err[1], STDERR_FILENO);
	close_range(STDERR_FILENO + 1, ~0U, 0);
	execvp(argv[0], (char *const *)(uintptr_t)argv);
	dprintf(STDERR_FILENO, "cannot start %s: %s", argv[0], strerror(errno));
	_exit(127);
}

static int program_start(struct program *p, const char *const *argv)
{
	int out[2], err[2];

	if (pipe2(out, O_CLOEXEC) < 0)
		return -errno;
	if (pipe2(err, O_CLOEXEC) < 0) {
		close(out[0]);
		close(out[1]);
		return -EMFILE;
	}
	p->pid = fork();
	if (p->pid == 0)
		program_main(argv, out, err);
	close(out[1]);
	close(err[1]);
	p->out = out[0];
	p->err = err[0];
	return p->pid > 0 ? 0 : -EAGAIN;
}

static void out_take(struct program *p, const char *bytes, size_t n)
{
	size_t room = p->size - 1 - p->len, take = n < room ? n : room;

	memcpy(p->text + p->len, bytes, take);
	p->len += take;
	p->text[p->len] = '\0';
}

static void tail_take(struct program *p, const char *bytes, size_t n)
{
	size_t keep;

	if (n > TAIL_SIZE - 1) {
		bytes += n - (TAIL_SIZE - 1);
		n = TAIL_SIZE - 1;
	}
	keep = p->tail_len + n > TAIL_SIZE - 1 ? TAIL_SIZE - 1 - n : p->tail_len;
	memmove(p->tail, p->tail + p->tail_len - keep, keep);
	memcpy(p->tail + keep, bytes, n);
	p->tail_len = keep + n;
	p->tail[p->tail_len] = '\0';
}

/* False at its end. */
static bool pipe_read(struct program *p, int *fd, void (*take)(struct program *, const char *, size_t))
{
	char bytes[4096];
	ssize_t n = read(*fd, bytes, sizeof bytes);

	if (n > 0) {
		take(p, bytes, (size_t)n);
		return true;
	}
	close(*fd);
	*fd = -1;
	return false;
}

/* Until both pipes are closed, or it is over: what it started may keep them open. */
static int pipes_follow(struct program *p, uint64_t until_us)
{
	while (p->out >= 0 || p->err >= 0) {
		struct pollfd fds[] = {{.fd = p->out, .events = POLLIN}, {.fd = p->err, .events = POLLIN}};
		siginfo_t info = {0};

		if (is_due(until_us))
			return -ETIMEDOUT;
		if (poll(fds, 2, LOOK_MS) > 0) {
			if (fds[0].revents != 0)
				pipe_read(p, &p->out, out_take);
			if (fds[1].revents != 0)
				pipe_read(p, &p->err, tail_take);
		} else if (waitid(P_PID, (id_t)p->pid, &info, WEXITED | WNOHANG | WNOWAIT) == 0 && info.si_pid != 0) {
			return 0;
		}
	}
	return 0;
}

/* The last line that is not empty. */
static const char *last_line(char *text)
{
	size_t len = strlen(text);
	char *line;

	while (len > 0 && (unsigned char)text[len - 1] <= ' ')
		text[--len] = '\0';
	line = strrchr(text, '\n');
	return line != NULL ? line + 1 : text;
}

static int end_judge(struct program *p, const char *name, int status, char *why, size_t size)
{
	const char *said;

	if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
		return 0;
	said = last_line(p->tail_len > 0 ? p->tail : p->text);
	snprintf(why, size, "%.80s: %s %d%s%.200s", name, WIFEXITED(status) ? "exit code" : "signal",
	         WIFEXITED(status) ? WEXITSTATUS(status) : WTERMSIG(status), *said != '\0' ? ": " : "", said);
	return -EIO;
}

int program_run(const char *const *argv, uint64_t until_us, char *out, size_t out_size, char *why, size_t size)
{
	struct program p = {.out = -1, .err = -1, .text = out, .size = out_size};
	int status = 0, r;

	out[0] = '\0';
	r = program_start(&p, argv);
	if (r < 0) {
		snprintf(why, size, "%.80s cannot be started: %s", argv[0], strerror(-r));
		return r;
	}
	r = pipes_follow(&p, until_us);
	while (waitpid(p.pid, &status, WNOHANG) == 0) {
		if (r < 0 || is_due(until_us)) {
			r = -ETIMEDOUT;
			kill(p.pid, SIGKILL);
		}
		usleep(1000);
	}
	if (p.out >= 0)
		close(p.out);
	if (p.err >= 0)
		close(p.err);
	if (r < 0) {
		snprintf(why, size, "%.80s did not end before the run's deadline", argv[0]);
		return r;
	}
	return end_judge(&p, argv[0], status, why, size);
}
