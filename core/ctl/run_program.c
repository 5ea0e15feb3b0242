/* SPDX-License-Identifier: MIT */
/* Forks, becomes, executes, reads both outputs until the end or the deadline. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "ctl/run_program.h"
#include "sys/drop_privileges.h"

/* What the helper of the daemon gives its programs, too. */
static void environment_set(const struct passwd *as)
{
	char *path = strdup("PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin");

	clearenv();
	putenv(path);
	setenv("HOME", as->pw_dir, 1);
	setenv("USER", as->pw_name, 1);
	setenv("LOGNAME", as->pw_name, 1);
	setenv("LANG", "C.UTF-8", 1);
}

static _Noreturn void child_run(char *const argv[], const struct passwd *as, const int ends[2])
{
	int null = open("/dev/null", O_RDONLY | O_CLOEXEC);
	int error = 0;

	setpgid(0, 0);
	if (as != NULL && geteuid() == 0) {
		error = -drop_privileges_to(as->pw_name, as->pw_uid, as->pw_gid);
		environment_set(as);
	}
	if (error == 0 && dup2(null, 0) >= 0 && dup2(ends[0], 1) >= 0 && dup2(ends[1], 2) >= 0) {
		execv(argv[0], argv);
		error = errno;
	}
	dprintf(ends[1], "%s: %s\n", argv[0], strerror(error));
	_exit(127);
}

static long now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

/* Appends what there is to read; false at its end. */
static bool output_take(int fd, char *text)
{
	char bytes[4096];
	size_t used = strlen(text);
	ssize_t n = read(fd, bytes, sizeof bytes);

	if (n <= 0)
		return n < 0 && errno == EINTR;
	if ((size_t)n > RUN_OUTPUT_MAX - 1 - used)
		n = (ssize_t)(RUN_OUTPUT_MAX - 1 - used);
	memcpy(text + used, bytes, (size_t)n);
	text[used + (size_t)n] = '\0';
	return true;
}

/* False: the deadline passed. */
static bool outputs_read(const int fds[2], long until_ms, struct run_result *r)
{
	struct pollfd polls[2] = {{.fd = fds[0], .events = POLLIN}, {.fd = fds[1], .events = POLLIN}};
	char *texts[2] = {r->out, r->err};

	while (polls[0].fd >= 0 || polls[1].fd >= 0) {
		long left = until_ms - now_ms();

		if (left <= 0 || poll(polls, 2, (int)left) == 0)
			return false;
		for (int i = 0; i < 2; i++)
			if (polls[i].fd >= 0 && polls[i].revents != 0 && !output_take(polls[i].fd, texts[i]))
				polls[i].fd = -1;
	}
	return true;
}

static void child_await(pid_t pid, bool in_time, struct run_result *r)
{
	int status = 0;

	if (!in_time)
		kill(-pid, SIGKILL);
	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	r->status = !in_time ? -1 : WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
	r->error = in_time ? 0 : ETIMEDOUT;
}

void run_program(char *const argv[], const struct passwd *as, unsigned timeout_ms, struct run_result *r)
{
	int out[2], err[2];
	pid_t pid;

	r->status = -1;
	r->out[0] = r->err[0] = '\0';
	if (pipe2(out, O_CLOEXEC) < 0 || pipe2(err, O_CLOEXEC) < 0 || (pid = fork()) < 0) {
		r->error = errno;
		return;
	}
	if (pid == 0)
		child_run(argv, as, (int[]){out[1], err[1]});
	setpgid(pid, pid);
	close(out[1]);
	close(err[1]);
	child_await(pid, outputs_read((int[]){out[0], err[0]}, now_ms() + timeout_ms, r), r);
	close(out[0]);
	close(err[0]);
}
