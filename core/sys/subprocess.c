/* SPDX-License-Identifier: MIT */
/* Functions in throwaway processes; see subprocess.h. */
#include "sys/subprocess.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/pidfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include "sys/buf.h"
#include "sys/parent.h"
#include "sys/process_group.h"

#define READ_BYTES 65536

struct gathered {
	struct ev_io io; /* fd -1 after its end */
	struct subprocess *of;
	struct buf buf;
};

struct subprocess {
	struct ev_loop *loop;
	struct subprocess_start start;
	pid_t pid;
	struct ev_io exit;
	struct ev_timer deadline;
	bool timed_out;
	struct gathered pipes[SUBPROCESS_PIPES];
};

/* ---- in the new process ------------------------------------------------------------------------------ */

/* The parent's handlers and descriptors are none of its own. */
static void inheritance_drop(const int pipes[SUBPROCESS_PIPES])
{
	unsigned low = (unsigned)(pipes[0] < pipes[1] ? pipes[0] : pipes[1]);
	unsigned high = (unsigned)(pipes[0] < pipes[1] ? pipes[1] : pipes[0]);
	sigset_t none;

	for (int sig = 1; sig < NSIG; sig++)
		signal(sig, SIG_DFL);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	if (low > 3)
		close_range(3, low - 1, 0);
	if (high > low + 1)
		close_range(low + 1, high - 1, 0);
	close_range(high + 1, ~0U, 0);
}

static _Noreturn void subprocess_main(const struct subprocess_start *start, const int pipes[SUBPROCESS_PIPES],
                                      pid_t parent)
{
	setpgid(0, 0);
	if (!parent_follow(parent))
		_exit(EXIT_FAILURE);
	inheritance_drop(pipes);
	_exit(start->run(start->arg, pipes));
}

/* ---- in this one --------------------------------------------------------------------------------------- */

static void gathered_close(struct gathered *g)
{
	if (g->io.fd < 0)
		return;
	ev_io_stop(g->of->loop, &g->io);
	close(g->io.fd);
	ev_io_init(&g->io, NULL, -1, EV_READ);
}

static void subprocess_free(struct subprocess *p)
{
	ev_io_stop(p->loop, &p->exit);
	ev_timer_stop(p->loop, &p->deadline);
	if (p->exit.fd >= 0)
		close(p->exit.fd);
	for (size_t i = 0; i < SUBPROCESS_PIPES; i++) {
		gathered_close(&p->pipes[i]);
		buf_fini(&p->pipes[i].buf);
	}
	free(p);
}

/* What is there; false: there may be more later. */
static bool gather(struct gathered *g)
{
	while (g->io.fd >= 0) {
		ssize_t n = -1;

		if (buf_reserve(&g->buf, READ_BYTES + 1))
			n = read(g->io.fd, buf_end(&g->buf), READ_BYTES);
		else
			errno = ENOMEM;
		if (n < 0 && (errno == EAGAIN || errno == EINTR))
			return false;
		if (n > 0)
			buf_added(&g->buf, (size_t)n);
		if (n <= 0 || buf_len(&g->buf) > g->of->start.max_bytes)
			gathered_close(g);
	}
	return true;
}

static void on_output(struct ev_loop *loop, struct ev_io *w, int revents)
{
	(void)loop, (void)revents;
	gather(w->data);
}

static void on_deadline(struct ev_loop *loop, struct ev_timer *w, int revents)
{
	struct subprocess *p = w->data;

	(void)loop, (void)revents;
	p->timed_out = true;
	process_group_kill(p->pid);
}

/* Whatever it started and left in its group ends with it; what left the group may hold the pipes open for ever, and
 * is not waited for. */
