/* SPDX-License-Identifier: MIT */
/* Starting, limiting and reaping one program; see program.h. */
#include "helper/program.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/resource.h>
#include <sys/select.h>
#include <sys/wait.h>
#include <unistd.h>

#include "sys/clock.h"
#include "sys/drop_privileges.h"
#include "sys/parent.h"
#include "options/option.h"
#include "sys/process_group.h"

#define STDERR_KEPT   512
#define READS_AT_ONCE 16 /* as much as a pipe holds */
#define INPUT_FD      3
#define CHANNEL_FD    4

struct program {
	struct ev_loop *loop;
	pid_t pid;
	struct ev_io exit, out, err;
	struct ev_timer deadline;
	program_ended_cb cb;
	void *arg;
	uint64_t started_us, timeout_us;
	int error;
	char *output;
	size_t output_len, max_output;
	char stderr_text[STDERR_KEPT]; /* the beginning of its stderr */
	size_t stderr_len;
};

/* Who the program is to be, as the user table was read: nothing is looked up on the loop. */
struct account {
	uid_t uid;
	gid_t gid;
	char name[33];
	char home[128];
	bool become;
};

static int account_of_user(struct account *a, const struct user *user)
{
	memset(a, 0, sizeof *a);
	snprintf(a->name, sizeof a->name, "%s", user->os_user);
	snprintf(a->home, sizeof a->home, "%s", user->home);
	a->become = geteuid() == 0;
	if (!a->become)
		return 0;
	if (!user->has_uid)
		return -ENOENT;
	if (user->uid == 0 || user->gid == 0)
		return -EPERM;
	a->uid = user->uid;
	a->gid = user->gid;
	return 0;
}

/* ---- in the child: only calls that are safe after fork ------------------------------------- */

static int account_become(const struct account *a)
{
	if (!a->become)
		return 0;
	return drop_privileges_to(a->name, a->uid, a->gid);
}

static void environment_set(const struct account *a)
{
	const char *own_home = getenv("HOME"), *zone = getenv("TZ");
	char home[256], zone_copy[64];

	snprintf(home, sizeof home, "%s", a->become || !own_home ? a->home : own_home);
	snprintf(zone_copy, sizeof zone_copy, "%s", zone ? zone : "");
	clearenv();
	setenv("PATH", "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", 1);
	setenv("LANG", "C.UTF-8", 1);
	if (home[0] != '\0')
		setenv("HOME", home, 1);
	if (zone_copy[0] != '\0')
		setenv("TZ", zone_copy, 1);
	if (a->become) {
		setenv("USER", a->name, 1);
		setenv("LOGNAME", a->name, 1);
	}
}

/* Copies above the numbers that are about to be taken. */
static int descriptor_lift(int fd)
{
	return fcntl(fd, F_DUPFD, CHANNEL_FD + 1);
}

static void descriptors_set(int out, int err, const struct program_start *start)
{
	int nothing = open("/dev/null", O_RDWR);
	int input = descriptor_lift(start->input_fd), channel = descriptor_lift(start->channel_fd);

	dup2(start->stdin_fd > 0 ? start->stdin_fd : nothing, STDIN_FILENO);
	dup2(start->discard_output ? nothing : out, STDOUT_FILENO);
	dup2(err, STDERR_FILENO);
	if (input < 0 || channel < 0) {
		close_range(INPUT_FD, ~0u, 0);
		return;
	}
	dup2(input, INPUT_FD);
	dup2(channel, CHANNEL_FD);
	close_range(CHANNEL_FD + 1, ~0u, 0);
}

/* The supervisor raised it for its tunnels; a program that uses select(2) must not meet such numbers. */
static void descriptors_lower(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) < 0 || limit.rlim_cur <= FD_SETSIZE)
		return;
	limit.rlim_cur = FD_SETSIZE;
	setrlimit(RLIMIT_NOFILE, &limit);
}