static void on_exit_ready(struct ev_loop *loop, struct ev_io *w, int revents)
{
	struct subprocess *p = w->data;
	struct subprocess_end end = {.timed_out = p->timed_out};

	(void)loop, (void)revents;
	kill(-p->pid, SIGKILL);
	while (waitpid(p->pid, &end.status, 0) < 0 && errno == EINTR)
		;
	for (size_t i = 0; i < SUBPROCESS_PIPES; i++) {
		struct buf *b = &p->pipes[i].buf;

		gather(&p->pipes[i]);
		end.len[i] = buf_len(b);
		end.bytes[i] = buf_add(b, "", 1) ? buf_at(b) : "";
	}
	p->start.on_end(p->start.arg, &end);
	subprocess_free(p);
}

static void gathered_init(struct subprocess *p, size_t i, int fd)
{
	struct gathered *g = &p->pipes[i];

	g->of = p;
	ev_io_init(&g->io, on_output, fd, EV_READ);
	g->io.data = g;
	if (fd < 0)
		return;
	fcntl(fd, F_SETFL, O_NONBLOCK);
	ev_io_start(p->loop, &g->io);
}

static void ends_close(int ends[SUBPROCESS_PIPES][2], int which, size_t n)
{
	for (size_t i = 0; i < n; i++)
		close(ends[i][which]);
}

/* 0 or -errno. */
static int pipes_open(int ends[SUBPROCESS_PIPES][2])
{
	for (size_t i = 0; i < SUBPROCESS_PIPES; i++)
		if (pipe2(ends[i], O_CLOEXEC) < 0) {
			int error = errno;

			ends_close(ends, 0, i);
			ends_close(ends, 1, i);
			return -error;
		}
	return 0;
}

/* The pid, and the read ends are ours; or -errno. */
static pid_t subprocess_fork(const struct subprocess_start *start, int out[SUBPROCESS_PIPES])
{
	int ends[SUBPROCESS_PIPES][2], writable[SUBPROCESS_PIPES];
	pid_t pid = pipes_open(ends), parent;

	if (pid < 0)
		return pid;
	for (size_t i = 0; i < SUBPROCESS_PIPES; i++) {
		out[i] = ends[i][0];
		writable[i] = ends[i][1];
	}
	fflush(NULL);
	parent = getpid();
	pid = fork();
	if (pid == 0)
		subprocess_main(start, writable, parent);
	if (pid < 0) {
		pid = -errno;
		ends_close(ends, 0, SUBPROCESS_PIPES);
	}
	ends_close(ends, 1, SUBPROCESS_PIPES);
	return pid;
}

struct subprocess *subprocess_start(struct ev_loop *loop, const struct subprocess_start *start)
{
	struct subprocess *p = calloc(1, sizeof *p);
	int out[SUBPROCESS_PIPES], pidfd;

	if (!p)
		return NULL;
	p->pid = subprocess_fork(start, out);
	if (p->pid < 0) {
		errno = (int)-p->pid;
		free(p);
		return NULL;
	}
	setpgid(p->pid, p->pid); /* whoever comes first */
	p->loop = loop;
	p->start = *start;
	for (size_t i = 0; i < SUBPROCESS_PIPES; i++)
		gathered_init(p, i, out[i]);
	pidfd = pidfd_open(p->pid, 0);
	ev_io_init(&p->exit, on_exit_ready, pidfd, EV_READ);
	ev_timer_init(&p->deadline, on_deadline, 0., 0.);
	p->exit.data = p->deadline.data = p;
	if (pidfd < 0) {
		int error = errno;

		subprocess_cancel(p);
		errno = error;
		return NULL;
	}
	ev_io_start(loop, &p->exit);
	ev_now_update(loop); /* forking took a moment, which is not the child's */
	ev_timer_set(&p->deadline, (double)start->timeout_us / 1e6, 0.);
	ev_timer_start(loop, &p->deadline);
	return p;
}

void subprocess_cancel(struct subprocess *p)
{
	if (!p)
		return;
	process_group_kill(p->pid);
	waitpid(p->pid, NULL, 0);
	subprocess_free(p);
}