static _Noreturn void program_main(const struct program_start *start, const struct account *a, pid_t helper, int out,
                                   int err)
{
	sigset_t none;
	int r;

	setpgid(0, 0);
	if (!parent_follow(helper))
		_exit(126);
	for (int n = 1; n < NSIG; n++)
		signal(n, SIG_DFL);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	descriptors_set(out, err, start);
	descriptors_lower();
	umask(0077);
	environment_set(a);
	r = account_become(a);
	if (r < 0) {
		dprintf(STDERR_FILENO, "cannot become %s: %s", a->name, strerror(-r));
		_exit(126);
	}
	if (a->home[0] == '\0' || chdir(a->home) < 0)
		if (chdir("/") < 0)
			_exit(126);
	execv(start->argv[0], start->argv);
	dprintf(STDERR_FILENO, "cannot start %s: %s", start->argv[0], strerror(errno));
	_exit(127);
}

/* ---- in the helper --------------------------------------------------------------------------- */

static void program_free(struct program *p)
{
	ev_io_stop(p->loop, &p->exit);
	ev_io_stop(p->loop, &p->out);
	ev_io_stop(p->loop, &p->err);
	ev_timer_stop(p->loop, &p->deadline);
	close(p->exit.fd);
	close(p->out.fd);
	close(p->err.fd);
	if (p->output)
		explicit_bzero(p->output, p->output_len); /* it may hold a credential */
	free(p->output);
	free(p);
}

/* Keeps what was read; false: there was more than may be, and the program is ended. */
static bool output_take(struct program *p, const char *bytes, size_t n)
{
	size_t room = p->max_output - p->output_len, take = n < room ? n : room;

	memcpy(p->output + p->output_len, bytes, take);
	p->output_len += take;
	if (n > room && p->error == 0) {
		p->error = -E2BIG;
		process_group_kill(p->pid);
	}
	return n <= room;
}

/* Nothing is read beyond the limit: a process that left the group outlives its end, and may write for ever. */
static void output_read(struct program *p)
{
	char buffer[4096];
	ssize_t n;

	while ((n = read(p->out.fd, buffer, sizeof buffer)) > 0 && output_take(p, buffer, (size_t)n))
		;
	explicit_bzero(buffer, sizeof buffer);
	if (n >= 0)
		ev_io_stop(p->loop, &p->out);
}

/* Keeps the beginning; the rest is read and dropped, and there may be no end to it. */
static void stderr_read(struct program *p)
{
	char buffer[4096];
	ssize_t n = 1;

	for (int i = 0; i < READS_AT_ONCE && n > 0; i++) {
		size_t room = sizeof p->stderr_text - 1 - p->stderr_len, take;

		n = read(p->err.fd, buffer, sizeof buffer);
		take = n < 0 ? 0 : (size_t)n < room ? (size_t)n : room;
		memcpy(p->stderr_text + p->stderr_len, buffer, take);
		p->stderr_len += take;
	}
	if (n == 0)
		ev_io_stop(p->loop, &p->err);
}

static void on_out(struct ev_loop *loop, struct ev_io *w, int revents)
{
	(void)loop, (void)revents;
	output_read(w->data);
}

static void on_err(struct ev_loop *loop, struct ev_io *w, int revents)
{
	(void)loop, (void)revents;
	stderr_read(w->data);
}

static void on_deadline(struct ev_loop *loop, struct ev_timer *w, int revents)
{
	struct program *p = w->data;

	(void)loop, (void)revents;
	p->error = -ETIMEDOUT;
	process_group_kill(p->pid);
}

/* "killed after its timeout of 10s; stderr: ..." */
static void why_write(const struct program *p, char *out, size_t size)
{
	static const struct t3ops_option duration = {.type = T3OPS_OPT_DURATION}, bytes = {.type = T3OPS_OPT_BYTES};
	char limit[32], killed[96] = "";

	if (p->error == -ETIMEDOUT) {
		option_number(&duration, (int64_t)p->timeout_us, limit, sizeof limit);
		snprintf(killed, sizeof killed, "killed after its timeout of %s", limit);
	} else if (p->error == -E2BIG) {
		option_number(&bytes, (int64_t)p->max_output, limit, sizeof limit);
		snprintf(killed, sizeof killed, "killed, for it wrote more than %s to stdout", limit);
	}
	snprintf(out, size, "%s%s%s%s", killed, *killed && *p->stderr_text ? "; " : "",
	         *p->stderr_text ? "stderr: " : "", p->stderr_text);
}

/* The leader ended: what it left behind in its group ends, too. */
static void on_exit_ready(struct ev_loop *loop, struct ev_io *w, int revents)
{
	struct program *p = w->data;
	char why[sizeof p->stderr_text + 128];
	struct program_end end = {.why = why};
	int status = 0;

	(void)loop, (void)revents;
	kill(-p->pid, SIGKILL);
	waitpid(p->pid, &status, 0);
	output_read(p);
	stderr_read(p);
	end.error = p->error;
	end.exit_code = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
	end.took_us = clock_mono_us() - p->started_us;
	end.out = p->output;
	end.out_len = p->output_len;
	why_write(p, why, sizeof why);
	p->cb(p->arg, &end);
	program_free(p);
}

static void program_watch(struct program *p, int pidfd, int out, int err, uint64_t timeout_us)
{
	ev_io_init(&p->exit, on_exit_ready, pidfd, EV_READ);
	ev_io_init(&p->out, on_out, out, EV_READ);
	ev_io_init(&p->err, on_err, err, EV_READ);
	ev_timer_init(&p->deadline, on_deadline, (double)timeout_us / 1e6, 0.);
	p->exit.data = p->out.data = p->err.data = p->deadline.data = p;
	ev_io_start(p->loop, &p->exit);
	ev_io_start(p->loop, &p->out);
	ev_io_start(p->loop, &p->err);
	ev_timer_start(p->loop, &p->deadline);
}

static struct program *program_new(struct ev_loop *loop, const struct program_start *start, program_ended_cb cb,
                                   void *arg)
{
	struct program *p = calloc(1, sizeof *p);

	if (!p)
		return NULL;
	p->loop = loop;
	p->cb = cb;
	p->arg = arg;
	p->max_output = start->max_output;
	p->output = malloc(start->max_output + 1);
	p->started_us = clock_mono_us();
	p->timeout_us = start->timeout_us;
	if (p->output)
		return p;
	free(p);
	return NULL;
}

static void pipe_close(int ends[2])
{
	close(ends[0]);
	close(ends[1]);
}

/* Forks; the read ends in out and err are ours then.  Returns the pid or -errno. */
static pid_t program_fork(const struct program_start *start, const struct account *a, int *out, int *err)
{
	int outs[2], errs[2];
	pid_t helper = getpid(), pid;

	if (pipe2(outs, O_CLOEXEC) < 0)
		return -errno;
	if (pipe2(errs, O_CLOEXEC) < 0) {
		pipe_close(outs);
		return -ENFILE;
	}
	pid = fork();
	if (pid == 0)
		program_main(start, a, helper, outs[1], errs[1]);
	close(outs[1]);
	close(errs[1]);
	if (pid < 0) {
		close(outs[0]);
		close(errs[0]);
		return -EAGAIN;
	}
	fcntl(outs[0], F_SETFL, O_NONBLOCK);
	fcntl(errs[0], F_SETFL, O_NONBLOCK);
	*out = outs[0];
	*err = errs[0];
	return pid;
}

struct program *program_start(struct ev_loop *loop, const struct program_start *start, program_ended_cb cb, void *arg)
{
	struct account account;
	struct program *p;
	int out = -1, err = -1, pidfd;
	int r = account_of_user(&account, start->user);

	p = r == 0 ? program_new(loop, start, cb, arg) : NULL;
	if (!p) {
		errno = r < 0 ? -r : ENOMEM;
		return NULL;
	}
	p->pid = program_fork(start, &account, &out, &err);
	pidfd = p->pid > 0 ? pidfd_open(p->pid, 0) : -1;
	if (pidfd < 0) {
		r = p->pid < 0 ? (int)-p->pid : errno;
		if (p->pid > 0) {
			process_group_kill(p->pid);
			waitpid(p->pid, NULL, 0);
			close(out);
			close(err);
		}
		free(p->output);
		free(p);
		errno = r;
		return NULL;
	}
	program_watch(p, pidfd, out, err, start->timeout_us);
	return p;
}

void program_kill(struct program *p)
{
	process_group_kill(p->pid);
	waitpid(p->pid, NULL, 0);
	program_free(p);
}
